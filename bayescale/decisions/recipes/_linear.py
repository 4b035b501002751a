"""Posteriors of groups as the linear models of `_team`, and back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import cast

import numpy as np
import pandas as pd
from numpyro import distributions as dist
from scipy.linalg import solve_triangular

from bayescale.decisions.recipes._team import Common, Group
from bayescale.posterior.beside_prior import coordinates_of, params_of, quantities_of
from bayescale.posterior.posterior import Posterior
from bayescale.priors.at_frontier import AtFrontier, from_reference
from bayescale.processes.base import Basis, locate, padded_functions

# The level of loss is each group's own.
_LEVEL = "log_level"


@dataclass(frozen=True)
class Linearisation:
    """The layout of v, coordinates and coefficients, in `_team.Group`.

    Parameters
    ----------
    library : AtFrontier
        The prior of all groups.
    sizes : tuple of int
        Number of functions of each process, the most that a group has.
    """

    library: AtFrontier
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, posteriors: Sequence[Posterior], library: AtFrontier) -> "Linearisation":
        """Return the layout that suits all groups."""
        sizes = np.array([[basis.size for basis in one.bases] for one in posteriors])
        return cls(library, tuple(map(int, sizes.max(axis=0))))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        return tuple(row.name for row in self.library.coordinates(()))

    def group(self, posterior: Posterior) -> Group:
        """Return what a group has seen, linear about the mean of its draws."""
        draws = self._draws(posterior)
        count = len(draws)
        coordinates = draws[:, : len(self.names)]
        law = posterior.log_law().reshape(count, -1)
        departures = posterior.log_departure().reshape(count, -1)
        centre = coordinates.mean(axis=0)
        of_law = np.linalg.lstsq(coordinates - centre, law - law.mean(axis=0))[0].T
        seen = posterior.observed - law.mean(axis=0) + of_law @ centre
        slopes = np.concatenate([of_law, *self._of_departures(posterior)], axis=1)
        scatter = _scatter(posterior, law + departures)
        return Group(seen, slopes, scatter, _names(posterior), draws)

    def common(self, posteriors: Sequence[Posterior]) -> Common:
        """Return the prior covariances of all groups."""
        rows = self.library.coordinates(())
        variances = np.array([float(row.prior.scale) ** 2 for row in rows])
        shared = np.where([row.name == _LEVEL for row in rows], 0.0, variances)
        count, first, size = len(posteriors), len(rows), len(rows) + sum(self.sizes)
        own = np.eye(size)
        own[:first, :first] = np.diag(variances)
        of_law, of_departures = np.zeros((2, count, count, size, size))
        of_law[:, :, :first, :first] = np.diag(shared)
        begins = first + np.cumsum([0, *self.sizes[:-1]])
        for g, h in combinations(range(count), 2):
            pairs = zip(begins, posteriors[g].bases, posteriors[h].bases, strict=True)
            for begin, a, b in pairs:
                here, there = slice(begin, begin + a.size), slice(begin, begin + b.size)
                of_departures[g, h, here, there] = _between(a, b)
            of_departures[h, g] = of_departures[g, h].T
        return Common(own, of_law, of_departures)

    def posterior(self, alone: Posterior, draws: np.ndarray) -> Posterior:
        """Return the posterior of a group with other draws of v, as many as it has."""
        shape = next(iter(alone.params.values())).shape
        found = params_of(alone, self._at_reference(alone, draws))
        params = {name: values.reshape(shape) for name, values in found.items()}
        rows = alone.coefficients.reshape(len(draws), -1).copy()
        for ours, theirs, scale in self._columns(alone):
            rows[:, theirs] = draws[:, ours] / scale
        coefficients = rows.reshape(alone.coefficients.shape)
        return replace(alone, params={**alone.params, **params}, coefficients=coefficients)

    def quantities(self, alone: Posterior, draws: np.ndarray) -> dict[str, np.ndarray]:
        """Return draws of the quantities of `beside_prior` from draws of v."""
        return quantities_of(self._at_reference(alone, draws))

    def _at_reference(self, alone: Posterior, draws: np.ndarray) -> dict[str, np.ndarray]:
        """Return draws of the law's parameters in units of the reference from draws of v."""
        mean = self._mean(alone)
        coordinates = dict(zip(self.names, (draws[:, : len(mean)] + mean).T, strict=True))
        return from_reference(coordinates)

    def _mean(self, posterior: Posterior) -> np.ndarray:
        """Return the prior mean of the coordinates at the runs of a group, slopes included."""
        means = {row.name: float(row.prior.loc) for row in self.library.coordinates(())}
        sweep = locate(posterior.runs, posterior.law.inputs).sweep
        of_floor, of_params = self.library.log_odds_at(sweep)
        means["floor_log_odds"] += float(of_floor)
        means["params_log_odds"] += float(of_params)
        return np.array(list(means.values()))

    def _draws(self, posterior: Posterior) -> np.ndarray:
        """Return draws of v, shape (draws, k)."""
        found = coordinates_of(posterior)
        coordinates = np.stack([found[name] for name in self.names], axis=1)
        draws = np.zeros((len(coordinates), len(self.names) + sum(self.sizes)))
        draws[:, : len(self.names)] = coordinates - self._mean(posterior)
        coefficients = posterior.coefficients.reshape(len(draws), -1)
        for ours, theirs, scale in self._columns(posterior):
            draws[:, ours] = coefficients[:, theirs] * scale
        return draws

    def _columns(self, posterior: Posterior) -> Iterator[tuple[slice, slice, np.ndarray]]:
        """Yield where the functions of each process are, in v and in a posterior's coefficients,
        and the amplitude of each draw as a share of `_amplitude`, shape (draws, 1).
        """
        ours, theirs = len(self.names), 0
        for basis, size in zip(posterior.bases, self.sizes, strict=True):
            amplitudes = posterior.draws(basis.process.amplitude.name)[:, None]
            scale = amplitudes / _amplitude(posterior, basis)
            yield slice(ours, ours + basis.size), slice(theirs, theirs + basis.size), scale
            ours += size
            theirs += padded_functions(basis.process, basis.size)

    def _of_departures(self, posterior: Posterior) -> Iterator[np.ndarray]:
        """Yield the functions of each process at the runs, times their amplitude."""
        at = locate(posterior.runs, posterior.law.inputs)
        for basis, size in zip(posterior.bases, self.sizes, strict=True):
            functions = _amplitude(posterior, basis) * basis.features(at)
            yield np.pad(functions, ((0, 0), (0, size - basis.size)))


