"""The evidence of a grid in tiles, against the whole grid at once.

Two tiles along each axis, none of which the grid fills, serve almost all tests, so that one program
is compiled.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from bayescale.kernels import centre_response, evaluate_grid, grid_evidence, power_columns

RUNS, SHAPE = 200, (513, 257)
ALPHA, BETA = np.linspace(0.1, 0.8, SHAPE[0]), np.linspace(0.1, 0.8, SHAPE[1])
# Between the nodes of a coarse grid that takes 64 exponents of each axis at most.
GLANCE, PEAK = (slice(None, None, 9), slice(None, None, 5)), (211, 103)


def sweep(noise=0.01, alpha=ALPHA[PEAK[0]], beta=BETA[PEAK[1]], jitter=None):
    """log N, log D, losses and weights; N and D apart, or D in proportion to N but for a jitter."""
    rng = np.random.default_rng(0)
    log_n, apart = rng.uniform(-3, 3, (2, RUNS))
    log_d = apart if jitter is None else log_n + jitter * apart
    loss = 0.6 + 0.2 * np.exp(-alpha * log_n) + 0.2 * np.exp(-beta * log_d)
    return log_n, log_d, loss + noise * rng.standard_normal(RUNS), rng.uniform(0.5, 2.0, RUNS)


def tables(runs, alpha=ALPHA, beta=BETA, priors=(0.0, 0.0), dtype=np.float64):
    log_n, log_d, loss, weights = (jnp.asarray(column, dtype) for column in runs)
    of = centre_response(loss, weights)
    priors = [
        jnp.asarray(np.broadcast_to(prior, axis.shape), dtype)
        for prior, axis in zip(priors, (alpha, beta), strict=True)
    ]
    axes = jnp.asarray(alpha, dtype), jnp.asarray(beta, dtype)
    return (
        power_columns(axes[0], log_n, priors[0], of),
        power_columns(axes[1], log_d, priors[1], of),
        of,
    )


def assert_alike(evidence, nodes, atol=1e-9):
    """Sums that matter, and the best node."""
    height, total = np.asarray(nodes.log_marginal), logsumexp(nodes.log_marginal)
    assert float(evidence.log_evidence) == pytest.approx(total, abs=atol)
    for found, axis in ((evidence.rows, 1), (evidence.columns, 0)):
        expected = logsumexp(height, axis=axis)
        heavy = expected > total - 40
        assert heavy.any()
        np.testing.assert_allclose(
            np.asarray(found)[heavy], expected[heavy], rtol=0, atol=10 * atol
        )
        # Two hundred tiles' nodes of e^−60 each are less than e^−40.
        assert (np.asarray(found)[~heavy] < total - 39).all()
    best = np.unravel_index(np.argmin(nodes.rss), nodes.rss.shape)
    assert tuple(int(i) for i in evidence.best) == best
    assert float(evidence.least_rss) == pytest.approx(float(nodes.rss[best]), rel=max(atol, 1e-9))


@pytest.mark.parametrize("jitter", [None, 0.05])
@pytest.mark.parametrize("noise", [0.3, 0.01])
def test_the_evidence_is_the_sum_over_the_grid(jitter, noise):
    arguments = tables(sweep(noise, jitter=jitter))
    assert_alike(grid_evidence(*arguments), evaluate_grid(*arguments))


@pytest.mark.parametrize("shape", [(3, 1), (512, 256)])
def test_grids_that_tiles_divide_and_grids_smaller_than_a_tile_are_summed_too(shape):
    alpha, beta = (np.linspace(0.2, 0.5, size) for size in shape)
    arguments = tables(sweep(), alpha, beta)
    assert_alike(grid_evidence(*arguments), evaluate_grid(*arguments))


def test_a_peak_between_the_nodes_of_the_glance_that_would_overflow_is_found():
    arguments = tables(sweep(noise=1e-5))
    nodes = evaluate_grid(*arguments)
    height = np.asarray(nodes.log_marginal)
    # Further above the best of a coarse grid than the exponential of any double.
    assert height[GLANCE].max() + 710 < height.max()
    assert np.unravel_index(height.argmax(), SHAPE) == PEAK
    assert_alike(grid_evidence(*arguments), nodes, atol=1e-4)


def test_without_noise_the_true_node_is_found_and_all_is_finite():
    evidence = grid_evidence(*tables(sweep(noise=0.0)))
    assert tuple(int(i) for i in evidence.best) == PEAK
    assert (int(jnp.argmax(evidence.rows)), int(jnp.argmax(evidence.columns))) == PEAK
    assert np.isfinite(evidence.log_evidence)
    assert 0 <= float(evidence.least_rss) < 1e-12


def test_the_best_of_a_grid_that_ends_before_the_peak_is_its_last_node():
    arguments = tables(sweep(alpha=1.0, beta=1.0))
    evidence = grid_evidence(*arguments)
    assert tuple(int(i) for i in evidence.best) == (SHAPE[0] - 1, SHAPE[1] - 1)
    assert_alike(evidence, evaluate_grid(*arguments))


def test_prior_mass_is_taken_into_account():
    priors = np.where(ALPHA < 0.4, -np.inf, -3 * ALPHA), np.log(BETA)
    arguments = tables(sweep(noise=0.1), priors=priors)
    evidence, nodes = grid_evidence(*arguments), evaluate_grid(*arguments)
    assert_alike(evidence, nodes)
    assert np.isneginf(evidence.rows[ALPHA < 0.4]).all()


def test_a_constant_input_is_an_absent_term():
    log_n, log_d, loss, weights = sweep()
    arguments = tables((log_n, np.zeros_like(log_d), loss, weights))
    evidence, nodes = grid_evidence(*arguments), evaluate_grid(*arguments)
    assert float(evidence.log_evidence) == pytest.approx(logsumexp(nodes.log_marginal), abs=1e-9)
    np.testing.assert_allclose(evidence.columns, evidence.columns[0], rtol=0, atol=1e-9)


def test_losses_that_are_no_numbers_end_the_search():
    log_n, log_d, loss, weights = sweep()
    assert np.isnan(
        grid_evidence(*tables((log_n, log_d, np.full_like(loss, np.nan), weights))).log_evidence
    )


def test_float32_stays_float32_and_is_as_right_as_the_docstring_says():
    runs = [np.asarray(column, np.float32) for column in sweep()]
    expected = grid_evidence(*tables(runs))
    with jax.enable_x64(False):
        found = grid_evidence(*tables(runs, dtype=np.float32))
    assert {array.dtype for array in found[:4]} == {np.dtype("float32")}
    assert abs(found.log_evidence - expected.log_evidence) < 0.002
    assert float(found.least_rss) == pytest.approx(float(expected.least_rss), rel=3e-5)
    for one, other in ((found.rows, expected.rows), (found.columns, expected.columns)):
        heavy = np.asarray(other) > float(expected.log_evidence) - 20
        np.testing.assert_allclose(
            np.asarray(one)[heavy], np.asarray(other)[heavy], rtol=0, atol=0.02
        )


def test_equal_shapes_are_compiled_once(compiled):
    grid_evidence(*tables(sweep()))
    compiled()
    grid_evidence(*tables(sweep(noise=0.2), ALPHA + 0.1, BETA + 0.1, priors=(1.0, 2.0)))
    assert compiled() == []
