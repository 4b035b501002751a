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


class World(NamedTuple):
    """What a plan is judged by, as arrays of NumPy or JAX that broadcast against (draws, points).

    Attributes
    ----------
    constants : dict of arrays, shape (draws, 1)
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

    constants: dict[str, Any]
    served: Any
    log_unique: Any
    log_filled: Any
    log_max_params: Any
    log_max_tokens: Any
    train: Any
    serve: Any
    departures: Departures | None = None


class Plans(NamedTuple):
    """Logarithms of N, D and loss, each of shape (draws, points), and whether the plan keeps to all
    bounds.
    """

    log_n: Any
    log_d: Any
    log_loss: Any
    feasible: Any


@dataclass(frozen=True)
class Valued:
    """A law, what repeats are worth under it, and what a token costs; equal ones share compiled
    programs.
    """

    law: Law
    repeats: Repeats | None
    flops: FlopModel

    def log_loss(self, log_n: Any, log_d: Any, world: World) -> Array:
        """Of a plan."""
        departures = 0.0 if world.departures is None else world.departures.at(log_n, log_d)
        at = {"n_params": log_n, "n_tokens": log_d}
        if "unique_tokens" in self.law.inputs:
            at["unique_tokens"] = world.log_unique
        elif self.repeats is not None:
            at = {
                "n_params": effective(log_n, world.log_filled, self.repeats.R_N),
                "n_tokens": effective(log_d, world.log_unique, self.repeats.R_D),
            }
        return jnp.asarray(self.law.log_loss(world.constants, at)) + departures

    def log_tokens(self, log_n: Any, world: World, limits: Any) -> Array:
        """All that the bounds leave; not a number where serving alone breaks one."""
        forward = self.flops.forward(jnp.exp(log_n))
        left = limits - world.serve * forward * world.served
        return jnp.minimum(
            jnp.min(jnp.log(left / world.train), axis=0) - jnp.log(TRAINING_PASSES * forward),
            world.log_max_tokens,
        )

    @jit_for(Use.BRIEF, "self")
    def costs(self, log_n: Any, log_d: Any, world: World) -> Array:
        """What a plan takes from each budget, shape (budgets, draws, points)."""
        forward = self.flops.forward(jnp.exp(log_n))
        return (
            world.train * TRAINING_PASSES * forward * jnp.exp(log_d)
            + world.serve * forward * world.served
        )


@jit_for(Use.OFTEN, "valued")
def least_loss(valued: Valued, world: World, limits: Any) -> Plans:
    """The plan of least loss within all bounds.

    Parameters
    ----------
    valued : Valued
    world : World
    limits : Array, shape (budgets, 1, points) or (budgets, draws, points)
        Of each kind of cost.

    Returns
    -------
    Plans
        Not feasible where serving alone, or less than one token, takes a budget.
    """
    shape = jnp.broadcast_shapes(world.served.shape, limits.shape[1:])

    def log_loss(log_n: Array, world: World) -> Array:
        return valued.log_loss(log_n, valued.log_tokens(log_n, world, limits), world)

    log_n = _least(
        log_loss, world, jnp.full(shape, LOG_LEAST), jnp.broadcast_to(world.log_max_params, shape)
    )
    log_d = valued.log_tokens(log_n, world, limits)
    return Plans(log_n, log_d, valued.log_loss(log_n, log_d, world), log_d >= 0)


@jit_for(Use.OFTEN, "valued")
def least_cost(valued: Valued, world: World, limits: Any, log_target: Any, objective: Any) -> Plans:
    """The cheapest plan that reaches a loss within all bounds.

    Parameters
    ----------
    valued : Valued
    world : World
    limits : Array, as for `least_loss`
    log_target : Array, shape (1, points) or (draws, points)
    objective : Array of int, shape ()
        Which kind of cost is to be least.

    Returns
    -------
    Plans
        Of no meaning where not feasible.
    """
    shape = jnp.broadcast_shapes(world.served.shape, limits.shape[1:], log_target.shape)

    def log_tokens(log_n: Array) -> Array:
        def more(log_d: Array) -> Array:
            return valued.log_loss(log_n, log_d, world) > log_target

        low, high = _halved(
            more, jnp.full(shape, LOG_LEAST), jnp.full(shape, LOG_ENDLESS), _HALVINGS_WITHIN
        )
        log_d = jax.lax.stop_gradient((low + high) / 2)
        # One step of Newton's, which is also what makes the root move with N.
        _, slope = jax.jvp(
            lambda y: valued.log_loss(jax.lax.stop_gradient(log_n), y, world),
            (log_d,),
            (jnp.ones(shape),),
        )
        return log_d - (valued.log_loss(log_n, log_d, world) - log_target) / jax.lax.stop_gradient(
            slope
        )

    def log_needed(log_n: Array) -> tuple[Array, Array]:
        log_d = log_tokens(log_n)
        return log_d, jnp.log(valued.costs(log_n, log_d, world))

    def broken(
        log_n: Array, log_d: Array, log_costs: Array, tolerated: float
    ) -> tuple[Array, Array]:
        too_small = ~(
            (valued.log_loss(log_n, LOG_ENDLESS, world) <= log_target)
            & (log_d <= world.log_max_tokens + tolerated)
        )
        return too_small, log_costs - jnp.log(limits) - tolerated

    def right(log_n: Array) -> Array:
        (log_d, log_costs), (_, slopes) = jax.jvp(log_needed, (log_n,), (jnp.ones(shape),))
        too_small, excess = broken(log_n, log_d, log_costs, 0.0)
        worst = jnp.argmax(excess, axis=0)
        follow = jnp.where(jnp.max(excess, axis=0) > 0, worst, objective)
        slope = jnp.take_along_axis(slopes, follow[None], axis=0)[0]
        return too_small | (slope < 0)

    low, high = _halved(
        right, jnp.full(shape, LOG_LEAST), jnp.broadcast_to(world.log_max_params, shape), _HALVINGS
    )
    log_n = (low + high) / 2
    log_d, log_costs = log_needed(log_n)
    too_small, excess = broken(log_n, log_d, log_costs, _BROKEN)
    return Plans(
        log_n,
        log_d,
        valued.log_loss(log_n, log_d, world),
        ~too_small & jnp.all(excess <= 0, axis=0),
    )


@jit_for(Use.OFTEN, "valued")
def least_budget(
    valued: Valued, world: World, limits: Any, log_target: Any, objective: Any
) -> Plans:
    """What `least_cost` tells, under departures: the best plan of the least budget with which one
    reaches the loss.

    Departures may let the loss rise where more is spent, so budgets are tried from the least on
    until the first that will do.

    Parameters
    ----------
    valued, world, limits, log_target, objective
        As for `least_cost`; the world has departures.

    Returns
    -------
    Plans
        Of no meaning where not feasible, which is also where no budget will do on the lattice of
        the departures.
    """
    shape = jnp.broadcast_shapes(world.served.shape, limits.shape[1:], log_target.shape)
    assert world.departures is not None
    ends = world.departures.ends
    cheapest, dearest = (
        jnp.log(TRAINING_PASSES * valued.flops.forward(jnp.exp(ends[:, 0]))) + ends[:, 1]
    )
    budgets = jnp.linspace(cheapest, dearest, _BUDGETS) + jnp.log(world.train[objective, 0, 0])

    def within(log_budget: Array) -> Plans:
        every = jnp.broadcast_to(limits, (len(limits), *shape))
        return least_loss(valued, world, every.at[objective].min(jnp.exp(log_budget)))

    def short(log_budget: Array) -> Array:
        plans = within(log_budget)
        return ~(plans.feasible & (plans.log_loss <= log_target))

    def look(first: Array, budget: Array) -> tuple[Array, None]:
        return jnp.where(jnp.isnan(first) & ~short(jnp.full(shape, budget)), budget, first), None

    first, _ = jax.lax.scan(look, jnp.full(shape, jnp.nan), budgets)
    _, log_budget = _halved(short, first - (budgets[1] - budgets[0]), first, _HALVINGS_ABOUT)
    return within(log_budget)._replace(feasible=~jnp.isnan(first))


@jit_for(Use.OFTEN, "valued")
def least_mean_loss(valued: Valued, world: World, limits: Any) -> Array:
    """log of the one N for all draws whose mean loss is least, shape (points,); D is what the
    bounds leave it in each draw.
    """
    shape = jnp.broadcast_shapes(world.served.shape, limits.shape[1:])

    def mean(log_n: Array, world: World) -> Array:
        every = jnp.broadcast_to(log_n, shape)
        return jnp.mean(
            jnp.exp(valued.log_loss(every, valued.log_tokens(every, world, limits), world)), axis=0
        )

    return _least(
        mean, world, jnp.full(shape[1], LOG_LEAST), jnp.broadcast_to(world.log_max_params, shape[1])
    )


@jit_for(Use.OFTEN, "valued")
def no_worse(
    valued: Valued, world: World, limits: Any, best: Any, log_loss: Any
) -> tuple[Array, Array]:
    """log of the least and the greatest N within the bounds whose loss is no higher, about the N of
    least loss.
    """

    def good(log_n: Array) -> Array:
        return valued.log_loss(log_n, valued.log_tokens(log_n, world, limits), world) <= log_loss

    _, least = _halved(lambda x: ~good(x), jnp.full(best.shape, LOG_LEAST), best, _HALVINGS)
    greatest, _ = _halved(good, best, jnp.broadcast_to(world.log_max_params, best.shape), _HALVINGS)
    return least, greatest


@jit_for(Use.OFTEN, "valued")
def filled(valued: Valued, world: World) -> Array:
    """log of the size whose best D, were tokens endless, is all unique tokens: there another
    parameter and another token in a hundred gain alike.
    """
    plain, world = Valued(valued.law, None, valued.flops), world._replace(departures=None)

    def right(log_n: Array) -> Array:
        ones = jnp.ones_like(log_n)
        by_params = jax.jvp(
            lambda x: plain.log_loss(x, world.log_unique, world), (log_n,), (ones,)
        )[1]
        by_tokens = jax.jvp(
            lambda y: plain.log_loss(log_n, y, world), (world.log_unique,), (ones,)
        )[1]
        return by_params < by_tokens

    shape = world.log_unique.shape
    low, high = _halved(right, jnp.full(shape, LOG_LEAST), jnp.full(shape, LOG_ENDLESS), _HALVINGS)
    return (low + high) / 2


def _least(worth: Any, world: World, least: Array, greatest: Array) -> Array:
    """The log N, an array like both ends, at which ``worth(log_n, world)`` is least, by the sign of
    its slope.

    By the law alone it has one minimum; departures may make several, of which the best about that
    one is taken.
    """

    def right(world: World, log_n: Array) -> Array:
        # False where there is no slope, since serving alone breaks a bound there.
        return jax.jvp(lambda x: worth(x, world), (log_n,), (jnp.ones(least.shape),))[1] < 0

    # The lower end is the one that keeps to all bounds.
    halvings = _HALVINGS if world.departures is None else _HALVINGS_NEAR
    log_n, _ = _halved(partial(right, world._replace(departures=None)), least, greatest, halvings)
    if world.departures is None:
        return log_n
    about = _about_the_best(lambda x: worth(x, world), log_n, least, greatest)
    return _halved(partial(right, world), *about, _HALVINGS_ABOUT)[0]


def _about_the_best(worth: Any, log_n: Array, least: Array, greatest: Array) -> tuple[Array, Array]:
    """The neighbours of the best of many N about the law's own, between which the search goes on."""
    steps = jnp.linspace(-_REACH, _REACH, _PLACES)

    def look(best: tuple[Array, Array], step: Array) -> tuple[tuple[Array, Array], None]:
        here = jnp.clip(log_n + step, least, greatest)
        found = worth(here)
        better = found < best[1]
        return (jnp.where(better, here, best[0]), jnp.where(better, found, best[1])), None

    # The law's own N is one of the places.
    (best, _), _ = jax.lax.scan(look, (log_n, jnp.full(log_n.shape, jnp.inf)), steps)
    between = steps[1] - steps[0]
    return jnp.clip(best - between, least, greatest), jnp.clip(best + between, least, greatest)


def _halved(right: Any, low: Array, high: Array, halvings: int) -> tuple[Array, Array]:
    """The last bracket of a search that goes right where ``right`` says so."""

    def step(_: int, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bracket
        middle = (low + high) / 2
        go = right(middle)
        return jnp.where(go, middle, low), jnp.where(go, high, middle)

    return jax.lax.fori_loop(0, halvings, step, (low, high))