def _amplitude(posterior: Posterior, basis: Basis) -> float:
    """Return the amplitude at which the linear model has a process.

    In v, coefficients are those of this amplitude: what the runs determine are departures, and the
    coefficients of a draw with a larger amplitude are smaller.
    """
    return float(np.sqrt(np.mean(posterior.draws(basis.process.amplitude.name) ** 2)))


def _between(a: Basis, b: Basis) -> np.ndarray:
    """Return the covariance of the coefficients of two groups, where they share all departures."""
    if not (a.size and b.size):
        return np.zeros((a.size, b.size))
    # How large departures of a young sweep are is a matter of its amplitude; coefficients have
    # unit variance in each group.
    others = b.chosen._replace(sweep=a.chosen.sweep)
    root = np.linalg.cholesky(b.process.covariance(others, others))
    half = solve_triangular(a.root, a.process.covariance(a.chosen, others), lower=True)
    return np.asarray(solve_triangular(root, half.T, lower=True)).T


def _scatter(posterior: Posterior, log_prediction: np.ndarray) -> np.ndarray:
    """Return for each run the standard deviation of the Normal that weighs its loss as Student's t
    does.
    """
    scale, freedom = scatter_of(posterior, log_prediction)
    away = posterior.observed - log_prediction
    precision = (freedom + 1) / (freedom * scale**2 + away**2)
    return np.asarray(1 / np.sqrt(precision.mean(axis=0)))


def scatter_of(
    posterior: Posterior, log_prediction: np.ndarray, inputs: Mapping[str, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and degrees of freedom of Student's t about predicted log losses of runs; all
    of shape (draws, runs).
    """
    chains = next(iter(posterior.params.values())).shape
    spread = posterior.density(log_prediction.reshape(*chains, -1), inputs)
    student = cast("dist.StudentT", spread)
    scale = np.broadcast_to(np.asarray(student.scale), spread.batch_shape)
    freedom = np.broadcast_to(np.asarray(student.df), spread.batch_shape)
    return scale.reshape(log_prediction.shape), freedom.reshape(log_prediction.shape)


def _names(posterior: Posterior) -> np.ndarray:
    """Return a name of each training run: its parameters and tokens, and which one of these."""
    table = pd.DataFrame(posterior.runs.columns(posterior.law.inputs))
    columns = list(table)
    table["again"] = table.groupby(columns).cumcount()
    return table.astype(str).agg("/".join, axis=1).to_numpy()
