"""Regret of the size chosen at 100 times the compute, after runs that `bayescale.design` chose and
after others of equal cost.

200 worlds: constants of the Chinchilla law, a sweep of 15 cheap runs with 1 % of noise, and a
budget that pays for an isoFLOP grid of 15 runs up to ten times as dear. Each design spends it; the
law is fitted to all runs that the design has; the size at 100 times the dearest run allowed is the
posterior's median of N*, and its loss less the best is the regret. All designs lie in one range of
compute, with sizes within a factor 8 of the best as far as known. Random runs are as many as the
budget pays for, some 34. A design has 15 runs at most, as the grid has, or 30; in two rounds it
chooses 7 runs for half of the budget, and the rest once those are known.

Prints ratios of mean regrets with standard errors from resampled worlds; writes
benchmarks/results/design.json.

    python benchmarks/design.py
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from alternatives import about

import bayescale as bs

RESULTS = Path(__file__).parent / "results" / "design.json"
WORLDS, NOISE, REPLICATES = 200, 0.01, 1000
FIRST_BUDGETS, FIRST_SIZES = (1e18, 3e18, 1e19), 5
# What a run may cost: from the cheapest of the first sweep to ten times its dearest.
CHEAPEST, DEAREST, SPREAD = 1e18, 1e20, 8.0
SLICES, SIZES = (1e19, 10**19.5, 1e20), 5
BUDGET, N_RUNS = SIZES * sum(SLICES), SIZES * len(SLICES)
# Of random runs the budget pays for 34 on average.
MORE_RUNS = 30
TARGET = 100 * DEAREST
GRID_BUDGETS, GRID_SIZES = 13, 17
LAW = bs.laws.Chinchilla()
MODEL: dict[str, Any] = {
    "laws": [LAW],
    "noises": [bs.noise.Normal()],
    "method": bs.Importance(draws=1000),
}


@dataclass(frozen=True, eq=False)
class World:
    """One truth, and what is random in it."""

    number: int

    @cached_property
    def truth(self) -> dict[str, float]:
        """Constants like those published: two terms of 0.05 to 0.6 nats amid a sweep, above a floor
        of 1.4 to 2.2.
        """
        rng = np.random.default_rng([self.number, 0])
        alpha, beta = np.exp(rng.normal(np.log(0.35), 0.2, size=2))
        excess = np.exp(rng.uniform(np.log(0.05), np.log(0.6), size=2))
        params = (
            rng.uniform(1.4, 2.2),
            excess[0] * 5e8**alpha,
            excess[1] * 1e10**beta,
            alpha,
            beta,
        )
        return dict(zip(("E", "A", "B", "alpha", "beta"), map(float, params), strict=True))

    def loss(self, table: pd.DataFrame) -> np.ndarray:
        """Of the law, nats per token."""
        c = self.truth
        return np.asarray(
            c["E"]
            + c["A"] / table["n_params"] ** c["alpha"]
            + c["B"] / table["n_tokens"] ** c["beta"]
        )

    def best_size(self, compute: np.ndarray) -> np.ndarray:
        """N* of the truth."""
        return np.asarray(LAW.optimal_n_params(self.truth, compute))

    def measured(self, table: pd.DataFrame, stream: int) -> pd.DataFrame:
        """The runs with losses; each stream has errors of its own."""
        errors = NOISE * np.random.default_rng([self.number, stream]).standard_normal(len(table))
        return table.assign(loss=self.loss(table) * np.exp(errors))

    def regret(self, post: bs.Posterior) -> float:
        """Of the size that a posterior would choose at the target, nats per token."""
        compute = np.array([TARGET])
        chosen, best = (
            self.loss(at(compute, size(compute)))[0] for size in (best_size(post), self.best_size)
        )
        return float(chosen - best)


def at(compute: np.ndarray, n_params: np.ndarray) -> pd.DataFrame:
    """Runs of sizes at budgets."""
    return pd.DataFrame({"n_params": n_params, "n_tokens": compute / (6 * n_params)})


def best_size(post: bs.Posterior) -> Callable[[np.ndarray], np.ndarray]:
    """The posterior's median of N* at budgets."""
    params = {name: values.reshape(-1, 1) for name, values in post.params.items()}
    return lambda compute: np.median(np.asarray(LAW.optimal_n_params(params, compute)), axis=0)


def isoflop(
    size: Callable[[np.ndarray], np.ndarray], slices: tuple[float, ...], spread: float = SPREAD
) -> pd.DataFrame:
    """Sizes evenly in log N about the best."""
    compute = np.repeat(slices, SIZES)
    return at(
        compute, size(compute) * np.tile(np.geomspace(1 / spread, spread, SIZES), len(slices))
    )


