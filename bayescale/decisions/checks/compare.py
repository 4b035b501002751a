"""Compare laws: all that apply to the runs, fitted alike, ranked by forecasts of runs that they
have not seen.

Two scores, both mean log densities of log loss in nats a run: of the runs of largest compute,
forecast from the others, which is what laws are for, and of each run given all others, by PSIS-LOO.
Standard errors are of differences run by run from the best. A. Vehtari, A. Gelman and J. Gabry,
2017 (arXiv:1507.04544), equation 24, for those.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bayescale._internal.discovery import describe, entry, names
from bayescale._internal.precision import float64
from bayescale._internal.progress import bar
from bayescale.batches.fitting import fit_here, shared_out
from bayescale.batches.task import Outcome, Task
from bayescale.decisions.checks.backtest import scored
from bayescale.decisions.checks.forecasters import predicted, require_loss
from bayescale.decisions.checks.holdouts.base import Fold, Holdout
from bayescale.decisions.checks.holdouts.largest_compute import LargestCompute
from bayescale.decisions.checks.loo import loo
from bayescale.decisions.checks.scores import summary
from bayescale.defaults import textbook_noise
from bayescale.errors import InputError
from bayescale.inference.base import Method
from bayescale.inference.importance import Importance
from bayescale.laws.base import SYMBOLS, Law
from bayescale.noise.base import Likelihood, is_likelihood
from bayescale.posterior.diagnostics import stacking_weights
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, messages, records, table_to_html, to_html, to_text
from bayescale.runs import Runs, RunsLike, as_runs
from bayescale.units import QUANTILES, quantiles

# A difference within so many of its standard errors may be chance.
_SURE = 2.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """Laws side by side.

    Attributes
    ----------
    name : str
        Of the runs.
    frame : DataFrame, one row per law, the best forecaster first
        ``law``, as the command line takes it; ``n_parameters``; ``log_score`` of hidden runs,
        ``behind`` the best law's by so much a run, with standard error ``behind_se``; ``crps`` and
        ``rmsle`` in log loss, and ``coverage90``, of the same forecasts; ``loo``, ``loo_behind``,
        ``loo_behind_se`` the same of leave-one-out scores; ``weight`` in the mixture that these
        would predict best (stacking).
    forms : DataFrame, one row per law that may be a simpler one
        ``law``; ``quantity``; its ``q05``, ``q50``, ``q95``; the ``value`` at which the law is
        ``simpler``; and ``below``, the posterior probability that the quantity is below that value,
        NaN where no other is possible.
    posteriors : dict of str to Posterior
        Of each law, fitted to all runs.
    hidden : tuple of str
        What each fold hid.
    problems : tuple of Complaint
        Each sentence begins with the law. Empty where all is well.
    """

    name: str
    frame: pd.DataFrame
    forms: pd.DataFrame
    posteriors: dict[str, Posterior] = field(repr=False)
    hidden: tuple[str, ...] = ()
    problems: tuple[Complaint, ...] = ()

    def summary(self) -> pd.DataFrame:
        """The frame, indexed by law."""
        return self.frame.set_index("law")

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{len(self.frame)} laws of {self.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say what the tables show."""
        laws = self.frame.to_dict("records")
        best = laws[0]
        sentences = [f"{best['law']} forecasts {' and '.join(self.hidden)} of {self.name} best."]
        if len(laws) > 1:
            second = laws[1]
            distance = f"{second['behind']:.2g} ± {second['behind_se']:.1g} nats a run"
            gap = f"{second['law']} is behind by {distance}"
            close = not second["behind"] > _SURE * second["behind_se"]
            sentences.append(f"{gap}, which may be chance." if close else f"{gap}.")
            by_loo = self.summary()["loo"].idxmax()
            sentences.append(
                f"Leave-one-out scores {'agree' if by_loo == best['law'] else f'favour {by_loo}'}."
            )
        forms = self.forms[self.forms["law"] == best["law"]]
        sentences += [_sentence(row) for _, row in forms.iterrows()]
        return tuple(sentences)

    def to_dict(self) -> dict[str, Json]:
        """Laws, the best forecaster first, forms, the verdict, and what is wrong."""
        return {
            "laws": records(self.frame),
            "forms": records(self.forms),
            "verdict": " ".join(self.sentences),
            "hidden": list(self.hidden),
            "problems": messages(self.problems),
        }

    def _repr_html_(self) -> str:
        return to_html(self) + table_to_html(self.forms)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def compare(
    runs: RunsLike,
    laws: Sequence[Law] | None = None,
    *,
    noise: Likelihood | None = None,
    method: Method | None = None,
    holdout: Holdout | None = None,
) -> Comparison:
    """Fit laws to the same runs, and rank them by how well they forecast.

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        What is no `Runs` is read by `Runs.read`.
    laws : sequence of Law
        By default all laws whose inputs the runs have.
    noise : Likelihood
        One noise model for all laws, by default `StudentT()`.
    method : Method
        By default `Importance()`, which fits all laws and folds of like size in few calls.
    holdout : Holdout
        The runs to hide and forecast, by default ``LargestCompute(0.2)``, the fifth of the runs
        with the largest compute.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        Where no law applies, the noise is no likelihood, or the hold-out leaves nothing.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> laws = [bs.laws.Chinchilla(), bs.laws.PowerLaw()]
    >>> found = bs.compare(runs, laws, noise=bs.noise.Normal(), method=bs.Importance(draws=500))
    >>> found.frame["law"].tolist()
    ['chinchilla', 'power_law']
    """
    runs = as_runs(runs)
    laws = list(_applicable(runs) if laws is None else laws)
    noise = textbook_noise() if noise is None else noise
    method = Importance() if method is None else method
    _check(runs, laws, noise)
    folds = (LargestCompute() if holdout is None else holdout).split(runs)

    trained = [fold.train for fold in folds]
    fits = _fitted(laws, [runs, *trained], noise, method)
    problems = []
    for label, outcomes in fits.items():
        problems += _doubts(label, outcomes)
    posteriors, forecasts, left_out = {}, {}, {}
    for label, outcomes in fits.items():
        fitted = [outcome.posterior for outcome in outcomes]
        fitted_to_all = fitted[0]
        forecast_scores = _forecast_scores(folds, fitted[1:])
        if fitted_to_all is None or forecast_scores is None:
            continue
        posteriors[label] = fitted_to_all
        forecasts[label] = forecast_scores
        scores = loo(fitted_to_all).frame
        # Of log loss, as the forecasts' are.
        left_out[label] = scores["elpd"].to_numpy() - fitted_to_all.log_slope
        if uncertain := int((~scores["good"]).sum()):
            message = (
                f"{label}: its leave-one-out score is uncertain at {uncertain} runs, by Pareto k."
            )
            problems.append(Complaint("pareto_k", message, {"runs": float(uncertain)}))
    if not posteriors:
        raise InputError(
            f"{runs.name}: no law could be fitted to all runs and without those hidden: "
            f"{problems[0]}"
        )
    forms: list[dict[str, Any]] = []
    for label, posterior in posteriors.items():
        forms += _forms(label, posterior)
    columns = ["law", "quantity", *QUANTILES, "value", "simpler", "below"]
    return Comparison(
        runs.name,
        _ranked(posteriors, forecasts, left_out),
        pd.DataFrame(forms, columns=columns),
        posteriors,
        tuple(fold.name for fold in folds),
        tuple(problems),
    )


