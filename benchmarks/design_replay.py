"""Runs of real sweeps chosen by `bayescale.design`, by isoFLOP grids, by ladders and at random.

The dearest budgets of each sweep of allocation_sets.py are hidden. The others are a pool. All
strategies know six cheap runs, three sizes of each of the two cheapest budgets, and buy further
runs of the pool until a share of its compute is spent. A choice is judged by the default fit of
the bought runs, whose prior has not seen the family: by its forecasts of the hidden runs at the
frontier of loss against compute, and of the compute-optimal size N* at the hidden budgets.

The strategies: `design` asks once; `design in rounds` asks two times and is told the losses of the
first half; `isoflop` buys the same number of sizes, evenly spaced, of every budget up to the
dearest of which it can pay four; `ladder` buys of each budget, from the dearest on, the run nearest
to 20 tokens per parameter, then the second nearest, while it can pay; `random` buys what it can pay
in a random order. `everything` buys the whole pool whatever the limit, and shows how much a choice
within it can gain.

A design may end before the limit, where no other run tells of the loss or of N* more than chance
would seem to.

Prints CRPS, as a ratio to that of the isoFLOP grid, of each family and as a geometric mean over
families, where a family has one vote; writes benchmarks/results/design_replay.json. A cell is one
strategy on one sweep. Each cell is saved in the folder --cells and is not fitted again: after an
interruption the same command continues. Remove the folder after a change of `design` or the model.

    BAYESCALE_DATA=... python benchmarks/design_replay.py
    BAYESCALE_DATA=... python benchmarks/design_replay.py --sets llama3 --shares 0.15
"""

import json
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import allocation_sets
import frontier_panel
import numpy as np
import pandas as pd
import record
from record import JsonObject

import bayescale as bs
from bayescale.decisions.checks.allocations.cuts import HiddenSizes
from bayescale.decisions.checks.allocations.forecasters import sizes_of
from bayescale.decisions.checks.allocations.scores import size_scores
from bayescale.decisions.checks.allocations.truth import NO_BUDGET, members
from bayescale.decisions.checks.forecasters import predicted
from bayescale.decisions.checks.scores import run_scores
from bayescale.laws.base import Law
from bayescale.processes.base import excess_of_best

RESULTS = record.RESULTS
INPUTS = ("n_params", "n_tokens")
ISOFLOP = "isoflop"
# Of Porian's six sweeps one of each text is replayed.
LEFT_OUT = (
    "rw/1_reproducing_kaplan",
    "rw/5_optimizer_tuning",
    "owt2/2_count_last_layer",
    "owt2/4_cosine_decay",
)
SHARES = (0.15, 0.4)
START_BUDGETS, START_SIZES = 2, 3
# Strategies are compared at equal compute: the limit on it binds, not this one.
MOST_RUNS = 100
TOKENS_PER_PARAM = 20.0
FEWEST_SIZES = 4
SEEDS = (0, 1)
# A hidden run is at the frontier where its log loss is so little above the best for its compute.
AT_FRONTIER = 0.02
BOUGHT = ("n_bought", "spent")
SCORES = ("loss_crps", "loss_error", "size_crps", "size_error")

_PER_DECADE = 4


