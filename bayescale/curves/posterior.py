"""The posterior of the law of curves: what is known of a run's end.

Points of a curve are not independent. Beside white scatter, a loss departs from the law by a wobble
(an Ornstein–Uhlenbeck process in log S) and a slow drift (a Matérn process with ν = 3/2 in log S).
Each run's drop has an error of its own: a factor, and a Wiener process along the drop. All are
Gaussian and integrated out. What is left, eight coefficients and four amplitudes, is drawn by
importance sampling from a mixture that learns.

Priors are in units of the loss, so that bits and nats give one posterior. They were chosen on the
124M runs of Schaipp et al. 2025 and three of nine curves of each size of Luo et al. 2025. The prior
of growth was widened and moved towards zero after other sizes had been seen
(docs/running_runs.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from bayescale.curves.law import Coefficients, Track, Values, sums_of
from bayescale.curves.points import Points
from bayescale.curves.schedule import Schedule
from bayescale.inference._mixture import Mixture

# Centre and standard deviation of each coordinate: logarithms, but for growth; level, gap, drop
# and the amplitudes as shares of the last loss.
PRIORS = {
    "level": (0.04, 0.1),
    "gap": (np.log(0.075), 0.5),
    "exponent": (np.log(0.47), 0.22),
    "drop": (np.log(0.073), 0.42),
    "half": (np.log(0.006), 0.8),
    "shape": (0.0, 1.0),
    "power": (np.log(0.68), 0.27),
    "growth": (0.07, 0.09),
    "white": (np.log(0.0003), 1.2),
    "wobble": (np.log(0.0003), 0.65),
    "drift": (np.log(0.002), 0.85),
    "drop_error": (np.log(0.03), 0.5),
}
_Kernels: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]
_CENTRES = np.array([centre for centre, _ in PRIORS.values()])
_SCALES = np.array([scale for _, scale in PRIORS.values()])
# Modes are sought with little and with much white scatter.
_STARTS = np.zeros((2, len(_CENTRES)))
_STARTS[1, 8:10] = 1.0, -1.0
_WOBBLE_LENGTH, _DRIFT_LENGTH = 0.08, 2.5
# A quarter of the prior's drop: half of a drop's error, roughly, is of its shape.
_OF_WALK = 0.018
_BETWEEN_TRUNKS, _WITHIN_TRUNK, _DROPS_OF_TRUNK = 0.5, 0.5, 0.5
_MOST_ROUNDS, _TRIED, _ENOUGH = 12, 500, 200
_STRETCH = 1.3
_BATCH = 50
_LARGE = 1e100
_IMPOSSIBLE = -1e12
_FARTHEST = 6.0  # Standard deviations of the prior, beyond which numbers overflow.


@dataclass(frozen=True, eq=False)
class Draws:
    """Losses of runs at steps, one array for each run asked for.

    Attributes
    ----------
    underlying : list of array, shape (draws, steps)
        Without the scatter of a single logged loss.
    logged : list of array, shape (draws, steps)
        With it.
    """

    underlying: list[np.ndarray]
    logged: list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Ask:
    """A run whose losses are asked for.

    Attributes
    ----------
    run : str
        Name: a run of the fit, or a new one.
    schedule : Schedule
    steps : array
    """

    run: str
    schedule: Schedule
    steps: np.ndarray


@dataclass(frozen=True, eq=False)
class CurvePosterior:
    """Draws of the law of curves and of its departures.

    Attributes
    ----------
    points : sequence of Points
    coordinates : array, shape (draws, 12)
        Standardised: each has a standard Normal prior.
    effective : float
        Effective number of the weighted proposals.
    peak, reference, unit : float
        Learning rate that counts as one, S_ref, and the loss that priors are shares of.
    """

    points: Sequence[Points]
    coordinates: np.ndarray = field(repr=False)
    effective: float
    peak: float
    reference: float
    unit: float

    def coefficients(self) -> dict[str, np.ndarray]:
        """Return the draws of the law's coefficients by name."""
        each = [_coefficients(row, self.unit) for row in self.coordinates]
        return dict(zip(Coefficients._fields, np.array(each).T, strict=True))

    def losses(self, asked: Sequence[Ask], seed: int = 0) -> Draws:
        """Draw losses of runs jointly, given what was logged."""
        rng = np.random.default_rng(seed)
        target = _Target(self.points, self.peak, self.reference, self.unit)
        new = _Block.joined(asked, self.points, self.peak, self.reference)
        kernels = new.kernels(target.block), new.kernels(new)
        underlying = []
        logged = []
        for row in self.coordinates:
            values, white = target.predicted(row, new, kernels, rng)
            underlying.append(values)
            logged.append(values + white * rng.standard_normal(len(values)))
        cuts = np.cumsum([len(one.steps) for one in asked])[:-1]
        return Draws(
            np.split(np.array(underlying), cuts, axis=1), np.split(np.array(logged), cuts, axis=1)
        )


