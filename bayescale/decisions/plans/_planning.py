"""A posterior with its constraints, as decisions about plans use it: arrays in, the best plan of
each draw out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bayescale.decisions.plans._departures import Departures
from bayescale.decisions.plans._optimum import (
    LOG_ENDLESS,
    PlanObjective,
    Scenario,
    Solutions,
    filled,
    least_budget,
    least_cost,
    minimize_loss,
)
from bayescale.decisions.plans.constraints import Constraints, draws_of
from bayescale.decisions.plans.flop_models import SixND
from bayescale.errors import InputError
from bayescale.laws.base import AllocatesCompute
from bayescale.posterior.posterior import Posterior
from bayescale.units import tokens_for

BUDGETS = ("compute", "lifetime_compute", "cost")
"""What a budget may be of. A fourth, of time, is a constraint alone."""

_ROWS = (*BUDGETS, "days")
_MAX = {"compute": "max_compute", "lifetime_compute": "max_lifetime_compute", "cost": "max_cost"}
UNITS = {
    "compute": "FLOPs",
    "lifetime_compute": "FLOPs",
    "cost": "units of money",
    "target_loss": "nats per token",
}
_EXAMPLES = {"compute": "5.76e23", "lifetime_compute": "1e24", "cost": "1e7", "target_loss": "1.95"}
# Of more models and tokens than `_optimum` looks at.
_ENDLESS_BUDGET = np.exp(2.25 * LOG_ENDLESS)
_BINDS = 1e-6
_DRAWS_OF_A_POINT = 1000


@dataclass(frozen=True, eq=False)
class Planner:
    """A posterior with its constraints, which all plans under it share.

    Attributes
    ----------
    objective, scenario
        Arguments of the searches in `_optimum`.
    constraints : Constraints
    """

    objective: PlanObjective
    scenario: Scenario
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
        law, given = posterior.law, constraints or Constraints()
        if (
            not {"n_params", "n_tokens"}
            <= set(law.inputs)
            <= {"n_params", "n_tokens", "unique_tokens"}
        ):
            raise InputError(
                f"{law.formula} knows no trade-off between parameters and tokens; fit Chinchilla() "
                f"to allocate compute."
            )
        knows_repeats = "unique_tokens" in law.inputs
        if knows_repeats and given.unique_tokens is None:
            raise InputError(
                f"{law.formula} asks how many unique tokens there are; give "
                f"Constraints(unique_tokens=...)."
            )
        if knows_repeats and given.repeats is not None:
            raise InputError(
                "constraints: the fitted law says what repeats are worth; leave out repeats."
            )
        params = posterior.params
        n_draws = posterior.n_draws
        if n_draws == 1 and any(
            np.ndim(q) or hasattr(q, "sample")
            for q in (given.unique_tokens, given.inference_tokens)
        ):
            # A point fit meets every draw of what is uncertain.
            n_draws = _DRAWS_OF_A_POINT
            params = {
                name: np.repeat(values.reshape(-1), n_draws) for name, values in params.items()
            }
        endless = np.full(n_draws, np.exp(LOG_ENDLESS))
        unique, served = endless, np.zeros(n_draws)
        if given.unique_tokens is not None:
            unique = draws_of("unique_tokens", given.unique_tokens, n_draws, seed)
        if given.inference_tokens is not None:
            served = draws_of("inference_tokens", given.inference_tokens, n_draws, seed + 1)
        most = np.full(n_draws, given.max_tokens or np.exp(LOG_ENDLESS))
        if not knows_repeats and given.repeats is None:
            most = np.minimum(most, unique)
        train_price, serve_price = given.prices or (1.0, 1.0)
        takes = np.array([[1.0, 1.0, train_price, 1.0], [0.0, 1.0, serve_price, 0.0]])[
            :, :, None, None
        ]
        log_unique = np.log(unique)[:, None]
        scenario = Scenario(
            {name: values.reshape(-1, 1) for name, values in params.items()},
            served[:, None],
            log_unique,
            np.full_like(log_unique, LOG_ENDLESS),
            np.float64(np.log(given.max_params) if given.max_params else LOG_ENDLESS),
            np.log(most)[:, None],
            takes[0],
            takes[1],
            departures=Departures.of(posterior, n_draws, log_unique, seed),
        )
        objective = PlanObjective(law, given.repeats, given.flops)
        if given.repeats is not None:
            scenario = scenario._replace(log_filled=filled(objective, scenario))
        return cls(objective, scenario, given)

    @property
    def n_draws(self) -> int:
        """Number of draws: the posterior's, or 1,000 where a point fit is combined with uncertain
        constraints.
        """
        return len(self.scenario.served)

    def limits(self, budgets: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """The bound on each kind of cost, shape (kinds, 1, points), or (kinds, draws, points) where
        each draw has a budget.
        """
        given = self.constraints
        asked = {
            name: np.asarray(values, dtype=np.float64) for name, values in (budgets or {}).items()
        }
        shape = next(iter(asked.values())).shape if asked else (1,)
        rows = np.full((len(_ROWS), *((1,) * (2 - len(shape))), *shape), _ENDLESS_BUDGET)
        for place, name in enumerate(BUDGETS):
            bound = getattr(given, _MAX[name])
            rows[place] = np.minimum(
                asked.get(name, rows[place]), np.inf if bound is None else bound
            )
        rows[-1] = np.minimum(rows[-1], given.compute_in_time)
        return rows

    def minimize_loss(self, budgets: Mapping[str, np.ndarray] | None = None) -> Solutions:
        """The plan of least loss within all bounds, for each draw and budget; each array has the
        shape (draws, points).
        """
        asked = budgets or {}
        if set(asked) == {"compute"} and self._alone:
            return self._closed_form(np.asarray(asked["compute"]))
        found = jax.device_get(minimize_loss(self.objective, self.scenario, self.limits(budgets)))
        if not found.feasible.any(axis=0).all():
            bounds = ", ".join([*asked, *self.constraints.bounds])
            raise InputError(
                f"Within {bounds} not even a model of one parameter can serve inference_tokens and "
                f"be trained. "
                "Loosen it, or serve fewer."
            )
        return found

    def least_cost(self, target_loss: np.ndarray, of: str | None = None) -> Solutions:
        """The cheapest plan of each draw that reaches a loss within all bounds; not a number where
        none does.

        Parameters
        ----------
        target_loss : array, shape (points,) or (draws, points)
        of : str, optional
            The budget that counts; `currency` unless given.
        """
        row = _ROWS.index(of or self.currency)
        log_target = jnp.log(jnp.atleast_2d(target_loss))
        search = least_cost if self.scenario.departures is None else least_budget
        found = jax.device_get(
            search(self.objective, self.scenario, self.limits(), log_target, jnp.asarray(row))
        )
        log_n, log_d, log_loss = (np.where(found.feasible, values, np.nan) for values in found[:3])
        return Solutions(log_n, log_d, log_loss, found.feasible)

    def log_loss(self, log_n: Any, log_d: Any) -> np.ndarray:
        """Return the log loss of plans by the law and its departures."""
        return np.asarray(
            self.objective.log_loss(jnp.asarray(log_n), jnp.asarray(log_d), self.scenario)
        )

    def log_tokens(self, log_n: Any, budgets: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the logarithm of the tokens that the bounds leave a model of N; not a number where
        serving it breaks one.
        """
        return np.asarray(
            self.objective.log_tokens(
                jnp.asarray(log_n), self.scenario, jnp.asarray(self.limits(budgets))
            )
        )

    def served(self, log_n: Any) -> np.ndarray:
        """FLOPs of serving models of N."""
        return np.asarray(self.objective.flops.forward(np.exp(log_n)) * self.scenario.served)

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

    def costs(self, log_n: Any, log_d: Any) -> dict[str, np.ndarray]:
        """``compute``, ``lifetime_compute`` and ``cost`` of any plans; the last is of no meaning
        without prices.
        """
        rows = np.asarray(
            self.objective.costs(jnp.asarray(log_n), jnp.asarray(log_d), self.scenario)
        )
        return dict(zip(BUDGETS, rows, strict=False))

    def binding(
        self, plans: Solutions, budgets: Mapping[str, np.ndarray] | None = None
    ) -> dict[str, np.ndarray]:
        """Return, for each bound that is set, whether it stops each plan from being better: boolean
        arrays of shape (draws, points).
        """
        given, asked, scenario = self.constraints, budgets or {}, self.scenario
        spent, limits = (
            self.objective.costs(plans.log_n, plans.log_d, scenario),
            self.limits(budgets),
        )
        full = np.asarray(spent) >= limits * (1 - _BINDS)
        found = {}
        for place, name in enumerate(_ROWS):
            bound = "max_days" if name == "days" else _MAX[name]
            if name in asked or getattr(given, bound) is not None:
                found[name if name in asked else bound] = full[place]
        if given.max_params is not None:
            found["max_params"] = plans.log_n >= np.asarray(scenario.log_max_params) - _BINDS
        if given.max_tokens is not None:
            found["max_tokens"] = plans.log_d >= np.log(given.max_tokens) - _BINDS
        if given.unique_tokens is not None:
            found["unique_tokens"] = plans.log_d >= np.asarray(scenario.log_unique) - _BINDS
        return found

    def violations(self, log_n: np.ndarray, log_d: np.ndarray) -> dict[str, np.ndarray]:
        """Return, for each bound that is set, whether each plan breaks it: boolean arrays of shape
        (draws, points).
        """
        given, scenario = self.constraints, self.scenario
        spent = np.asarray(self.objective.costs(log_n, log_d, scenario)) > self.limits() * (
            1 + _BINDS
        )
        found = {bound: spent[place] for place, bound in enumerate((*_MAX.values(), "max_days"))}
        found["max_params"] = log_n > np.asarray(scenario.log_max_params) + _BINDS
        found["max_tokens"] = log_d > np.log(given.max_tokens or np.inf) + _BINDS
        found = {name: found[name] for name in given.bounds}
        if given.unique_tokens is not None:
            # Where repeats have a worth, no number of unique tokens is a bound.
            found["unique_tokens"] = log_d > np.asarray(scenario.log_max_tokens) + _BINDS
        return found

    def require_reachable(self, target_loss: np.ndarray, found: Solutions) -> None:
        """Raise InputError where no draw reaches a target, naming the bound in the way."""
        none = ~found.feasible.any(axis=0)
        if not none.any():
            return
        target = float(np.asarray(target_loss)[none][0])
        for name, alone in self._one_at_a_time():
            least = float(alone.floor.min())
            if least > target:
                raise InputError(
                    f"No draw reaches a loss of {target:g} nats per token: {name} alone leaves "
                    f"{least:.4g} at the least. "
                    "Ask for a higher loss"
                    + ("." if name == "the law's floor" else f", or for more than this {name}.")
                )
        names = ", ".join(
            [
                *self.constraints.bounds,
                *(["unique_tokens"] if self.constraints.unique_tokens is not None else []),
            ]
        )
        raise InputError(
            f"No draw reaches a loss of {target:g} nats per token within all of {names}, though "
            f"each alone allows it. "
            "Ask for a higher loss, or loosen one."
        )

    def least_budget(self, target_loss: np.ndarray, of: str) -> np.ndarray:
        """The least budget of each draw that reaches a loss, shape (draws, points); infinite where
        none does.
        """
        plans = self.least_cost(target_loss, of)
        return np.where(plans.feasible, self.costs(plans.log_n, plans.log_d)[of], np.inf)

    def unbounded(self) -> "Planner":
        """Return a planner of the same law and prices with no bounds but budgets, and endless
        unique tokens.
        """
        endless = np.full_like(self.scenario.log_max_tokens, LOG_ENDLESS)
        scenario = self.scenario._replace(
            log_max_params=np.float64(LOG_ENDLESS),
            log_max_tokens=endless,
            log_unique=endless,
            log_filled=endless,
        )
        return replace(self, scenario=scenario, constraints=_bounded_by(self.constraints, {}))

    def _one_at_a_time(self) -> Iterator[tuple[str, "Planner"]]:
        given, scenario, free = self.constraints, self.scenario, self.unbounded()
        yield "the law's floor", free
        if given.unique_tokens is not None:
            counted = free.scenario._replace(
                log_unique=scenario.log_unique, log_filled=scenario.log_filled
            )
            if "unique_tokens" not in self.objective.law.inputs and given.repeats is None:
                counted = counted._replace(log_max_tokens=scenario.log_unique)
            yield "unique_tokens", replace(free, scenario=counted)
        for name, value in given.bounds.items():
            bounded = free.scenario
            if name == "max_params":
                bounded = bounded._replace(log_max_params=scenario.log_max_params)
            if name == "max_tokens":
                bounded = bounded._replace(
                    log_max_tokens=np.full_like(scenario.log_max_tokens, np.log(value))
                )
            yield (
                name,
                replace(free, scenario=bounded, constraints=_bounded_by(given, {name: value})),
            )

    @property
    def _alone(self) -> bool:
        """Return whether training compute, 6·N·D, is all that bounds a plan."""
        given = self.constraints
        others = (
            given.bounds
            or given.unique_tokens is not None
            or given.flops != SixND()
            or self.scenario.departures is not None
        )
        return isinstance(self.objective.law, AllocatesCompute) and not others

    def _closed_form(self, compute: np.ndarray) -> Solutions:
        law = self.objective.law
        assert isinstance(law, AllocatesCompute)
        n_params = np.asarray(law.optimal_n_params(self.scenario.params, compute))
        log_n, log_d = np.log(n_params), np.log(tokens_for(compute, n_params))
        return Solutions(log_n, log_d, self.log_loss(log_n, log_d), np.ones_like(log_n, dtype=bool))


