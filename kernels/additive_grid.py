"""The law L = E + A·N^−α + B·D^−β at every node of a grid of exponents, with E, A, B and σ
marginalised in closed form.

At fixed exponents the law is linear in its levels, so a node is a weighted least-squares problem
with three columns: ones, u = N^−α and v = D^−β. Centre u, v and the response y and scale u and v to
length one, which needs one exponent at a time, and all that is left of a node is one number:

    ρ = ⟨u, v⟩                                   one matrix product of the two tables for all nodes
    RSS = ⟨y, y⟩ − p² − (q − ρp)²/(1 − ρ²)       p = ⟨u, y⟩, q = ⟨v, y⟩
    log marginal = −(n − 3)/2 · log RSS − ½ log |X'WX| + const

under a Normal likelihood with flat priors of the levels and of log σ. The tables are made of
expm1(−αx), which spans the same space with the column of ones and loses no digits where α is small;
where ρ² is close to one, v − ρu is formed run by run. Where least squares ask for a negative level,
RSS is that of the best of the smaller models, found by comparing them all: see
docs/maths/additive_grid.md.

RSS is a difference, right to some 10⁻¹⁵⟨y, y⟩ in float64: to 10⁻¹² of itself where the law leaves a
thousandth of the variance unexplained. In float32 it is right to 4·10⁻⁷⟨y, y⟩, which moved log
marginals of 40 runs by at most 0.007.

A law with one power term gives v no length; one with a common exponent is a line of nodes.
"""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaln

from bayescale._internal.compiling import Use, jit_for
from bayescale.kernels.products import product

# Rounding costs 1 − ρ² some 10⁻¹⁶, and RSS the same share of what the second column explains;
# nearer to parallel than this, the columns are made orthogonal run by run.
NEARLY_PARALLEL = 1e-3
_LEAST_LENGTH = 4.0


class CentredResponse(NamedTuple):
    """Quantities that depend on no exponent.

    Attributes
    ----------
    centred : Array, shape (runs,)
        √w (y − ȳ).
    mean, square : Array
        ȳ, and the weighted sum of squares about it.
    root_weights : Array, shape (runs,)
    weight, count : Array
        Sum of the weights, and how many are positive.
    """

    centred: Array
    mean: Array
    square: Array
    root_weights: Array
    weight: Array
    count: Array  # type: ignore[assignment]  # a tuple counts, and nobody asks this one to


class PowerColumns(NamedTuple):
    """One power term at each of its exponents.

    Attributes
    ----------
    unit : Array, shape (exponents, runs)
        The power, weighted, centred and of length one.
    response : Array, shape (exponents,)
        Its product with the centred response.
    length, mean : Array, shape (exponents,)
        Of the power before; a length of zero says that the term is absent.
    log_prior : Array, shape (exponents,)
    """

    unit: Array
    response: Array
    length: Array
    mean: Array
    log_prior: Array


class Nodes(NamedTuple):
    """Every node of a grid; arrays have the grid's shape.

    Attributes
    ----------
    rss : Array
        Least weighted residual sum of squares with levels that are not negative: the profile
        objective.
    log_marginal : Array
        Log marginal likelihood plus log prior, the levels and σ integrated out; from the best
        non-negative levels, where free ones would be negative.
    levels : Array, shape (3, *grid)
        E, A, B at the least RSS: their conditional mean, where none is held at zero.
    covariance : Array, shape (3, 3, *grid)
        Conditional covariance of free levels divided by σ²; zero for an absent term.
    """

    rss: Array
    log_marginal: Array
    levels: Array
    covariance: Array


@jit_for(Use.WIDE)
def centre_response(
    values: Annotated[Array, "runs"], weights: Annotated[Array, "runs"]
) -> CentredResponse:
    """Centre a response.

    Parameters
    ----------
    values, weights : Array, shape (runs,)
        Runs of weight zero do not count.
    """
    total, root = jnp.sum(weights), jnp.sqrt(weights)
    mean = jnp.sum(weights * values) / total
    centred = root * (values - mean)
    return CentredResponse(
        centred, mean, jnp.sum(centred**2), root, total, jnp.sum(weights > 0).astype(values.dtype)
    )


