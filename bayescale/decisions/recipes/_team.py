"""Partial pooling of groups of runs of one team: a hierarchy of Normal distributions, in closed
form.

Let θ_g be the coordinates of `AtFrontier` of group g, which the library has as Normal(m, S), S
diagonal. Groups of one team share a part of how they differ from m:

    θ_g = μ + δ_g,      μ ~ Normal(m, (1 − f²) S),      δ_g ~ Normal(0, f² S)

A fit of a group alone gives θ_g | y_g nearly Normal(c_g, V_g) under the library, so that its runs
alone say what Normal(l_g, W_g) does, with W⁻¹ = V⁻¹ − S⁻¹. What all other groups say of θ_g is then
Normal, by one system of equations. The share f is unknown: each of a few values is weighed by how
likely it makes what all groups say, that of g among them, so that unlike groups are hardly pooled,
and a group that is unlike the others keeps to itself.

A. Gelman and J. Hill, "Data Analysis Using Regression and Multilevel/Hierarchical Models", 2007,
chapter 12, for partial pooling.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Values of f: how far groups lie apart, as a share of how far sweeps of all teams do."""

# Directions of which the runs of a group say less than this share of what the library says.
_NOTHING = 1e-6


class Known(NamedTuple):
    """A Normal distribution of the coordinates of one group.

    Attributes
    ----------
    mean : array, shape (k,)
    covariance : array, shape (k, k)
    """

    mean: np.ndarray
    covariance: np.ndarray


def by_others(library: Known, alone: Sequence[Known]) -> list[Known]:
    """Return for each group what the library and the other groups say of it.

    Parameters
    ----------
    library : Known
        m and S.
    alone : sequence of Known
        c and V of each group, fitted by itself under the library.
    """
    own = [_without(library, one) for one in alone]
    return [_predicted(library, own[:g] + own[g + 1 :], own[g]) for g in range(len(own))]


def _without(library: Known, found: Known) -> Known:
    """Return what the runs of a group say, with what the library says taken out."""
    precision, prior = np.linalg.inv(found.covariance), np.linalg.inv(library.covariance)
    # In units of the library, so that what is nothing can be said for all coordinates alike.
    scale = np.sqrt(np.diag(library.covariance))
    values, axes = np.linalg.eigh(scale[:, None] * (precision - prior) * scale)
    said = values > _NOTHING
    values = np.maximum(values, _NOTHING)
    covariance = scale[:, None] * ((axes / values) @ axes.T) * scale
    away = axes.T @ (scale * (precision @ (found.mean - library.mean)))
    moved = axes @ np.where(said, away / values, 0.0)
    return Known(library.mean + scale * moved, covariance)


def _predicted(library: Known, others: Sequence[Known], own: Known) -> Known:
    """Return what others say of a group of their team, over all shares."""
    told = [_given_share(library, others, share) for share in SHARES]
    logs = np.array([log + _log_density(own, known) for known, log in told])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    means = np.stack([known.mean for known, _ in told])
    mean = weights @ means
    covariance = np.zeros_like(library.covariance)
    for weight, (known, _) in zip(weights, told, strict=True):
        away = known.mean - mean
        covariance += weight * (known.covariance + np.outer(away, away))
    return Known(mean, covariance)


def _log_density(own: Known, others: Known) -> float:
    """Return the log density of what the runs of a group say, given what others say of it, up to a
    constant.
    """
    covariance = own.covariance + others.covariance
    away = own.mean - others.mean
    log_determinant = np.linalg.slogdet(covariance)[1]
    return float(-(log_determinant + away @ np.linalg.solve(covariance, away)) / 2)


def _given_share(library: Known, others: Sequence[Known], share: float) -> tuple[Known, float]:
    """Return what others say for a share f, and the log density of what they say."""
    count = len(others)
    between = share**2 * library.covariance
    common = library.covariance - between
    joint = np.kron(np.ones((count, count)), common) + np.kron(np.eye(count), between)
    size = len(library.mean)
    for number, other in enumerate(others):
        here = slice(number * size, (number + 1) * size)
        joint[here, here] += other.covariance
    away = np.concatenate([other.mean - library.mean for other in others])
    across = np.tile(common, count)
    solved = np.linalg.solve(joint, np.column_stack([away, across.T]))
    mean = library.mean + across @ solved[:, 0]
    covariance = library.covariance - across @ solved[:, 1:]
    log_determinant = np.linalg.slogdet(joint)[1]
    return Known(mean, covariance), float(-(log_determinant + away @ solved[:, 0]) / 2)
