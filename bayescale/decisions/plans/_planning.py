"""A posterior with its constraints, as decisions about plans use it: arrays in, the best plan of
each draw out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from bayescale.decisions.plans._departures import Departures
from bayescale.decisions.plans._optimum import (
    LOG_ENDLESS,
    Limits,
    PlanObjective,
    Scenario,
    Solutions,
    filled,
    least_budget,
    least_cost,
    minimize_loss,
)
from bayescale.decisions.plans.bounds import (
    AMOUNTS,
    BOUNDS,
    COSTS,
    UNIQUE_TOKENS,
    BoundKind,
    Cost,
    Count,
)
from bayescale.decisions.plans.constraints import Constraints, draws_of, is_uncertain
from bayescale.decisions.plans.flop_models import SixND
from bayescale.errors import InputError
from bayescale.laws.base import AllocatesCompute, Law
from bayescale.posterior.posterior import Posterior
from bayescale.units import tokens_for

Amounts: TypeAlias = float | Sequence[float] | np.ndarray
Budgets: TypeAlias = Mapping[str, np.ndarray]
"""Budgets by the name of their cost, each of shape (points,) or (draws, points)."""

# Of more models and tokens than `_optimum` looks at.
_ENDLESS_BUDGET = np.exp(2.25 * LOG_ENDLESS)
_BINDS = 1e-6
_DRAWS_OF_A_POINT = 1000
_COST_NAMES = tuple(cost.name for cost in COSTS)


@dataclass(frozen=True, eq=False)
class Bound:
    """A bound that is set.

    Attributes
    ----------
    name : str
        The field of the constraints, or the budget.
    on : Count or Cost
        What is bounded.
    limit : array
        Broadcasts against (draws, points).
    remedy : str
        What to do about a plan that breaks the bound.
    forbids : bool
        False for unique tokens whose repeats are worth something: a plan may go beyond them.
    """

    name: str
    on: Count | Cost
    limit: np.ndarray
    remedy: str = "loosen it"
    forbids: bool = True


@dataclass(frozen=True, eq=False)
class Planner:
    """A posterior with its constraints, which all plans under it share.

    Attributes
    ----------
    objective, scenario
        Arguments of the searches in `_optimum`.
    bounds : tuple of Bound
        Those that the constraints set; budgets come on top.
    constraints : Constraints
    """

    objective: PlanObjective
    scenario: Scenario
    bounds: tuple[Bound, ...]
    constraints: Constraints

    @classmethod
    def of(
        cls, posterior: Posterior, constraints: Constraints | None = None, seed: int = 0
    ) -> "Planner":
        """Check that the law can plan, and draw what the constraints leave uncertain.

        Raises
        ------
        InputError
            Where the law has no trade-off between parameters and tokens, or does not know what the
            constraints ask of it.
        """
        given = constraints or Constraints()
        _require_tradeoff(posterior.law)
        _require_known_repeats(posterior.law, given)
        params = _params_of_draws(posterior, given)
        n_draws = len(next(iter(params.values())))
        objective = PlanObjective(posterior.law, given.repeats, given.flops)
        scenario = _scenario(posterior, params, given, n_draws, seed)
        if given.repeats is not None:
            scenario = replace(scenario, log_filled=filled(objective, scenario))
        return cls(objective, scenario, _bounds(posterior.law, given, scenario), given)

    @property
    def n_draws(self) -> int:
        """Number of draws: the posterior's, or 1,000 where a point fit is combined with uncertain
        constraints.
        """
        return len(self.scenario.served)

    def bounds_and(self, budgets: Budgets | None) -> tuple[Bound, ...]:
        """Return all bounds of plans: budgets first, then those of the constraints."""
        asked = []
        for cost in COSTS:
            if budgets is not None and cost.name in budgets:
                amounts = np.asarray(budgets[cost.name], dtype=np.float64)
                asked.append(Bound(cost.name, cost, amounts))
        return (*asked, *self.bounds)

    def limits(self, budgets: Budgets | None = None) -> Limits:
        """Return all bounds together as the searches take them."""
        bounds = _forbidding(self.bounds_and(budgets))
        asked = map(np.shape, (budgets or {}).values())
        shape = np.broadcast_shapes((1, 1), *asked)
        costs = []
        for cost in COSTS:
            limit = _tightest(bounds, cost, _ENDLESS_BUDGET)
            costs.append(np.broadcast_to(limit, shape))
        log_params = np.log(_tightest(bounds, Count.PARAMS, np.exp(LOG_ENDLESS)))
        log_tokens = np.log(_tightest(bounds, Count.TOKENS, np.exp(LOG_ENDLESS)))
        return Limits(np.stack(costs), log_params, np.broadcast_to(log_tokens, (self.n_draws, 1)))

    def minimize_loss(self, budgets: Budgets | None = None) -> Solutions:
        """Return the plan of least loss within all bounds, for each draw and budget; arrays of
        shape (draws, points), not a number where a draw has no plan.

        Raises
        ------
        InputError
            Where no draw has a plan for one of the budgets, or nothing bounds the model.
        """
        if budgets is not None and set(budgets) == {"compute"} and self._is_closed_form:
            return self._closed_form(np.asarray(budgets["compute"]))
        limits = self.limits(budgets)
        plans = jax.device_get(minimize_loss(self.objective, limits, self.scenario))
        if not plans.feasible.any(axis=0).all():
            raise InputError(self._why_none(budgets))
        if budgets and (plans.log_n > LOG_ENDLESS - _BINDS).any():
            names = _listed(self.bounds_and(budgets))
            raise InputError(
                f"Within {names} the best model has more parameters than any that is looked at; "
                f"give a smaller budget, or max_params."
            )
        return _where_feasible(plans)

    def least_cost(self, target_loss: np.ndarray, of: str | None = None) -> Solutions:
        """Return the cheapest plan of each draw that reaches a loss within all bounds; not a number
        where none does.

        Parameters
        ----------
        target_loss : array, shape (points,) or (draws, points)
        of : str, optional
            The cost that counts; `currency` unless given.
        """
        minimised = jnp.asarray(_COST_NAMES.index(of or self.currency))
        log_target = jnp.log(jnp.atleast_2d(target_loss))
        search = least_cost if self.scenario.departures is None else least_budget
        plans = search(self.objective, self.limits(), self.scenario, log_target, minimised)
        return _where_feasible(jax.device_get(plans))

    def log_loss(self, log_n: np.ndarray, log_d: np.ndarray) -> np.ndarray:
        """Return the log loss of plans by the law and its departures."""
        log_loss = self.objective.log_loss(jnp.asarray(log_n), jnp.asarray(log_d), self.scenario)
        return np.asarray(log_loss)

    def log_tokens(self, log_n: np.ndarray, budgets: Budgets) -> np.ndarray:
        """Return the logarithm of the tokens that the bounds leave a model of N; not a number where
        serving it breaks one.
        """
        limits = self.limits(budgets)
        return np.asarray(self.objective.log_tokens(jnp.asarray(log_n), self.scenario, limits))

    def served(self, log_n: np.ndarray) -> np.ndarray:
        """Return the FLOPs of serving models of N."""
        forward = self.objective.flops.forward(jnp.exp(jnp.asarray(log_n)))
        return np.asarray(forward * self.scenario.served)

    @property
    def floor(self) -> np.ndarray:
        """The loss that an endless budget comes to within the bounds, shape (draws, 1)."""
        return np.asarray(np.exp(self.minimize_loss().log_loss))

    @property
    def currency(self) -> str:
        """The cost that plans are compared at equal amounts of: money where there are prices,
        otherwise training and serving FLOPs.
        """
        return "cost" if self.constraints.prices else "lifetime_compute"

    def costs(self, log_n: np.ndarray, log_d: np.ndarray) -> dict[str, np.ndarray]:
        """Return every cost of plans, by name; one of no meaning where the constraints do not say
        what it takes.
        """
        rows = self.objective.costs(jnp.asarray(log_n), jnp.asarray(log_d), self.scenario)
        return dict(zip(_COST_NAMES, np.asarray(rows), strict=True))

    def binding(self, plans: Solutions, budgets: Budgets | None = None) -> dict[str, np.ndarray]:
        """Return, for each bound that is set, whether it stops each plan from being better: boolean
        arrays of shape (draws, points).
        """
        log_n, log_d = np.asarray(plans.log_n), np.asarray(plans.log_d)
        bounds = self.bounds_and(budgets)
        excess = self._log_excess(bounds, log_n, log_d)
        return {name: above >= -_BINDS for name, above in excess.items()}

    def violations(self, log_n: np.ndarray, log_d: np.ndarray) -> dict[Bound, np.ndarray]:
        """Return, for each bound that forbids, whether each plan breaks it: boolean arrays of shape
        (draws, points).
        """
        bounds = _forbidding(self.bounds)
        excess = self._log_excess(bounds, log_n, log_d)
        return {bound: excess[bound.name] > _BINDS for bound in bounds}

    def require_all_feasible(self, plans: Solutions, budgets: Budgets) -> None:
        """Raise InputError where some draws have no plan within a budget."""
        lacking = ~np.asarray(plans.feasible)
        if lacking.any():
            names = _listed(_forbidding(self.bounds_and(budgets)))
            raise InputError(
                f"Within {names} there is no plan in {lacking.mean():.2g} of the draws, so that "
                f"they cannot be compared. Loosen one, or serve fewer inference_tokens."
            )

    def require_reachable(self, target_loss: np.ndarray, plans: Solutions) -> None:
        """Raise InputError where no draw reaches a target, naming the bound in the way."""
        none = ~plans.feasible.any(axis=0)
        if not none.any():
            return
        target = float(np.asarray(target_loss)[none][0])
        refusal = f"No draw reaches a loss of {target:g}"
        floor = float(np.nanmin(self.unbounded().floor))
        if floor > target:
            raise InputError(
                f"{refusal}: the law's floor alone leaves {floor:.4g} at the least. Ask for a "
                f"higher loss."
            )
        for bound in self.bounds:
            least = float(np.nanmin(self.bounded_by(bound).floor))
            if least > target:
                raise InputError(
                    f"{refusal}: {bound.name} alone leaves {least:.4g} at the least. Ask for a "
                    f"higher loss, or for more than this {bound.name}."
                )
        names = _listed(self.bounds)
        raise InputError(
            f"{refusal} within all of {names}, though each alone allows it. Ask for a higher loss, "
            f"or loosen one."
        )

    def least_budget(self, target_loss: np.ndarray, of: str) -> np.ndarray:
        """Return the least budget of each draw that reaches a loss, shape (draws, points); infinite
        where none does.
        """
        plans = self.least_cost(target_loss, of)
        costs = self.costs(np.asarray(plans.log_n), np.asarray(plans.log_d))
        return np.where(plans.feasible, costs[of], np.inf)

    def unbounded(self) -> "Planner":
        """Return a planner of the same law and prices with no bounds but budgets, and endless
        unique tokens.
        """
        endless = np.full_like(self.scenario.log_unique, LOG_ENDLESS)
        scenario = replace(self.scenario, log_unique=endless, log_filled=endless)
        return replace(self, scenario=scenario, bounds=())

    def every(self, step: int) -> "Planner":
        """Return the planner of one draw in ``step``, without bounds."""
        given = self.scenario
        departures = given.departures
        if departures is not None:
            departures = departures._replace(coefficients=departures.coefficients[::step])
        scenario = replace(
            given,
            params={name: values[::step] for name, values in given.params.items()},
            served=given.served[::step],
            log_unique=given.log_unique[::step],
            log_filled=given.log_filled[::step],
            departures=departures,
        )
        return replace(self, scenario=scenario, bounds=())

    def bounded_by(self, bound: Bound) -> "Planner":
        """Return a planner of the same law and prices with one bound alone."""
        if bound.name == UNIQUE_TOKENS.name:
            return replace(self, bounds=(bound,))
        return replace(self.unbounded(), bounds=(bound,))

    def _log_excess(
        self, bounds: Sequence[Bound], log_n: np.ndarray, log_d: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return by how much plans exceed bounds, in logarithms: negative where they keep to
        them.
        """
        costs = self.costs(log_n, log_d)
        used = {Count.PARAMS: log_n, Count.TOKENS: log_d}
        excess = {}
        for bound in bounds:
            on = bound.on
            log_used = np.log(costs[on.name]) if isinstance(on, Cost) else used[on]
            excess[bound.name] = log_used - np.log(bound.limit)
        return excess

    def _why_none(self, budgets: Budgets | None) -> str:
        """Return the message for budgets within which no draw has a plan."""
        names = _listed(_forbidding(self.bounds_and(budgets)))
        serves = self.constraints.inference_tokens is not None
        serve, fewer = ("serve inference_tokens and ", ", or serve fewer") if serves else ("", "")
        return (
            f"Within {names} not even a model of one parameter can {serve}be trained on one "
            f"token. Loosen it{fewer}."
        )

    @property
    def _is_closed_form(self) -> bool:
        """Return whether training compute, 6·N·D, is all that bounds a plan."""
        return (
            isinstance(self.objective.law, AllocatesCompute)
            and not self.bounds
            and self.objective.flops == SixND()
            and self.scenario.departures is None
        )

    def _closed_form(self, compute: np.ndarray) -> Solutions:
        law = self.objective.law
        assert isinstance(law, AllocatesCompute)
        n_params = np.asarray(law.optimal_n_params(self.scenario.params, compute))
        log_n, log_d = np.log(n_params), np.log(tokens_for(compute, n_params))
        return Solutions(log_n, log_d, self.log_loss(log_n, log_d), np.ones_like(log_n, dtype=bool))


