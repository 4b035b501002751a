"""Hoffmann's three approaches to the best split of compute, beside a posterior, and what two of
them miss even without noise.

    1  the lowest loss at each compute, and a power law N* = k·C^a through the sizes that reached it
    2  a parabola in log D at each budget, and a power law through the vertices (`isoflop`)
    3  the law E + A/N^α + B/D^β by Huber loss, and its optimum: a = β/(α+β)

Hoffmann et al. 2022, sections 3.1 to 3.3 (arXiv:2203.15556). Intervals of all three are by
resampling runs, as theirs are. The first two know no law, yet on noise-free losses of one they miss
its optimum: Approach 1 takes the nearest size that was tried, Approach 2 takes the curve for a
parabola (Czech et al. 2026, arXiv:2603.22339). That bias stands beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale._internal.precision import float64
from bayescale.decisions.approaches.isoflop import grown, isoflop, members, power_law
from bayescale.decisions.plans._planning import asked_for
from bayescale.decisions.plans.allocate import allocate
from bayescale.errors import InputError
from bayescale.inference.base import Problem
from bayescale.inference.bootstrap import refit
from bayescale.inference.multistart import MultiStart
from bayescale.laws.chinchilla import Chinchilla
from bayescale.noise.huber import Huber
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, messages, records, to_html, to_text
from bayescale.runs import Runs, RunsLike, as_runs
from bayescale.units import count_in_words, params_for, quantiles, tokens_for

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


@dataclass(frozen=True, eq=False)
class Approaches:
    """The approaches side by side.

    Attributes
    ----------
    frame : DataFrame, one row an approach, budget and quantity
        ``approach``, ``compute`` (FLOPs), ``quantity`` (``a`` in N* ∝ C^a, ``n_params``,
        ``n_tokens``, ``tokens_per_param``), ``value``, ``q05`` and ``q95``: by resampled runs, and
        quantiles of the posterior; and ``bias``, per cent: how far the approach's value lies from
        the truth on noise-free losses of the law that Approach 3 found, on the same N and D.
    problems : tuple of Complaint
        Why an approach is lacking.
    """

    frame: pd.DataFrame
    problems: tuple[Complaint, ...] = ()

    def summary(self) -> pd.DataFrame:
        """Return a, N*, D*, D*/N* and the bias of N*, one row an approach and budget."""
        keys = ["approach", "compute"]
        wide = self.frame.pivot_table(index=keys, columns="quantity", values="value", sort=False)
        bias = self.frame[self.frame["quantity"] == "n_params"].set_index(keys)["bias"]
        return wide[["a", "n_params", "n_tokens", "tokens_per_param"]].assign(bias_of_n_params=bias)

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return "three approaches to the best split of compute"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The exponent a and the best size of each approach."""
        said = []
        for row in self.summary().reset_index().to_dict("records"):
            size = count_in_words(row["n_params"])
            at = f"{row['approach']}, at {row['compute']:.3g} FLOPs"
            said.append(f"{at}: a = {row['a']:.3g}, {size} parameters.")
        return tuple(said)

    def to_dict(self) -> dict[str, Json]:
        """The frame, a row an approach, budget and quantity, and why an approach is lacking."""
        return {"approaches": records(self.frame), "problems": messages(self.problems)}

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def approaches(
    runs: RunsLike,
    compute: float | Sequence[float] | np.ndarray,
    *,
    posterior: Posterior | None = None,
    budgets: Sequence[float] | np.ndarray | None = None,
    replicates: int = 500,
    seed: int = 0,
) -> Approaches:
    """Answer how to split a budget by each approach, with its interval and its bias.

    Runs of several tokens at one size, such as points of a training curve, count like any others:
    Approach 1 takes the lowest of all that lie at one compute, which are a budget's, or those of a
    quarter of a decade where runs have no budgets.

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        What is no `Runs` is read by `Runs.read`.
    compute : float or sequence
        At which to split, FLOPs (6·N·D).
    posterior : Posterior, optional
        Of the same runs, to stand beside them.
    budgets : sequence of float, optional
        Of the runs, FLOPs, as `isoflop` takes them.
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
    >>> runs = bs.datasets.simulate(seed=0, noise=0.002)
    >>> found = bs.approaches(runs, compute=1e24, replicates=100)
    >>> a = found.summary()["a"].droplevel("compute")
    >>> a.index.tolist()
    ['1: lowest loss at each compute', '2: isoFLOP parabolas', '3: Huber fit of the law']
    >>> bool(abs(a.iloc[2] - 0.28 / 0.62) < 0.02)
    True
    """
    runs = as_runs(runs)
    _, compute = asked_for("approaches", None, compute=compute)
    picks = np.vstack(
        [
            np.arange(len(runs)),
            np.random.default_rng(seed).integers(len(runs), size=(replicates, len(runs))),
        ]
    )
    fitted = _fitted(runs, picks, seed)
    of_law = _of_posterior(fitted, compute)
    truth = of_law[:1]
    noise_free = np.exp(fitted.log_law()[0, 0])
    tables, problems = [], list(fitted.problems)
    for name, sizes in _WITHOUT_A_LAW.items():
        try:
            every = sizes(runs, budgets, compute, runs.column("loss"), picks)
            ideal = sizes(runs, budgets, compute, noise_free, picks[:1])
        except InputError as error:
            problems.append(Complaint("lacking", f"{NAMES[name]}: {error}"))
            continue
        tables.append(_rows_of_approach(name, compute, every[:1], every[1:], ideal, truth))
    tables.append(_rows_of_approach("3", compute, truth, of_law[1:], truth, truth))
    if posterior is not None:
        draws = _of_posterior(posterior, compute)
        tables.append(
            _rows_of_approach(
                "posterior", compute, np.median(draws, axis=0, keepdims=True), draws, None, truth
            )
        )
    return Approaches(pd.concat(tables, ignore_index=True), tuple(problems))


