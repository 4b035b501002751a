"""The compute-optimal size of each budget by its own runs: forecasts of it are judged by this.

At one budget log loss is a valley in log N. A parabola and a cubic through the runs near its bottom
each have a minimum. The truth is the mean of the two. Their difference is a part of its standard
error, and a bootstrap of the residuals is the other part. No scaling law enters, so none is
favoured. On simulated sweeps of a known law errors are 0.7 of the standard error where there is a
cubic, and 1.1 of it where all budgets have five sizes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.polynomial.polynomial import polyval

from bayescale.errors import InputError
from bayescale.runs import Runs
from bayescale.units import budgets as found_budgets
from bayescale.units import nearest_budget

COUNTS = "counts"
FEW_SIZES = "too few sizes"
AT_EDGE = "minimum at an edge"
UNSTABLE = "no stable minimum"
UNCERTAIN = "standard error too large"

NO_BUDGET = -1

# About decades of N: runs this near the minimum are fitted, or as many of the nearest as these.
WINDOW = 0.65
FEWEST_RUNS = 5
FEWEST_SIZES = 4
SIZES_OF_A_CUBIC = 6
# A budget counts where at most this share of the resampled curves lacks an inner minimum, and where
# the standard error is smaller than this, decades.
MOST_WITHOUT_MINIMUM = 0.1
LARGEST_SE = 0.25

_NEAR_A_NOMINAL_BUDGET = 0.06
_REPLICATES = 400
# Degrees of freedom that the scatter of all budgets adds to that of one.
_PSEUDO_DEGREES = 4.0
_MOST_ROUNDS = 3


def members(runs: Runs, budgets: np.ndarray | None = None) -> np.ndarray:
    """Return the budget of each run by 6·N·D, counted from the smallest; -1 for a run of none.

    Parameters
    ----------
    runs : Runs
    budgets : array, optional
        Nominal budgets, FLOPs. A run within 0.06 decades of one (15 %) belongs to it. Unless given,
        they are found as `bayescale.units.budgets` finds them, and each run belongs to one.

    Raises
    ------
    InputError
        Where none are given and the runs are in no budgets, one given is not positive, or no run
        lies near those given.
    """
    compute = runs.six_nd
    if budgets is None:
        try:
            return found_budgets(compute)
        except InputError as error:
            raise InputError(
                f"{runs.name}: {error}. Give the nominal budgets=[...] in FLOPs, or --budget "
                f"at a terminal; runs far from all of them are fitted, and N* is not judged by "
                f"them."
            ) from None
    budgets = np.asarray(budgets, dtype=float)
    if not (budgets.size and (np.isfinite(budgets) & (budgets > 0)).all()):
        raise InputError(
            f"backtest_allocation: budgets={budgets.tolist()} must be one or more positive numbers "
            f"of FLOPs, such as 1e21."
        )
    nearest = np.abs(np.log10(compute)[:, None] - np.log10(budgets)).min(axis=1)
    near = nearest <= _NEAR_A_NOMINAL_BUDGET
    if not near.any():
        raise InputError(
            f"{runs.name}: none of the {len(runs)} runs lies within 15 % of a budget given; "
            f"6·N·D of the runs is {compute.min():.3g} to {compute.max():.3g} FLOPs."
        )
    member = np.full(len(runs), NO_BUDGET)
    member[near] = nearest_budget(compute[near], budgets)
    return member


def optima_of(runs: Runs, member: np.ndarray) -> pd.DataFrame:
    """Find the compute-optimal size of each budget of a sweep, as `optima` does."""
    log_n, log_c = np.log10(runs.column("n_params")), np.log10(runs.six_nd)
    return optima(log_n, log_c, np.log(runs.column("loss")), member)


def optima(
    log_n: np.ndarray,
    log_c: np.ndarray,
    log_loss: np.ndarray,
    member: np.ndarray,
    seed: int = 0,
) -> pd.DataFrame:
    """Find the compute-optimal size of each budget by its own runs.

    Runs within 0.65 decades of N of the minimum, at least five, are brought to one compute by the
    slope of the lowest log loss along compute. A parabola and, where there are six sizes, a cubic
    in log N are fitted to log loss. The optimum is the mean of their minima.

    Its variance is the mean of the variances of both minima over resampled residuals, plus the
    square of half their difference; where there is no cubic, half the difference is the median of
    the other budgets. The scatter of a budget is shrunk to that of all: 4 degrees of freedom.

    Parameters
    ----------
    log_n, log_c : array, shape (runs,)
        log10 of parameters and of compute 6·N·D.
    log_loss : array, shape (runs,)
        Natural logarithm of the loss.
    member : array of int, shape (runs,)
        Budget of each run, counted from the smallest; -1 for a run of none.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame, one row per budget
        ``compute`` (FLOPs); ``n_runs`` and ``n_sizes`` near the minimum; ``log_n_params``, log10 of
        the optimum, and its standard error ``se``, both in decades; ``loss`` at the minimum;
        ``curvature`` of log loss per squared decade of N; and ``status``: ``counts``, or why the
        budget does not count: ``too few sizes`` (under four), ``minimum at an edge`` of the sizes,
        ``no stable minimum`` (more than a tenth of the resampled curves have none inside),
        ``standard error too large`` (0.25 decades or more). What was not found is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> sizes = np.tile(np.linspace(7.0, 8.0, 9), 2)
    >>> budget = np.repeat([0, 1], 9)
    >>> best = np.array([7.4, 7.6])[budget]
    >>> log_loss = 1.2 - 0.1 * budget + 0.3 * (sizes - best) ** 2
    >>> optima(sizes, 18.0 + budget, log_loss, budget)[["log_n_params", "status"]].round(3)
       log_n_params  status
    0           7.4  counts
    1           7.6  counts
    """
    count = int(member.max()) + 1
    compute = np.array([log_c[member == budget].mean() for budget in range(count)])
    slopes = _slopes_of_the_lowest(compute, log_loss, member)
    valleys = []
    for budget in range(count):
        runs = member == budget
        at_budget = log_loss[runs] - slopes[budget] * (log_c[runs] - compute[budget])
        valleys.append(_near_minimum(log_n[runs], at_budget))
    scatter = {degree: _pooled_variance(valleys, degree) for degree in (2, 3)}
    rng = np.random.default_rng(seed)
    table = pd.DataFrame([_row(valley, scatter, rng) for valley in valleys])
    half = table["half_difference"].fillna(table["half_difference"].median()).fillna(0.0)
    table["se"] = np.hypot(table["bootstrap_sd"], half)
    uncertain = (table["status"] == COUNTS) & (table["se"] >= LARGEST_SE)
    table["status"] = table["status"].mask(uncertain, UNCERTAIN)
    table["compute"] = 10**compute
    order = ["compute", "n_runs", "n_sizes", "log_n_params", "se", "loss", "curvature", "status"]
    return table[order]


@dataclass(frozen=True)
class _Valley:
    """Runs near the minimum of one budget, with log10 N from their mean ``centre`` on."""

    centre: float
    log_n: np.ndarray
    log_loss: np.ndarray

    @property
    def n_sizes(self) -> int:
        return len(np.unique(self.log_n.round(6)))

    @property
    def degrees(self) -> tuple[int, ...]:
        """Degrees of the polynomials that so many sizes allow."""
        if self.n_sizes < FEWEST_SIZES:
            return ()
        return (2, 3) if self.n_sizes >= SIZES_OF_A_CUBIC else (2,)

    def fitted(self, log_loss: np.ndarray, degree: int) -> np.ndarray:
        """Coefficients from the constant on, by least squares, shape (degree + 1, ...)."""
        design = np.vander(self.log_n, degree + 1, increasing=True)
        return np.asarray(np.linalg.lstsq(design, log_loss, rcond=None)[0])

    def residuals(self, degree: int) -> np.ndarray:
        """Log loss less a polynomial, shape (runs,)."""
        return self.log_loss - polyval(self.log_n, self.fitted(self.log_loss, degree))

    def freedom(self, degree: int) -> int:
        """Runs less coefficients."""
        return len(self.log_n) - degree - 1

    def minimum(self, coefficients: np.ndarray) -> np.ndarray:
        """Minima of parabolas or cubics among the sizes, NaN where they have none."""
        slope, curvature = coefficients[1], 2 * coefficients[2]
        cubic = 3 * coefficients[3] if len(coefficients) == 4 else np.zeros_like(slope)
        with np.errstate(divide="ignore", invalid="ignore"):
            # The derivative's root with a positive second derivative, which is this square root. In
            # this form it is the vertex where the cubic term vanishes.
            root = np.sqrt(curvature**2 - 4 * cubic * slope)
            at = -2 * slope / (curvature + root)
        inside = (self.log_n.min() < at) & (at < self.log_n.max())
        return np.where(inside & (curvature + root > 0), at, np.nan)


def _slopes_of_the_lowest(
    compute: np.ndarray, log_loss: np.ndarray, member: np.ndarray
) -> np.ndarray:
    """Return d log loss / d log10 C of the lowest losses, at each budget."""
    if len(compute) < 2:
        return np.zeros(len(compute))
    lowest = [log_loss[member == budget].min() for budget in range(len(compute))]
    return np.asarray(np.gradient(np.array(lowest), compute))


def _near_minimum(log_n: np.ndarray, log_loss: np.ndarray) -> _Valley:
    """Return the runs within a window about the minimum: at first that of the runs, then that of a
    parabola through those in the window.
    """
    middle = log_n[log_loss.argmin()]
    valley = _window(log_n, log_loss, middle)
    for _ in range(_MOST_ROUNDS):
        if valley.n_sizes < FEWEST_SIZES:
            break
        coefficients = valley.fitted(valley.log_loss, 2)
        if coefficients[2] <= 0:
            break
        vertex = valley.centre - coefficients[1] / (2 * coefficients[2])
        valley = _window(log_n, log_loss, np.clip(vertex, log_n.min(), log_n.max()))
    return valley


def _window(log_n: np.ndarray, log_loss: np.ndarray, middle: float) -> _Valley:
    distance = np.abs(log_n - middle)
    fewest = min(FEWEST_RUNS, len(log_n))
    near = distance <= max(WINDOW, np.sort(distance)[fewest - 1])
    centre = float(log_n[near].mean())
    return _Valley(centre, log_n[near] - centre, log_loss[near])


def _pooled_variance(valleys: list[_Valley], degree: int) -> float:
    """Return the variance of the runs about polynomials of a degree, over all budgets."""
    squares, freedom = 0.0, 0
    for valley in valleys:
        if degree in valley.degrees:
            squares += float((valley.residuals(degree) ** 2).sum())
            freedom += valley.freedom(degree)
    return squares / max(freedom, 1)


def _row(valley: _Valley, scatter: dict[int, float], rng: np.random.Generator) -> dict[str, object]:
    """Return what one budget says of its optimum."""
    minima, bottoms, variances, without = [], [], [], []
    for degree in valley.degrees:
        coefficients = valley.fitted(valley.log_loss, degree)
        resampled = valley.minimum(
            coefficients[:, None] + _resampled(valley, degree, scatter[degree], rng)
        )
        minimum = valley.minimum(coefficients)
        has_minimum = np.isfinite(resampled)
        minima.append(float(minimum))
        bottoms.append(float(polyval(minimum, coefficients)))
        variances.append(float(resampled[has_minimum].var()) if has_minimum.any() else np.nan)
        without.append(1 - has_minimum.mean())
    known = bool(minima)
    return {
        "n_runs": len(valley.log_n),
        "n_sizes": valley.n_sizes,
        "log_n_params": valley.centre + np.mean(minima) if known else np.nan,
        "loss": np.exp(np.mean(bottoms)) if known else np.nan,
        "curvature": 2 * valley.fitted(valley.log_loss, 2)[2] if known else np.nan,
        "bootstrap_sd": np.sqrt(np.mean(variances)) if known else np.nan,
        "half_difference": abs(minima[1] - minima[0]) / 2 if len(minima) == 2 else np.nan,
        "status": _status(np.array(minima), np.array(without)),
    }


def _status(minima: np.ndarray, without: np.ndarray) -> str:
    if not len(minima):
        return FEW_SIZES
    if not np.isfinite(minima).all():
        return AT_EDGE
    return UNSTABLE if without.max() > MOST_WITHOUT_MINIMUM else COUNTS


def _resampled(
    valley: _Valley, degree: int, scatter: float, rng: np.random.Generator
) -> np.ndarray:
    """Return what resampled residuals add to the coefficients, shape (degree + 1, replicates)."""
    residuals = valley.residuals(degree)
    squares = float((residuals**2).sum())
    shrunk = (squares + _PSEUDO_DEGREES * scatter) / (valley.freedom(degree) + _PSEUDO_DEGREES)
    rms = np.sqrt(squares / len(residuals))
    standardised = residuals / rms if rms > 0 else residuals
    picks = rng.integers(len(residuals), size=(len(residuals), _REPLICATES))
    return valley.fitted(np.sqrt(shrunk) * standardised[picks], degree)
