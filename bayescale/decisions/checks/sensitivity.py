"""Sensitivity of the answers to other assumptions: refits under other likelihoods, laws and runs.

Each variant changes one thing: the likelihood, the form of the law, or the runs, of which one
budget is left out at a time. What moves by more than the posterior's own width is not known as well
as the posterior says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.batches.fitting import fit_here, shared_out
from bayescale.batches.task import Outcome, Task
from bayescale.decisions.forecasts.forecast import forecast
from bayescale.decisions.plans._one_budget import refuse_other_budgets
from bayescale.decisions.plans.allocate import allocate_by_law
from bayescale.errors import InputError
from bayescale.inference.importance import Importance
from bayescale.laws.base import Law
from bayescale.laws.chinchilla import Chinchilla
from bayescale.laws.coupled import Coupled
from bayescale.noise.base import Noise, is_likelihood
from bayescale.noise.laplace import Laplace
from bayescale.noise.normal import Normal
from bayescale.noise.student_t import StudentT
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, messages, records, to_html, to_text
from bayescale.runs import Runs
from bayescale.units import (
    NATS_PER_TOKEN,
    QUANTILES,
    budgets_or_none,
    in_loss_unit,
    quantiles,
    same_partition,
    tokens_for,
)

if TYPE_CHECKING:
    import xarray as xr

UNITS = {
    "alpha": "no unit",
    "beta": "no unit",
    "a": "no unit",
    "n_params": "parameters",
    "n_tokens": "tokens",
    "loss": "nats per token",
}
AS_FITTED = "as fitted"

_LIKELIHOODS: tuple[Noise, ...] = (Normal(), Laplace(), StudentT())
_FORMS: tuple[Law, ...] = (Chinchilla(), Chinchilla(tied=True), Coupled())
_ON_LOGARITHMS = ("n_params", "n_tokens")
_FEWEST_DRAWS = 100
_MOST_BLOCKS = 12
_PARTS_WITHOUT_BUDGETS = 5
_EXTRAPOLATION = 10.0
_ANY_BUDGET = 1e21
# The central 90 % of a Normal distribution are so many standard deviations wide.
_WIDTH = 3.2897


class _Variant(NamedTuple):
    kind: str
    name: str
    runs: Runs
    law: Law
    noise: Noise


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The answers under each variant, beside the posterior's own.

    Attributes
    ----------
    name : str
        Of the runs.
    compute : float
        Budget of ``n_params``, ``n_tokens`` and ``loss``, FLOPs.
    frame : DataFrame, tidy, one row per variant and quantity, the posterior first
        ``kind`` (``posterior``, ``likelihood``, ``form`` or ``runs``), ``variant``, ``quantity``,
        ``unit``, ``q05``, ``q50``, ``q95``, and ``shift``: the median's distance from the
        posterior's, in standard deviations of the posterior.
    problems : tuple of Complaint
        What could not be fitted or is doubtful.
    loss_unit : str
        Unit of the losses.
    """

    name: str
    compute: float
    frame: pd.DataFrame
    problems: tuple[Complaint, ...] = ()
    loss_unit: str = NATS_PER_TOKEN

    def summary(self) -> pd.DataFrame:
        """Each quantity as the posterior has it, and where the variants take it.

        Returns
        -------
        DataFrame, one row per quantity
            ``q05``, ``q50``, ``q95`` of the posterior; ``lowest`` and ``highest`` median of all
            variants; ``largest_shift``, and the ``variant`` that makes it.
        """
        fitted = self.frame[self.frame["kind"] == "posterior"].set_index("quantity")[
            list(QUANTILES)
        ]
        medians = self.frame.groupby("quantity")["q50"]
        largest = self.frame.loc[
            self.frame["shift"].abs().groupby(self.frame["quantity"]).idxmax()
        ].set_index("quantity")
        return fitted.assign(
            lowest=medians.min(),
            highest=medians.max(),
            largest_shift=largest["shift"],
            variant=largest["variant"],
        )

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{self.name}: answers at {self.compute:.3g} FLOPs under other assumptions"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say which variant moves each answer most."""
        said = []
        for quantity, row in self.summary().iterrows():
            shift = f"{row['largest_shift']:+.2g} standard deviations"
            said.append(f"{quantity} moves most by {row['variant']}: {shift}.")
        return tuple(said)

    def to_dict(self) -> dict[str, Json]:
        """The budget, the summary by quantity, each variant's answers, and what went wrong."""
        return {
            "compute": self.compute,
            "summary": records(self.summary().reset_index()),
            "variants": records(self.frame),
            "problems": messages(self.problems),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def sensitivity(posterior: Posterior, compute: float | None = None) -> Sensitivity:
    """Fit again under other likelihoods, other forms of the law, and without one budget at a time.

    Likelihoods are Normal, Laplace and Student-t; forms Chinchilla's, the same with equal
    exponents, and the coupled law. Budgets are those of `isoflop`: clusters of compute with gaps of
    10 % between them. Runs without budgets, or with more than twelve, are left out by ``group``, or
    in fifths by compute. All are fitted by `Importance`.

    Parameters
    ----------
    posterior : Posterior
        Of a law with exponents alpha and beta and a best split of compute, under a likelihood, with
        100 draws at least.
    compute : float, optional
        Budget at which to allocate and forecast, FLOPs. By default ten times the largest 6·N·D of
        the runs.

    Returns
    -------
    Sensitivity
        Of the exponents, ``a`` = β/(α + β), N* and D* at the budget, and ``loss``, the forecast of
        a run at the *posterior's* median N*, so that all variants forecast one run. Standard
        deviations are those of a Normal with the posterior's 90 % interval; of N* and D*, on
        logarithms.

    Raises
    ------
    InputError
        Where the law has no best split of compute, the noise model is an objective, there are too
        few draws, or the budget is not positive.

    Examples
    --------
    >>> import bayescale as bs
    >>> post = bs.fit(bs.datasets.simulate(seed=1), method=bs.Importance())  # doctest: +SKIP
    >>> bs.sensitivity(post, compute=1e24).summary()["largest_shift"]  # doctest: +SKIP
    """
    check(posterior, compute)
    if compute is None:
        compute = _EXTRAPOLATION * float(posterior.runs.six_nd.max())
    budget = float(compute)
    n_params = float(_plan(posterior, budget)["n_params"].median())
    fitted = _answers(posterior, budget, n_params)
    rows = _rows("posterior", AS_FITTED, fitted, fitted)
    problems = []
    for variant, outcome in _fitted(posterior):
        if outcome.row["message"]:
            code = "failed" if outcome.posterior is None else "doubtful"
            verb = "failed" if outcome.posterior is None else "is doubtful"
            message = f"{variant.name} {verb}: {outcome.row['message']}"
            problems.append(Complaint(code, message))
        if outcome.posterior is not None:
            rows += _rows(
                variant.kind, variant.name, _answers(outcome.posterior, budget, n_params), fitted
            )
    runs, table = posterior.runs, pd.DataFrame(rows)
    table["unit"] = [in_loss_unit(unit, runs.loss_unit) for unit in table["unit"]]
    return Sensitivity(runs.name, budget, table, tuple(problems), runs.loss_unit)


def check(posterior: Posterior, compute: float | None = None) -> None:
    """Raise InputError where a posterior has no answers at a budget, or no width to compare changes
    with.
    """
    if not is_likelihood(posterior.noise):
        raise InputError(
            f"sensitivity compares changes with a posterior's width, and {posterior.noise.title} "
            f"gives none; fit with a likelihood."
        )
    if posterior.n_draws < _FEWEST_DRAWS:
        raise InputError(
            f"sensitivity needs {_FEWEST_DRAWS} draws and has {posterior.n_draws}; fit with "
            f"NUTS(), Grid() or Importance()."
        )
    # Says what is wrong with a law that has no best split.
    _plan(posterior, _ANY_BUDGET)
    asked = None if compute is None else np.array([compute])
    refuse_other_budgets("sensitivity", posterior, asked)


def _variants(posterior: Posterior) -> Iterator[_Variant]:
    runs, law, noise = posterior.runs, posterior.law, posterior.noise
    for likelihood in _LIKELIHOODS:
        if likelihood != noise:
            yield _Variant("likelihood", describe(likelihood), runs, law, likelihood)
    for form in _FORMS:
        if form != law:
            yield _Variant("form", describe(form), runs, form, noise)
    for label, rows in _blocks(runs):
        kept = replace(runs, frame=runs.frame[~rows], name=f"{runs.name} without {label}")
        yield _Variant("runs", f"without {label}", kept, law, noise)


def _blocks(runs: Runs) -> Iterator[tuple[str, np.ndarray]]:
    """Label and mask, shape (runs,), of each block of runs to leave out, the cheapest first."""
    compute = runs.column("flops")
    groups = _groups(runs)
    budgets = budgets_or_none(compute)
    if budgets is not None and budgets.max() >= _MOST_BLOCKS:
        budgets = None
    if groups is not None and (budgets is None or same_partition(groups, budgets)):
        names = np.unique(groups)
        cheapest = [compute[groups == name].min() for name in names]
        for name in names[np.argsort(cheapest, kind="stable")]:
            yield str(name), groups == name
    else:
        yield from _labelled(_fifths(compute) if budgets is None else budgets, compute)


def _fifths(compute: np.ndarray) -> np.ndarray:
    """Fifth of each run by compute; runs of equal compute stay together."""
    rank = np.searchsorted(np.sort(compute), compute)
    return np.unique(_PARTS_WITHOUT_BUDGETS * rank // len(compute), return_inverse=True)[1]


def _groups(runs: Runs) -> np.ndarray | None:
    """The column ``group`` as text; None where it does not divide the runs in a few blocks."""
    if "group" not in runs.frame or not 2 <= runs.frame["group"].nunique() <= _MOST_BLOCKS:
        return None
    return runs.frame["group"].astype(str).to_numpy(dtype=str)


def _labelled(blocks: np.ndarray, compute: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    for block in range(blocks.max() + 1):
        mask = blocks == block
        low, high = f"{compute[mask].min():.2g}", f"{compute[mask].max():.2g}"
        yield f"{low} FLOPs" if low == high else f"{low} to {high} FLOPs", mask


def _fitted(posterior: Posterior) -> list[tuple[_Variant, Outcome]]:
    """Each variant and what became of it, in order."""
    variants, method = list(_variants(posterior)), _method(posterior)
    tasks = []
    for i, variant in enumerate(variants):
        tasks.append(Task(i, variant.runs, variant.law, variant.noise, method))
    by_position: dict[int, Outcome] = {}
    for share in shared_out(tasks):
        fit_here(share, None, lambda outcome: by_position.update({outcome.position: outcome}))
    return [(variant, by_position[i]) for i, variant in enumerate(variants)]


def _method(posterior: Posterior) -> Importance:
    """Return the posterior's own method where it fits many problems at once."""
    method = posterior.method
    return method if isinstance(method, Importance) else Importance(seed=method.seed)


def _answers(posterior: Posterior, budget: float, n_params: float) -> dict[str, np.ndarray]:
    """Draws of each quantity, shape (draws,)."""
    alpha = posterior.draws("alpha")
    beta = posterior.draws("beta") if "beta" in posterior.params else alpha
    plan = _plan(posterior, budget)
    loss = forecast(posterior, n_params=n_params, n_tokens=tokens_for(budget, n_params)).draws[:, 0]
    optimum = {name: plan[name].to_numpy() for name in _ON_LOGARITHMS}
    return {"alpha": alpha, "beta": beta, "a": beta / (alpha + beta), **optimum, "loss": loss}


def _plan(posterior: Posterior, budget: float) -> "xr.Dataset":
    # By the law, since one budget may be all that is left where others are left out.
    return allocate_by_law(posterior, budget).draws.isel(compute=0)


def _rows(
    kind: str, variant: str, answers: dict[str, np.ndarray], fitted: dict[str, np.ndarray]
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for quantity, draws in answers.items():
        interval = quantiles(draws)
        about = {"kind": kind, "variant": variant, "quantity": quantity, "unit": UNITS[quantity]}
        shift = _shift(quantity, float(interval["q50"]), quantiles(fitted[quantity]))
        rows.append({**about, **interval, "shift": shift})
    return rows


def _shift(quantity: str, median: float, fitted: dict[str, np.ndarray]) -> float:
    """Distance of a median from the posterior's, in standard deviations of the posterior."""
    if quantity in _ON_LOGARITHMS:
        median = np.log(median)
        fitted = {name: np.log(value) for name, value in fitted.items()}
    sd = (fitted["q95"] - fitted["q05"]) / _WIDTH
    return float((median - fitted["q50"]) / sd)
