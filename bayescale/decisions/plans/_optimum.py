"""The best plan of each draw under bounds: one search over log N, in JAX, for all draws and budgets
at once.

Given N, a bound on cost leaves at most so many tokens, and more tokens never hurt; so D is what the
tightest bound leaves, and N is all there is to choose. In log N and log D the loss is convex and so
are costs, whence along the bounds the slope of loss in log N changes sign once, corners included,
and halving finds where. For a target loss it is the other way about: D is what the target needs,
cost is convex in log N, and a bound that is broken says on which side of N it holds. Departures
from the law bend the loss, so that several N may be the best of their surroundings: the search
begins at the best of many.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.decisions.plans._departures import Departures
from bayescale.decisions.plans.constraints import Repeats
from bayescale.decisions.plans.flop_models import TRAINING_PASSES, FlopModel
from bayescale.laws.base import Law
from bayescale.laws.data_constrained import effective

# Logarithms of counts: from one to more than anyone will have, so that "endless" is a number and
# slopes stay finite.
LOG_LEAST, LOG_ENDLESS = 0.0, 200.0
_HALVINGS, _HALVINGS_WITHIN = 56, 32
# About the law's own optimum: how far departures are looked at, in log N, and at how many places.
_REACH, _PLACES = 10.0, 31
# Under departures: of the search for the law's own optimum, of that about the best of those places,
# and of a budget, which is looked for from the cheapest model of their lattice to the dearest.
_HALVINGS_NEAR, _HALVINGS_ABOUT, _BUDGETS = 14, 20, 81
# A search ends on a bound to rounding, on either side.
_BROKEN = 1e-9


class Scenario(NamedTuple):
    """The conditions that a plan is judged under, as arrays of NumPy or JAX that broadcast against
    (draws, points).

    Attributes
    ----------
    params : dict of arrays, shape (draws, 1)
    served : tokens, shape (draws, 1)
    log_unique, log_filled : shape (draws, 1)
        Unique tokens, and the size whose best D they are.
    log_max_params : shape ()
    log_max_tokens : shape (draws, 1)
    train, serve : shape (budgets, 1, 1)
        What a FLOP takes from each budget.
    departures : Departures, optional
        From the law, where the noise model has any.
    """

    params: dict[str, Any]
    served: Any
    log_unique: Any
    log_filled: Any
    log_max_params: Any
    log_max_tokens: Any
    train: Any
    serve: Any
    departures: Departures | None = None


class Solutions(NamedTuple):
    """Logarithms of N, D and loss, each of shape (draws, points), and whether the plan keeps to all
    bounds.
    """

    log_n: Any
    log_d: Any
    log_loss: Any
    feasible: Any


@dataclass(frozen=True)
class PlanObjective:
    """A law, what repeats are worth under it, and what a token costs; equal ones share compiled
    programs.
    """

    law: Law
    repeats: Repeats | None
    flops: FlopModel

    @jit_for(Use.BRIEF, "self")
    def log_loss(self, log_n: Any, log_d: Any, scenario: Scenario) -> Array:
        """Return the log loss of plans, shape (draws, points)."""
        departures = 0.0 if scenario.departures is None else scenario.departures.at(log_n, log_d)
        at = {"n_params": log_n, "n_tokens": log_d}
        if "unique_tokens" in self.law.inputs:
            at["unique_tokens"] = scenario.log_unique
        elif self.repeats is not None:
            at = {
                "n_params": effective(log_n, scenario.log_filled, self.repeats.R_N),
                "n_tokens": effective(log_d, scenario.log_unique, self.repeats.R_D),
            }
        return jnp.asarray(self.law.predict(scenario.params, at)) + departures

    @jit_for(Use.BRIEF, "self")
    def log_tokens(self, log_n: Any, scenario: Scenario, limits: Any) -> Array:
        """Return the logarithm of the tokens that the bounds leave; not a number where serving
        alone breaks one.
        """
        forward = self.flops.forward(jnp.exp(log_n))
        left = limits - scenario.serve * forward * scenario.served
        return jnp.minimum(
            jnp.min(jnp.log(left / scenario.train), axis=0) - jnp.log(TRAINING_PASSES * forward),
            scenario.log_max_tokens,
        )

    @jit_for(Use.BRIEF, "self")
    def costs(self, log_n: Any, log_d: Any, scenario: Scenario) -> Array:
        """Return the cost of plans against each budget, shape (budgets, draws, points)."""
        forward = self.flops.forward(jnp.exp(log_n))
        return (
            scenario.train * TRAINING_PASSES * forward * jnp.exp(log_d)
            + scenario.serve * forward * scenario.served
        )


@jit_for(Use.OFTEN, "objective")
def minimize_loss(objective: PlanObjective, scenario: Scenario, limits: Any) -> Solutions:
    """The plan of least loss within all bounds.

    Parameters
    ----------
    objective : PlanObjective
    scenario : Scenario
    limits : Array, shape (budgets, 1, points) or (budgets, draws, points)
        Of each kind of cost.

    Returns
    -------
    Solutions
        Not feasible where serving alone, or less than one token, takes a budget.
    """
    shape = jnp.broadcast_shapes(scenario.served.shape, limits.shape[1:])

    def log_loss(log_n: Array, scenario: Scenario) -> Array:
        return objective.log_loss(log_n, objective.log_tokens(log_n, scenario, limits), scenario)

    log_n = _least(
        log_loss,
        scenario,
        jnp.full(shape, LOG_LEAST),
        jnp.broadcast_to(scenario.log_max_params, shape),
    )
    log_d = objective.log_tokens(log_n, scenario, limits)
    return Solutions(log_n, log_d, objective.log_loss(log_n, log_d, scenario), log_d >= 0)


@jit_for(Use.OFTEN, "objective")
def least_cost(
    objective: PlanObjective, scenario: Scenario, limits: Any, log_target: Any, minimised: Any
) -> Solutions:
    """The cheapest plan that reaches a loss within all bounds.

    Parameters
    ----------
    objective : PlanObjective
    scenario : Scenario
    limits : Array, as for `minimize_loss`
    log_target : Array, shape (1, points) or (draws, points)
    minimised : Array of int, shape ()
        Which kind of cost is to be least.

    Returns
    -------
    Solutions
        Of no meaning where not feasible.
    """
    shape = jnp.broadcast_shapes(scenario.served.shape, limits.shape[1:], log_target.shape)

    def log_tokens(log_n: Array) -> Array:
        def more(log_d: Array) -> Array:
            return objective.log_loss(log_n, log_d, scenario) > log_target

        low, high = _bisect(
            more, jnp.full(shape, LOG_LEAST), jnp.full(shape, LOG_ENDLESS), _HALVINGS_WITHIN
        )
        log_d = jax.lax.stop_gradient((low + high) / 2)
        # One step of Newton's, which is also what makes the root move with N.
        _, slope = jax.jvp(
            lambda y: objective.log_loss(jax.lax.stop_gradient(log_n), y, scenario),
            (log_d,),
            (jnp.ones(shape),),
        )
        return log_d - (
            objective.log_loss(log_n, log_d, scenario) - log_target
        ) / jax.lax.stop_gradient(slope)

    def log_needed(log_n: Array) -> tuple[Array, Array]:
        log_d = log_tokens(log_n)
        return log_d, jnp.log(objective.costs(log_n, log_d, scenario))

    def violations(
        log_n: Array, log_d: Array, log_costs: Array, tolerated: float
    ) -> tuple[Array, Array]:
        too_small = ~(
            (objective.log_loss(log_n, LOG_ENDLESS, scenario) <= log_target)
            & (log_d <= scenario.log_max_tokens + tolerated)
        )
        return too_small, log_costs - jnp.log(limits) - tolerated

    def right(log_n: Array) -> Array:
        (log_d, log_costs), (_, slopes) = jax.jvp(log_needed, (log_n,), (jnp.ones(shape),))
        too_small, excess = violations(log_n, log_d, log_costs, 0.0)
        worst = jnp.argmax(excess, axis=0)
        follow = jnp.where(jnp.max(excess, axis=0) > 0, worst, minimised)
        slope = jnp.take_along_axis(slopes, follow[None], axis=0)[0]
        return too_small | (slope < 0)

    low, high = _bisect(
        right,
        jnp.full(shape, LOG_LEAST),
        jnp.broadcast_to(scenario.log_max_params, shape),
        _HALVINGS,
    )
    log_n = (low + high) / 2
    log_d, log_costs = log_needed(log_n)
    too_small, excess = violations(log_n, log_d, log_costs, _BROKEN)
    return Solutions(
        log_n,
        log_d,
        objective.log_loss(log_n, log_d, scenario),
        ~too_small & jnp.all(excess <= 0, axis=0),
    )


@jit_for(Use.OFTEN, "objective")
def least_budget(
    objective: PlanObjective, scenario: Scenario, limits: Any, log_target: Any, minimised: Any
) -> Solutions:
    """Return the best plan of the least budget that reaches a loss, under departures.

    Departures may let the loss rise where more is spent, so budgets are tried from the least on
    until the first that will do.

    Parameters
    ----------
    objective, scenario, limits, log_target, minimised
        As for `least_cost`; the scenario has departures.

    Returns
    -------
    Solutions
        Of no meaning where not feasible, which is also where no budget will do on the lattice of
        the departures.
    """
    shape = jnp.broadcast_shapes(scenario.served.shape, limits.shape[1:], log_target.shape)
    assert scenario.departures is not None
    ends = scenario.departures.ends
    cheapest, dearest = (
        jnp.log(TRAINING_PASSES * objective.flops.forward(jnp.exp(ends[:, 0]))) + ends[:, 1]
    )
    budgets = jnp.linspace(cheapest, dearest, _BUDGETS) + jnp.log(scenario.train[minimised, 0, 0])

    def within(log_budget: Array) -> Solutions:
        every = jnp.broadcast_to(limits, (len(limits), *shape))
        return minimize_loss(objective, scenario, every.at[minimised].min(jnp.exp(log_budget)))

    def short(log_budget: Array) -> Array:
        plans = within(log_budget)
        return ~(plans.feasible & (plans.log_loss <= log_target))

    def look(first: Array, budget: Array) -> tuple[Array, None]:
        return jnp.where(jnp.isnan(first) & ~short(jnp.full(shape, budget)), budget, first), None

    first, _ = jax.lax.scan(look, jnp.full(shape, jnp.nan), budgets)
    _, log_budget = _bisect(short, first - (budgets[1] - budgets[0]), first, _HALVINGS_ABOUT)
    return within(log_budget)._replace(feasible=~jnp.isnan(first))


@jit_for(Use.OFTEN, "objective")
def least_mean_loss(objective: PlanObjective, scenario: Scenario, limits: Any) -> Array:
    """log of the one N for all draws whose mean loss is least, shape (points,); D is what the
    bounds leave it in each draw.
    """
    shape = jnp.broadcast_shapes(scenario.served.shape, limits.shape[1:])

    def mean(log_n: Array, scenario: Scenario) -> Array:
        every = jnp.broadcast_to(log_n, shape)
        return jnp.mean(
            jnp.exp(
                objective.log_loss(every, objective.log_tokens(every, scenario, limits), scenario)
            ),
            axis=0,
        )

    return _least(
        mean,
        scenario,
        jnp.full(shape[1], LOG_LEAST),
        jnp.broadcast_to(scenario.log_max_params, shape[1]),
    )


@jit_for(Use.OFTEN, "objective")
def no_worse(
    objective: PlanObjective, scenario: Scenario, limits: Any, best: Any, log_loss: Any
) -> tuple[Array, Array]:
    """log of the least and the greatest N within the bounds whose loss is no higher, about the N of
    least loss.
    """

    def good(log_n: Array) -> Array:
        return (
            objective.log_loss(log_n, objective.log_tokens(log_n, scenario, limits), scenario)
            <= log_loss
        )

    _, least = _bisect(lambda x: ~good(x), jnp.full(best.shape, LOG_LEAST), best, _HALVINGS)
    greatest, _ = _bisect(
        good, best, jnp.broadcast_to(scenario.log_max_params, best.shape), _HALVINGS
    )
    return least, greatest


@jit_for(Use.OFTEN, "objective")
def filled(objective: PlanObjective, scenario: Scenario) -> Array:
    """log of the size whose best D, were tokens endless, is all unique tokens: there another
    parameter and another token in a hundred gain alike.
    """
    plain, scenario = (
        PlanObjective(objective.law, None, objective.flops),
        scenario._replace(departures=None),
    )

    def right(log_n: Array) -> Array:
        ones = jnp.ones_like(log_n)
        by_params = jax.jvp(
            lambda x: plain.log_loss(x, scenario.log_unique, scenario), (log_n,), (ones,)
        )[1]
        by_tokens = jax.jvp(
            lambda y: plain.log_loss(log_n, y, scenario), (scenario.log_unique,), (ones,)
        )[1]
        return by_params < by_tokens

    shape = scenario.log_unique.shape
    low, high = _bisect(right, jnp.full(shape, LOG_LEAST), jnp.full(shape, LOG_ENDLESS), _HALVINGS)
    return (low + high) / 2


def _least(worth: Any, scenario: Scenario, least: Array, greatest: Array) -> Array:
    """Return the log N at which ``worth(log_n, scenario)`` is least, an array like both ends.

    It is found by the sign of the slope.

    By the law alone it has one minimum; departures may make several, of which the best about that
    one is taken.
    """

    def right(scenario: Scenario, log_n: Array) -> Array:
        # False where there is no slope, since serving alone breaks a bound there.
        return jax.jvp(lambda x: worth(x, scenario), (log_n,), (jnp.ones(least.shape),))[1] < 0

    # The lower end is the one that keeps to all bounds.
    halvings = _HALVINGS if scenario.departures is None else _HALVINGS_NEAR
    log_n, _ = _bisect(
        partial(right, scenario._replace(departures=None)), least, greatest, halvings
    )
    if scenario.departures is None:
        return log_n
    about = _about_the_best(lambda x: worth(x, scenario), log_n, least, greatest)
    return _bisect(partial(right, scenario), *about, _HALVINGS_ABOUT)[0]


def _about_the_best(worth: Any, log_n: Array, least: Array, greatest: Array) -> tuple[Array, Array]:
    """Neighbours of the best of many N about the law's own, between which the search goes on."""
    steps = jnp.linspace(-_REACH, _REACH, _PLACES)

    def look(best: tuple[Array, Array], step: Array) -> tuple[tuple[Array, Array], None]:
        here = jnp.clip(log_n + step, least, greatest)
        loss = worth(here)
        better = loss < best[1]
        return (jnp.where(better, here, best[0]), jnp.where(better, loss, best[1])), None

    # The law's own N is one of the places.
    (best, _), _ = jax.lax.scan(look, (log_n, jnp.full(log_n.shape, jnp.inf)), steps)
    between = steps[1] - steps[0]
    return jnp.clip(best - between, least, greatest), jnp.clip(best + between, least, greatest)


def _bisect(right: Any, low: Array, high: Array, halvings: int) -> tuple[Array, Array]:
    """The last bracket of a search that goes right where ``right`` says so."""

    def step(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        go = right(middle)
        return jnp.where(go, middle, low), jnp.where(go, high, middle)

    return jax.lax.fori_loop(0, halvings, step, (low, high))
