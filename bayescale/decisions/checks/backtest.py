"""Would the forecast have been right? Fit some runs, forecast the others, and score what was said
against what came.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayescale._internal.discovery import describe
from bayescale._internal.progress import bar
from bayescale.decisions.checks._tested import what_was_tested
from bayescale.decisions.checks.forecasters import (
    Fitted,
    Forecaster,
    HuberBootstrap,
    Prediction,
    require_loss,
)
from bayescale.decisions.checks.holdouts.base import Fold, Holdout, compute
from bayescale.decisions.checks.holdouts.largest_compute import LargestCompute
from bayescale.decisions.checks.scores import run_scores, summary
from bayescale.defaults import textbook_law
from bayescale.errors import InputError
from bayescale.inference.base import Method
from bayescale.laws.base import Law
from bayescale.noise.base import Noise
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, complaints_about, messages, records, to_html, to_text
from bayescale.runs import Runs, RunsLike, as_runs
from bayescale.units import QUANTILES_TO_SCORE

_FIRST_SCORES = ("coverage50", "coverage90", "crps", "rmsle", "n_train", "n_test")


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts of hidden runs beside their losses.

    Attributes
    ----------
    frame : DataFrame, one row per hidden run and model
        ``model``, ``fold`` and ``run_id``; ``n_params`` and ``n_tokens``, where the runs have them;
        ``compute`` (FLOPs) and ``decades``, how many powers of ten it lies beyond the largest
        compute of a fitted run; ``n_train``; ``loss`` and quantiles of its forecast, ``q025`` …
        ``q975``, in nats per token; ``pit``; ``crps`` and ``log_score`` in log loss, the latter NaN
        where the forecast has no density; ``covered50`` … ``covered95``.
    posteriors : dict of str to Posterior
        The fit of each fold, whose ``runs`` are those that it was made from.
    runs : Runs
    holdout : Holdout
    """

    frame: pd.DataFrame
    posteriors: dict[str, Posterior] = field(repr=False)
    runs: Runs = field(repr=False)
    holdout: Holdout

    @property
    def model(self) -> str:
        """Name of the model that was backtested, as the frame has it beside today's practice."""
        return str(self.frame["model"].iloc[0])

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Diagnostics that failed; each sentence begins with the fold."""
        complaints: list[Complaint] = []
        for name, posterior in self.posteriors.items():
            complaints += complaints_about(f"Without {name}", posterior.problems)
        return tuple(complaints)

    def summary(self) -> pd.DataFrame:
        """Scores of the model, and of today's practice on the same runs.

        Returns
        -------
        DataFrame, one row per model
            ``coverage50``, ``coverage80``, ``coverage90``, ``coverage95``; ``crps``, ``log_score``
            (mean log density, larger is better), ``rmsle`` and ``bias`` of the median, all in log
            loss; ``pit_distance``, the largest gap between the distribution function of the PIT and
            the uniform one; ``n_train``, runs fitted, on average over the folds; and ``n_test``,
            runs forecast, all folds together.
        """
        return summary(self.frame)

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{self.runs.name}, forecast {self.holdout}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say how many hidden runs the 90 % intervals hold, and how far off the medians are."""
        said = []
        for model, row in self.summary().iterrows():
            held = f"{row['coverage90']:.0%} of {row['n_test']:.0f} hidden runs"
            off = f"the medians are off by {row['rmsle']:.2g} in log loss"
            said.append(f"{model}: 90 % intervals hold {held}; {off}.")
        return tuple(said)

    def to_dict(self) -> dict[str, Json]:
        """Scores of the model, of today's practice under ``baseline``, and what was tested."""
        ours, todays = records(self.summary().reset_index())
        name = todays.pop("model")
        del ours["model"]
        posterior = next(iter(self.posteriors.values()))
        return {
            **{score: ours[score] for score in _FIRST_SCORES},
            **ours,
            "baseline": {"name": name, **todays},
            "holdout": describe(self.holdout),
            "problems": messages(self.problems),
            **what_was_tested(self.runs, posterior),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def backtest(
    runs: RunsLike,
    holdout: Holdout | None = None,
    *,
    law: Law | None = None,
    noise: Noise | None = None,
    method: Method | None = None,
) -> Backtest:
    """Hide runs, forecast them from the others, and score the forecast beside today's practice.

    Today's practice, ``huber + bootstrap`` in the result, is a Huber fit of the Chinchilla law (or
    of ``law``, where the runs lack N or D), with 200 refits to resampled runs and residuals of the
    fit resampled.

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        What is no `Runs` is read by `Runs.read`.
    holdout : Holdout
        The runs to hide, by default `LargestCompute(0.2)`. Others are `ComputeBelow`,
        `LeaveGroupOut` and `ExpandingWindow`.
    law, noise, method
        Arguments of `fit`, with the same defaults.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        Where nothing is left to fit or to forecast, too few runs are left for the law, or there is
        no column ``group`` to leave out by; and as `fit`.

    Warns
    -----
    FitWarning
        As `fit`, once for each fold; `Backtest.problems` holds the same sentences.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> test = bs.backtest(runs, bs.LargestCompute(0.2), law=law, noise=noise, method=method)
    >>> test.summary()[["n_train", "n_test"]]
                        n_train  n_test
    model
    chinchilla, normal       36       9
    huber + bootstrap        36       9
    """
    runs = as_runs(runs, law.required_columns if law else None)
    holdout = LargestCompute() if holdout is None else holdout
    if not isinstance(holdout, Holdout):
        raise InputError(
            f"{holdout!r} is no hold-out; give an instance, such as LargestCompute(0.2)."
        )
    require_loss("backtest", law)
    folds = holdout.split(runs)
    has_both_inputs = {"n_params", "n_tokens"} <= set(runs.frame.columns)
    own_model = Fitted(law, noise, method)
    practice = HuberBootstrap(textbook_law() if law is None or has_both_inputs else law)
    with bar() as progress:
        steps = progress.add_task("Backtesting", total=2 * len(folds), visible=len(folds) > 1)

        def judged(fold: Fold, forecaster: Forecaster) -> tuple[Prediction, pd.DataFrame]:
            prediction = forecaster.predict(fold.train, fold.test)
            progress.update(steps, advance=1, refresh=True)
            return prediction, scored(fold, prediction)

        frames, posteriors = [], {}
        for fold in folds:
            prediction, frame = judged(fold, own_model)
            posteriors[fold.name] = prediction.posterior
            frames.append(frame)
        for fold in folds:
            _, frame = judged(fold, practice)
            frames.append(frame)
    return Backtest(pd.concat(frames, ignore_index=True), posteriors, runs, holdout)


def scored(fold: Fold, prediction: Prediction) -> pd.DataFrame:
    """The rows of `Backtest.frame` for one fold and one model.

    Parameters
    ----------
    fold : Fold
    prediction : Prediction
        Of the runs of ``fold.test``.

    Returns
    -------
    DataFrame, one row per hidden run
    """
    test = fold.test
    flops = compute(test)
    scores = run_scores(prediction.log_draws, np.log(test.column("loss")))
    known = {name: test.column(name) for name in ("n_params", "n_tokens") if name in test.frame}
    facts = {
        "model": prediction.model,
        "fold": fold.name,
        "run_id": test.frame.index,
        **known,
        "compute": flops,
        "decades": np.log10(flops / compute(fold.train).max()),
        "n_train": len(fold.train),
        "loss": test.column("loss"),
    }
    forecast_columns = [*QUANTILES_TO_SCORE, "pit", "crps"]
    forecast_scores = scores[forecast_columns].assign(log_score=prediction.log_density)
    covered = scores.drop(columns=forecast_columns)
    return pd.DataFrame(facts).join([forecast_scores, covered])
