"""The abstract process, a random function of where a run stands, and its basis of few functions.

    δ(x) = τ · f(x),   f ~ GP(0, k)

A process gives the covariance k of unit amplitude, in NumPy; the amplitude τ is a parameter. A few
runs, chosen by pivoted Cholesky, determine f nearly everywhere: with k(Z, Z) = L Lᵀ at those runs,
f(x) ≈ k(x, Z) L⁻ᵀ u with u ~ Normal(0, 1), which is all that a sampler sees. Between the chosen
runs little is left; far beyond them much is, and a forecast adds it exactly.

C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006, section 8.1;
M. C. Kennedy and A. O'Hagan, "Bayesian calibration of computer models", 2001, for discrepancies of
a model.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field
from typing import ClassVar, NamedTuple, TypeVar

import numpy as np
from jax import Array
from scipy.linalg import solve_triangular

from bayescale._internal.discovery import name_of
from bayescale.errors import InputError
from bayescale.laws.base import Parameter
from bayescale.runs import Runs
from bayescale.sweep import Sweep, dearest_rows
from bayescale.units import without_shares

AnyArray = TypeVar("AnyArray", np.ndarray, Array)
"""Arrays of NumPy, or arrays of JAX."""

_NEGLIGIBLE = 1e-6
# A process that loses this share of its variance at some fitted run is no longer the process that
# was asked for.
_TOO_MUCH = 0.3
# No label of a table begins so.
_OWN_GROUP = "\0"
_SAME_COMPUTE = 0.05
_FEW_FUNCTIONS = 24
_AT_ONCE = 512
_SIZE_DIGITS = 4


class Locations(NamedTuple):
    """Positions of runs, relative to the runs that were fitted.

    Attributes
    ----------
    decades : array, shape (runs, inputs)
        log10 of the law's inputs, less its mean over the fitted runs.
    compute_decades : array, shape (runs,)
        The same of compute.
    group : array of str, shape (runs,)
        What a run belongs to; a run that is to come belongs to a group of its own, and so do all
        where no groups are known.
    log_size : array, shape (runs,)
        log10 of N, rounded to sizes that count as one; not a number for a fitted run that is alone
        of its size, for all runs where no size has several, and for a law without N.
    shape_decades : array, shape (runs,)
        Decades of N at constant compute, half of log10 N/D, less their mean over the fitted runs;
        zeros for a law without N or D.
    dearest : number
        ``compute_decades`` of the dearest fitted run.
    sweep : Sweep
        Where the frontier of the fitted runs stands.
    """

    decades: np.ndarray
    compute_decades: np.ndarray
    group: np.ndarray
    log_size: np.ndarray
    shape_decades: np.ndarray
    dearest: float = 0.0
    sweep: Sweep = Sweep()

    def at(self, rows: Sequence[int]) -> "Locations":
        """Return some of the locations."""
        return self._replace(
            decades=self.decades[rows],
            compute_decades=self.compute_decades[rows],
            group=self.group[rows],
            log_size=self.log_size[rows],
            shape_decades=self.shape_decades[rows],
        )


def locate(
    runs: Runs, inputs: Sequence[str], new: Mapping[str, np.ndarray] | None = None
) -> Locations:
    """Return the locations of runs.

    Parameters
    ----------
    runs : Runs
        Those that are fitted.
    inputs : sequence of str
        Of the law.
    new : mapping of arrays, shape (new,)
        Inputs of runs that are to come. By default the locations are those of the fitted runs.
        With ``group``, runs of one group share what a group shares.
    """
    fitted = {name: np.log10(runs.column(name)) for name in inputs}
    places = fitted if new is None else _log10(new, inputs)
    decades = {name: places[name] - fitted[name].mean() for name in inputs}
    count = len(places[inputs[0]])
    shape = np.zeros(count)
    if {"n_params", "n_tokens"} <= set(inputs):
        shape = (decades["n_params"] - decades["n_tokens"]) / 2
    # Departures are smooth in counts; a share of nothing is infinitely far from the next.
    counts = without_shares(inputs) or list(inputs)
    return Locations(
        np.stack([decades[name] for name in counts], axis=1),
        _total(decades),
        _groups(runs, new, count),
        _log_size(fitted, None if new is None else places, count),
        shape,
        float(_compute_decades(fitted).max()),
        sweep_of(runs, inputs),
    )


def decades_of_compute(runs: Runs, inputs: Sequence[str]) -> np.ndarray:
    """Return log10 of compute less its mean over the runs, shape (runs,)."""
    return _compute_decades({name: np.log10(runs.column(name)) for name in inputs})


def decades_below(runs: Runs, inputs: Sequence[str]) -> np.ndarray:
    """Return how many decades of compute each run lies below the dearest, shape (runs,)."""
    decades = decades_of_compute(runs, inputs)
    return decades.max() - decades


def excess_of_best(runs: Runs, inputs: Sequence[str], log_loss: np.ndarray) -> np.ndarray:
    """Return the log loss of each run above the least of the runs with no more compute, those of a
    twentieth of a decade more among them; shape (runs,).
    """
    below = decades_below(runs, inputs)
    order = np.argsort(-below, kind="stable")
    least = np.minimum.accumulate(log_loss[order])
    ranks = np.searchsorted(-below[order], -below + _SAME_COMPUTE, side="right")
    return log_loss - least[ranks - 1]


def sweep_of(runs: Runs, inputs: Sequence[str]) -> Sweep:
    """Return where the frontier of the runs stands: the mean of the `dearest_rows`."""
    if not {"n_params", "n_tokens"} <= set(inputs):
        return Sweep()
    log_n, log_d = np.log10(runs.column("n_params")), np.log10(runs.column("n_tokens"))
    rows = dearest_rows(log_n + log_d)
    n, d = log_n[rows].mean(), log_d[rows].mean()
    return Sweep(float(np.log10(6) + n + d) - 19.0, float(d - n - np.log10(20)))


def _log_size(
    fitted: Mapping[str, np.ndarray], new: Mapping[str, np.ndarray] | None, count: int
) -> np.ndarray:
    """Return the sizes of fitted runs, or of new ones, as `Locations` has them.

    What a size does to its runs shows where it has several; in one run it is scatter.
    """
    if "n_params" not in fitted:
        return np.full(count, np.nan)
    known = fitted["n_params"].round(_SIZE_DIGITS)
    sizes, runs_of = np.unique(known, return_counts=True)
    several = sizes[runs_of > 1]
    if new is None:
        return np.where(np.isin(known, several), known, np.nan)
    return new["n_params"].round(_SIZE_DIGITS) if len(several) else np.full(count, np.nan)


def _of_compute(inputs: Sequence[str]) -> Sequence[str]:
    return [name for name in ("n_params", "n_tokens") if name in inputs] or without_shares(inputs)


def _total(logs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the sum of those inputs that make compute: zeros where there are shares alone."""
    total = np.zeros_like(next(iter(logs.values())))
    for name in _of_compute(list(logs)):
        total = total + logs[name]
    return total


