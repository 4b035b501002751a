"""`Pool`: rounds of proposals, of which the last is weighed by the mixture that proposed it."""

import numpy as np
import pytest

from bayescale.inference._mixture import Mixture
from bayescale.inference._pool import Pool
from bayescale.inference._weighing import weigh

WIDE = Mixture.about(np.zeros((1, 2)), 9.0 * np.eye(2)[None], np.ones(1))


def log_normal(draws: np.ndarray) -> np.ndarray:
    """The log density of a standard Normal but for a constant."""
    return np.asarray(-np.sum(draws**2, axis=0) / 2)


@pytest.fixture(scope="module")
def two_rounds() -> Pool:
    rng, pool = np.random.default_rng(0), Pool(WIDE)
    for _ in range(2):
        draws = pool.proposal.draw(200, rng)
        pool = pool.after(draws, log_normal(draws))
    return pool


def weighed_alone(proposal: Mixture, draws: np.ndarray) -> np.ndarray:
    return weigh(log_normal(draws) - proposal.log_density(draws)).log_weights


def test_the_last_round_is_weighed_against_the_mixture_that_proposed_it_alone(
    two_rounds: Pool,
) -> None:
    expected = weighed_alone(two_rounds.used[-1], two_rounds.draws[:, 200:])
    np.testing.assert_allclose(two_rounds.weighed.log_weights, expected)


def test_a_round_that_is_made_larger_is_weighed_as_one(two_rounds: Pool) -> None:
    more = two_rounds.used[-1].draw(300, np.random.default_rng(1))
    larger = two_rounds.extended(more, log_normal(more))
    expected = weighed_alone(two_rounds.used[-1], larger.draws[:, 200:])
    np.testing.assert_allclose(larger.weighed.log_weights, expected)
