"""Compare recipes: multipliers of parameters, of data and of compute, with intervals.

A recipe is whatever does not change along a sweep: optimiser, architecture, data. Both sweeps are
fitted at once with the exponents of one law (`recipe_law`), so that a multiplier is one number and
not another at each scale. Effective compute is what the base would need to reach, at its best
split, the loss that the candidate reaches with C at its own best split, over C; with a floor that
both share it is m_N · m_D at every C.

D. Hernandez and T. B. Brown, "Measuring the Algorithmic Efficiency of Neural Networks", 2020
(arXiv:2005.04305), and A. Ho et al., "Algorithmic Progress in Language Models", 2024
(arXiv:2403.05812), for effective compute.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.decisions.recipes.recipe_law import FLOOR, MULTIPLIERS, RECIPE, RecipeLaw
from bayescale.defaults import textbook_law, textbook_noise
from bayescale.errors import FitWarning, InputError
from bayescale.inference.base import Method, Problem
from bayescale.inference.nuts import NUTS
from bayescale.laws.base import AllocatesCompute, Law
from bayescale.noise.base import Noise, is_likelihood
from bayescale.results import Complaint, Json, as_json, messages, records, to_html, to_text
from bayescale.runs import Runs
from bayescale.units import QUANTILES, log_tokens_for, summarise

UNITS = {
    **dict.fromkeys((*MULTIPLIERS.values(), FLOOR, "compute_multiplier"), "ratio"),
    "gain": "nats per token",
}
# At the dearest run, and at 100 times its compute.
_BEYOND = (1.0, 100.0)
# Budgets of the base are sought within e^±40 of the candidate's; beyond that none reaches the loss.
_REACH, _HALVINGS = 40.0, 60


@dataclass(frozen=True, eq=False)
class Recipes:
    """A candidate beside a base.

    Attributes
    ----------
    base, candidate : str
        Values of ``group``.
    runs : Runs
        Of the two, with the column ``recipe``: 1 for the base, e for the candidate.
    law : RecipeLaw
    noise, method
    params : dict of str to array, shape (draws,)
        Parameters of the base's law in counts and nats, multipliers, and parameters of the noise.
    compute : array, FLOPs
        Where effective compute and gain are told.
    diagnostics, problems, provenance
        As of a posterior.
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
        ``compute_multiplier``, effective compute over compute, infinite where no compute takes the
        base so far; ``gain``, the base's loss less the candidate's at equal compute, nats per
        token.
        """
        multipliers = {
            name: ("draw", values) for name, values in self.params.items() if name in UNITS
        }
        both = ("draw", "compute")
        along = {
            "compute_multiplier": (both, compute_multiplier(self, self.compute)),
            "gain": (both, gain(self, self.compute)),
        }
        return xr.Dataset({**multipliers, **along}, coords={"compute": self.compute})

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per quantity and, where it depends on that, compute (NaN elsewhere), with
        ``unit``, mean, sd, quantiles, and ``better``, the probability that it speaks for the
        candidate: of a ratio above 1 (of the floor's, below), of a gain above 0.
        """
        rows = []
        for name, values in self.draws.items():
            columns = values.to_numpy().reshape(len(values), -1).T
            for compute, draws in zip(
                self.compute if "compute" in values.dims else [np.nan], columns, strict=True
            ):
                neutral = 0.0 if name == "gain" else 1.0
                better = draws < neutral if name == FLOOR else draws > neutral
                about = {"quantity": name, "compute": compute, "unit": UNITS[str(name)]}
                rows.append({**about, **summarise(draws), "better": float(better.mean())})
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """Indexed by quantity and compute."""
        return self.frame.set_index(["quantity", "compute"])

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{self.candidate} in units of {self.base}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say what the table shows."""
        rows = self.frame.set_index("quantity")

        def interval(name: str) -> str:
            row = rows.loc[[name]].iloc[-1]
            low, median, high = (_three_digits(row[q]) for q in QUANTILES)
            return f"{median} (90 %: {low} to {high})"

        at = "" if not self.law.own_floor else f" at {self.compute[-1]:.3g} FLOPs"
        return (
            f"A FLOP of {self.candidate} is worth {interval('compute_multiplier')} of "
            f"{self.base}{at}: a parameter {interval('n_params_multiplier')}, a token "
            f"{interval('n_tokens_multiplier')}.",
        )

    def to_dict(self) -> dict[str, Json]:
        """Each quantity, the verdict, and how it was found."""
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


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "∞"


@float64
def recipes(
    runs: Runs | pd.DataFrame,
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
    runs : Runs or DataFrame
        With the recipe of each run as ``group``; other groups are left out.
    base, candidate : str
        Values of ``group``.
    compute : float or sequence, optional
        Where to tell effective compute and gain, FLOPs; at the largest 6·N·D of the runs and 100
        times that unless given.
    law : Law
        Of parameters and tokens, whose exponents both share; `Chinchilla()` unless given.
    shared_floor : bool
        Whether both have one irreducible loss, as recipes may that are judged on the same text and
        differ in optimiser or architecture alone; intervals are then narrower, and effective
        compute is the same at all scales. Not so unless asked for: on the three training sets of
        Gadre et al. 2024 a shared floor gave RedPajama's FLOPs 0.70 (90 %: 0.60 to 0.79) of C4's at
        any scale, and floors of their own 0.28 (0.20 to 0.39) at the dearest run.
    noise : Likelihood
        `StudentT()` unless given.
    method : Method
        `NUTS()` unless given.

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
    >>> old = bs.datasets.simulate(seed=1).frame.assign(group="old")
    >>> new = bs.datasets.simulate(seed=2, A=406.4 / 2**0.34).frame.assign(group="new")
    >>> both = pd.concat([old, new], ignore_index=True)
    >>> normal, method = bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> found = bs.recipes(both, "old", "new", shared_floor=True, noise=normal, method=method)
    >>> found.summary().loc["n_params_multiplier", "q50"].round().tolist()
    [2.0]
    """
    if not isinstance(runs, Runs):
        runs = Runs.from_frame(runs)
    law = RecipeLaw(textbook_law() if law is None else law, own_floor=not shared_floor)
    noise = textbook_noise() if noise is None else noise
    method = NUTS() if method is None else method
    _check(law, noise)
    both = _of(runs, base, candidate)
    known = float(both.six_nd.max())
    budgets = (
        known * np.array(_BEYOND)
        if compute is None
        else np.atleast_1d(np.asarray(compute, dtype=np.float64))
    )
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
        {name: posterior.draws(name) for name in posterior.params},
        budgets,
        posterior.diagnostics,
        posterior.problems,
        posterior.provenance,
    )