def asked_for(
    verb: str, constraints: Constraints | None, **given: Amounts | None
) -> tuple[str, np.ndarray]:
    """Return the one of several budgets that was given, and its values, shape (points,).

    Raises
    ------
    InputError
        Where none or several are given, one is not positive, or the constraints do not say how to
        count it.
    """
    asked = {name: _checked(name, values) for name, values in given.items() if values is not None}
    if len(asked) != 1:
        raise InputError(
            f"{verb} takes one of {', '.join(given)}; {' and '.join(asked) or 'none'} was given. "
            "Further bounds go into Constraints, such as max_compute."
        )
    ((name, values),) = asked.items()
    for cost in COSTS:
        if cost.name == name and cost.needs and not cost.is_told_by(constraints):
            raise InputError(
                f"{verb}: a budget of {name} needs {cost.needs}: Constraints({cost.told_by}=...)."
            )
    return name, values


def _checked(name: str, given: Amounts) -> np.ndarray:
    values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any() or values.ndim > 1 or not values.size:
        shown = f"{values[bad][0]:g}" if bad.any() else f"an array of shape {values.shape}"
        amount = AMOUNTS[name]
        raise InputError(
            f"{name} = {shown} is not a positive number of {amount.unit}, such as {amount.example}."
        )
    return values


