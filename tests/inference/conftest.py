"""One small simulated sweep, small options for every method that discovery finds, and how two sets
of draws are compared.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from arviz_stats.base import array_stats

import bayescale as bs
from bayescale._internal import compiling
from bayescale._internal.discovery import entry, names
from bayescale.kernels.sizes import sizes

TRUTH = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}
# Compiling is what takes time: replicates and starts that fill one block share their programs.
BLOCK = sizes().members
SMALL = {"replicates": BLOCK, "starts": BLOCK, "draws": 250, "warmup": 100, "chains": 2}
PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)


def small_methods() -> list[Any]:
    """Every method with options small enough for a test."""
    classes = [entry("bayescale.inference", name) for name in names("bayescale.inference")]
    return [
        cls(**{f.name: SMALL[f.name] for f in dataclasses.fields(cls) if f.name in SMALL})
        for cls in classes
    ]


def discrepancies(
    chains: bs.Posterior, independent: bs.Posterior
) -> dict[tuple[str, float], float]:
    """Return by how many Monte Carlo errors the quantiles of a Markov chain and of independent
    draws differ, for each parameter.

    The share of the chain's draws below each quantile of the others is compared with what it should
    be, so that neither densities nor moments are estimated, which heavy tails would spoil.
    Logarithms have the same quantiles.
    """
    effective = min(independent.diagnostics["ess_importance"], independent.n_draws)
    found = {}
    for name, values in chains.params.items():
        for p, quantile in zip(
            PROBABILITIES, np.quantile(independent.draws(name), PROBABILITIES), strict=True
        ):
            below = values <= quantile
            error = np.sqrt(
                p * (1 - p) * (1 / float(array_stats.ess(below, method="mean")) + 1 / effective)
            )
            found[name, p] = float((below.mean() - p) / error)
    return found


@contextmanager
def hasty_compiler() -> Iterator[None]:
    """Compile programs without optimising them while the context lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(compiling._SMALL, "xla_backend_optimization_level", 0)
        yield


# Of a module, since pytest keeps a fixture of a folder without an `__init__.py` to the session's
# end, where tests of other folders would meet it.
@pytest.fixture(scope="module", autouse=True)
def compiled_without_optimising() -> Iterator[None]:
    """Programs run so briefly here that optimising them takes longer than it saves."""
    with hasty_compiler():
        yield


@pytest.fixture(scope="session")
def sweep() -> bs.Runs:
    """45 runs of Hoffmann et al.'s law with one per cent of Normal scatter."""
    return bs.datasets.simulate(seed=3, noise=0.01)


@pytest.fixture(scope="session")
def chains(sweep: bs.Runs) -> bs.Posterior:
    """The posterior of the sweep under Normal noise, by Markov chains.

    Tests compare its draws to the last bit, and so compile it as they compile theirs.
    """
    with hasty_compiler():
        return bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.NUTS())
