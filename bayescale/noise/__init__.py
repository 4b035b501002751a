"""Noise models, one a file: how the loss of a run scatters about the law."""

from typing import TYPE_CHECKING

from bayescale._internal.discovery import lazy_names

if TYPE_CHECKING:
    from bayescale.noise.asymmetric_student_t import AsymmetricStudentT as AsymmetricStudentT
    from bayescale.noise.binomial import Binomial as Binomial
    from bayescale.noise.compute_scale import ComputeScale as ComputeScale
    from bayescale.noise.discrepancy import Discrepancy as Discrepancy
    from bayescale.noise.frontier_scale import FrontierScale as FrontierScale
    from bayescale.noise.group_effects import GroupEffects as GroupEffects
    from bayescale.noise.huber import Huber as Huber
    from bayescale.noise.known_error import KnownError as KnownError
    from bayescale.noise.laplace import Laplace as Laplace
    from bayescale.noise.normal import Normal as Normal
    from bayescale.noise.student_t import StudentT as StudentT
else:
    __getattr__, __dir__ = lazy_names(__name__)
