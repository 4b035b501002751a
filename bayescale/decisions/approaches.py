"""What do Hoffmann's three approaches say of these runs, beside a posterior, and by how much do the first two miss even without noise?

    1  the lowest loss at each compute, and a power law N* = k·C^a through the sizes that reached it
    2  a parabola in log D at each budget, and a power law through the vertices (`isoflop`)
    3  the law E + A/N^α + B/D^β by Huber loss, and its optimum: a = β/(α+β)

Hoffmann et al. 2022, sections 3.1 to 3.3 (arXiv:2203.15556). Intervals of all three are by resampling runs, as theirs are. The
first two know no law, yet on noise-free losses of one they miss its optimum: Approach 1 takes the nearest size that was tried,
Approach 2 takes the curve for a parabola (Czech et al. 2026, arXiv:2603.22339). That bias stands beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale.decisions.allocate import allocate
from bayescale.decisions.isoflop import IsoFlop, grown, isoflop, members, power_law
from bayescale.decisions.planning import asked_for
from bayescale.errors import InputError
from bayescale.inference import fit
from bayescale.inference.bootstrap import Bootstrap
from bayescale.inference.multistart import MultiStart
from bayescale.laws.chinchilla import Chinchilla
from bayescale.noise.huber import Huber
from bayescale.posterior import Posterior
from bayescale.precision import float64
from bayescale.runs import Runs

NAMES = {
    "1": "1: lowest loss at each compute",
    "2": "2: isoFLOP parabolas",
    "3": "3: Huber fit of the law",
    "posterior": "posterior",
}

_DELTA = 1e-3
_STARTS = 500
_BINS_PER_DECADE = 4
_FEWEST_IN_A_BIN = 3
_FEWEST_BINS = 2
_ENDS = (0.05, 0.95)


@dataclass(frozen=True, eq=False)
class Approaches:
    """The approaches side by side.

    Attributes
    ----------
    frame : DataFrame, one row an approach, budget and quantity
        ``approach``, ``compute`` (FLOPs), ``quantity`` (``a`` in N* ∝ C^a, ``n_params``, ``n_tokens``, ``tokens_per_param``),
        ``value``, ``q05`` and ``q95``: by resampled runs, and quantiles of the posterior; and ``bias``, per cent: how far the
        approach's value lies from the truth on noise-free losses of the law that Approach 3 found, on the same N and D.
    problems : tuple of str
        Why an approach is lacking.
    """

    frame: pd.DataFrame
    problems: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """One row an approach and budget: a, N*, D*, D*/N*, and the bias of N*."""
        keys = ["approach", "compute"]
        wide = self.frame.pivot_table(index=keys, columns="quantity", values="value", sort=False)
        bias = self.frame[self.frame["quantity"] == "n_params"].set_index(keys)["bias"]
        return wide[["a", "n_params", "n_tokens", "tokens_per_param"]].assign(bias_of_n_params=bias)


@float64
def approaches(
    runs: Runs,
    compute: float | Sequence[float] | np.ndarray,
    *,
    posterior: Posterior | None = None,
    replicates: int = 500,
    seed: int = 0,
) -> Approaches:
    """Answer how to split a budget by each approach, with its interval and its bias.

    Runs of several tokens at one size, such as points of a training curve, count like any others: Approach 1 takes the lowest of
    all that lie at one compute, which are a budget's, or those of a quarter of a decade where runs have no budgets.

    Parameters
    ----------
    runs : Runs
    compute : float or sequence
        Budgets, FLOPs (6·N·D).
    posterior : Posterior, optional
        Of the same runs, to stand beside them.
    replicates : int
        Resampled tables of runs.
    seed : int

    Returns
    -------
    Approaches

    Raises
    ------
    InputError
        Where a budget is not positive, or the runs are too few for the law.

    Examples
    --------
    >>> import bayescale as bs
    >>> found = bs.approaches(bs.datasets.simulate(seed=0, noise=0.002), compute=1e24, replicates=50)
    >>> a = found.summary()["a"].droplevel("compute")
    >>> a.index.tolist()
    ['1: lowest loss at each compute', '2: isoFLOP parabolas', '3: Huber fit of the law']
    >>> bool(abs(a.iloc[2] - 0.28 / 0.62) < 0.02)
    True
    """
    _, budgets = asked_for("approaches", None, compute=compute)
    rng = np.random.default_rng(seed)
    huber = Huber(_DELTA)
    point = fit(runs, law=Chinchilla(), noise=huber, method=MultiStart(starts=_STARTS, seed=seed))
    refits = fit(runs, law=Chinchilla(), noise=huber, method=Bootstrap(replicates=replicates, seed=seed))
    truth = _of_posterior(point, budgets)
    picks = np.vstack([np.arange(len(runs)), rng.integers(len(runs), size=(replicates, len(runs)))])
    noise_free = np.exp(point.log_law()).ravel()
    tables, problems = [], []
    for name, sizes in (("1", _of_lowest), ("2", _of_parabolas)):
        try:
            every, ideal = sizes(runs, budgets, runs.column("loss"), picks), sizes(runs, budgets, noise_free, picks[:1])
        except InputError as error:
            problems.append(f"{NAMES[name]}: {error}")
            continue
        tables.append(_told(name, budgets, every[:1], every[1:], ideal, truth))
    tables.append(_told("3", budgets, truth, _of_posterior(refits, budgets), truth, truth))
    if posterior is not None:
        draws = _of_posterior(posterior, budgets)
        tables.append(_told("posterior", budgets, np.median(draws, axis=0, keepdims=True), draws, None, truth))
    return Approaches(pd.concat(tables, ignore_index=True), tuple(problems))


def _of_posterior(posterior: Posterior, budgets: np.ndarray) -> np.ndarray:
    """log₁₀ N* at each budget and at ten times it, shape (draws, 2, budgets), from which the exponent follows."""
    plans = allocate(posterior, np.concatenate([budgets, 10 * budgets])).draws["n_params"].to_numpy()
    return np.log10(plans).reshape(len(plans), 2, -1)


def _of_growth(growth: tuple[np.ndarray, np.ndarray], budgets: np.ndarray) -> np.ndarray:
    return np.stack([np.log10(grown(growth, factor * budgets)) for factor in (1, 10)], axis=1)


def _of_lowest(runs: Runs, budgets: np.ndarray, loss: np.ndarray, picks: np.ndarray) -> np.ndarray:
    log_n = np.log10(runs.column("n_params"))
    log_c = np.log10(6.0) + log_n + np.log10(runs.column("n_tokens"))
    try:
        member = members(runs)
    except InputError:
        member = np.floor(_BINS_PER_DECADE * (log_c - log_c.min())).astype(int)
    order = np.argsort(loss, kind="stable")
    log_sizes, log_budgets = np.full((2, len(picks), member.max() + 1), np.nan)
    for row, pick in enumerate(picks):
        drawn = np.bincount(pick, minlength=len(runs)) > 0
        count = np.bincount(member[drawn], minlength=member.max() + 1)
        bins, first = np.unique(member[order][drawn[order]], return_index=True)
        lowest = order[drawn[order]][first]
        enough = count[bins] >= _FEWEST_IN_A_BIN
        log_sizes[row, bins[enough]], log_budgets[row, bins[enough]] = log_n[lowest[enough]], log_c[lowest[enough]]
    if np.isfinite(log_sizes[0]).sum() < _FEWEST_BINS:
        raise InputError(f"{runs.name} has {_FEWEST_IN_A_BIN} runs of like compute at fewer than {_FEWEST_BINS} places.")
    return _of_growth(power_law(log_budgets, log_sizes), budgets)


def _of_parabolas(runs: Runs, budgets: np.ndarray, loss: np.ndarray, picks: np.ndarray) -> np.ndarray:
    found: IsoFlop = isoflop(runs)
    log_tokens = _of_growth(found.growth_of(loss, picks), budgets)
    return np.log10(np.stack([budgets, 10 * budgets]) / 6) - log_tokens


def _told(
    name: str, budgets: np.ndarray, value: np.ndarray, draws: np.ndarray, ideal: np.ndarray | None, truth: np.ndarray
) -> pd.DataFrame:
    """Rows of one approach, from log₁₀ N* of shape (draws, 2, budgets)."""
    found, drawn = _quantities(value, budgets), _quantities(draws, budgets)
    right = _quantities(truth, budgets)
    shown = None if ideal is None else _quantities(ideal, budgets)
    rows = []
    for place, budget in enumerate(budgets):
        for quantity, values in found.items():
            kept = drawn[quantity][:, place]
            low, high = np.quantile(kept[np.isfinite(kept)], _ENDS)
            bias = np.nan if shown is None else 100 * (shown[quantity][0, place] / right[quantity][0, place] - 1)
            row = {"approach": NAMES[name], "compute": float(budget), "quantity": quantity, "value": float(values[0, place])}
            rows.append(row | {"q05": float(low), "q95": float(high), "bias": float(bias)})
    return pd.DataFrame(rows)


def _quantities(log_sizes: np.ndarray, budgets: np.ndarray) -> dict[str, np.ndarray]:
    n_params = 10 ** log_sizes[:, 0]
    n_tokens = budgets / (6 * n_params)
    return {
        "a": log_sizes[:, 1] - log_sizes[:, 0],
        "n_params": n_params,
        "n_tokens": n_tokens,
        "tokens_per_param": n_tokens / n_params,
    }
