"""Empirical Bayes by importance-weighted EM: what a prior of sweeps is, given draws of each.

Each view has draws of its coordinates from a posterior under a weak Normal prior. Under a prior
that is learnt, a draw weighs the ratio of the two priors, so that no view is fitted again. The
prior of a coordinate is Normal about a mean that may have a slope along one fact of the sweep.

    z_v | x_v ~ Normal(b + s x_v, sd²),   b, s and sd where the penalised likelihood is largest

Hyperparameters are shrunk towards those that a hand had set, as if these had been seen in a family
or a part of one. A family has one vote, half to its large views and half to its ladders.

B. Efron, "Large-Scale Inference: Empirical Bayes Methods for Estimation, Testing, and Prediction",
2010; A. P. Dempster, N. M. Laird and D. B. Rubin, "Maximum Likelihood from Incomplete Data via the
EM Algorithm", 1977.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

ROUNDS = 50


@dataclass(frozen=True)
class Coordinate:
    """The prior of one coordinate.

    Attributes
    ----------
    mean, sd : float
    slope : float
        Of the mean, along ``along``.
    along : str
        Fact of a sweep; empty where the mean is the same for all.
    """

    mean: float
    sd: float
    slope: float = 0.0
    along: str = ""

    def mean_at(self, facts: dict[str, float]) -> float:
        """Return the mean for a sweep."""
        return self.mean + self.slope * facts.get(self.along, 0.0)


Coordinates = dict[str, Coordinate]


@dataclass(frozen=True, eq=False)
class View:
    """Draws of one sweep under the weak prior.

    Attributes
    ----------
    family : str
    is_ladder : bool
    facts : dict of str to float
        Of the sweep.
    draws : dict of str to array, each of shape (draws,)
    """

    family: str
    is_ladder: bool
    facts: dict[str, float]
    draws: dict[str, np.ndarray]


@dataclass(frozen=True)
class Shrinkage:
    """The weight of the hyperparameters that a hand had set, in families.

    Attributes
    ----------
    of_mean, of_slope, of_sd : float
    """

    of_mean: float = 1.0
    of_slope: float = 0.3
    of_sd: float = 1.0


def votes(views: Sequence[View]) -> np.ndarray:
    """Return the weight of each view, shape (views,); those of a family sum to one."""
    kinds = [(view.family, view.is_ladder) for view in views]
    count = Counter(kinds)
    weights = []
    for family, is_ladder in kinds:
        share = 0.5 if (family, not is_ladder) in count else 1.0
        weights.append(share / count[family, is_ladder])
    return np.array(weights)


def learn(
    views: Sequence[View],
    weak: Coordinates,
    by_hand: Coordinates,
    shrinkage: Mapping[str, Shrinkage],
) -> Coordinates:
    """Return the learnt prior of each coordinate.

    Parameters
    ----------
    views : sequence of View
    weak : dict of str to Coordinate
        The prior that the draws were made under.
    by_hand : dict of str to Coordinate
        Where the learnt prior begins, and what it is shrunk towards.
    shrinkage : mapping of str to Shrinkage
    """
    shares, learnt = votes(views), dict(by_hand)
    log_weak = [_log_prior(view, weak) for view in views]
    for _ in range(ROUNDS):
        weights = []
        for view, log_proposed in zip(views, log_weak, strict=True):
            weights.append(_normalised(_log_prior(view, learnt) - log_proposed))
        for name, prior in by_hand.items():
            pairs = zip(views, weights, strict=True)
            moments = [_moments(view.draws[name], each) for view, each in pairs]
            mean, variance = np.array(moments).T
            along = np.array([view.facts.get(prior.along, 0.0) for view in views])
            learnt[name] = _maximum(mean, variance, along, shares, prior, shrinkage[name])
    return learnt


def _maximum(
    mean: np.ndarray,
    variance: np.ndarray,
    along: np.ndarray,
    shares: np.ndarray,
    prior: Coordinate,
    shrinkage: Shrinkage,
) -> Coordinate:
    """Return the mode of mean, slope and sd, given moments of each view; each of shape (views,)."""
    design = np.stack([np.ones_like(along), along], axis=1)
    before = np.array([prior.mean, prior.slope])
    precision = np.diag([shrinkage.of_mean, shrinkage.of_slope])
    left = (design.T * shares) @ design + precision
    found = np.linalg.solve(left, (design.T * shares) @ mean + precision @ before)
    squares = (mean - design @ found) ** 2 + variance
    moved = (found - before) @ precision @ (found - before)
    total = shrinkage.of_sd * prior.sd**2 + moved + shares @ squares
    sd = np.sqrt(total / (shrinkage.of_sd + shares.sum()))
    return replace(prior, mean=float(found[0]), slope=float(found[1]), sd=float(sd))


def _moments(draws: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    mean = weights @ draws
    return float(mean), float(weights @ (draws - mean) ** 2)


def _normalised(log_weights: np.ndarray) -> np.ndarray:
    """Return weights that sum to one, truncated at the square root of their number times their mean
    (Ionides 2008).
    """
    weights = np.exp(log_weights - np.max(log_weights))
    weights = np.minimum(weights, weights.mean() * np.sqrt(len(weights)))
    return np.asarray(weights / weights.sum())


def _log_prior(view: View, prior: Coordinates) -> np.ndarray:
    """Return the log density of a view's draws under a prior, shape (draws,)."""
    densities = [_log_density(view.draws[name], each, view.facts) for name, each in prior.items()]
    return np.sum(densities, axis=0)


def _log_density(draws: np.ndarray, prior: Coordinate, facts: dict[str, float]) -> np.ndarray:
    scores = (draws - prior.mean_at(facts)) / prior.sd
    return np.asarray(-0.5 * scores**2 - np.log(prior.sd))