def fit_curves(
    points: Sequence[Points],
    longest: Sequence[Schedule] = (),
    *,
    unit: float | None = None,
    draws: int = 500,
    seed: int = 0,
) -> CurvePosterior:
    """Draw the posterior of the law from points of runs of one model.

    Parameters
    ----------
    points : sequence of Points
    longest : sequence of Schedule
        Schedules that will be asked about; S_ref is the largest sum of all.
    unit : float, optional
        Loss that priors are shares of; by default the least of the last losses.
    draws : int
    seed : int
    """
    schedules = [one.schedule for one in points] + list(longest)
    peak = max(schedule.peak for schedule in schedules)
    reference = max(float(sums_of(schedule, peak)[-1]) for schedule in schedules)
    if unit is None:
        unit = float(min(one.losses[-1] for one in points))
    target = _Target(points, peak, reference, unit)
    rng = np.random.default_rng(seed)
    tried, log_weights = _weighted(target, rng)
    weights = np.exp(log_weights - np.logaddexp.reduce(log_weights))
    places = (np.arange(draws) + rng.uniform()) / draws
    chosen = np.searchsorted(np.cumsum(weights), places).clip(max=len(weights) - 1)
    return CurvePosterior(
        points, tried[:, chosen].T, _effective(log_weights), peak, reference, unit
    )