def _compute_decades(logs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return decades of compute less their mean."""
    total = _total(logs)
    return np.asarray(total - total.mean())


def _log10(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    return {name: np.log10(np.asarray(columns[name], dtype=np.float64)) for name in names}


def _groups(runs: Runs, new: Mapping[str, np.ndarray] | None, count: int) -> np.ndarray:
    """Return the groups of ``count`` locations, one of its own for each where none are known."""
    if new is None and "group" in runs.frame:
        return runs.frame["group"].astype(str).to_numpy()
    if new is not None and "group" in new:
        return np.asarray(new["group"], dtype=object)
    own = [f"{_OWN_GROUP}{row}" for row in range(count)]
    return np.array(own, dtype=object)


class Process(ABC):
    """A random function of where a run stands. A process is a frozen dataclass that inherits from
    this class; adding one is adding a file to this folder or anywhere else.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    paper: ClassVar[str] = ""
    """Where it was published, as `Law.paper`."""
    columns: ClassVar[tuple[str, ...]] = ()
    """Columns that the runs must have, besides the law's."""
    inputs: ClassVar[tuple[str, ...]] = ()
    """Inputs that the law must have."""
    tolerates_rest: ClassVar[bool] = False
    """Whether what the functions leave out at some fitted run may pass for its scatter."""
    of_identity: ClassVar[bool] = False
    """Whether it depends on which size or group a run is of, and not on how large that is. No plan
    is better or worse by it, and a run has one of its functions at most.
    """

    @property
    def functions(self) -> int:
        """Maximum number of functions that approximate the process."""
        return 16

    @property
    @abstractmethod
    def title(self) -> str:
        """One line for people."""

    @property
    @abstractmethod
    def formula(self) -> str:
        """The formula in Greek, for people."""

    @property
    @abstractmethod
    def amplitude(self) -> Parameter:
        """The amplitude τ, in log loss."""

    @abstractmethod
    def covariance(self, a: Locations, b: Locations) -> np.ndarray:
        """Return the covariance k at unit amplitude between locations, shape (a, b)."""


@dataclass(frozen=True, eq=False)
class Basis:
    """A few functions that approximate a process.

    Attributes
    ----------
    process : Process
    chosen : Locations
        Runs at which the functions equal the process.
    root : array, shape (chosen, chosen)
        Lower triangular L.
    """

    process: Process
    chosen: Locations
    root: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, process: Process, locations: Locations) -> "Basis":
        """Choose runs one by one, each where the remaining variance is largest.

        Raises
        ------
        InputError
            Where the process has too few functions for the runs.
        """
        left = _variance(process, locations)
        whole, rows = left.max(initial=0.0), np.zeros((0, len(left)))
        picked: list[int] = []
        while len(picked) < process.functions and left.max(initial=0.0) > _NEGLIGIBLE * whole:
            # Ties go to the first run, so that the choice does not hang on the last bit.
            place = int(np.argmax(left >= left.max() * (1 - 1e-9)))
            covariance = process.covariance(locations.at([place]), locations)[0]
            unexplained = covariance - rows[:, place] @ rows
            row = unexplained / np.sqrt(left[place])
            rows = np.vstack([rows, row])
            picked.append(place)
            left = np.maximum(left - row**2, 0.0)
            left[place] = 0.0
        if not process.tolerates_rest and left.max(initial=0.0) > _TOO_MUCH * whole:
            raise InputError(
                f"{name_of(process)}: these {len(left)} runs need more than its "
                f"{process.functions} functions, which leave out "
                f"{left.max() / whole:.0%} of its variance at one of them. Use fewer groups, or a "
                f"longer length."
            )
        return cls(process, locations.at(picked), np.tril(rows[:, picked].T))

    @property
    def size(self) -> int:
        """Number of functions."""
        return len(self.root)

    def features(self, locations: Locations) -> np.ndarray:
        """Return the functions at locations, shape (locations, size)."""
        if not self.size:
            return np.zeros((len(locations.group), 0))
        covariance = self.process.covariance(self.chosen, locations)
        return np.asarray(solve_triangular(self.root, covariance, lower=True)).T

    def root_of_remainder(self, locations: Locations) -> np.ndarray:
        """Return a square root of the covariance that the functions leave, shape (locations,
        locations); columns that are nothing but rounding are zero.
        """
        features = self.features(locations)
        left = self.process.covariance(locations, locations) - features @ features.T
        values, vectors = np.linalg.eigh(left)
        rounding = len(values) * np.finfo(float).eps * np.abs(values).max(initial=0.0)
        return np.asarray(vectors * np.sqrt(np.where(values > rounding, values, 0.0)))