@jit_for(Use.WIDE)
def power_columns(
    exponents: Annotated[Array, "exponents"],
    log_input: Annotated[Array, "runs"],
    log_prior: Annotated[Array, "exponents"],
    of: CentredResponse,
) -> PowerColumns:
    """Tabulate one power term.

    Parameters
    ----------
    exponents, log_prior : Array, shape (exponents,)
    log_input : Array, shape (runs,)
        Logarithm of N or D, centred or nearly so.
    of : Response
    """
    shifted = jnp.expm1(
        -exponents[:, None] * log_input
    )  # the column of ones takes up the difference
    mean = product(shifted, of.root_weights**2) / of.weight
    centred = of.root_weights * (shifted - mean[:, None])
    length = jnp.sqrt(jnp.sum(centred**2, axis=1))
    # What rounding leaves of an input that is the same in every run is no column.
    rounding = jnp.finfo(length.dtype).eps * jnp.max(
        of.root_weights * (1 + jnp.abs(shifted)), axis=1
    )
    length = jnp.where(length > _LEAST_LENGTH * len(log_input) * rounding, length, 0.0)
    unit = jnp.where(length > 0, 1.0, 0.0)[:, None] * centred / _divisor(length)[:, None]
    return PowerColumns(unit, product(unit, of.centred), length, 1.0 + mean, log_prior)


@jit_for(Use.WIDE)
def evaluate_grid(u: PowerColumns, v: PowerColumns, of: CentredResponse) -> Nodes:
    """Evaluate all pairs of exponents: arrays of shape (exponents of u, exponents of v).

    This holds the whole grid; `grid_evidence` streams one of any size.
    """
    rho = product(u.unit, v.unit.T)
    d, rest = overlap(rho, u, v, of)
    return _nodes(rho, d, rest, along_rows(u), v, of)


@jit_for(Use.WIDE)
def evaluate_pairs(u: PowerColumns, v: PowerColumns, of: CentredResponse) -> Nodes:
    """Evaluate the exponents of u and v pair by pair: arrays of shape (exponents,)."""
    rho = jnp.sum(u.unit * v.unit, axis=1)
    d, rest = jax.vmap(_orthogonal, in_axes=(0, 0, 0, 0, None))(
        rho, u.unit, u.response, v.unit, of.centred
    )
    return _nodes(rho, d, rest, u, v, of)


def along_rows(u: PowerColumns) -> PowerColumns:
    """Return columns that broadcast as the rows of a grid; without the table."""
    return jax.tree.map(lambda array: array[:, None], u._replace(unit=u.response))


def overlap(
    rho: Array, u: PowerColumns, v: PowerColumns, of: CentredResponse
) -> tuple[Array, Array]:
    """Return 1 − ρ² and q − ρp for all pairs, each of shape (exponents of u, exponents of v)."""

    def run_by_run() -> tuple[Array, Array]:
        each_v = jax.vmap(_orthogonal, in_axes=(0, None, None, 0, None))
        d, rest = jax.lax.map(
            lambda row: each_v(row[0], row[1], row[2], v.unit, of.centred),
            (rho, u.unit, u.response),
        )
        return d, rest

    nearly_parallel = jnp.max(rho * rho) > 1 - NEARLY_PARALLEL
    return jax.lax.cond(
        nearly_parallel, run_by_run, lambda: (1 - rho * rho, v.response - rho * u.response[:, None])
    )


def _orthogonal(
    rho: Array, unit_u: Array, response_u: Array, unit_v: Array, centred: Array
) -> tuple[Array, Array]:
    across = unit_v - rho * unit_u
    # An absent term takes nothing from the other.
    d = jnp.where(jnp.any(unit_v != 0), jnp.sum(across**2), 1.0)
    return d, jnp.sum(across * (centred - response_u * unit_u))