def _weighted(target: "_Target", rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted proposals: about the mode, then from t distributions that learn.

    All rounds count, each proposal over the mean density of all rounds (a deterministic mixture).
    """
    mode, covariance = _mode(target)
    root = np.linalg.cholesky(covariance) * _STRETCH
    mixtures = [Mixture(np.ones(1), mode[None], root[None])]
    tried = np.empty((len(mode), 0))
    densities = np.empty(0)
    while True:
        fresh = mixtures[-1].draw(_TRIED, rng)
        tried = np.append(tried, fresh, axis=1)
        densities = np.append(densities, target.log_density(fresh.T))
        proposed = np.logaddexp.reduce([one.log_density(tried) for one in mixtures])
        log_weights = densities - proposed
        if len(mixtures) == _MOST_ROUNDS or _effective(log_weights) > _ENOUGH:
            return tried, log_weights
        components = 1 + len(mixtures) % 2
        mixtures.append(Mixture.of_draws(tried, log_weights, components, rng))


def _effective(log_weights: np.ndarray) -> float:
    total, squares = np.logaddexp.reduce(log_weights), np.logaddexp.reduce(2 * log_weights)
    return float(np.exp(2 * total - squares))


def _mode(target: "_Target") -> tuple[np.ndarray, np.ndarray]:
    """Return the mode, and the inverse of the curvature there."""
    size = len(_CENTRES)
    step = 1e-4 * np.eye(size)

    def value_and_slope(at: np.ndarray) -> tuple[float, np.ndarray]:
        near = np.concatenate([at[None], at + step, at - step])
        values = target.log_density(near)
        slope = (values[1 : size + 1] - values[size + 1 :]) / 2e-4
        return -float(values[0]), -slope

    found = [
        minimize(
            value_and_slope,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(-5, 5)] * size,
            options={"maxiter": 80},
        )
        for start in _STARTS
    ]
    best = min(found, key=lambda one: float(one.fun)).x
    wide = 0.02 * np.eye(size)
    first, second = np.tril_indices(size)
    slopes_apart = [
        target.log_density(best + a * wide[first] + b * wide[second])
        for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))
    ]
    curvature = np.zeros((size, size))
    same, opposite, also, both = slopes_apart
    curvature[first, second] = (same - opposite - also + both) / (4 * 0.02**2)
    curvature = np.tril(curvature) + np.tril(curvature, -1).T
    eigenvalues, vectors = np.linalg.eigh(-curvature)
    # The prior alone has curvature one, so that less is an error of the differences.
    covariance = (vectors / np.maximum(eigenvalues, 0.7)) @ vectors.T
    return best, covariance


def _coefficients(standard: np.ndarray, unit: float) -> Coefficients:
    """Return the law's coefficients from standardised coordinates, shape (..., 12)."""
    of_law = _CENTRES[:8] + _SCALES[:8] * standard[..., :8]
    level, gap, exponent, drop, half, shape, power, growth = np.moveaxis(of_law, -1, 0)
    shape = np.exp(shape)
    above = unit * np.exp(gap)
    return Coefficients(
        floor=unit * np.exp(level) - above,
        gap=above,
        exponent=np.exp(exponent),
        drop=unit * np.exp(drop),
        # Half of the drop has come when the sum has grown by the share `half`.
        speed=np.expm1(np.log(2.0) / shape) / np.exp(half),
        shape=shape,
        power=np.exp(power),
        growth=growth,
    )


@dataclass(frozen=True, eq=False)
class _Block:
    """Points of several runs one after the other."""

    tracks: Sequence[Track]
    runs: np.ndarray
    trunks: np.ndarray
    logs: np.ndarray

    @classmethod
    def joined(
        cls, asked: Sequence[Ask | Points], known: Sequence[Points], peak: float, reference: float
    ) -> "_Block":
        """Return the block of runs, numbered as in ``known``; new runs get numbers of their own."""
        numbers = {one.run: index for index, one in enumerate(known)}
        trunks = {one.run: one.trunk for one in known}
        tracks, runs, branches = [], [], []
        for index, one in enumerate(asked):
            tracks.append(Track.of(one.schedule, one.steps, peak, reference))
            # Several futures of a known run share its past, and so its number.
            name = one.run.partition("\0")[0]
            runs.append(np.full(len(one.steps), numbers.get(name, len(known) + index)))
            branches.append(np.full(len(one.steps), trunks.get(name, -1 - index)))
        logs = np.log(np.concatenate([track.sums for track in tracks]))
        return cls(tracks, np.concatenate(runs), np.concatenate(branches), logs)

    def losses_and_drops(self, at: Coefficients) -> tuple[np.ndarray, np.ndarray]:
        """Return the law's losses and drops, shape (..., points)."""
        drops = np.concatenate([track.drop(at) for track in self.tracks], axis=-1)
        trunks = np.concatenate([track.trunk(at) for track in self.tracks], axis=-1)
        return trunks - drops, drops

    def kernels(self, other: "_Block") -> _Kernels:
        """Return the correlations of wobble, drift and errors of drops with another block."""
        same = (self.runs[:, None] == other.runs).astype(float)
        branch = (self.trunks[:, None] == other.trunks).astype(float)
        apart = np.abs(self.logs[:, None] - other.logs)
        wobble = np.exp(-apart / _WOBBLE_LENGTH)
        wobble *= same + (branch - same).clip(0) * _WITHIN_TRUNK
        scaled = np.sqrt(3) * apart / _DRIFT_LENGTH
        drift = (1 + scaled) * np.exp(-scaled)
        drift *= _BETWEEN_TRUNKS + (1 - _BETWEEN_TRUNKS) * branch
        return wobble, drift, same + (branch - same).clip(0) * _DROPS_OF_TRUNK


@dataclass(frozen=True, eq=False)
class _Target:
    """The posterior's density, departures integrated out."""

    points: Sequence[Points]
    peak: float
    reference: float
    unit: float

    @cached_property
    def block(self) -> _Block:
        return _Block.joined(self.points, self.points, self.peak, self.reference)

    @cached_property
    def losses(self) -> np.ndarray:
        return np.concatenate([one.losses for one in self.points])

    @cached_property
    def counts(self) -> np.ndarray:
        return np.concatenate([one.counts for one in self.points])

    @cached_property
    def own_kernels(self) -> _Kernels:
        return self.block.kernels(self.block)

    @property
    def step(self) -> float:
        """The variance of the walk of a drop's error for each unit of loss it has dropped."""
        return _OF_WALK * self.unit

    def amplitudes(self, standard: np.ndarray) -> np.ndarray:
        """Return white, wobble and drift in units of the loss, and the error of a drop; shape
        (4, ...).
        """
        logs = _CENTRES[8:] + _SCALES[8:] * standard[..., 8:]
        units = np.array([self.unit, self.unit, self.unit, 1.0])
        return np.moveaxis(np.exp(logs) * units, -1, 0)

    def covariance(self, standard: np.ndarray, drops: np.ndarray) -> np.ndarray:
        """Return the covariance of the losses about the law, shape (..., points, points)."""
        white, wobble, drift, error = self.amplitudes(standard)[..., None, None]
        total = _departures(self.own_kernels, drops, drops, wobble, drift, error, self.step)
        own = white[..., 0] ** 2 / self.counts + 1e-10 * self.unit**2
        diagonal = np.arange(len(self.losses))
        total[..., diagonal, diagonal] += own
        return total

    def log_density(self, standard: np.ndarray) -> np.ndarray:
        """Return the log density of standardised coordinates, shape (n, 12), up to a constant."""
        parts = np.array_split(standard, max(len(standard) // _BATCH, 1))
        return np.concatenate([self._log_density(part) for part in parts])

    def _log_density(self, standard: np.ndarray) -> np.ndarray:
        near = np.clip(standard, -_FARTHEST, _FARTHEST)
        law, drops = self.block.losses_and_drops(_coefficients(near, self.unit))
        n = len(self.losses)
        # With the departures as a last row, the last row of the factor is the solved system.
        joined = np.full((len(near), n + 1, n + 1), _LARGE)
        joined[:, :n, :n] = self.covariance(near, drops)
        joined[:, n, :n] = self.losses - law
        try:
            root = np.linalg.cholesky(joined)
        except np.linalg.LinAlgError:
            # A drop far beyond all losses drowns the scatter; the points are told one by one.
            if len(standard) == 1:
                return np.array([_IMPOSSIBLE])
            return np.concatenate([self._log_density(one[None]) for one in standard])
        squares = np.sum(root[:, n, :n] ** 2, axis=-1)
        volume = np.sum(np.log(np.diagonal(root, axis1=1, axis2=2)[:, :n]), axis=-1)
        inside = np.abs(standard).max(axis=-1) <= _FARTHEST
        density = -0.5 * squares - volume - 0.5 * np.sum(standard**2, axis=-1)
        return np.where(inside, density, _IMPOSSIBLE)

    def predicted(
        self,
        standard: np.ndarray,
        new: _Block,
        kernels: tuple[_Kernels, _Kernels],
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, float]:
        """Draw losses at new points, and return the white scatter of a logged loss."""
        at = _coefficients(standard, self.unit)
        law, drops = self.block.losses_and_drops(at)
        there, drops_there = new.losses_and_drops(at)
        white, wobble, drift, error = self.amplitudes(standard)
        noise = wobble, drift, error, self.step
        factor = cho_factor(self.covariance(standard, drops), lower=True, check_finite=False)
        across = _departures(kernels[0], drops_there, drops, *noise)
        inside = _departures(kernels[1], drops_there, drops_there, *noise)
        mean = there + across @ cho_solve(factor, self.losses - law, check_finite=False)
        left = inside - across @ cho_solve(factor, across.T, check_finite=False)
        left[np.diag_indices_from(left)] += 1e-9 * self.unit**2
        root = np.linalg.cholesky(left)
        return mean + root @ rng.standard_normal(len(mean)), float(white)


def _departures(
    kernels: _Kernels,
    drops: np.ndarray,
    others: np.ndarray,
    wobble: Values,
    drift: Values,
    error: Values,
    step: float,
) -> np.ndarray:
    """Return the covariance of departures between two blocks.

    The error of a drop has a factor, and a Wiener process along the drop that starts with it: when
    half of a decay is seen, the other half is not sure.
    """
    of_wobble, of_drift, of_runs = kernels
    here, there = drops[..., :, None], others[..., None, :]
    both = np.minimum(here, there).clip(0)
    of_drops = of_runs * (here * there + step * both)
    return np.asarray(wobble**2 * of_wobble + drift**2 * of_drift + error**2 * of_drops)


def simulated_curve(schedule: Schedule, steps: np.ndarray, *, unit: float, seed: int) -> np.ndarray:
    """Return losses of a run whose coefficients, departures and scatter are drawn from the prior.

    Parameters
    ----------
    schedule : Schedule
    steps : array, shape (points,)
    unit : float
        The loss that priors are shares of, about the last of the run.
    seed : int
    """
    rng = np.random.default_rng(seed)
    standard = rng.standard_normal(len(PRIORS))
    one = Points("run", schedule, steps, steps, np.ones(len(steps)), 0)
    peak = schedule.peak
    target = _Target([one], peak, float(sums_of(schedule, peak)[-1]), unit)
    law, drops = target.block.losses_and_drops(_coefficients(standard, unit))
    root = np.linalg.cholesky(target.covariance(standard, drops))
    return np.asarray(law + root @ rng.standard_normal(len(law)))