def _variance(process: Process, locations: Locations) -> np.ndarray:
    """Return the variance at unit amplitude at locations, shape (locations,)."""
    count = len(locations.group)
    parts = [np.zeros(0)]
    # Of ten thousand runs a whole covariance takes most of a gigabyte.
    for begin in range(0, count, _AT_ONCE):
        here = locations.at(range(begin, min(begin + _AT_ONCE, count)))
        parts.append(np.diag(process.covariance(here, here)))
    return np.concatenate(parts)


def padded_size(count: int) -> int:
    """Return the least of 8, 12, 16, 24, 32, 48, 64, 96 … that is no less, so that arrays of
    similar size share compiled programs.

    Examples
    --------
    >>> from bayescale.processes.base import padded_size
    >>> padded_size(29), padded_size(240)
    (32, 256)
    """
    size = 8
    while size < count:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def padded_functions(process: Process, count: int) -> int:
    """Return to how many functions those of a process are filled up: to its maximum, where that is
    small, so that sweeps of all kinds share compiled programs; none stay none.
    """
    if not count:
        return 0
    return process.functions if process.functions <= _FEW_FUNCTIONS else padded_size(count)


def bases(processes: Sequence[Process], at: Locations) -> tuple[Basis, ...]:
    """Return the basis of each process, from the runs that are fitted."""
    return tuple(Basis.of(process, at) for process in processes)


def departure(
    processes: Sequence[Process],
    params: Mapping[str, AnyArray],
    coefficients: AnyArray,
    features: Sequence[AnyArray],
) -> AnyArray:
    """Return what processes add to log loss, shape (…, runs).

    Parameters
    ----------
    processes : sequence of Process
        One or more.
    params : mapping of arrays, shape (…)
        Holds the amplitudes.
    coefficients : array, shape (…, functions)
        Those of all processes, one after the other.
    features : sequence of arrays, each of shape (runs, functions of one process)
    """
    departures, begin = [], 0
    for process, functions in zip(processes, features, strict=True):
        end = begin + functions.shape[1]
        amplitude = params[process.amplitude.name][..., None]
        scaled = amplitude * coefficients[..., begin:end]
        departures.append(scaled @ functions.T)
        begin = end
    return sum(departures[1:], start=departures[0])
