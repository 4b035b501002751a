"""`Mixture`: a density that is one, draws that have it, and steps that bring it nearer to weighted
draws.
"""

import numpy as np
import pytest
from scipy import stats

from bayescale.inference._mixture import FREEDOM, Mixture

CENTRES = np.array([[0.0, 0.0], [6.0, -4.0]])
SCALES = np.array([[[1.0, 0.5], [0.5, 0.8]], [[0.4, 0.0], [0.0, 2.0]]])


@pytest.fixture(scope="module")
def two() -> Mixture:
    """Two components well apart, the first with three draws of ten."""
    return Mixture.about(CENTRES, SCALES, np.array([3.0, 7.0]))


def by_scipy(mixture: Mixture, points: np.ndarray) -> np.ndarray:
    """The density at points, shape (k, pool)."""
    scales = mixture.roots @ np.swapaxes(mixture.roots, 1, 2)
    components = zip(mixture.shares, mixture.centres, scales, strict=True)
    return np.sum(
        [s * stats.multivariate_t(c, m, df=FREEDOM).pdf(points.T) for s, c, m in components], axis=0
    )


def distance(mixture: Mixture, draws: np.ndarray, log_target: np.ndarray) -> float:
    """Kullback–Leibler divergence from the target to the mixture, estimated from draws of the
    target.
    """
    return float(np.mean(log_target - mixture.log_density(draws)))


def test_one_component_has_the_density_of_scipys_multivariate_t() -> None:
    one = Mixture.about(CENTRES[:1], SCALES[:1], np.ones(1))
    points = np.random.default_rng(0).normal(scale=5.0, size=(2, 200))
    expected = stats.multivariate_t(CENTRES[0], SCALES[0], df=FREEDOM).logpdf(points.T)
    np.testing.assert_allclose(one.log_density(points), expected, rtol=1e-12)


def test_shares_weigh_the_components(two: Mixture) -> None:
    points = np.random.default_rng(1).normal(scale=5.0, size=(2, 200))
    np.testing.assert_allclose(np.exp(two.log_density(points)), by_scipy(two, points), rtol=1e-10)


def test_the_density_adds_up_to_one() -> None:
    # In one dimension, where the quadrature's tails can be had exactly by a change of variables.
    mixture = Mixture.about(
        np.array([[-1.0], [5.0]]), np.array([[[0.5]], [[2.0]]]), np.array([1.0, 4.0])
    )
    angle = np.linspace(-np.pi / 2, np.pi / 2, 200_001)[1:-1]
    x, volume = np.tan(angle), 1 / np.cos(angle) ** 2
    assert np.trapezoid(np.exp(mixture.log_density(x[None])) * volume, angle) == pytest.approx(
        1.0, abs=1e-6
    )


def test_draws_have_the_density(two: Mixture) -> None:
    draws = two.draw(40_000, np.random.default_rng(2))
    assert draws.shape == (2, 40_000)
    # Along each axis a component is a t distribution, and the components' shares are those of the
    # mixture.
    for i in range(2):
        scales = np.sqrt(SCALES[:, i, i])

        def cumulative(x: np.ndarray, i: int = i, scales: np.ndarray = scales) -> np.ndarray:
            parts = zip(two.shares, CENTRES[:, i], scales, strict=True)
            return np.sum(
                [share * stats.t(FREEDOM, centre, scale).cdf(x) for share, centre, scale in parts],
                axis=0,
            )

        assert stats.kstest(draws[i], cumulative).pvalue > 1e-3


def test_draws_covary_as_the_density_says() -> None:
    one = Mixture.about(CENTRES[:1], SCALES[:1], np.ones(1))
    draws = one.draw(40_000, np.random.default_rng(3))
    # Kendall's τ of an elliptical distribution is 2/π arcsin of its correlation, however heavy the
    # tails.
    correlation = SCALES[0, 0, 1] / np.sqrt(SCALES[0, 0, 0] * SCALES[0, 1, 1])
    assert stats.kendalltau(*draws).statistic == pytest.approx(
        2 / np.pi * np.arcsin(correlation), abs=0.015
    )


