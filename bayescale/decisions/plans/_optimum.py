"""Search in JAX for the best plan of each draw under bounds: over log N, for all draws and budgets
at once.

Given N, a bound on cost leaves at most so many tokens, and more tokens never hurt; so D is what the
tightest bound leaves, and N is all there is to choose. In log N and log D the loss is convex and so
are costs, whence along the bounds the slope of loss in log N changes sign once, corners included,
and halving finds where. For a target loss it is the other way about: D is what the target needs,
cost is convex in log N, and a bound that is broken says on which side of N it holds. Departures
from the law bend the loss, so that several N may be the best of their surroundings: the search
begins at the best of many.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale.decisions.plans._departures import Departures
from bayescale.decisions.plans.constraints import Repeats
from bayescale.decisions.plans.flop_models import TRAINING_PASSES, FlopModel
from bayescale.laws.base import Law
from bayescale.laws.data_constrained import effective

Values: TypeAlias = Array | np.ndarray

# Logarithms of counts: from one to more than anyone will have, so that "endless" is a number and
# slopes stay finite.
LOG_LEAST, LOG_ENDLESS = 0.0, 200.0
_HALVINGS, _HALVINGS_WITHIN = 56, 32
# About the law's own optimum: how far departures are looked at, in log N, and at how many places.
_HALF_WIDTH, _PLACES = 10.0, 31
# Sections of the search about the best of those places, to a millionth of N, and of that before for
# the law's own optimum, to a hundredth.
_SECTIONS, _PLACES_OF_LAW, _SECTIONS_OF_LAW = 29, 5, 18
_GOLDEN_SECTION = (3 - 5**0.5) / 2
# More than any logarithm of a loss.
_NO_LOSS = 1e6
# Budgets that are looked at from the smallest training cost on the lattice of departures to the
# largest, which is as far apart as its knots, and steps of the search between two of them.
_BUDGETS, _SECANTS = 32, 10
# A search ends on a bound to rounding, on either side.
_BROKEN = 1e-9


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Scenario:
    """The conditions that a plan is judged under; arrays broadcast against (draws, points).

    Attributes
    ----------
    params : dict of arrays, shape (draws, 1)
        Of the law.
    served : array, shape (draws, 1)
        Tokens served.
    log_unique, log_filled : array, shape (draws, 1)
        Unique tokens, and the size whose best D they are.
    train_rates, serve_rates : array, shape (costs, 1, 1)
        What a FLOP of training, and one of serving, adds to each cost.
    departures : Departures, optional
        From the law, where the noise model has any.
    """

    params: dict[str, Values]
    served: Values
    log_unique: Values
    log_filled: Values
    train_rates: Values
    serve_rates: Values
    departures: Departures | None = None


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Limits:
    """The limits that all bounds set together, endless where there is none.

    The shapes do not depend on which bounds are set, so that one program serves all.

    Attributes
    ----------
    costs : array, shape (costs, 1, points) or (costs, draws, points)
    log_params : array, shape ()
    log_tokens : array, shape (draws, 1)
    """

    costs: Values
    log_params: Values
    log_tokens: Values


class Solutions(NamedTuple):
    """Logarithms of N, D and loss, each of shape (draws, points), and whether the plan keeps to all
    bounds.
    """

    log_n: Values
    log_d: Values
    log_loss: Values
    feasible: Values


@dataclass(frozen=True)
class PlanObjective:
    """A law, what repeats are worth under it, and what a token costs; equal ones share compiled
    programs.
    """

    law: Law
    repeats: Repeats | None
    flops: FlopModel

    @jit_for(Use.BRIEF, "self")
    def log_loss(self, log_n: Array, log_d: Array, scenario: Scenario) -> Array:
        """Return the log loss of plans, shape (draws, points)."""
        inputs = {"n_params": log_n, "n_tokens": log_d}
        if "unique_tokens" in self.law.inputs:
            inputs["unique_tokens"] = jnp.asarray(scenario.log_unique)
        elif self.repeats is not None:
            inputs = {
                "n_params": effective(log_n, scenario.log_filled, self.repeats.R_N),
                "n_tokens": effective(log_d, scenario.log_unique, self.repeats.R_D),
            }
        log_loss = jnp.asarray(self.law.predict(scenario.params, inputs))
        if scenario.departures is None:
            return log_loss
        return log_loss + scenario.departures.at(log_n, log_d)

    @jit_for(Use.BRIEF, "self")
    def log_tokens(self, log_n: Array, scenario: Scenario, limits: Limits) -> Array:
        """Return the logarithm of the tokens that the bounds leave; not a number where serving
        alone breaks one.
        """
        forward = self.flops.forward(jnp.exp(log_n))
        left = limits.costs - scenario.serve_rates * forward * scenario.served
        # Said outright, since compilers may be told to take the least of numbers alone.
        can_serve = jnp.all(left > 0, axis=0)
        log_flops = jnp.log(jnp.where(left > 0, left, 1.0) / scenario.train_rates)
        log_affordable = jnp.min(log_flops, axis=0) - jnp.log(TRAINING_PASSES * forward)
        return jnp.where(can_serve, jnp.minimum(log_affordable, limits.log_tokens), jnp.nan)

    @jit_for(Use.BRIEF, "self")
    def costs(self, log_n: Array, log_d: Array, scenario: Scenario) -> Array:
        """Return every cost of plans, shape (costs, draws, points)."""
        forward = self.flops.forward(jnp.exp(log_n))
        training = scenario.train_rates * TRAINING_PASSES * forward * jnp.exp(log_d)
        serving = scenario.serve_rates * forward * scenario.served
        return jnp.asarray(training + serving)


@jit_for(Use.OFTEN, "objective")
def minimize_loss(objective: PlanObjective, limits: Limits, scenario: Scenario) -> Solutions:
    """Search for the plan of least loss within all bounds.

    Parameters
    ----------
    objective : PlanObjective
    limits : Limits
    scenario : Scenario

    Returns
    -------
    Solutions
        Not feasible where serving alone, or less than one token, takes a budget.
    """
    shape = _shape(limits, scenario)

    def log_loss(log_n: Array, scenario: Scenario) -> Array:
        return objective.log_loss(log_n, objective.log_tokens(log_n, scenario, limits), scenario)

    least = jnp.full(shape, LOG_LEAST)
    log_n = _least(log_loss, scenario, least, jnp.broadcast_to(limits.log_params, shape))
    log_d = objective.log_tokens(log_n, scenario, limits)
    feasible = (log_d >= LOG_LEAST) & (limits.log_params >= LOG_LEAST)
    return Solutions(log_n, log_d, objective.log_loss(log_n, log_d, scenario), feasible)


@jit_for(Use.OFTEN, "objective")
def least_cost(
    objective: PlanObjective,
    limits: Limits,
    scenario: Scenario,
    log_target: Array,
    minimised: Array,
) -> Solutions:
    """Search for the cheapest plan that reaches a loss within all bounds.

    Parameters
    ----------
    objective : PlanObjective
    limits : Limits
    scenario : Scenario
    log_target : Array, shape (1, points) or (draws, points)
    minimised : Array of int, shape ()
        The place of the cost that is to be least.

    Returns
    -------
    Solutions
        Of no meaning where not feasible.
    """
    shape = _shape(limits, scenario, log_target.shape)
    ones = jnp.ones(shape)
    log_limits = jnp.log(limits.costs)

    def needed(log_n: Array) -> tuple[Array, Array]:
        log_d = _log_tokens_for(objective, scenario, log_target, log_n)
        return log_d, jnp.log(objective.costs(log_n, log_d, scenario))

    def is_too_small(log_n: Array, log_d: Array, tolerated: float) -> Array:
        # Neither all tokens there will ever be, nor all that the bounds leave, reach the loss.
        with_endless = objective.log_loss(log_n, jnp.asarray(LOG_ENDLESS), scenario)
        within = log_d <= limits.log_tokens + tolerated
        return ~((with_endless <= log_target) & within)

    def is_left_of_best(log_n: Array) -> Array:
        (log_d, log_costs), (_, slopes) = jax.jvp(needed, (log_n,), (ones,))
        excess = log_costs - log_limits
        # A bound that is broken says by its own slope on which side of N it holds.
        worst = jnp.argmax(excess, axis=0)
        followed = jnp.where(jnp.max(excess, axis=0) > 0, worst, minimised)
        slope = jnp.take_along_axis(slopes, followed[None], axis=0)[0]
        return is_too_small(log_n, log_d, 0.0) | (slope < 0)

    greatest = jnp.broadcast_to(limits.log_params, shape)
    low, high = _bisect(is_left_of_best, jnp.full(shape, LOG_LEAST), greatest, _HALVINGS)
    log_n = (low + high) / 2
    log_d, log_costs = needed(log_n)
    affordable = jnp.all(log_costs - log_limits <= _BROKEN, axis=0)
    feasible = ~is_too_small(log_n, log_d, _BROKEN) & affordable
    return Solutions(log_n, log_d, objective.log_loss(log_n, log_d, scenario), feasible)


def _log_tokens_for(
    objective: PlanObjective, scenario: Scenario, log_target: Array, log_n: Array
) -> Array:
    """Return the logarithm of the tokens with which models of N reach a loss, differentiable in
    log N.
    """
    fixed_n = jax.lax.stop_gradient(log_n)

    def needs_more(log_d: Array) -> Array:
        return objective.log_loss(log_n, log_d, scenario) > log_target

    least, greatest = jnp.full(log_n.shape, LOG_LEAST), jnp.full(log_n.shape, LOG_ENDLESS)
    low, high = _bisect(needs_more, least, greatest, _HALVINGS_WITHIN)
    log_d = jax.lax.stop_gradient((low + high) / 2)
    # One step of Newton's, which is also what makes the root move with N.
    _, slope = jax.jvp(
        lambda y: objective.log_loss(fixed_n, y, scenario), (log_d,), (jnp.ones(log_n.shape),)
    )
    above = objective.log_loss(log_n, log_d, scenario) - log_target
    return log_d - above / jax.lax.stop_gradient(slope)


@jit_for(Use.OFTEN, "objective")
def least_budget(
    objective: PlanObjective,
    limits: Limits,
    scenario: Scenario,
    log_target: Array,
    minimised: Array,
) -> Solutions:
    """Return the best plan of the least budget that reaches a loss, under departures.

    Departures may let the loss rise where more is spent, so budgets are tried from the least on
    until the first that will do.

    Parameters
    ----------
    objective, limits, scenario, log_target, minimised
        As for `least_cost`; the scenario has departures.

    Returns
    -------
    Solutions
        Of no meaning where not feasible, which is also where no budget will do on the lattice of
        the departures.
    """
    assert scenario.departures is not None
    log_n, log_d = scenario.departures.ends
    log_flops = jnp.log(TRAINING_PASSES * objective.flops.forward(jnp.exp(log_n))) + log_d
    log_rate = jnp.log(jnp.asarray(scenario.train_rates)[minimised, 0, 0])
    budgets = jnp.linspace(log_flops[0], log_flops[1], _BUDGETS) + log_rate

    def best_within(log_budget: Array) -> Solutions:
        costs = jnp.broadcast_to(limits.costs, (len(limits.costs), *log_budget.shape))
        bounded = replace(limits, costs=costs.at[minimised].min(jnp.exp(log_budget)))
        return minimize_loss(objective, bounded, scenario)

    def excess(log_budget: Array) -> Array:
        plans = best_within(log_budget)
        return jnp.where(plans.feasible, plans.log_loss - log_target, jnp.inf)

    # The least loss of a budget is the same for all targets, so it is looked for once a draw.
    def look(_: None, budget: Array) -> tuple[None, Array]:
        plans = best_within(jnp.full(_shape(limits, scenario), budget))
        return None, jnp.where(plans.feasible, jnp.asarray(plans.log_loss), jnp.inf)

    _, least_losses = jax.lax.scan(look, None, budgets)
    above = least_losses - log_target
    reached = above <= 0
    first = jnp.argmax(reached, axis=0)
    before = jnp.maximum(first - 1, 0)
    low = jnp.where(first > 0, budgets[before], budgets[0] - (budgets[1] - budgets[0]))
    at_low = jnp.where(first > 0, _rows(above, before), jnp.inf)
    log_budget = _first_root(excess, low, budgets[first], at_low, _rows(above, first))
    return best_within(log_budget)._replace(feasible=reached.any(axis=0))


def _rows(table: Array, row: Array) -> Array:
    """Return the given row of each column of a table; ``row`` has the table's shape but the
    first axis.
    """
    return jnp.take_along_axis(table, row[None], axis=0)[0]


def _first_root(
    excess: Callable[[Array], Array], low: Array, high: Array, at_low: Array, at_high: Array
) -> Array:
    """Return where ``excess``, above zero at ``low`` and not at ``high``, is no more above it.

    The Illinois rule: an end that stays twice counts half. Where the lower end has no number, the
    bracket is halved.
    """

    def step(_: int, bracket: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, at_low, at_high, stayed = bracket
        share = jnp.where(jnp.isfinite(at_low), at_low / (at_low - at_high), 0.5)
        middle = low + (high - low) * jnp.clip(jnp.nan_to_num(share, nan=0.5), 0.0, 1.0)
        value = excess(middle)
        is_above = value > 0
        # 1 where the upper end stays, −1 where the lower one does.
        stays = jnp.where(is_above, 1, -1)
        again = stays == stayed
        return (
            jnp.where(is_above, middle, low),
            jnp.where(is_above, high, middle),
            jnp.where(is_above, value, jnp.where(again, at_low / 2, at_low)),
            jnp.where(is_above, jnp.where(again, at_high / 2, at_high), value),
            stays,
        )

    begin = low, high, at_low, at_high, jnp.zeros(low.shape, int)
    return jax.lax.fori_loop(0, _SECANTS, step, begin)[1]


@jit_for(Use.OFTEN, "objective")
def least_mean_loss(objective: PlanObjective, limits: Limits, scenario: Scenario) -> Array:
    """Return the logarithm of the one N for all draws whose mean loss is least, shape (points,).

    D is what the bounds leave it in each draw.
    """
    shape = _shape(limits, scenario)

    def mean_loss(log_n: Array, scenario: Scenario) -> Array:
        every = jnp.broadcast_to(log_n, shape)
        log_d = objective.log_tokens(every, scenario, limits)
        return jnp.mean(jnp.exp(objective.log_loss(every, log_d, scenario)), axis=0)

    greatest = jnp.broadcast_to(limits.log_params, shape[1])
    return _least(mean_loss, scenario, jnp.full(shape[1], LOG_LEAST), greatest)


@jit_for(Use.OFTEN, "objective")
def no_worse(
    objective: PlanObjective, limits: Limits, scenario: Scenario, best: Array, log_loss: Array
) -> tuple[Array, Array]:
    """Return the logarithms of the least and the greatest N within the bounds whose loss is no
    higher, about the N of least loss.
    """

    def is_good(log_n: Array) -> Array:
        log_d = objective.log_tokens(log_n, scenario, limits)
        return objective.log_loss(log_n, log_d, scenario) <= log_loss

    def is_bad(log_n: Array) -> Array:
        return ~is_good(log_n)

    _, least = _bisect(is_bad, jnp.full(best.shape, LOG_LEAST), best, _HALVINGS)
    largest = jnp.broadcast_to(limits.log_params, best.shape)
    greatest, _ = _bisect(is_good, best, largest, _HALVINGS)
    return least, greatest


@jit_for(Use.OFTEN, "objective")
def filled(objective: PlanObjective, scenario: Scenario) -> Array:
    """Return the logarithm of the size whose best D, were tokens endless, is all unique tokens:
    there another parameter and another token in a hundred gain alike.
    """
    plain = replace(objective, repeats=None)
    smooth = replace(scenario, departures=None)
    log_unique = jnp.asarray(scenario.log_unique)

    def params_gain_more(log_n: Array) -> Array:
        one = (jnp.ones_like(log_n),)
        _, by_params = jax.jvp(lambda x: plain.log_loss(x, log_unique, smooth), (log_n,), one)
        _, by_tokens = jax.jvp(lambda y: plain.log_loss(log_n, y, smooth), (log_unique,), one)
        return by_params < by_tokens

    least, greatest = jnp.full_like(log_unique, LOG_LEAST), jnp.full_like(log_unique, LOG_ENDLESS)
    low, high = _bisect(params_gain_more, least, greatest, _HALVINGS)
    return (low + high) / 2


def _shape(limits: Limits, scenario: Scenario, *others: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of all plans, (draws, points)."""
    return jnp.broadcast_shapes(scenario.served.shape, limits.costs.shape[1:], *others)