def asked_for(verb: str, constraints: Constraints | None, **given: Any) -> tuple[str, np.ndarray]:
    """The one of several budgets that was given, and its values, shape (points,).

    Raises
    ------
    InputError
        Where none or several are given, one is not positive, or there is no price to count money
        with.
    """
    asked = {name: _checked(name, values) for name, values in given.items() if values is not None}
    if len(asked) != 1:
        raise InputError(
            f"{verb} takes one of {', '.join(given)}; {' and '.join(asked) or 'none'} was given. "
            "Further bounds go into Constraints, such as max_compute."
        )
    if "cost" in asked and (constraints is None or constraints.prices is None):
        raise InputError(
            f"{verb}: a budget of cost needs the price of a FLOP: Constraints(train_price=...)."
        )
    ((name, values),) = asked.items()
    return name, values


def _checked(name: str, given: float | Sequence[float] | np.ndarray) -> np.ndarray:
    values = np.atleast_1d(np.asarray(given, dtype=np.float64))
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any() or values.ndim > 1 or not values.size:
        shown = f"{values[bad][0]:g}" if bad.any() else f"an array of shape {values.shape}"
        raise InputError(
            f"{name} = {shown} is not a positive number of {UNITS[name]}, such as "
            f"{_EXAMPLES[name]}."
        )
    return values


def _bounded_by(constraints: Constraints, bounds: Mapping[str, float]) -> Constraints:
    """Return the constraints with these fixed bounds in place of their own."""
    changed: dict[str, Any] = dict.fromkeys(constraints.bounds) | dict(bounds)
    return replace(constraints, **changed)