def _fitted(runs: Runs, picks: np.ndarray, seed: int) -> Posterior:
    """Approach 3 for each table of runs, one draw each."""
    method = MultiStart(starts=_STARTS, seed=seed)
    problem = Problem.build(runs, Chinchilla(), Huber(_DELTA))
    optimum = method.search(problem)
    counts = np.stack([np.bincount(pick, minlength=len(runs)) for pick in picks], axis=1)
    start = np.repeat(optimum.coordinates[:, None], len(picks), axis=1)
    coordinates, _ = refit(problem, start, problem.resampled(counts.astype(float)))
    params = problem.target.constrain(list(coordinates[:, None]), problem.data.sweep)
    return problem.posterior(params, method, problems=optimum.problems)


def _of_posterior(posterior: Posterior, budgets: np.ndarray) -> np.ndarray:
    """log₁₀ N* at each budget and at ten times it, shape (draws, 2, budgets), from which the
    exponent follows.
    """
    plans = (
        allocate(posterior, np.concatenate([budgets, 10 * budgets])).draws["n_params"].to_numpy()
    )
    return np.log10(plans).reshape(len(plans), 2, -1)


def _of_growth(growth: tuple[np.ndarray, np.ndarray], budgets: np.ndarray) -> np.ndarray:
    both = np.stack([grown(growth, budgets), grown(growth, 10 * budgets)], axis=1)
    return np.log10(both)


def _of_lowest(
    runs: Runs,
    budgets: Sequence[float] | np.ndarray | None,
    compute: np.ndarray,
    loss: np.ndarray,
    picks: np.ndarray,
) -> np.ndarray:
    log_n = np.log10(runs.column("n_params"))
    log_c = np.log10(runs.six_nd)
    try:
        member = members(runs, budgets)
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
        log_sizes[row, bins[enough]], log_budgets[row, bins[enough]] = (
            log_n[lowest[enough]],
            log_c[lowest[enough]],
        )
    if np.isfinite(log_sizes[0]).sum() < _FEWEST_BINS:
        raise InputError(
            f"{runs.name} has {_FEWEST_IN_A_BIN} runs of like compute at fewer than {_FEWEST_BINS} "
            f"places."
        )
    return _of_growth(power_law(log_budgets, log_sizes), compute)


def _of_parabolas(
    runs: Runs,
    budgets: Sequence[float] | np.ndarray | None,
    compute: np.ndarray,
    loss: np.ndarray,
    picks: np.ndarray,
) -> np.ndarray:
    log_tokens = _of_growth(isoflop(runs, budgets).growth_of(loss, picks), compute)
    return np.log10(params_for(np.stack([compute, 10 * compute]), 10**log_tokens))


_WITHOUT_A_LAW = {"1": _of_lowest, "2": _of_parabolas}


def resampled_sizes(
    approach: str,
    runs: Runs,
    compute: np.ndarray,
    *,
    budgets: np.ndarray | None = None,
    replicates: int = 500,
    seed: int = 0,
) -> np.ndarray:
    """Return log₁₀ N* by Approach 1 or 2 for each of many resampled tables of runs.

    Parameters
    ----------
    approach : {"1", "2"}
    runs : Runs
    compute : array, shape (points,)
        At which to split, FLOPs.
    budgets : array, optional
        Of the runs, FLOPs, as `isoflop` takes them.
    replicates, seed : int

    Returns
    -------
    array, shape (replicates, points); NaN where a table has fewer than two minima

    Raises
    ------
    InputError
        Where the runs have fewer than two minima, or are in no budgets.
    """
    picks = np.random.default_rng(seed).integers(len(runs), size=(replicates, len(runs)))
    sizes = _WITHOUT_A_LAW[approach](runs, budgets, compute, runs.column("loss"), picks)
    return sizes[:, 0]


def _rows_of_approach(
    name: str,
    budgets: np.ndarray,
    value: np.ndarray,
    draws: np.ndarray,
    ideal: np.ndarray | None,
    truth: np.ndarray,
) -> pd.DataFrame:
    """Rows of one approach, from log₁₀ N* of shape (draws, 2, budgets)."""
    estimates, resampled = _quantities(value, budgets), _quantities(draws, budgets)
    optimum = _quantities(truth, budgets)
    noise_free = None if ideal is None else _quantities(ideal, budgets)
    rows = []
    for column, budget in enumerate(budgets):
        for quantity, values in estimates.items():
            kept = resampled[quantity][:, column]
            interval = quantiles(kept[np.isfinite(kept)])
            bias = (
                np.nan
                if noise_free is None
                else 100 * (noise_free[quantity][0, column] / optimum[quantity][0, column] - 1)
            )
            row = {
                "approach": NAMES[name],
                "compute": float(budget),
                "quantity": quantity,
                "value": float(values[0, column]),
            }
            row |= {"q05": float(interval["q05"]), "q95": float(interval["q95"])}
            rows.append(row | {"bias": float(bias)})
    return pd.DataFrame(rows)


def _quantities(log_sizes: np.ndarray, budgets: np.ndarray) -> dict[str, np.ndarray]:
    n_params = 10 ** log_sizes[:, 0]
    n_tokens = tokens_for(budgets, n_params)
    return {
        "a": log_sizes[:, 1] - log_sizes[:, 0],
        "n_params": n_params,
        "n_tokens": n_tokens,
        "tokens_per_param": n_tokens / n_params,
    }
