"""Chains that learn their steps from each other: they find a distribution from a poor start, and
say when they have not.
"""

import numpy as np
import pytest

from bayescale.inference._conditional import Weighable
from bayescale.inference._mixture import Mixture
from bayescale.inference._population import Group, Population, _tried, n_chains, populated

WIDE = Mixture.about(np.zeros((1, 2)), 4.0 * np.eye(2)[None], np.ones(1))


def estimated(log_density: np.ndarray, standard: np.ndarray) -> np.ndarray:
    """Two estimates of a density from numbers ξ, whose mean is without bias."""
    errors = np.stack([standard[0], -standard[0]])
    return log_density + errors - 0.5


def banana(points: np.ndarray, standard: np.ndarray) -> Weighable:
    """The density of x ~ Normal(0, 1) and y ~ Normal(x², 1/2), as estimates that scatter."""
    x, y = points
    log_density = -(x**2) / 2 - 2 * (y - x**2) ** 2
    return Weighable(points, np.stack([standard, -standard]), estimated(log_density, standard))


@pytest.fixture(scope="module")
def bent() -> Population:
    rng = np.random.default_rng(0)
    return populated(banana, WIDE.draw(n_chains(), rng), 1, WIDE, rng, 400)


def test_chains_find_the_moments_of_a_bent_density_from_scattered_estimates(
    bent: Population,
) -> None:
    x, y = bent.found.unconstrained
    assert bent.reliable(400)
    assert x.mean() == pytest.approx(0, abs=0.1)
    assert x.std() == pytest.approx(1, rel=0.07)
    assert y.mean() == pytest.approx(1, abs=0.15)
    assert y.std() == pytest.approx(1.5, rel=0.12)


def test_a_step_leaves_the_numbers_of_the_estimates_standard_normal() -> None:
    rng = np.random.default_rng(0)
    points, standard = rng.standard_normal((2, 50_000)), rng.standard_normal((1, 50_000))
    group = Group(points, standard, banana(points, standard))
    for _ in range(4):
        tried, _ = _tried(group, group, WIDE, rng)
        assert tried.standard.std() == pytest.approx(1, abs=0.02)


def test_the_draws_of_all_chains_follow_one_another(bent: Population) -> None:
    kept, k, chains = bent.points.shape
    assert chains == n_chains()
    assert bent.found.unconstrained.shape == (k, kept * chains)
    np.testing.assert_array_equal(bent.found.unconstrained[:, :chains], bent.points[0])


def test_chains_that_stay_where_they_began_count_as_one_draw_each(bent: Population) -> None:
    still = np.repeat(bent.points[:1], 20, axis=0)
    found = Population(still, bent.found)
    assert found.ess == pytest.approx(n_chains(), rel=0.02)
    assert not found.reliable(400)


def test_chains_that_still_drift_are_not_reliable(bent: Population) -> None:
    steps = np.linspace(0, 3, len(bent.points))[:, None, None]
    assert not Population(bent.points + steps, bent.found).reliable(400)
