"""Posterior predictive checks: whether runs scatter about the model as the model says.

Each check compares one quantity T of the residuals with the same quantity of runs that the model
itself makes up (A. Gelman, X.-L. Meng and H. Stern, "Posterior Predictive Assessment of Model
Fitness via Realized Discrepancies", 1996):

    p = P(T(e_rep) ≥ T(e) | y),   e = (log L − mean prediction)/s

s is the robust standard deviation of a run's scatter, and the prediction has the noise model's
processes in it. A model that is fitted follows a part H of the scatter; so residuals of runs made
up are (1 − H) times their scatter. To first order H is the covariance of the predictions over the
draws, in units of s. Residuals are cut off at four, but for the check of single runs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bayescale._internal.precision import float64
from bayescale.findings.base import DOUBTFUL, NOTE, Finding
from bayescale.noise.base import is_likelihood, sample_responses
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.predictive import DRAWS_AT_ONCE, some_draws
from bayescale.units import budgets_or_none, same_partition

LIMIT = 0.005
"""Probability of as large a misfit under the model, below which the model is doubtful."""

_CUT = 4.0
# So that one draw of a heavy tail does not move all runs that it would be fitted with.
_LARGEST = 50.0
_SD_OVER_IQR = 0.7413
_SMALLEST_SCALE = 1e-12
_PARTS = 5
_FEWEST_NEIGHBOURS = 8
_MOST_GROUPS = 20

_NO_SCATTER = 1e-5
_EXACT = "The runs follow the law exactly: their scatter is the least that a fit tells from none."
_MEASURE = "Such losses were computed from a law; intervals of measured losses are wider."
_REMEDY = (
    "Look at these runs; or take a law or a noise model with more freedom, such as the defaults."
)
_OF_THE_FREEST = (
    "Look at these runs: the model is free to depart from its law, and still misses them. "
    "bs.backtest says what that does to forecasts."
)


@dataclass(frozen=True, eq=False)
class _Residuals:
    """Standardised residuals.

    Attributes
    ----------
    observed : array, shape (1, runs)
    made_up : array, shape (draws, runs)
    raw : array, shape (runs,)
        Those of the runs on the scale of the fit.
    scale : array, shape (runs,)
        Robust standard deviation of the scatter of each run, on that scale.
    """

    observed: np.ndarray
    made_up: np.ndarray
    raw: np.ndarray
    scale: np.ndarray

    @property
    def size(self) -> np.ndarray:
        """Residuals of the runs, cut off, shape (runs,)."""
        return np.clip(self.observed[0], -_CUT, _CUT)

    def probability(self, quantity: Callable[[np.ndarray], np.ndarray]) -> float:
        """Return how often a quantity of residuals, shape (draws, runs) to (draws,), is as large
        for runs made up, all cut off.
        """
        observed = quantity(np.clip(self.observed, -_CUT, _CUT))
        return _share(observed, quantity(np.clip(self.made_up, -_CUT, _CUT)))


@dataclass(frozen=True)
class _Misfit:
    """One check: its name and words, its probability under the model, and the worst runs."""

    code: str
    where: str
    probability: float
    rows: np.ndarray


@float64
def misfits(posterior: Posterior, seed: int = 0) -> tuple[Finding, ...]:
    """Return the misfits of a model, the least probable first: doubtful ones, or, where there are
    none, the largest as a note.

    Parameters
    ----------
    posterior : Posterior
    seed : int
        Of the runs made up.
    """
    residuals = _residuals(posterior, seed)
    found = sorted(_checks(posterior, residuals), key=lambda one: one.probability)
    doubtful = [one for one in found if one.probability < LIMIT]
    chosen = doubtful or found[:1]
    severity = DOUBTFUL if doubtful else NOTE
    findings = [_finding(posterior, residuals, one, severity) for one in chosen]
    largest = float(residuals.scale.max())
    if posterior.response.scale == "logarithm" and largest < _NO_SCATTER:
        findings.append(Finding("no_scatter", NOTE, _EXACT, _MEASURE, figures={"scatter": largest}))
    return tuple(findings)


def _finding(
    posterior: Posterior, residuals: _Residuals, misfit: _Misfit, severity: str
) -> Finding:
    index = posterior.runs.frame.index[misfit.rows]
    size = float(np.mean(residuals.raw[misfit.rows]))
    side = "above" if size > 0 else "below"
    unit = "%" if posterior.response.scale == "logarithm" else ""
    shown = abs(100 * size if unit else size)
    sentence = (
        f"{misfit.where} {len(index)} {'run lies' if len(index) == 1 else 'runs lie'} "
        f"{shown:.2g}{unit} {side} the model; as large a misfit has probability "
        f"{misfit.probability:.2g} under it."
    )
    figures = {"probability": misfit.probability, "residual": size}
    remedy = "This is within chance."
    if severity == DOUBTFUL:
        remedy = _OF_THE_FREEST if posterior.noise.shared else _REMEDY
    return Finding(misfit.code, severity, sentence, remedy, tuple(index.astype(str)), figures)


def _residuals(posterior: Posterior, seed: int) -> _Residuals:
    n_runs = len(posterior.runs)
    # Repeated where they are fewer.
    drawn = some_draws(posterior, np.arange(DRAWS_AT_ONCE) * posterior.n_draws // DRAWS_AT_ONCE)
    prediction = drawn.log_law() + drawn.log_departure()
    mean = prediction.mean(axis=(0, 1))
    residual = posterior.observed - mean
    if is_likelihood(posterior.noise):
        scatter = sample_responses(drawn.density(prediction), seed) - prediction
    else:
        # An objective says nothing of scatter: that of the bulk of the runs stands in.
        upper, lower = np.quantile(residual, [0.75, 0.25])
        spread = _SD_OVER_IQR * (upper - lower)
        scatter = spread * np.random.default_rng(seed).standard_normal(prediction.shape)
    scatter = scatter.reshape(-1, n_runs)
    high, low = np.quantile(scatter, [0.75, 0.25], axis=0)
    scale = np.maximum(_SD_OVER_IQR * (high - low), _SMALLEST_SCALE)
    moved = (prediction.reshape(-1, n_runs) - mean) / scale
    standard = np.clip(scatter / scale, -_LARGEST, _LARGEST)
    followed = (standard @ moved.T) @ moved / len(moved)
    return _Residuals((residual / scale)[None], standard - followed, residual, scale)


def _checks(posterior: Posterior, residuals: _Residuals) -> Iterator[_Misfit]:
    for name in posterior.law.inputs:
        values = np.log(posterior.runs.column(name))
        if np.ptp(values) > 0:
            yield _along(residuals, name, values)
    yield from _among_budgets(posterior, residuals)
    yield from _among_groups(posterior, residuals)
    yield from _among_neighbours(posterior, residuals)
    yield _of_one_run(residuals)


def _share(observed: np.ndarray, made_up: np.ndarray) -> float:
    return float((1 + np.sum(made_up >= observed)) / (1 + len(made_up)))


def _along(residuals: _Residuals, name: str, values: np.ndarray) -> _Misfit:
    """Check means of fifths of the runs, in the order of an input."""
    inner = np.linspace(0, 1, _PARTS + 1)[1:-1]
    parts = np.searchsorted(np.quantile(values, inner), values)
    labels = np.unique(parts, return_inverse=True)[1]
    rows = _worst(residuals, labels)
    ends = np.exp(values[rows])
    low, high = f"{ends.min():.3g}", f"{ends.max():.3g}"
    where = f"At {name} of {low}" if low == high else f"Along {name}, from {low} to {high},"
    return _Misfit(f"residuals_along_{name}", where, _of_groups(residuals, labels), rows)


def _among_budgets(posterior: Posterior, residuals: _Residuals) -> Iterator[_Misfit]:
    columns = set(posterior.runs.frame.columns) | set(posterior.law.inputs)
    if not ("flops" in columns or {"n_params", "n_tokens"} <= columns):
        return
    compute = posterior.runs.column("flops")
    labels = budgets_or_none(compute)
    if labels is None or labels.max() == 0:
        return
    rows = _worst(residuals, labels)
    where = f"In the budget of {np.median(compute[rows]):.2g} FLOPs"
    yield _Misfit("residuals_by_budget", where, _of_groups(residuals, labels), rows)


def _among_groups(posterior: Posterior, residuals: _Residuals) -> Iterator[_Misfit]:
    frame = posterior.runs.frame
    if "group" not in frame:
        return
    names = frame["group"].astype(str).to_numpy(dtype=str)
    labels = np.unique(names, return_inverse=True)[1]
    n_groups = int(labels.max()) + 1
    if not 2 <= n_groups <= min(_MOST_GROUPS, len(names) // 2):
        return
    if "flops" in frame or {"n_params", "n_tokens"} <= set(frame.columns):
        budgets = budgets_or_none(posterior.runs.column("flops"))
        if budgets is not None and same_partition(budgets, labels):
            return
    rows = _worst(residuals, labels)
    where = f"In the group {names[rows][0]}"
    yield _Misfit("residuals_by_group", where, _of_groups(residuals, labels), rows)


def _of_groups(residuals: _Residuals, labels: np.ndarray) -> float:
    """Return the probability of means of groups that differ as much."""
    of_group = np.eye(int(labels.max()) + 1)[labels]
    root = of_group / np.sqrt(of_group.sum(axis=0))

    def between(standard: np.ndarray) -> np.ndarray:
        return np.asarray(np.sum((standard @ root) ** 2, axis=1))

    return residuals.probability(between)


def _among_neighbours(posterior: Posterior, residuals: _Residuals) -> Iterator[_Misfit]:
    """Check for neighbours along tokens, or the law's last input, that are off likewise."""
    along = posterior.law.inputs[-1]
    others = posterior.law.inputs[:-1]
    frame = posterior.runs.frame
    keys = [name for name in (*others, "group") if name in frame]
    cells = frame.groupby(keys, sort=False).ngroup().to_numpy() if keys else np.zeros(len(frame))
    order = np.lexsort((posterior.runs.column(along), cells))
    is_pair = np.diff(cells[order]) == 0
    first, second = order[:-1][is_pair], order[1:][is_pair]
    if len(first) < _FEWEST_NEIGHBOURS:
        return

    def likeness(standard: np.ndarray) -> np.ndarray:
        return np.asarray(np.sum(standard[:, first] * standard[:, second], axis=1))

    size = residuals.size
    products = np.bincount(cells[first].astype(int), weights=size[first] * size[second])
    in_worst = cells == np.argmax(products)
    side = np.sign(np.sum(size[in_worst] ** 3)) * size > 0
    where = f"Runs next to each other along {along} are off likewise:"
    probability = residuals.probability(likeness)
    yield _Misfit("residuals_of_neighbours", where, probability, in_worst & side)


def _of_one_run(residuals: _Residuals) -> _Misfit:
    observed = np.abs(residuals.observed).max(axis=1)
    made_up = np.abs(residuals.made_up).max(axis=1)
    rows = np.zeros(len(residuals.raw), dtype=bool)
    rows[np.argmax(np.abs(residuals.observed))] = True
    return _Misfit("largest_residual", "Farthest off,", _share(observed, made_up), rows)


def _worst(residuals: _Residuals, labels: np.ndarray) -> np.ndarray:
    """Return a mask of the runs of the part whose mean is farthest off, in standard errors."""
    sums = np.bincount(labels, weights=residuals.size)
    return np.asarray(labels == np.argmax(np.abs(sums) / np.sqrt(np.bincount(labels))))
