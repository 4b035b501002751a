"""Joint draws of the losses of runs of several groups, which share departures from the law."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import norm, t

from bayescale.decisions.recipes._linear import scatter_of
from bayescale.decisions.recipes._team import Likeness
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.predictive import explained_departure
from bayescale.processes.base import Basis, Locations, locate

Inputs = Mapping[str, np.ndarray]
"""Counts of runs, each of shape (runs,)."""

_SURE = 1e-12


def joint_log_losses(
    posteriors: Sequence[Posterior], inputs: Sequence[Inputs], likeness: Likeness, seed: int
) -> np.ndarray:
    """Return draws of log loss of runs of each group, scatter included.

    Parameters
    ----------
    posteriors : sequence of Posterior
        With equally many draws, of which those of one number belong together.
    inputs : sequence of mappings of arrays, each of shape (runs,)
        For each group its runs; runs of one number share departures, as far as groups are alike.
    likeness : Likeness
    seed : int

    Returns
    -------
    array, shape (draws, groups, runs)
    """
    rng = np.random.default_rng(seed)
    shape = (len(likeness.law), len(next(iter(inputs[0].values()))))
    processes = [basis.process for basis in posteriors[0].bases]
    shared = [rng.standard_normal(shape) for _ in processes]
    shared_scatter = rng.standard_normal(shape)
    losses = []
    for posterior, at in zip(posteriors, inputs, strict=True):
        unit = [_mixed(rng, common, likeness.departures**2) for common in shared]
        scatter = _mixed(rng, shared_scatter, 1 - likeness.scatter)
        losses.append(_log_loss(posterior, at, unit, scatter))
    return np.stack(losses, axis=1)


def _mixed(rng: np.random.Generator, shared: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return standard normal numbers of which a share of the variance is a group's own; shape
    (draws, runs).
    """
    fresh = rng.standard_normal(shared.shape)
    return np.sqrt(1 - own)[:, None] * shared + np.sqrt(own)[:, None] * fresh


def _log_loss(
    posterior: Posterior, inputs: Inputs, unit: Sequence[np.ndarray], scatter: np.ndarray
) -> np.ndarray:
    """Return log losses of one group from standard normal numbers; shape (draws, runs)."""
    chains = next(iter(posterior.params.values())).shape
    at = locate(posterior.runs, posterior.law.inputs, inputs)
    shared = posterior.noise.shared
    total = posterior.log_law(inputs) + explained_departure(posterior, at, shared)
    for basis, numbers in zip(posterior.bases, unit, strict=True):
        amplitude = posterior.params[basis.process.amplitude.name][..., None]
        total = total + amplitude * (numbers @ _symmetric_root(basis, at)).reshape(*chains, -1)
    total = total.reshape(scatter.shape)
    scale, freedom = scatter_of(posterior, total, inputs)
    sure = norm.cdf(scatter).clip(_SURE, 1 - _SURE)
    return np.asarray(total + scale * t.ppf(sure, freedom))


def _symmetric_root(basis: Basis, at: Locations) -> np.ndarray:
    """Return the symmetric root of the covariance that the functions leave, shape (runs, runs).

    Groups whose runs nearly agree have nearly the same; eigenvectors alone could be any of many.
    """
    vectors, values, _ = np.linalg.svd(basis.root_of_remainder(at))
    return np.asarray((vectors * values) @ vectors.T)