@float64
def gain(comparison: Recipes, compute: np.ndarray) -> np.ndarray:
    """The base's loss less the candidate's, each at its best split of compute, shape (draws,
    budgets), nats per token.
    """
    return _losses(comparison, compute)[0] - _losses(comparison, compute)[1]


@float64
def compute_multiplier(comparison: Recipes, compute: np.ndarray) -> np.ndarray:
    """The compute with which the base reaches the candidate's loss, over the candidate's, shape
    (draws, budgets).
    """
    c = _columns(comparison)
    ours = np.broadcast_to(
        c["n_params_multiplier"] * c["n_tokens_multiplier"],
        (len(c["n_params_multiplier"]), len(compute)),
    )
    if not comparison.law.own_floor:
        return ours.copy()
    aim = _losses(comparison, compute)[1]
    low, high = np.full(aim.shape, -_REACH), np.full(aim.shape, _REACH)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        short = _best_loss(comparison.law.base, c, compute * np.exp(middle)) > aim
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(high == _REACH, np.inf, np.exp(low))


def _losses(comparison: Recipes, compute: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the losses of base and candidate along their frontiers, each of shape (draws,
    budgets).
    """
    c = _columns(comparison)
    theirs = {**c, "E": c["E"] * c[FLOOR]} if comparison.law.own_floor else c
    counted = compute * c["n_params_multiplier"] * c["n_tokens_multiplier"]
    return _best_loss(comparison.law.base, c, compute), _best_loss(
        comparison.law.base, theirs, counted
    )


def _columns(comparison: Recipes) -> dict[str, np.ndarray]:
    return {name: values[:, None] for name, values in comparison.params.items()}


def _best_loss(law: Any, params: dict[str, np.ndarray], compute: np.ndarray) -> np.ndarray:
    log_n = np.log(np.asarray(law.optimal_n_params(params, compute)))
    return np.exp(
        np.asarray(
            law.predict(params, {"n_params": log_n, "n_tokens": log_tokens_for(compute, log_n)})
        )
    )


def _check(law: RecipeLaw, noise: Any) -> None:
    base = law.base
    if set(base.inputs) != set(MULTIPLIERS) or not isinstance(base, AllocatesCompute):
        raise InputError(
            f"recipes needs a law of N and D with a best split of compute, not {base.formula}; use "
            f"Chinchilla()."
        )
    if law.own_floor and "E" not in {p.name for p in base.parameters}:
        raise InputError(
            f"{base.formula} has no floor E, so the candidate can have none of its own; set "
            f"shared_floor=True."
        )
    if not is_likelihood(noise):
        raise InputError(
            f"recipes draws from a posterior, and {noise!r} has no density; give a likelihood, "
            f"such as StudentT()."
        )
    if "group" in noise.columns:
        raise InputError(
            "Groups are the recipes here, so their departures are what is asked for; use a noise "
            "without groups."
        )


def _of(runs: Runs, base: str, candidate: str) -> Runs:
    """The runs of both, with the column that says which."""
    if "group" not in runs.frame:
        raise InputError(
            f"{runs.name} has no column group; say which recipe each run is of, for example "
            f"group='optimiser'."
        )
    group = runs.frame["group"].astype(str)
    for name in (base, candidate):
        if name not in set(group):
            raise InputError(
                f"{runs.name} has no group {name!r}; it has {', '.join(sorted(set(group)))}."
            )
    if base == candidate:
        raise InputError(f"Base and candidate are both {base!r}; give two groups.")
    kept = group.isin([base, candidate])
    recipe = np.where(group[kept] == candidate, np.exp(1.0), 1.0)
    name = f"{runs.name}, {candidate} against {base}"
    return Runs(runs.frame[kept].assign(**{RECIPE: recipe}), name, runs.source, runs.notes)