def _fitted(
    laws: Sequence[Law], sets: Sequence[Runs], noise: Likelihood, method: Method
) -> dict[str, list[Outcome]]:
    """Fit each law to each set of runs, and return the outcomes by law."""
    numbered = enumerate(itertools.product(laws, sets))
    tasks = [Task(position, one, law, noise, method) for position, (law, one) in numbered]
    outcomes: list[Outcome] = []
    with bar() as progress:
        steps = progress.add_task("Comparing", total=len(tasks))

        def report(outcome: Outcome) -> None:
            outcomes.append(outcome)
            progress.update(steps, advance=1, refresh=True)

        for share in shared_out(tasks):
            fit_here(share, None, report)
    in_order = iter(sorted(outcomes, key=lambda outcome: outcome.position))
    return {describe(law): list(itertools.islice(in_order, len(sets))) for law in laws}


def _doubts(label: str, outcomes: Sequence[Outcome]) -> list[Complaint]:
    """Return the complaints of the fits of one law."""
    doubts = []
    for outcome in outcomes:
        message = outcome.row["message"]
        if message:
            doubts.append(Complaint("fit", f"{label}: {message}"))
    return doubts


def _forecast_scores(
    folds: Sequence[Fold], fits: Sequence[Posterior | None]
) -> pd.DataFrame | None:
    """Return the scores of all hidden runs, or None where a fold could not be fitted."""
    frames = []
    for fold, fit in zip(folds, fits, strict=True):
        if fit is None:
            return None
        frames.append(scored(fold, predicted(fit, fold.test)))
    return pd.concat(frames)


