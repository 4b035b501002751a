"""Compare recipes: multipliers of parameters, of data and of compute, with intervals.

A recipe is all that stays fixed along a sweep: optimiser, architecture, data. Both sweeps are
fitted together and share the exponents of one law (`recipe_law`), so that a multiplier is one
number at all scales. At its best split of C, the candidate reaches some loss. The compute
multiplier is the compute with which the base, at its best split, reaches that loss, over C. Where
both recipes share one floor it is m_N · m_D at every C.

D. Hernandez and T. B. Brown, "Measuring the Algorithmic Efficiency of Neural Networks", 2020
(arXiv:2005.04305), and A. Ho et al., "Algorithmic Progress in Language Models", 2024
(arXiv:2403.05812), for effective compute.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayescale import defaults
from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.decisions.recipes.recipe_law import FLOOR, MULTIPLIERS, RECIPE, RecipeLaw
from bayescale.defaults import textbook_law, textbook_noise
from bayescale.errors import FitWarning, InputError
from bayescale.inference.base import Method, Problem
from bayescale.laws.base import AllocatesCompute, Law
from bayescale.noise.base import Noise, is_likelihood
from bayescale.parameters import names_of
from bayescale.results import Complaint, Json, as_json, messages, records, to_html, to_text
from bayescale.runs import Runs, RunsLike, as_runs
from bayescale.units import in_loss_unit, log_tokens_for, rounded, summarise

UNITS = {
    **dict.fromkeys((*MULTIPLIERS.values(), FLOOR, "compute_multiplier"), "ratio"),
    "gain": "nats per token",
}
# Default budgets, times the largest compute of a run.
_FACTORS = (1.0, 100.0)
# Budgets of the base are sought within e^±40 of the candidate's; beyond that none reaches the loss.
_LOG_RANGE = 40.0
_BISECTIONS = 60


@dataclass(frozen=True, eq=False)
class Recipes:
    """A candidate compared with a base.

    Attributes
    ----------
    base, candidate : str
        Values of ``group``.
    runs : Runs
        Runs of both, with the column ``recipe``: 1 for the base, e for the candidate.
    law : RecipeLaw
    noise, method
    params : dict of str to array, shape (draws,)
        Parameters of the base's law in counts and nats, multipliers, and parameters of the noise.
    compute : array, FLOPs
        Budgets at which the recipes are compared.
    diagnostics, problems, provenance
        Those of the posterior of the joint fit.
    """

    base: str
    candidate: str
    runs: Runs
    law: RecipeLaw
    noise: Noise
    method: Method
    params: dict[str, np.ndarray] = field(repr=False)
    compute: np.ndarray
    diagnostics: dict[str, float] = field(default_factory=dict)
    problems: tuple[Complaint, ...] = ()
    provenance: dict[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def draws(self) -> xr.Dataset:
        """Dimensions ``draw`` and ``compute`` (FLOPs): ``n_params_multiplier``,
        ``n_tokens_multiplier`` and, where the floors differ, ``floor_ratio``;
        ``compute_multiplier``, infinite where no compute takes the base to the loss; ``gain``, the
        base's loss less the candidate's at equal compute.
        """
        variables: dict[str, Any] = {}
        for name, values in self.params.items():
            if name in UNITS:
                variables[name] = ("draw", values)
        dims = ("draw", "compute")
        variables["compute_multiplier"] = (dims, compute_multiplier(self, self.compute))
        variables["gain"] = (dims, gain(self, self.compute))
        return xr.Dataset(variables, coords={"compute": self.compute})

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per quantity and, where it depends on that, compute (NaN elsewhere), with
        ``unit``, mean, sd, quantiles, and ``better``, the probability that the candidate is better:
        that a gain is above 0, a multiplier above 1, and the ratio of floors below 1.
        """
        rows = []
        for name, values in self.draws.items():
            if "compute" not in values.dims:
                rows.append(_row(str(name), np.nan, values.to_numpy()))
                continue
            for column, compute in enumerate(self.compute):
                rows.append(_row(str(name), compute, values.to_numpy()[:, column]))
        table = pd.DataFrame(rows)
        unit = self.runs.loss_unit
        return table.assign(unit=[in_loss_unit(one, unit) for one in table["unit"]])

    def summary(self) -> pd.DataFrame:
        """The frame, indexed by quantity and compute."""
        return self.frame.set_index(["quantity", "compute"])

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{self.candidate} in units of {self.base}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The multipliers, with intervals."""
        at_largest = self.frame.groupby("quantity").tail(1).set_index("quantity")
        intervals = {name: _interval(row) for name, row in at_largest.iterrows()}
        at = f" at {self.compute[-1]:.3g} FLOPs" if self.law.own_floor else ""
        return (
            f"A FLOP of {self.candidate} is worth {intervals['compute_multiplier']} of "
            f"{self.base}{at}: a parameter {intervals['n_params_multiplier']}, a token "
            f"{intervals['n_tokens_multiplier']}.",
        )

    def to_dict(self) -> dict[str, Json]:
        """Each quantity, the verdict, and the law, noise and method of the fit."""
        return {
            "base": self.base,
            "candidate": self.candidate,
            "quantities": records(self.frame),
            "verdict": " ".join(self.sentences),
            "diagnostics": as_json(self.diagnostics),
            "problems": messages(self.problems),
            "law": describe(self.law),
            "noise": describe(self.noise),
            "method": describe(self.method),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def _row(quantity: str, compute: float, draws: np.ndarray) -> dict[str, Any]:
    """Return a row of the frame."""
    neutral = 0.0 if quantity == "gain" else 1.0
    better = draws < neutral if quantity == FLOOR else draws > neutral
    about = {"quantity": quantity, "compute": compute, "unit": UNITS[quantity]}
    return {**about, **summarise(draws), "better": float(better.mean())}


def _interval(row: pd.Series) -> str:
    return f"{rounded(row['q50'])} (90 %: {rounded(row['q05'])} to {rounded(row['q95'])})"


@float64
def recipes(
    runs: RunsLike,
    base: str,
    candidate: str,
    *,
    compute: float | Sequence[float] | np.ndarray | None = None,
    law: Law | None = None,
    shared_floor: bool = False,
    noise: Noise | None = None,
    method: Method | None = None,
) -> Recipes:
    """Compare two recipes by one joint fit of their runs.

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        Runs of both recipes; the column ``group`` names the recipe. Other groups are left out.
    base, candidate : str
        Values of ``group``.
    compute : float or sequence, optional
        Budgets at which to compare the recipes, FLOPs. By default these are the largest 6·N·D of
        the runs, and 100 times that.
    law : Law, default `Chinchilla()`
        A law of parameters and tokens. Both recipes share its exponents.
    shared_floor : bool
        Whether both recipes have one irreducible loss, which is plausible where they are evaluated
        on the same text and differ only in optimiser or architecture. Intervals are then narrower,
        and the compute multiplier is the same at all scales. It is False by default: on the three
        training sets of Gadre et al. 2024 a shared floor gave RedPajama's FLOPs 0.70 (90 %: 0.60 to
        0.79) of C4's at any scale, and separate floors 0.28 (0.20 to 0.39) at the largest run.
    noise : Likelihood, default `StudentT()`
    method : Method, default `Importance()`

    Returns
    -------
    Recipes

    Raises
    ------
    InputError
        Where there is no such group, the law has other inputs or no best split of compute, the
        noise is no likelihood or has departures of groups, which are the recipes here, or a budget
        is not positive.

    Warns
    -----
    FitWarning
        Where diagnostics say that the result should not be trusted.

    Examples
    --------
    >>> import bayescale as bs
    >>> import pandas as pd
    >>> sweep = {"budgets": (1e18, 1e19, 1e20), "sizes_per_budget": 5, "noise": 0.001}
    >>> old = bs.datasets.simulate(1, **sweep).frame.assign(group="old")
    >>> new = bs.datasets.simulate(2, A=406.4 / 2**0.34, **sweep).frame.assign(group="new")
    >>> both = pd.concat([old, new], ignore_index=True)
    >>> normal, method = bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> compared = bs.recipes(both, "old", "new", noise=normal, method=method)
    >>> compared.summary().loc["n_params_multiplier", "q50"].round().tolist()
    [2.0]
    """
    runs = as_runs(runs)
    law = RecipeLaw(textbook_law() if law is None else law, own_floor=not shared_floor)
    noise = textbook_noise() if noise is None else noise
    method = defaults.method() if method is None else method
    _check(law, noise)
    both = _runs_of_both(runs, base, candidate)
    if compute is None:
        compute = float(both.six_nd.max()) * np.array(_FACTORS)
    budgets = np.atleast_1d(np.asarray(compute, dtype=np.float64))
    if not (np.isfinite(budgets) & (budgets > 0)).all():
        raise InputError("compute must be positive numbers of FLOPs, such as 5.76e23.")
    posterior = method.run(Problem.build(both, law, noise))
    for problem in posterior.problems:
        warnings.warn(f"{both.name}: {problem}", FitWarning, stacklevel=3)
    return Recipes(
        base,
        candidate,
        both,
        law,
        noise,
        posterior.method,
        params={name: posterior.draws(name) for name in posterior.params},
        compute=budgets,
        diagnostics=posterior.diagnostics,
        problems=posterior.problems,
        provenance=posterior.provenance,
    )


@float64
def gain(comparison: Recipes, compute: np.ndarray) -> np.ndarray:
    """Return the base's loss less the candidate's, each at its best split of compute, shape
    (draws, budgets).
    """
    base, candidate = _losses(comparison, compute)
    return base - candidate


@float64
def compute_multiplier(comparison: Recipes, compute: np.ndarray) -> np.ndarray:
    """Return the compute with which the base reaches the candidate's loss, over the candidate's
    compute, shape (draws, budgets).
    """
    params = _columns(comparison)
    if not comparison.law.own_floor:
        multiplier = params["n_params_multiplier"] * params["n_tokens_multiplier"]
        return np.repeat(multiplier, len(compute), axis=1)
    _, target = _losses(comparison, compute)
    low = np.full(target.shape, -_LOG_RANGE)
    high = np.full(target.shape, _LOG_RANGE)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        loss = _best_loss(comparison.law.base, params, compute * np.exp(middle))
        low = np.where(loss > target, middle, low)
        high = np.where(loss > target, high, middle)
    return np.where(high == _LOG_RANGE, np.inf, np.exp(low))


def _losses(comparison: Recipes, compute: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the losses of base and candidate along their frontiers, each of shape (draws,
    budgets).
    """
    law, params = comparison.law, _columns(comparison)
    base = _best_loss(law.base, params, compute)
    # The candidate's N and D count as m_N N and m_D D of the base's.
    effective = compute * params["n_params_multiplier"] * params["n_tokens_multiplier"]
    if law.own_floor:
        params = params | {"E": params["E"] * params[FLOOR]}
    return base, _best_loss(law.base, params, effective)


