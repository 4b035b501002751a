"""Scaling laws, one a file: formula, parameters with priors, paper, published numbers."""

from typing import TYPE_CHECKING

from bayescale._internal.discovery import lazy_names

if TYPE_CHECKING:
    from bayescale.laws.accuracy_from_loss import AccuracyFromLoss as AccuracyFromLoss
    from bayescale.laws.accuracy_in_tokens import AccuracyInTokens as AccuracyInTokens
    from bayescale.laws.batch_size import BatchSize as BatchSize
    from bayescale.laws.broken_power_law import BrokenPowerLaw as BrokenPowerLaw
    from bayescale.laws.chinchilla import Chinchilla as Chinchilla
    from bayescale.laws.coupled import Coupled as Coupled
    from bayescale.laws.data_constrained import DataConstrained as DataConstrained
    from bayescale.laws.error_from_loss import ErrorFromLoss as ErrorFromLoss
    from bayescale.laws.experts_floor import ExpertsFloor as ExpertsFloor
    from bayescale.laws.farseer import Farseer as Farseer
    from bayescale.laws.fine_tuning import FineTuning as FineTuning
    from bayescale.laws.kaplan import Kaplan as Kaplan
    from bayescale.laws.learning_rate import LearningRate as LearningRate
    from bayescale.laws.m4 import M4 as M4
    from bayescale.laws.majority_vote import MajorityVote as MajorityVote
    from bayescale.laws.mixture import Mixture as Mixture
    from bayescale.laws.overtrained import Overtrained as Overtrained
    from bayescale.laws.parallel_streams import ParallelStreams as ParallelStreams
    from bayescale.laws.pass_at_k import PassAtK as PassAtK
    from bayescale.laws.power_law import PowerLaw as PowerLaw
    from bayescale.laws.precision import Precision as Precision
    from bayescale.laws.precision_penalty import PrecisionPenalty as PrecisionPenalty
    from bayescale.laws.rectified_sft import RectifiedSFT as RectifiedSFT
    from bayescale.laws.routed_experts import RoutedExperts as RoutedExperts
    from bayescale.laws.settings_valley import SettingsValley as SettingsValley
    from bayescale.laws.sigmoid import Sigmoid as Sigmoid
    from bayescale.laws.vocabulary import Vocabulary as Vocabulary
else:
    __getattr__, __dir__ = lazy_names(__name__)