def test_the_same_generator_gives_the_same_draws(two: Mixture) -> None:
    one, same = (two.draw(50, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one, same)


def test_fitting_recovers_two_components_from_draws_of_equal_weight(two: Mixture) -> None:
    draws = two.draw(20_000, np.random.default_rng(5))
    far_off = Mixture.about(
        np.array([[-2.0, 1.0], [4.0, 0.0]]), np.stack([4 * np.eye(2)] * 2), np.ones(2)
    )
    found = far_off
    for _ in range(3):
        found = found.fitted(draws, np.zeros(20_000))
    np.testing.assert_allclose(found.shares, two.shares, atol=0.02)
    # Shrinkage, which keeps components defined, draws a component of share s by 0.02/(s + 0.02)
    # towards the whole.
    whole, kept = draws.mean(axis=1), (two.shares / (two.shares + 0.02))[:, None]
    np.testing.assert_allclose(found.centres, whole + kept * (CENTRES - whole), atol=0.1)


def test_fitting_to_weighted_draws_brings_the_mixture_nearer_to_the_target(two: Mixture) -> None:
    rng = np.random.default_rng(6)
    broad = Mixture.about(
        np.array([[0.0, 1.0], [5.0, 0.0]]), np.stack([9 * np.eye(2)] * 2), np.ones(2)
    )
    proposed = broad.draw(8000, rng)
    fitted = broad.fitted(proposed, two.log_density(proposed) - broad.log_density(proposed))
    fresh = two.draw(8000, rng)
    log_target = two.log_density(fresh)
    before, after = (distance(mixture, fresh, log_target) for mixture in (broad, fitted))
    assert before > 0.5
    assert after < 0.15


def test_draws_of_no_weight_do_not_move_the_fit(two: Mixture) -> None:
    rng = np.random.default_rng(7)
    draws = two.draw(2000, rng)
    alone = two.fitted(draws, np.zeros(2000))
    with_others = two.fitted(
        np.concatenate([draws, 1e3 * rng.normal(size=(2, 2000))], axis=1),
        np.repeat([0.0, -np.inf], 2000),
    )
    np.testing.assert_allclose(with_others.centres, alone.centres, rtol=1e-9)
    np.testing.assert_allclose(with_others.roots, alone.roots, rtol=1e-9)


def test_a_component_that_explains_nothing_keeps_a_share() -> None:
    draws = np.random.default_rng(8).normal(size=(2, 3000))
    lost = Mixture.about(np.array([[0.0, 0.0], [1e4, 1e4]]), np.stack([np.eye(2)] * 2), np.ones(2))
    found = lost.fitted(draws, np.zeros(3000))
    assert np.isfinite(found.roots).all()
    assert found.shares.min() > 0.01


def test_from_nothing_but_weighted_draws_the_mixture_is_near_the_target(two: Mixture) -> None:
    rng = np.random.default_rng(9)
    proposed = np.stack([rng.uniform(-12, 18, size=20_000), rng.uniform(-20, 12, size=20_000)])
    found = Mixture.of_draws(proposed, two.log_density(proposed), 4, rng)
    fresh = two.draw(8000, rng)
    assert distance(found, fresh, two.log_density(fresh)) < 0.2


def test_weights_of_a_few_draws_are_flattened_until_enough_count() -> None:
    rng = np.random.default_rng(10)
    draws = rng.normal(size=(3, 4000))
    log_weights = np.full(4000, -1e3)
    log_weights[0] = 0.0
    assert np.isfinite(Mixture.of_draws(draws, log_weights, 2, rng).roots).all()


def test_one_draw_of_all_the_weight_still_makes_a_mixture_with_volume():
    rng = np.random.default_rng(0)
    start = Mixture.about(np.zeros((1, 3)), np.eye(3)[None], np.ones(1))
    draws, log_weights = start.draw(2000, rng), np.full(2000, -1e4)
    log_weights[7] = 0.0
    fitted = start.fitted(draws, log_weights)
    assert np.isfinite(fitted.log_density(draws)).all()
    assert fitted.log_density(draws[:, [7]]) > start.log_density(draws[:, [7]])