def free_rss(d: Array, rest: Array, u: PowerColumns, of: CentredResponse) -> Array:
    """Return RSS with levels of any sign; columns that are parallel are one."""
    return of.square - u.response**2 - jnp.where(d > 0, rest * rest / _divisor(d), 0.0)


def _nodes(
    rho: Array, d: Array, rest: Array, u: PowerColumns, v: PowerColumns, of: CentredResponse
) -> Nodes:
    rss, levels = best_levels(rho, d, rest, u, v, of)
    return Nodes(rss, log_marginal(rss, d, u, v, of), levels, _covariance(rho, d, u, v, of))


def log_marginal(
    rss: Array, d: Array, u: PowerColumns, v: PowerColumns, of: CentredResponse
) -> Array:
    """Return the log marginal likelihood plus log prior from RSS and 1 − ρ².

    An absent term costs no degree of freedom.
    """
    freedom, constant = normalisation(u, v, of)
    tiny = jnp.finfo(rss.dtype).tiny
    volume = 0.5 * jnp.log(jnp.maximum(d, tiny)) + 0.5 * freedom * jnp.log(jnp.maximum(rss, tiny))
    return constant + own_part(u) + own_part(v) - volume


def normalisation(u: PowerColumns, v: PowerColumns, of: CentredResponse) -> tuple[Array, Array]:
    """Return the degrees of freedom of RSS, and the log marginal's part that all nodes share."""
    freedom = of.count - 1.0 - jnp.any(u.length > 0) - jnp.any(v.length > 0)
    half = 0.5 * freedom
    weights = jnp.sum(jnp.log(_divisor(of.root_weights))) - 0.5 * jnp.log(of.weight)
    return freedom, gammaln(half) - half * jnp.log(jnp.pi) - jnp.log(2.0) + weights


def own_part(one: PowerColumns) -> Array:
    """Return the part of the log marginal that depends on one exponent alone."""
    return one.log_prior - jnp.log(_divisor(one.length))


class Candidate(NamedTuple):
    """Least squares with some levels held at zero, at all nodes.

    Attributes
    ----------
    rss : Array, shape of the grid
    levels : tuple of Array
        Of the constant and of the columns, in units of the columns' lengths.
    allowed : Array of bool
        Whether there is such a fit: false where a column that it needs is absent.
    """

    rss: Array
    levels: tuple[Array, Array, Array]
    allowed: Array


def best_levels(
    rho: Array, d: Array, rest: Array, u: PowerColumns, v: PowerColumns, of: CentredResponse
) -> tuple[Array, Array]:
    """Return RSS and levels of least squares with no negative level, by comparing all active sets.

    The derivation is in docs/maths/additive_grid.md.

    Returns
    -------
    rss : Array, shape of the grid
    levels : Array, shape (3, *grid)
    """
    zero = jnp.zeros(rho.shape, rho.dtype)
    nothing = jnp.full(rho.shape, of.square + of.weight * of.mean**2)
    best = Candidate(nothing, (zero, zero, zero), jnp.ones((), bool))
    free = _free_candidates(rho, d, rest, u, v, of)
    for candidate in (*free, *_candidates_without_constant(rho, d, free, u, v, of)):
        best = _better(candidate, best)
    constant, level_u, level_v = best.levels
    levels = (constant, level_u * (1 / _divisor(u.length)), level_v * (1 / _divisor(v.length)))
    return jnp.maximum(best.rss, 0.0), jnp.stack(levels)


class _Free(NamedTuple):
    """The candidates with a constant that is free."""

    pair: Candidate
    u_alone: Candidate
    v_alone: Candidate
    constant_alone: Candidate