def at_random(size: Callable[[np.ndarray], np.ndarray], number: int) -> pd.DataFrame:
    """Budgets evenly in their logarithm, sizes about the best; the last run is as dear as what is
    left allows.
    """
    rng = np.random.default_rng([number, 1])
    compute: list[float] = []
    while (left := BUDGET - sum(compute)) > CHEAPEST:
        compute.append(min(float(np.exp(rng.uniform(np.log(CHEAPEST), np.log(DEAREST)))), left))
    budgets = np.array(compute)
    return at(
        budgets,
        size(budgets) * np.exp(rng.uniform(-np.log(SPREAD), np.log(SPREAD), size=len(budgets))),
    )


def designed(post: bs.Posterior, budget: float, n_runs: int) -> pd.DataFrame:
    """By `bayescale.design`."""
    compute = np.repeat(np.geomspace(CHEAPEST, DEAREST, GRID_BUDGETS), GRID_SIZES)
    sizes = best_size(post)(compute) * np.tile(
        np.geomspace(1 / SPREAD, SPREAD, GRID_SIZES), GRID_BUDGETS
    )
    plan = bs.design(post, budget, compute=TARGET, candidates=at(compute, sizes), n_runs=n_runs)
    return plan.frame[["n_params", "n_tokens"]]


def fitted(tables: list[pd.DataFrame]) -> list[bs.Posterior]:
    """All in few calls."""
    return list(bs.batch([bs.Runs.from_frame(one) for one in tables], **MODEL).posteriors.values())


def spent(table: pd.DataFrame) -> float:
    """FLOPs."""
    return float((6 * table["n_params"] * table["n_tokens"]).sum())


def played(worlds: list[World]) -> Iterator[tuple[str, list[pd.DataFrame], list[float]]]:
    """Each design, the runs that it added in each world, and its regrets there."""
    first = [world.measured(isoflop(world.best_size, FIRST_BUDGETS), 2) for world in worlds]
    posts = fitted(first)
    yield (
        "no more runs",
        [one[:0] for one in first],
        [w.regret(p) for w, p in zip(worlds, posts, strict=True)],
    )

    def after(
        known: list[pd.DataFrame], new: list[pd.DataFrame], stream: int
    ) -> list[pd.DataFrame]:
        return [
            pd.concat([a, w.measured(b, stream)], ignore_index=True)
            for w, a, b in zip(worlds, known, new, strict=True)
        ]

    plans = {
        "design": [designed(post, BUDGET, N_RUNS) for post in posts],
        "design of more runs": [designed(post, BUDGET, MORE_RUNS) for post in posts],
        "isoflop": [isoflop(best_size(post), SLICES) for post in posts],
        "isoflop, sizes within a factor 4": [
            isoflop(best_size(post), SLICES, 4.0) for post in posts
        ],
        "random": [
            at_random(best_size(post), world.number)
            for world, post in zip(worlds, posts, strict=True)
        ],
    }
    for name, plan in plans.items():
        yield (
            name,
            plan,
            [w.regret(p) for w, p in zip(worlds, fitted(after(first, plan, 3)), strict=True)],
        )
    half = [designed(post, BUDGET / 2, N_RUNS // 2) for post in posts]
    known = after(first, half, 4)
    left = [
        designed(post, BUDGET - spent(one), N_RUNS - len(one))
        for post, one in zip(fitted(known), half, strict=True)
    ]
    both = [pd.concat(pair, ignore_index=True) for pair in zip(half, left, strict=True)]
    yield (
        "design in two rounds",
        both,
        [w.regret(p) for w, p in zip(worlds, fitted(after(known, left, 5)), strict=True)],
    )


def main() -> None:
    """Play, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="8 worlds only, and nothing written")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    worlds = [World(number) for number in range(8 if quick else WORLDS)]
    regrets, rows = {}, {}
    for name, plans, found in played(worlds):
        regrets[name] = found
        rows[name] = {
            "mean_regret": float(np.mean(found)),
            "median_regret": float(np.median(found)),
            "runs": float(np.mean([len(one) for one in plans])),
            "share_of_budget": float(np.mean([spent(one) for one in plans]) / BUDGET),
        }
        print(f"{time.perf_counter() - begun:6.0f} s  {name:34}", rows[name], flush=True)
    table = pd.DataFrame(regrets)
    means = table.mean()
    resampled = pd.DataFrame(
        [table.sample(frac=1, replace=True, random_state=i).mean() for i in range(REPLICATES)]
    )
    ratios = {
        ours: {
            other: {
                "ratio": float(means[ours] / means[other]),
                "se": float((resampled[ours] / resampled[other]).std()),
            }
            for other in table
            if not other.startswith("design")
        }
        for ours in ("design", "design of more runs", "design in two rounds")
    }
    for ours, against in ratios.items():
        for other, one in against.items():
            print(f"{ours} over {other}: {one['ratio']:.2f} ± {one['se']:.2f}")
    result = {
        "worlds": len(worlds),
        "noise": NOISE,
        "budget": BUDGET,
        "target": TARGET,
        "designs": rows,
        "ratios": ratios,
        "regrets": regrets,
        "seconds": time.perf_counter() - begun,
        **about(),
    }
    if not quick:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