def _least(
    loss: Callable[[Array, Scenario], Array], scenario: Scenario, least: Array, greatest: Array
) -> Array:
    """Return the log N at which ``loss(log_n, scenario)`` is least, an array like both ends."""
    if scenario.departures is not None:
        return _least_near(loss, scenario, least, greatest)

    def falls(log_n: Array) -> Array:
        value, slope = jax.jvp(lambda x: loss(x, scenario), (log_n,), (jnp.ones(least.shape),))
        # There is no loss where serving alone breaks a bound; smaller models keep to it.
        return jnp.isfinite(value) & (slope < 0)

    # The lower end is the one that keeps to all bounds.
    return _bisect(falls, least, greatest, _HALVINGS)[0]


def _least_near(
    loss: Callable[[Array, Scenario], Array], scenario: Scenario, least: Array, greatest: Array
) -> Array:
    """Return the log N at which the loss with departures is least.

    By the law alone it has one minimum; departures may make several, the best about it is taken.
    """
    middle, half_width = (least + greatest) / 2, (LOG_ENDLESS - LOG_LEAST) / 2
    smooth = replace(scenario, departures=None)
    roughly = _Looks(half_width, _PLACES_OF_LAW, _SECTIONS_OF_LAW)
    by_law = _least_about(lambda x: loss(x, smooth), middle, least, greatest, roughly)
    exactly = _Looks(_HALF_WIDTH, _PLACES, _SECTIONS)
    return _least_about(lambda x: loss(x, scenario), by_law, least, greatest, exactly)


