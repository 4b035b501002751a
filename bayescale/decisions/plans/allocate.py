"""Allocate a budget between parameters and tokens: the optimum of each draw, with intervals.

C = 6·N·D FLOPs of training, as in Hoffmann et al. 2022 and Kaplan et al. 2020 (equation 2.2,
without the attention term), unless `Constraints` bring another count; they also bring bounds,
prices, serving, and how many tokens there are.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayescale._internal.precision import float64
from bayescale.decisions.plans._budget_tables import by_budget_and_quantity
from bayescale.decisions.plans._one_budget import (
    is_of_one_budget,
    refusal,
    same_budget,
    vertex,
)
from bayescale.decisions.plans._optimum import Solutions
from bayescale.decisions.plans._planning import Amounts, Planner, asked_for
from bayescale.decisions.plans.bounds import AMOUNTS, BUDGETS, COSTS, TARGET_LOSS
from bayescale.decisions.plans.constraints import Constraints
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, as_json, to_html, to_text
from bayescale.units import (
    NATS_PER_TOKEN,
    STATISTICS,
    count_in_words,
    in_loss_unit,
    quantiles,
    summarise,
)

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = {
    "n_params": "parameters",
    "n_tokens": "tokens",
    "tokens_per_param": "tokens per parameter",
    "epochs": "readings of each unique token",
    "loss": "nats per token",
    "serve_flops": "FLOPs",
    **{cost.quantity: cost.unit for cost in COSTS},
    "feasible": "1 where the draw has a plan",
}
# Enough for quantiles that are drawn with characters.
_DRAWS_OF_A_PATH = 400
_UNBOUNDED = ("n_params", "n_tokens", "tokens_per_param", "loss")


@dataclass(frozen=True, eq=False)
class Allocation:
    """The best plan for each budget.

    Attributes
    ----------
    over : str
        The kind of budget: ``compute``, ``lifetime_compute``, ``cost`` or ``target_loss``.
    budgets : array, shape (budgets,)
    arrays : mapping of arrays, shape (draws, budgets)
        ``n_params``, ``n_tokens``, ``tokens_per_param`` and ``loss`` (nats per token, without a
        single run's scatter) at each draw's own optimum. With constraints also ``train_flops`` and,
        where they say what it takes, ``epochs``, ``serve_flops``, ``lifetime_flops``,
        ``total_cost`` and ``days``. A draw without a plan has no numbers; for a target loss, and
        for a budget within which some draws have no plan, ``feasible`` tells which draws have one.
    binding : DataFrame, one row a budget and bound
        ``share`` of the draws in which the bound stops the plan from being better; of unique
        tokens, in which all are read.
    notes : tuple of str
        What a reader must know, such as that the plan is the vertex of one budget's losses.
    loss_unit : str
        Unit of the losses.
    """

    over: str
    budgets: np.ndarray
    arrays: Mapping[str, np.ndarray] = field(repr=False)
    binding: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    notes: tuple[str, ...] = ()
    loss_unit: str = NATS_PER_TOKEN

    @cached_property
    def draws(self) -> "xr.Dataset":
        """The arrays, with dimensions ``draw`` and the kind of budget, such as ``compute``."""
        import xarray as xr

        dims = ("draw", self.over)
        named = {name: (dims, array) for name, array in self.arrays.items()}
        return xr.Dataset(named, coords={self.over: self.budgets})

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per budget and quantity, with mean, sd and quantiles, over the draws that
        have a plan.
        """
        rows = []
        for column, budget in enumerate(self.budgets):
            for name in QUANTITIES:
                if name not in self.arrays:
                    continue
                draws = self.arrays[name][:, column]
                unit = in_loss_unit(QUANTITIES[name], self.loss_unit)
                about = {self.over: float(budget), "quantity": name, "unit": unit}
                rows.append(about | summarise(draws[~np.isnan(draws)]))
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """The frame, indexed by budget and quantity."""
        return by_budget_and_quantity(self.frame)

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"best plans by {self.over.replace('_', ' ')}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Size and tokens of each plan, with a 90 % interval of the size, and the notes."""
        unit = in_loss_unit(AMOUNTS[self.over].unit, self.loss_unit)
        said = []
        for budget, quantities in self.frame.groupby(self.over, sort=False):
            rows: dict[Any, Any] = quantities.set_index("quantity").to_dict("index")
            size, tokens = rows["n_params"], rows["n_tokens"]
            said.append(
                f"At {budget:.4g} {unit}: {count_in_words(size['q50'])} parameters (90 %: "
                f"{count_in_words(size['q05'])} to {count_in_words(size['q95'])}) on "
                f"{count_in_words(tokens['q50'])} tokens."
            )
        return (*said, *self.notes)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    @property
    def is_plain(self) -> bool:
        """True where nothing but a budget of compute bounds the plans."""
        return set(self.arrays) == set(_UNBOUNDED)

    def binding_shares(self, budget: float) -> dict[str, float]:
        """Return in what share of the draws each bound limits the plan of a budget."""
        # A target loss without bounds has no rows, and no columns either.
        if self.binding.empty:
            return {}
        rows = self.binding[self.binding[self.over] == budget]
        return dict(zip(rows["bound"], rows["share"], strict=True))

    def records(self) -> list[dict[str, Json]]:
        """Return one dictionary a budget: statistics of each quantity and, where constraints were
        given, the share of the draws in which each bound binds.
        """
        listed = []
        for _, rows in self.frame.groupby(self.over, sort=False):
            budget = float(rows[self.over].iloc[0])
            plan: dict[str, Any] = {self.over: budget}
            for _, row in rows.iterrows():
                plan[row["quantity"]] = {name: row[name] for name in STATISTICS}
            if not self.is_plain:
                plan["binding"] = self.binding_shares(budget)
            listed.append(as_json(plan))
        return listed

    def to_dict(self) -> dict[str, Json]:
        """The quantities of one budget, or ``allocation``, a list of those of several; and the
        notes where there are some.
        """
        listed = self.records()
        notes: dict[str, Json] = {"notes": list(self.notes)} if self.notes else {}
        if len(listed) > 1:
            return {"allocation": listed} | notes
        return {name: value for name, value in listed[0].items() if name != self.over} | notes

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def allocate(
    posterior: Posterior,
    compute: Amounts | None = None,
    *,
    lifetime_compute: Amounts | None = None,
    cost: Amounts | None = None,
    target_loss: Amounts | None = None,
    constraints: Constraints | None = None,
    seed: int = 0,
) -> Allocation:
    """Split a budget between parameters and tokens so that the law's loss is least, or reach a loss
    at the least cost.

    Each draw has an optimum of its own: without constraints N* and D* = C/(6 N*), in closed form.
    The intervals are those of N*, not of the loss around one N*; `flat_set` and `regret` tell what
    missing N* costs.

    Where the noise model has departures from the law that runs share, law and departures divide
    between them what the runs say, and the optimum is of both: the law's own may lie far from where
    the runs themselves show it. Each draw's departures are one surface, drawn as `forecast` draws
    them. Far beyond the runs intervals are wide: a law may bend there.

    Runs of one budget show which size is best at it and nothing of other compute: the plan is the
    vertex of a parabola through their losses, whatever the law, and other budgets are refused.

    Parameters
    ----------
    posterior : Posterior
        Of a law of N and D, and of unique tokens where it counts them.
    compute : float or sequence
        Budgets of training, FLOPs.
    lifetime_compute : float or sequence
        Budgets of training and serving together, FLOPs.
    cost : float or sequence
        Budgets of money for both, in the currency of the constraints' prices.
    target_loss : float or sequence
        In place of a budget: the loss to reach, nats per token, at the least cost: in money where
        there are prices, otherwise in training and serving FLOPs (Sardana et al. 2023,
        arXiv:2401.00448). A draw in which no plan within the constraints reaches it has none;
        ``feasible`` has the share of those that do.
    constraints : Constraints, optional
        What else bounds the plan. A budget and a bound of the same kind both hold.
    seed : int
        Of what the constraints leave uncertain.

    Returns
    -------
    Allocation

    Raises
    ------
    InputError
        Where the law has no trade-off between parameters and tokens, a budget is not positive, none
        or several are given, all runs have one budget and another is asked for, or no draw has a
        plan; the message names the bound that allows none.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> list(bs.allocate(post, compute=[1e21, 5.76e23]).draws["n_params"].shape)
    [1, 2]
    >>> served = bs.Constraints(inference_tokens=1e13, max_tokens=15e12)
    >>> plans = bs.allocate(post, lifetime_compute=1e24, constraints=served)
    >>> bool((plans.draws["lifetime_flops"] <= 1.0000001e24).all())
    True
    """
    given = {"compute": compute, "lifetime_compute": lifetime_compute, "cost": cost}
    over, amounts = asked_for("allocate", constraints, **given, target_loss=target_loss)
    if is_of_one_budget(posterior):
        return _at_the_vertex(posterior, over, amounts, constraints, seed)
    return _by_law(posterior, over, amounts, constraints, seed)


@float64
def allocate_by_law(posterior: Posterior, compute: Amounts) -> Allocation:
    """Return the best plans by law and departures, as `allocate` does, for runs of one budget too.

    Parameters
    ----------
    posterior : Posterior
    compute : float or sequence
        FLOPs.
    """
    over, amounts = asked_for("allocate", None, compute=compute)
    return _by_law(posterior, over, amounts, None, 0)


def _by_law(
    posterior: Posterior,
    over: str,
    amounts: np.ndarray,
    constraints: Constraints | None,
    seed: int,
) -> Allocation:
    planner = Planner.of(posterior, constraints, seed)
    budgets = {over: amounts} if over in BUDGETS else {}
    if over == TARGET_LOSS.name:
        plans = planner.least_cost(amounts)
        planner.require_reachable(amounts, plans)
    else:
        plans = planner.minimize_loss(budgets)
    values = quantities(planner, plans, plain=constraints is None)
    if over == TARGET_LOSS.name or not plans.feasible.all():
        values["feasible"] = np.asarray(plans.feasible, dtype=np.float64)
    binding = planner.binding(plans, budgets)
    shares = _binding_shares(over, amounts, binding, np.asarray(plans.feasible))
    return Allocation(over, amounts, values, shares, loss_unit=posterior.runs.loss_unit)


def _at_the_vertex(
    posterior: Posterior,
    over: str,
    amounts: np.ndarray,
    constraints: Constraints | None,
    seed: int,
) -> Allocation:
    """Return the plan of runs of one budget at it, or refuse what they cannot say."""
    found = vertex(posterior.runs, seed)
    is_asked = over == "compute" and constraints is None
    if not is_asked or not same_budget(posterior.runs, amounts).all():
        raise refusal("allocate", posterior.runs, found)
    values = found.at(amounts)
    if not found.feasible.all():
        there = found.feasible[:, None].astype(np.float64)
        values["feasible"] = np.broadcast_to(there, values["loss"].shape)
    unit = posterior.runs.loss_unit
    return Allocation(over, amounts, values, notes=(found.note,), loss_unit=unit)


@float64
def allocate_along(
    posterior: Posterior, compute: np.ndarray, path: np.ndarray
) -> tuple[Allocation, np.ndarray]:
    """Return plans as `allocate` does, and quantiles of their loss at more budgets.

    The search takes as long as there are draws and budgets. Quantiles for a figure need hundreds of
    draws, not thousands, so each budget of the path is met by some of the draws only.

    Parameters
    ----------
    posterior : Posterior
    compute, path : array, shape (budgets,) and (points,)
        FLOPs.

    Returns
    -------
    plans : Allocation
        At the budgets of ``compute``.
    losses : array, shape (3, points)
        Low, middle and high quantile along the path.
    """
    planner = Planner.of(posterior)
    columns = min(len(path), math.ceil(len(path) * _DRAWS_OF_A_PATH / planner.n_draws))
    cells = np.arange(planner.n_draws * columns).reshape(-1, columns) % len(path)
    asked = np.broadcast_to(compute, (planner.n_draws, len(compute)))
    budgets = {"compute": np.concatenate([asked, path[cells]], axis=1)}
    found = quantities(planner, planner.minimize_loss(budgets), plain=True)
    arrays = {name: values[:, : len(compute)] for name, values in found.items()}
    losses = found["loss"][:, len(compute) :]
    along = []
    for point in range(len(path)):
        at_point = quantiles(losses[cells == point])
        along.append(list(at_point.values()))
    plans = Allocation("compute", compute, arrays, loss_unit=posterior.runs.loss_unit)
    return plans, np.transpose(along)


@float64
def loss_of_plans(
    posterior: Posterior, n_params: np.ndarray, n_tokens: np.ndarray
) -> dict[str, np.ndarray]:
    """Return quantiles of the loss of plans, on the surface on which `allocate` seeks the best.

    Parameters
    ----------
    posterior : Posterior
    n_params, n_tokens : array, shape (plans,)

    Returns
    -------
    dict of arrays, shape (plans,)
        ``q05``, ``q50`` and ``q95``, in nats per token, without the scatter of runs.
    """
    planner = Planner.of(posterior)
    shape = planner.n_draws, len(n_params)
    log_n, log_d = (
        np.broadcast_to(np.log(n_params), shape),
        np.broadcast_to(np.log(n_tokens), shape),
    )
    return quantiles(np.exp(planner.log_loss(log_n, log_d)))


def quantities(planner: Planner, plans: Solutions, *, plain: bool) -> dict[str, np.ndarray]:
    """Return the quantities of plans, each of shape (draws, points); of plain ones, without
    constraints, split and loss.
    """
    log_n, log_d = np.asarray(plans.log_n), np.asarray(plans.log_d)
    n_params, n_tokens = np.exp(log_n), np.exp(log_d)
    values = {
        "n_params": n_params,
        "n_tokens": n_tokens,
        "tokens_per_param": n_tokens / n_params,
        "loss": np.exp(np.asarray(plans.log_loss)),
    }
    if plain:
        return values
    constraints, costs = planner.constraints, planner.costs(log_n, log_d)
    if constraints.unique_tokens is not None:
        values["epochs"] = np.exp(log_d - np.asarray(planner.scenario.log_unique))
    if constraints.inference_tokens is not None:
        values["serve_flops"] = planner.served(log_n)
    for cost in COSTS:
        if cost.is_told_by(constraints):
            values[cost.quantity] = costs[cost.name]
    return values


def _binding_shares(
    over: str, amounts: np.ndarray, binding: dict[str, np.ndarray], feasible: np.ndarray
) -> pd.DataFrame:
    """Return a table with the share of draws in which each bound binds, one row a budget and
    bound.
    """
    rows = []
    for column, amount in enumerate(amounts):
        for name, binds in binding.items():
            share = _share(np.broadcast_to(binds, feasible.shape)[:, column], feasible[:, column])
            rows.append({over: amount, "bound": name, "share": share})
    return pd.DataFrame(rows)


def _share(binds: np.ndarray, feasible: np.ndarray) -> float:
    """Return the share of the draws with a plan in which a bound binds."""
    return float(binds[feasible].mean()) if feasible.any() else float("nan")