def _require_tradeoff(law: Law) -> None:
    """Raise InputError where a law has no trade-off between parameters and tokens."""
    inputs, needed = set(law.inputs), {"n_params", "n_tokens"}
    if not needed <= inputs <= needed | {"unique_tokens"}:
        raise InputError(
            f"{law.formula} knows no trade-off between parameters and tokens; fit Chinchilla() "
            f"to allocate compute."
        )


def _require_known_repeats(law: Law, constraints: Constraints) -> None:
    """Raise InputError where a law of unique tokens is not told their number, or is told what
    repeats are worth.
    """
    if "unique_tokens" not in law.inputs:
        return
    if constraints.unique_tokens is None:
        raise InputError(
            f"{law.formula} asks how many unique tokens there are; give "
            f"Constraints(unique_tokens=...)."
        )
    if constraints.repeats is not None:
        raise InputError(
            "constraints: the fitted law says what repeats are worth; leave out repeats."
        )


def _params_of_draws(posterior: Posterior, constraints: Constraints) -> dict[str, np.ndarray]:
    """Return the parameters of the law, each of shape (draws, 1).

    A point fit meets every draw of what is uncertain.
    """
    uncertain = any(map(is_uncertain, (constraints.unique_tokens, constraints.inference_tokens)))
    repeats = _DRAWS_OF_A_POINT if posterior.n_draws == 1 and uncertain else 1
    params = {}
    for name, values in posterior.params.items():
        params[name] = np.repeat(values.reshape(-1, 1), repeats, axis=0)
    return params