class _Looks(NamedTuple):
    """Numbers of a search: how far from its centre and at how many places it looks first, and how
    often the part about the best of them is then cut by the golden section.
    """

    half_width: float
    places: int
    sections: int


def _least_about(
    loss: Callable[[Array], Array], centre: Array, least: Array, greatest: Array, looks: _Looks
) -> Array:
    """Return the log N of least loss about a centre.

    Losses are compared, and no slopes are taken: a program that has the loss in one place compiles
    in a third of the time.
    """
    offsets = jnp.linspace(-looks.half_width, looks.half_width, looks.places)
    between = offsets[1] - offsets[0]

    def look(count: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, best, lowest = state
        is_place = count < looks.places
        longer = jnp.where(high - best > best - low, high - best, low - best)
        place = centre + offsets[jnp.minimum(count, looks.places - 1)]
        here = jnp.where(is_place, place, best + _GOLDEN_SECTION * longer)
        here = jnp.clip(here, least, greatest)
        value = loss(here)
        # There is no loss where serving alone breaks a bound; smaller models keep to it.
        value = jnp.where(jnp.isfinite(value), value, _NO_LOSS + here)
        is_better = value < lowest
        worse, best = jnp.where(is_better, best, here), jnp.where(is_better, here, best)
        low = jnp.where(is_place, best - between, jnp.where(worse < best, worse, low))
        high = jnp.where(is_place, best + between, jnp.where(worse > best, worse, high))
        lowest = jnp.where(is_better, value, lowest)
        return jnp.maximum(low, least), jnp.minimum(high, greatest), best, lowest

    begin = centre, centre, centre, jnp.full(centre.shape, jnp.inf)
    return jax.lax.fori_loop(0, looks.places + looks.sections, look, begin)[2]


def _bisect(
    goes_right: Callable[[Array], Array], low: Array, high: Array, halvings: int
) -> tuple[Array, Array]:
    """Return the last bracket of a search that goes right where ``goes_right`` says so."""

    def step(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        right = goes_right(middle)
        return jnp.where(right, middle, low), jnp.where(right, high, middle)

    return jax.lax.fori_loop(0, halvings, step, (low, high))