def _ranked(
    posteriors: dict[str, Posterior],
    forecasts: dict[str, pd.DataFrame],
    left_out: dict[str, np.ndarray],
) -> pd.DataFrame:
    """`Comparison.frame`."""
    values = np.column_stack(list(left_out.values()))
    frame = summary(pd.concat(forecasts.values())).reset_index(drop=True)
    frame = frame.assign(
        law=list(posteriors),
        n_parameters=[len(posterior.law.parameters) for posterior in posteriors.values()],
        loo=values.mean(axis=0),
        weight=stacking_weights(values) if len(posteriors) > 1 else 1.0,
    )
    hidden = np.column_stack([scores["log_score"] for scores in forecasts.values()])
    frame = frame.join(_behind(hidden, "")).join(_behind(values, "loo_"))
    columns = [
        "law",
        "n_parameters",
        "log_score",
        "behind",
        "behind_se",
        "crps",
        "rmsle",
        "coverage90",
        "loo",
        "loo_behind",
        "loo_behind_se",
        "weight",
    ]
    return frame[columns].sort_values(
        "log_score", ascending=False, kind="stable", ignore_index=True
    )


def _applicable(runs: Runs) -> Iterator[Law]:
    """Every law whose inputs the runs have; those in compute take the first other input there is,
    where it is not known.
    """
    has = [name for name in SYMBOLS if name in runs.frame and name != "loss"]
    if {"n_params", "n_tokens"} <= set(has):
        has.append("flops")
    for name in names("bayescale.laws"):
        law = entry("bayescale.laws", name)()
        if law.inputs == ("flops",) and "flops" not in has and has:
            law = dataclasses.replace(law, input=has[0])
        if law.response == "loss" and set(law.inputs) <= set(has):
            yield law


def _check(runs: Runs, laws: Sequence[Any], noise: Any) -> None:
    if not is_likelihood(noise):
        raise InputError(
            f"compare scores densities, and {noise!r} has none; give a likelihood, such as "
            f"noise=StudentT()."
        )
    if not laws:
        raise InputError(
            f"{runs.name} has the inputs of no law; `bayescale laws list` says what each needs."
        )
    for law in laws:
        if not isinstance(law, Law):
            raise InputError(
                f"{law!r} is no law; give instances, such as laws=[bs.laws.Chinchilla(), "
                f"bs.laws.Coupled()]."
            )
        require_loss("compare", law)


def _behind(values: np.ndarray, prefix: str) -> pd.DataFrame:
    """Return how far each law is behind the best, in the mean over runs, and the standard error of
    that; scores are (runs, laws).
    """
    gap = values[:, [values.mean(axis=0).argmax()]] - values
    se = (
        gap.std(axis=0, ddof=1) / np.sqrt(len(gap))
        if len(gap) > 1
        else np.full(gap.shape[1], np.nan)
    )
    return pd.DataFrame({f"{prefix}behind": gap.mean(axis=0), f"{prefix}behind_se": se})


def _forms(label: str, posterior: Posterior) -> Iterator[dict[str, Any]]:
    for special in posterior.law.nested_models:
        draws = np.ravel(special.of(posterior.params))
        inside = 0 < special.value < np.inf
        yield {
            "law": label,
            "quantity": special.name,
            **quantiles(draws),
            "value": special.value,
            "simpler": special.simpler,
            "below": float(np.mean(draws < special.value)) if inside else np.nan,
        }


def _sentence(row: pd.Series) -> str:
    known = f"{row['quantity']} is {row['q50']:.3g} (90 %: {row['q05']:.3g} to {row['q95']:.3g})"
    value = "∞" if np.isinf(row["value"]) else format(row["value"], "g")
    simple = f"at {value} the law would be {row['simpler']}"
    if np.isnan(row["below"]):
        return f"{known}; {simple}."
    side, chance = ("below", row["below"]) if row["below"] >= 0.5 else ("above", 1 - row["below"])
    return f"{known}, {side} {row['value']:g} with probability {chance:.3g}; {simple}."