def _scenario(
    posterior: Posterior,
    params: dict[str, np.ndarray],
    constraints: Constraints,
    n_draws: int,
    seed: int,
) -> Scenario:
    """Return the scenario of the draws, with endless unique tokens where none are given."""
    served = np.zeros(n_draws)
    if constraints.inference_tokens is not None:
        served = draws_of("inference_tokens", constraints.inference_tokens, n_draws, seed + 1)
    log_unique = np.full((n_draws, 1), LOG_ENDLESS)
    if constraints.unique_tokens is not None:
        unique = draws_of("unique_tokens", constraints.unique_tokens, n_draws, seed)
        log_unique = np.log(unique)[:, None]
    rates = np.array([cost.rates(constraints) for cost in COSTS])[:, :, None, None]
    return Scenario(
        params=dict(params),
        served=served[:, None],
        log_unique=log_unique,
        log_filled=np.full_like(log_unique, LOG_ENDLESS),
        train_rates=rates[:, 0],
        serve_rates=rates[:, 1],
        departures=Departures.of(posterior, n_draws, log_unique, seed),
    )


def _bounds(law: Law, constraints: Constraints, scenario: Scenario) -> tuple[Bound, ...]:
    """Return the bounds that the constraints set."""
    given = constraints.bounds
    bounds = [_bound(kind, np.float64(given[kind.name])) for kind in BOUNDS if kind.name in given]
    if constraints.unique_tokens is not None:
        unique = np.exp(np.asarray(scenario.log_unique))
        has_worth = "unique_tokens" in law.inputs or constraints.repeats is not None
        bounds.append(replace(_bound(UNIQUE_TOKENS, unique), forbids=not has_worth))
    return tuple(bounds)


def _bound(kind: BoundKind, limit: np.ndarray | np.float64) -> Bound:
    return Bound(kind.name, kind.on, np.asarray(limit), kind.remedy)


def _listed(bounds: Sequence[Bound]) -> str:
    """Return the names of bounds as words of a sentence."""
    return ", ".join(bound.name for bound in bounds)


def _forbidding(bounds: Sequence[Bound]) -> list[Bound]:
    """Return the bounds that no plan may break."""
    return [bound for bound in bounds if bound.forbids]


def _tightest(bounds: Sequence[Bound], on: Count | Cost, endless: float) -> np.ndarray:
    """Return the least limit on one count or cost; ``endless`` where there is none."""
    tightest = np.asarray(endless)
    for bound in bounds:
        if bound.on == on:
            tightest = np.minimum(tightest, bound.limit)
    return tightest


def _where_feasible(plans: Solutions) -> Solutions:
    """Return the plans with no numbers where they break a bound."""
    numbers = np.stack([plans.log_n, plans.log_d, plans.log_loss])
    log_n, log_d, log_loss = np.where(plans.feasible, numbers, np.nan)
    return Solutions(log_n, log_d, log_loss, plans.feasible)