def _columns(comparison: Recipes) -> dict[str, np.ndarray]:
    """Return the parameters, each of shape (draws, 1)."""
    return {name: values[:, None] for name, values in comparison.params.items()}


def _best_loss(law: Any, params: dict[str, np.ndarray], compute: np.ndarray) -> np.ndarray:
    """Return the loss of a law that allocates compute, at its best split."""
    log_n_params = np.log(np.asarray(law.optimal_n_params(params, compute)))
    log_n_tokens = log_tokens_for(compute, log_n_params)
    log_loss = law.predict(params, {"n_params": log_n_params, "n_tokens": log_n_tokens})
    return np.exp(np.asarray(log_loss))


def _check(law: RecipeLaw, noise: Noise) -> None:
    base = law.base
    if set(base.inputs) != set(MULTIPLIERS) or not isinstance(base, AllocatesCompute):
        raise InputError(
            f"recipes needs a law of N and D with a best split of compute, not {base.formula}; use "
            f"Chinchilla()."
        )
    names = names_of(base.parameters)
    if law.own_floor and "E" not in names:
        raise InputError(
            f"{base.formula} has no floor E, so the candidate cannot have a separate floor; set "
            f"shared_floor=True."
        )
    if not is_likelihood(noise):
        raise InputError(
            f"recipes draws from a posterior, and {noise!r} has no density; give a likelihood, "
            f"such as StudentT()."
        )
    if "group" in noise.columns:
        raise InputError(
            "The groups are the recipes here, and the law compares them already; use a noise model "
            "without groups."
        )


def _runs_of_both(runs: Runs, base: str, candidate: str) -> Runs:
    """Return the runs of both recipes, with the column ``recipe``."""
    if "group" not in runs.frame:
        raise InputError(
            f"{runs.name} has no column group; say which recipe each run is of, for example "
            f"group='optimiser'."
        )
    group = runs.frame["group"].astype(str)
    groups = sorted(set(group))
    for name in (base, candidate):
        if name not in groups:
            raise InputError(f"{runs.name} has no group {name!r}; it has {', '.join(groups)}.")
    if base == candidate:
        raise InputError(f"Base and candidate are both {base!r}; give two groups.")
    frame = runs.frame[group.isin([base, candidate])].copy()
    frame[RECIPE] = np.where(group[frame.index] == candidate, np.exp(1.0), 1.0)
    name = f"{runs.name}, {candidate} against {base}"
    return replace(runs, frame=frame, name=name)