@dataclass(frozen=True, eq=False)
class Pool:
    """Runs that can be bought, and what they are judged by.

    Attributes
    ----------
    family, name : str
    runs : Runs
        Of the cheaper budgets.
    budget : array of int, shape (runs,)
        Budget of each, counted from the cheapest; -1 for a run of none.
    start : array of int
        Rows that all strategies know.
    test : HiddenSizes
    frontier : Runs
        Hidden runs that are forecast.
    """

    family: str
    name: str
    runs: bs.Runs
    budget: np.ndarray
    start: np.ndarray
    test: HiddenSizes
    frontier: bs.Runs

    @property
    def law(self) -> Law:
        """The default law, whose prior has not seen the family."""
        return frontier_panel.unseen(None, self.family)

    def for_sale(self, known: np.ndarray) -> np.ndarray:
        """Return the rows that are not yet known."""
        return np.setdiff1d(np.arange(len(self.runs)), known)

    def limit(self, share: float) -> float:
        """Return a share of the compute of what is for sale, FLOPs."""
        return share * float(self.runs.six_nd[self.for_sale(self.start)].sum())

    def fitted(self, rows: np.ndarray) -> bs.Posterior:
        """Fit some of the runs."""
        frame = self.runs.frame.iloc[np.sort(rows)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bs.fit(replace(self.runs, frame=frame), law=self.law)


Strategy = Callable[[Pool, float], np.ndarray]
"""Rows of a pool that are bought, within a limit of FLOPs."""


def pool_of(case: allocation_sets.Case) -> Pool:
    """Return the pool of a sweep at a cut."""
    sweep, runs = case.sweep, case.test.fold.train
    if sweep.curves is not None:
        # A grid of sizes and tokens is cut in slices of compute.
        budget = np.round(_PER_DECADE * np.log10(runs.six_nd)).astype(int)
        budget = np.unique(budget, return_inverse=True)[1]
    else:
        budget = members(runs, None if sweep.budgets is None else np.array(sweep.budgets))
    start = np.concatenate([_spread(runs, budget, which, START_SIZES) for which in _first(budget)])
    frontier = _at_frontier(runs, case.test.fold.test)
    return Pool(sweep.family, sweep.name, runs, budget, start, case.test, frontier)


def _first(budget: np.ndarray) -> list[int]:
    """Return the cheapest budgets with enough sizes to start with."""
    numbers, counts = np.unique(budget[budget != NO_BUDGET], return_counts=True)
    return [int(number) for number in numbers[counts > START_SIZES][:START_BUDGETS]]


def _spread(runs: bs.Runs, budget: np.ndarray, which: int, count: int) -> np.ndarray:
    """Return some rows of a budget, evenly spaced in the order of size and without its ends."""
    rows = np.flatnonzero(budget == which)
    ordered = rows[np.argsort(runs.column("n_params")[rows], kind="stable")]
    places = (np.arange(count) + 0.5) / count * len(ordered)
    return ordered[np.unique(places.astype(int))]


def _at_frontier(runs: bs.Runs, hidden: bs.Runs) -> bs.Runs:
    together = replace(runs, frame=pd.concat([runs.frame, hidden.frame]))
    excess = excess_of_best(together, INPUTS, np.log(together.column("loss")))[len(runs) :]
    return replace(hidden, frame=hidden.frame[excess <= AT_FRONTIER])


def isoflop(pool: Pool, limit: float) -> np.ndarray:
    """Buy as many sizes of each budget, up to the dearest of which four can be paid, as the limit
    allows.
    """
    flops, free = pool.runs.six_nd, pool.for_sale(pool.start)
    budgets, counts = np.unique(pool.budget[pool.budget != NO_BUDGET], return_counts=True)
    for dearest in budgets[::-1]:
        for count in range(counts.max(), FEWEST_SIZES - 1, -1):
            grid = [_spread(pool.runs, pool.budget, which, count) for which in budgets]
            of_budgets = np.concatenate(grid[: int(np.searchsorted(budgets, dearest)) + 1])
            bought = np.intersect1d(of_budgets, free)
            if flops[bought].sum() <= limit:
                return bought
    return np.zeros(0, dtype=int)


def ladder(pool: Pool, limit: float) -> np.ndarray:
    """Buy what the limit pays of each budget's run nearest to 20 tokens per parameter, the dearest
    first, then of the second nearest, and so on.
    """
    rows = pool.for_sale(pool.start)
    rows = rows[pool.budget[rows] != NO_BUDGET]
    log_ratio = np.log(pool.runs.column("n_tokens") / pool.runs.column("n_params"))[rows]
    off = pd.Series(np.abs(log_ratio - np.log(TOKENS_PER_PARAM)))
    rank = off.groupby(pool.budget[rows]).rank(method="first")
    return _while_paid(pool, rows[np.lexsort([-pool.budget[rows], rank])], limit)


def at_random(seed: int) -> Strategy:
    """Return the strategy that buys what it can pay in a random order."""

    def buy(pool: Pool, limit: float) -> np.ndarray:
        order = np.random.default_rng(seed).permutation(pool.for_sale(pool.start))
        return _while_paid(pool, order, limit)

    return buy


def everything(pool: Pool, limit: float) -> np.ndarray:
    """Buy all that is for sale, whatever it costs."""
    return pool.for_sale(pool.start)


def _while_paid(pool: Pool, order: np.ndarray, limit: float) -> np.ndarray:
    bought, spent = [], 0.0
    for row in order:
        flops = float(pool.runs.six_nd[row])
        if spent + flops <= limit:
            bought.append(row)
            spent += flops
    return np.array(bought, dtype=int)


def designed(rounds: int) -> Strategy:
    """Return the strategy that asks `bayescale.design` some times, each time with the losses of
    what was bought before, and spends the same in each round.
    """

    def buy(pool: Pool, limit: float) -> np.ndarray:
        bought = np.zeros(0, dtype=int)
        for number in range(1, rounds + 1):
            known = np.append(pool.start, bought)
            left = limit * number / rounds - float(pool.runs.six_nd[bought].sum())
            rows = pool.for_sale(known)
            rows = rows[pool.runs.six_nd[rows] <= left]
            if len(rows):
                bought = np.append(bought, rows[_chosen(pool, known, rows, left)])
        return bought

    return buy


def _chosen(pool: Pool, known: np.ndarray, rows: np.ndarray, budget: float) -> np.ndarray:
    """Return which of the rows `bayescale.design` chooses; a choice that several runs fit is the
    first of them.
    """
    candidates = pool.runs.frame.iloc[rows][list(INPUTS)].reset_index(drop=True)
    posterior = _fitted_once(pool, tuple(known))
    target = float(pool.test.compute[-1])
    plan = bs.design(
        posterior, budget, compute=target, candidates=candidates, n_runs=MOST_RUNS
    ).frame
    places: list[int] = []
    for n_params, n_tokens in plan[list(INPUTS)].to_numpy():
        same = (candidates["n_params"] == n_params) & (candidates["n_tokens"] == n_tokens)
        free = [int(place) for place in np.flatnonzero(same) if place not in places]
        places += free[:1]
    return np.array(places, dtype=int)


@cache
def _fitted_once(pool: Pool, rows: tuple[int, ...]) -> bs.Posterior:
    return pool.fitted(np.array(rows))


STRATEGIES: dict[str, Strategy] = {
    ISOFLOP: isoflop,
    "design": designed(1),
    "design in rounds": designed(2),
    "ladder": ladder,
    **{f"random {seed}": at_random(seed) for seed in SEEDS},
    "everything": everything,
}


def cell(pool: Pool, name: str, share: float) -> JsonObject:
    """Buy runs by one strategy, fit them, and score the fit."""
    begun = time.process_time()
    limit = pool.limit(share)
    bought = STRATEGIES[name](pool, limit)
    posterior = pool.fitted(np.append(pool.start, bought))
    losses = np.log(pool.frontier.column("loss"))
    draws = predicted(posterior, pool.frontier).log_draws
    of_losses = run_scores(draws, losses)
    sizes = size_scores(sizes_of(posterior, pool.test.compute).log_n_params, pool.test.truth)
    table = pool.runs.frame.iloc[bought]
    return {
        "strategy": name,
        "family": pool.family,
        "set": pool.name,
        "share": share,
        "n_bought": len(bought),
        "spent": float(pool.runs.six_nd[bought].sum() / limit),
        "loss_crps": float(of_losses["crps"].mean()),
        "loss_error": float(np.abs(np.median(draws, axis=0) - losses).mean()),
        "loss_covered90": float(of_losses["covered90"].mean()),
        "size_crps": float(sizes["crps"].mean()),
        "size_error": float(sizes["error"].abs().mean()),
        "size_covered90": float(sizes["covered90"].mean()),
        "n_params": table["n_params"].tolist(),
        "n_tokens": table["n_tokens"].tolist(),
        "budgets": pool.budget[bought].tolist(),
        "cpu_seconds": round(time.process_time() - begun, 2),
    }


def finished(
    folder: Path, pools: Iterable[Pool], names: list[str], shares: list[float]
) -> list[JsonObject]:
    """Return all cells: saved cells from the folder, and new cells, which are saved there."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = []
    for pool in pools:
        for share in shares:
            for name in names:
                label = f"{pool.family}-{pool.name}-{share:g}-{name}"
                path = folder / (re.sub(r"[^A-Za-z0-9.]+", "_", label) + ".json")
                cells.append(record.saved(path, partial(_told, pool, name, share)))
    return cells


def _told(pool: Pool, name: str, share: float) -> JsonObject:
    """Return a new cell, and print its line."""
    new = cell(pool, name, share)
    print(_line(new), flush=True)
    return new


def _line(cell: JsonObject) -> str:
    return (
        f"{cell['set']:28} {cell['share']:4.0%} {cell['strategy']:16} {cell['n_bought']:4} runs "
        f"{cell['spent']:4.0%}  loss {cell['loss_crps']:.5f}  N* {cell['size_crps']:.4f} "
        f"{cell['cpu_seconds']:6.1f} s"
    )


def against_isoflop(cells: list[JsonObject]) -> pd.DataFrame:
    """Return scores as ratios to the isoFLOP grid's, the number of runs bought and the share of the
    limit that was spent, one row per family and strategy.

    Seeds of a strategy are averaged before the ratio; ratios of sweeps and shares of a family are
    averaged geometrically.
    """
    table = pd.DataFrame(cells)
    table["strategy"] = table["strategy"].str.replace(r" \d+$", "", regex=True)
    at = ["family", "set", "share"]
    grouped = table.groupby([*at, "strategy"])
    mean = grouped[list(SCORES)].mean()
    grid = mean.xs(ISOFLOP, level="strategy").reindex(mean.index.droplevel("strategy"))
    log_ratios = np.log(mean / grid.to_numpy())
    of_family = ["strategy", "family"]
    ratios = np.exp(log_ratios.groupby(of_family).mean())
    bought = grouped[list(BOUGHT)].mean().groupby(of_family).mean()
    return ratios.join(bought).reset_index()


def over_families(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return the geometric mean over families of each strategy, and its worst family."""
    grouped = np.log(ratios.set_index(["strategy", "family"])[list(SCORES)]).groupby("strategy")
    means = np.exp(grouped.mean())
    errors = np.exp(grouped.std() / np.sqrt(grouped.count())).add_suffix("_times_se")
    worst = np.exp(grouped.max()).add_suffix("_worst")
    bought = ratios.groupby("strategy")[list(BOUGHT)].mean()
    return means.join([errors, worst, bought]).reset_index()


def pools(only: str) -> Iterator[Pool]:
    """Yield the pool of each sweep at its last cut."""
    last = {}
    for case in allocation_sets.cases(only):
        if case.sweep.name not in LEFT_OUT:
            last[case.sweep.name] = case
    for case in last.values():
        yield pool_of(case)


def quick_pools() -> list[Pool]:
    """Return the pool of one simulated sweep."""
    runs = bs.datasets.simulate(seed=1, noise=0.003, sizes_per_budget=8)
    cuts = bs.AfterBudgets(leaving=None)
    sweep = allocation_sets.SweepOfBudgets("simulated", "simulated", runs, cuts)
    return [pool_of(next(allocation_sets.cuts_of(sweep)))]


def main() -> None:
    """Fit the missing cells, print, write."""
    parser = record.parser(__doc__)
    parser.add_argument(
        "--sets", default="", metavar="TEXT", help="only sweeps whose family or name contains it"
    )
    parser.add_argument(
        "--shares",
        default=",".join(map(str, SHARES)),
        help="shares of the pool's compute that may be spent (default: %(default)s)",
    )
    parser.add_argument(
        "--cells", type=Path, default=RESULTS / "design_replay_cells", help="folder of the cells"
    )
    arguments = parser.parse_args()
    shares = [float(share) for share in arguments.shares.split(",")]
    names, found = list(STRATEGIES), pools(arguments.sets)
    if arguments.quick:
        names, shares, found = [ISOFLOP, "design"], [0.4], iter(quick_pools())
        arguments.cells = Path(tempfile.mkdtemp())
    cells = finished(arguments.cells, found, names, shares)
    if not cells:
        parser.error(f"--sets {arguments.sets}: there is no such sweep")
    ratios = against_isoflop(cells)
    table = over_families(ratios)
    for each in (ratios, table):
        print(each.round(3).to_string(index=False))
    result = {
        "strategies": json.loads(table.to_json(orient="records")),
        "families": json.loads(ratios.to_json(orient="records")),
        "cells": cells,
    }
    record.write(result, RESULTS / "design_replay.json", arguments, {"default": record.Model()})


if __name__ == "__main__":
    main()
