"""The additive law at the nodes of a grid of exponents, against every node's own least squares in
extended precision.

All cases have the same shapes, so that few programs are compiled.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from scipy.special import logsumexp

from bayescale.kernels import centre_response, evaluate_grid, evaluate_pairs, power_columns

RUNS = 40
ALPHA = np.array([0.01, 0.2, 0.34, 0.9])
BETA = np.array([0.01, 0.013, 0.28, 0.34, 1.2])
NODES = list(np.ndindex(len(ALPHA), len(BETA)))


class Sweep(NamedTuple):
    """Runs, arrays of shape (runs,)."""

    log_n: np.ndarray
    log_d: np.ndarray
    loss: np.ndarray
    weights: np.ndarray


def sweep(jitter=None, levels=(0.6, 0.2, 0.2), noise=0.01, seed=0):
    """N and D apart, or D in proportion to N but for a jitter."""
    rng = np.random.default_rng(seed)
    log_n, apart = rng.uniform(-3, 3, RUNS), rng.standard_normal(RUNS)
    log_d = 2 * apart if jitter is None else log_n + jitter * apart
    loss = levels[0] + levels[1] * np.exp(-0.34 * log_n) + levels[2] * np.exp(-0.28 * log_d)
    return Sweep(
        log_n, log_d, loss + noise * rng.standard_normal(RUNS), rng.uniform(0.5, 2.0, RUNS)
    )


def tables(runs, alpha=ALPHA, beta=BETA, dtype=np.float64):
    runs, alpha, beta = jax.tree.map(lambda values: jnp.asarray(values, dtype), (runs, alpha, beta))
    of = centre_response(runs.loss, runs.weights)
    prior = [jnp.zeros_like(axis) for axis in (alpha, beta)]
    return (
        power_columns(alpha, runs.log_n, prior[0], of),
        power_columns(beta, runs.log_d, prior[1], of),
        of,
    )


def on_grid(runs, **options):
    return jax.tree.map(np.asarray, evaluate_grid(*tables(runs, **options)))


class Fit(NamedTuple):
    """One node's least squares; levels and covariance of all three columns, zero for one that is
    left out.
    """

    rss: np.longdouble
    levels: np.ndarray
    covariance: np.ndarray
    log_determinant: np.longdouble


def least_squares(runs, alpha, beta, members=(0, 1, 2)):
    """Return the least-squares fit on some of the columns ones, N^−alpha and D^−beta, by
    Gram–Schmidt twice over.
    """
    log_n, log_d, loss, weights = (np.asarray(column, np.longdouble) for column in runs)
    root = np.sqrt(weights)
    design = [
        root * column
        for column in (np.ones_like(log_n), np.exp(-alpha * log_n), np.exp(-beta * log_d))
    ]
    rest, k = root * loss, len(members)
    basis, upper, right = [], np.zeros((k, k), np.longdouble), np.zeros(k, np.longdouble)
    for j, member in enumerate(members):
        column = design[member]
        for _ in range(2):
            for i, known in enumerate(basis):
                share = known @ column
                upper[i, j] += share
                column = column - share * known
        upper[j, j] = np.sqrt(column @ column)
        basis.append(column / upper[j, j])
        right[j] = basis[j] @ rest
        rest = rest - right[j] * basis[j]
    inverse = np.zeros((k, k), np.longdouble)
    for j in range(k):
        for i in reversed(range(j + 1)):
            inverse[i, j] = ((i == j) - upper[i, i + 1 :] @ inverse[i + 1 :, j]) / upper[i, i]
    levels, covariance = np.zeros(3, np.longdouble), np.zeros((3, 3), np.longdouble)
    levels[list(members)] = inverse @ right
    covariance[np.ix_(members, members)] = inverse @ inverse.T
    return Fit(rest @ rest, levels, covariance, 2 * np.log(np.diagonal(upper)).sum())


def non_negative(runs, alpha, beta, members=(0, 1, 2)):
    """The best of all sets of columns whose levels are not negative."""
    sets = [some for size in (1, 2, 3) for some in itertools.combinations(members, size)]
    fits = [least_squares(runs, alpha, beta, members) for members in sets]
    return min((fit for fit in fits if (fit.levels >= 0).all()), key=lambda fit: fit.rss)


def log_marginal(runs, rss, log_determinant, terms=2):
    freedom = int((runs.weights > 0).sum()) - 1 - terms
    log_weights = 0.5 * np.log(runs.weights[runs.weights > 0]).sum()
    log_gamma = scipy.special.gammaln(freedom / 2) - freedom / 2 * np.log(np.pi) - np.log(2)
    return float(log_gamma + log_weights - freedom / 2 * np.log(rss) - log_determinant / 2)


def at_nodes(function, runs):
    """Return the values of ``function`` at each node; the leading axes are the grid."""
    found = [np.asarray(function(runs, ALPHA[i], BETA[j]), np.float64) for i, j in NODES]
    return np.stack(found).reshape(len(ALPHA), len(BETA), *found[0].shape)


designs = pytest.mark.parametrize("jitter", [None, 1e-1, 1e-2, 1e-3, 1e-4])

# Levels of each sign, so that every set of columns is best at some node.
RISING = [
    (0.6, 0.2, 0.2),
    (0.6, -0.2, 0.2),
    (0.6, 0.2, -0.2),
    (0.9, -0.1, -0.1),
    (0.0, 0.2, 0.2),
    (-0.3, 0.2, 0.4),
    (0.0, 0.0, 1.0),
]


@designs
def test_rss_is_that_of_least_squares(jitter):
    runs = sweep(jitter)
    exact = at_nodes(lambda *node: least_squares(*node).rss, runs)
    positive = at_nodes(lambda *node: (least_squares(*node).levels >= 0).all(), runs) > 0
    assert positive.any()
    np.testing.assert_allclose(on_grid(runs).rss[positive], exact[positive], rtol=1e-10)


@designs
@pytest.mark.parametrize("levels", RISING)
def test_rss_and_levels_are_those_of_least_squares_without_negative_levels(jitter, levels):
    runs = sweep(jitter, levels)
    found = on_grid(runs)
    np.testing.assert_allclose(
        found.rss, at_nodes(lambda *node: non_negative(*node).rss, runs), rtol=1e-10
    )
    assert (found.levels >= 0).all()
    expected = np.moveaxis(at_nodes(lambda *node: non_negative(*node).levels, runs), -1, 0)
    np.testing.assert_allclose(found.levels, expected, atol=1e-6)


def test_every_set_of_columns_is_best_somewhere():
    best = [
        at_nodes(lambda *node: non_negative(*node).levels > 0, sweep(None, levels))
        for levels in RISING
    ]
    assert len(np.unique(np.concatenate([one.reshape(-1, 3) for one in best]), axis=0)) == 7


@pytest.mark.parametrize("levels", RISING)
def test_rss_is_that_of_scipys_non_negative_least_squares(levels):
    def by_scipy(runs, alpha, beta):
        design = np.stack(
            [np.ones(RUNS), np.exp(-alpha * runs.log_n), np.exp(-beta * runs.log_d)], axis=1
        )
        root = np.sqrt(runs.weights)
        return scipy.optimize.nnls(root[:, None] * design, root * runs.loss)[1] ** 2

    runs = sweep(None, levels)
    np.testing.assert_allclose(on_grid(runs).rss, at_nodes(by_scipy, runs), rtol=1e-9)


@designs
def test_the_covariance_is_the_inverse_of_the_normal_matrix(jitter):
    runs = sweep(jitter)
    found = np.moveaxis(on_grid(runs).covariance, (0, 1), (-2, -1))
    exact = at_nodes(lambda *node: least_squares(*node).covariance, runs)
    size = np.sqrt(np.einsum("...ii->...i", exact))
    np.testing.assert_allclose(
        found / (size[..., :, None] * size[..., None, :]),
        exact / (size[..., :, None] * size[..., None, :]),
        atol=1e-7,
    )


@designs
def test_the_log_marginal_is_the_closed_form_of_each_node(jitter):
    runs = sweep(jitter)
    expected = at_nodes(
        lambda *node: log_marginal(
            runs, non_negative(*node).rss, least_squares(*node).log_determinant
        ),
        runs,
    )
    np.testing.assert_allclose(on_grid(runs).log_marginal, expected, rtol=0, atol=1e-7)


def test_the_log_marginal_is_the_integral_over_levels_and_log_sigma():
    runs = Sweep(*(column[:7] for column in sweep(noise=0.05, seed=3)))
    fit = least_squares(runs, 0.34, 0.28)
    assert (fit.levels > 0).all()
    design = np.stack([np.ones(7), np.exp(-0.34 * runs.log_n), np.exp(-0.28 * runs.log_d)], axis=1)
    # The trapezium rule is good to rounding where an integrand dies off smoothly on both sides.
    step, log_step = 0.5, 0.1
    axis = np.arange(-9, 9 + step, step)
    away = np.stack(np.meshgrid(axis, axis, axis)).reshape(3, -1)
    root = np.linalg.cholesky(np.asarray(fit.covariance, np.float64))
    parts = []
    for log_sigma in np.arange(-7.0, 9.0, log_step):
        sigma = np.exp(log_sigma)
        levels = np.asarray(fit.levels, np.float64)[:, None] + sigma * root @ away
        residual = runs.loss[:, None] - design @ levels
        log_density = 0.5 * np.log(runs.weights / (2 * np.pi)) - log_sigma
        log_likelihood = np.sum(log_density) - 0.5 * (runs.weights @ residual**2) / sigma**2
        parts.append(
            logsumexp(log_likelihood) + 3 * (log_sigma + np.log(step)) + np.linalg.slogdet(root)[1]
        )
    integral = logsumexp(parts) + np.log(log_step)
    found = evaluate_grid(*tables(runs, np.array([0.34]), np.array([0.28])))
    assert float(found.log_marginal[0, 0]) == pytest.approx(integral, abs=1e-9)


def test_a_log_prior_is_added():
    runs = sweep()
    u, v, of = tables(runs)
    found = evaluate_grid(
        u._replace(log_prior=jnp.asarray(ALPHA)), v._replace(log_prior=jnp.asarray(BETA)), of
    )
    np.testing.assert_allclose(
        found.log_marginal, on_grid(runs).log_marginal + ALPHA[:, None] + BETA, rtol=1e-14
    )


@pytest.mark.parametrize("jitter", [None, 1e-3])
def test_a_line_is_the_diagonal_of_the_product(jitter):
    u, v, of = tables(sweep(jitter), ALPHA, BETA[:4])
    along, whole = evaluate_pairs(u, v, of), evaluate_grid(u, v, of)
    for one, other in zip(along, whole, strict=True):
        np.testing.assert_allclose(
            one, np.diagonal(other, axis1=-2, axis2=-1), rtol=1e-8, atol=1e-9
        )


def test_runs_of_weight_zero_are_no_runs():
    runs = sweep()
    kept = np.arange(RUNS) < 30
    fewer = Sweep(*(column[kept] for column in runs))
    wild = Sweep(
        *(np.where(kept, column, 5.0) for column in runs[:3]), np.where(kept, runs.weights, 0.0)
    )
    for one, other in zip(on_grid(wild), on_grid(fewer), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("absent", ["log_n", "log_d"])
@pytest.mark.parametrize("pairs", [evaluate_grid, evaluate_pairs])
def test_an_input_that_never_changes_is_an_absent_term(absent, pairs):
    runs = sweep(levels=(0.6, 0.0, 0.3) if absent == "log_n" else (0.6, 0.3, 0.0))._replace(
        **{absent: np.full(RUNS, 0.37)}
    )
    members, place = ((0, 2), 1) if absent == "log_n" else ((0, 1), 2)
    found = pairs(*tables(runs, ALPHA, BETA[:4]))
    for i in range(4):
        exact, free = (
            fit(runs, ALPHA[i], BETA[i], members) for fit in (non_negative, least_squares)
        )
        node = (i, i) if pairs is evaluate_grid else (i,)
        assert float(found.rss[node]) == pytest.approx(float(exact.rss), rel=1e-10)
        marginal = log_marginal(runs, exact.rss, free.log_determinant, terms=1)
        assert float(found.log_marginal[node]) == pytest.approx(marginal, abs=1e-8)
        np.testing.assert_allclose(found.levels[:, *node], exact.levels.astype(float), rtol=1e-8)
        assert found.levels[place][node] == 0
        np.testing.assert_allclose(
            found.covariance[:, :, *node], free.covariance.astype(float), rtol=1e-8
        )


def test_without_any_input_the_mean_is_left():
    runs = sweep(levels=(0.6, 0.0, 0.0))._replace(log_n=np.zeros(RUNS), log_d=np.zeros(RUNS))
    found, exact = on_grid(runs), least_squares(runs, 1.0, 1.0, (0,))
    np.testing.assert_allclose(found.rss, float(exact.rss), rtol=1e-12)
    np.testing.assert_allclose(
        found.log_marginal,
        log_marginal(runs, exact.rss, exact.log_determinant, terms=0),
        rtol=1e-12,
    )


@designs
def test_float32_stays_float32_and_is_as_right_as_the_module_says(jitter):
    runs = Sweep(*(np.asarray(column, np.float32) for column in sweep(jitter)))
    double = Sweep(*(np.asarray(column, np.float64) for column in runs))
    expected, square = on_grid(double), float(tables(double)[2].square)
    with jax.enable_x64(False):
        found = on_grid(runs, dtype=np.float32)
    assert {array.dtype for array in found} == {np.dtype("float32")}
    np.testing.assert_allclose(found.rss, expected.rss, rtol=0, atol=4e-7 * square)
    np.testing.assert_allclose(found.log_marginal, expected.log_marginal, rtol=0, atol=0.007)


def test_without_noise_nothing_is_left_but_rounding():
    runs = sweep(noise=0.0)
    found, square = (
        on_grid(runs, alpha=np.array([0.34]), beta=np.array([0.28])),
        float(tables(runs)[2].square),
    )
    assert 0 <= float(found.rss[0, 0]) <= 1e-15 * square
    np.testing.assert_allclose(found.levels[:, 0, 0], [0.6, 0.2, 0.2], rtol=1e-9)
    assert np.isfinite(found.log_marginal).all()


@pytest.mark.parametrize("pairs", [evaluate_grid, evaluate_pairs])
def test_equal_shapes_are_compiled_once(pairs, compiled):
    pairs(*tables(sweep(), ALPHA, BETA[:4]))
    compiled()
    pairs(*tables(sweep(1e-4, seed=5), ALPHA + 0.1, BETA[:4] + 0.1))
    assert compiled() == []