def _free_candidates(
    rho: Array, d: Array, rest: Array, u: PowerColumns, v: PowerColumns, of: CentredResponse
) -> _Free:
    y, p, q = of.mean, u.response, v.response
    mean_u, mean_v = _unit_means(u, v)
    zero, always = jnp.zeros(rho.shape, rho.dtype), jnp.ones((), bool)
    level_v = jnp.where(d > 0, rest / _divisor(d), 0.0)
    level_u = p - rho * level_v
    constant = y - level_u * mean_u - level_v * mean_v
    return _Free(
        Candidate(free_rss(d, rest, u, of), (constant, level_u, level_v), always),
        Candidate(of.square - p**2, (y - p * mean_u, p, zero), u.length > 0),
        Candidate(of.square - q**2, (y - q * mean_v, zero, q), v.length > 0),
        Candidate(of.square, (y, zero, zero), always),
    )


def _candidates_without_constant(
    rho: Array, d: Array, free: _Free, u: PowerColumns, v: PowerColumns, of: CentredResponse
) -> tuple[Candidate, Candidate, Candidate]:
    """Return the candidates whose constant is held at zero.

    It adds its square over its variance to RSS, and moves the other levels by their covariance with
    it.
    """
    p, q = u.response, v.response
    mean_u, mean_v = _unit_means(u, v)
    zero = jnp.zeros(rho.shape, rho.dtype)
    across_u, across_v = mean_u - rho * mean_v, mean_v - rho * mean_u
    # The variance of the constant divided by σ²; with both columns, times d.
    variance_u, variance_v = 1 / of.weight + mean_u**2, 1 / of.weight + mean_v**2
    variance_pair = d * (1 / of.weight + mean_v**2) + across_u**2
    constant, level_u, level_v = free.pair.levels
    shift = constant / _divisor(variance_pair)
    constant_u, constant_v = free.u_alone.levels[0], free.v_alone.levels[0]
    both_present = (u.length > 0) & (v.length > 0)
    return (
        Candidate(
            free.pair.rss + d * constant * shift,
            (zero, level_u + across_u * shift, level_v + across_v * shift),
            both_present & (variance_pair > 0),
        ),
        Candidate(
            of.square - p**2 + constant_u**2 / variance_u,
            (zero, p + mean_u * constant_u / variance_u, zero),
            u.length > 0,
        ),
        Candidate(
            of.square - q**2 + constant_v**2 / variance_v,
            (zero, zero, q + mean_v * constant_v / variance_v),
            v.length > 0,
        ),
    )


def _better(candidate: Candidate, best: Candidate) -> Candidate:
    """Return, node by node, the candidate where it is allowed, feasible and of lower RSS."""
    better = candidate.allowed & (candidate.rss < best.rss)
    for level in candidate.levels:
        better &= level >= 0
    constant, level_u, level_v = (
        jnp.where(better, new, old) for new, old in zip(candidate.levels, best.levels, strict=True)
    )
    rss = jnp.where(better, candidate.rss, best.rss)
    return Candidate(rss, (constant, level_u, level_v), best.allowed)


def _unit_means(u: PowerColumns, v: PowerColumns) -> tuple[Array, Array]:
    """Return the columns' means in units of their lengths."""
    return u.mean / _divisor(u.length), v.mean / _divisor(v.length)


def _covariance(
    rho: Array, d: Array, u: PowerColumns, v: PowerColumns, of: CentredResponse
) -> Array:
    safe = jnp.maximum(d, jnp.finfo(d.dtype).eps)
    inverse_u, inverse_v = (
        jnp.where(one.length > 0, 1.0, 0.0) / _divisor(one.length) for one in (u, v)
    )
    aa, ab, bb = inverse_u**2 / safe, -rho * inverse_u * inverse_v / safe, inverse_v**2 / safe
    ea, eb = -u.mean * aa - v.mean * ab, -u.mean * ab - v.mean * bb
    ee = 1 / of.weight - u.mean * ea - v.mean * eb
    return jnp.stack([jnp.stack(row) for row in ((ee, ea, eb), (ea, aa, ab), (eb, ab, bb))])


def _divisor(array: Array) -> Array:
    # What is divided by it is multiplied by zero, or chosen against, where it is not positive.
    return jnp.where(array > 0, array, 1.0)
