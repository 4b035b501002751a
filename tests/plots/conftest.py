"""Fits that cost a second: a point, and draws scattered about it."""

from dataclasses import replace

import numpy as np
import pytest

import bayescale as bs
from bayescale.posterior.posterior import Posterior


def scattered(point: Posterior) -> Posterior:
    """The point fit with two chains of 60 draws, each parameter within one per cent of it."""
    generator = np.random.default_rng(0)
    draws = {
        name: value * np.exp(0.003 * generator.standard_normal((2, 60)))
        for name, value in point.params.items()
    }
    return replace(point, params=draws)


@pytest.fixture(scope="session")
def sweep() -> bs.Runs:
    return bs.datasets.simulate(seed=1)


@pytest.fixture(scope="session")
def point(sweep: bs.Runs) -> Posterior:
    return bs.fit(
        sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.MultiStart(starts=50)
    )


@pytest.fixture(scope="session")
def posterior(point: Posterior) -> Posterior:
    return scattered(point)


@pytest.fixture(scope="session")
def objective(sweep: bs.Runs) -> Posterior:
    """Draws of a fit whose noise is an objective, as a bootstrap gives."""
    return scattered(
        bs.fit(
            sweep,
            law=bs.laws.Chinchilla(),
            noise=bs.noise.Huber(1e-3),
            method=bs.MultiStart(starts=50),
        )
    )


@pytest.fixture(scope="session")
def power_law(sweep: bs.Runs) -> Posterior:
    """A law that knows no trade-off, with draws."""
    return scattered(
        bs.fit(
            sweep, law=bs.laws.PowerLaw(), noise=bs.noise.Normal(), method=bs.MultiStart(starts=50)
        )
    )
