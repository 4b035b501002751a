"""Regret of the size chosen at 100 times the compute, after runs of `bayescale.design` or others.

All designs have the same cost. There are 200 worlds: true parameters of the Chinchilla law, a sweep
of 15 small runs with 1 % of noise, and a budget for an isoFLOP grid of 15 runs with up to ten times
the compute. Each design spends the budget; the law is fitted to all runs of the design. The size
for 100 times the largest compute allowed is the posterior's median of N*, and its loss minus the
least loss is the regret. All designs use one range of compute, with sizes within a factor of 8 of
the best known size. There are as many random runs as the budget pays for, about 34. A design has at
most 15 runs, as the grid has, or 30; in two rounds it chooses 7 runs for half of the budget, and
the rest after the losses of these are known.

Prints ratios of mean regrets with standard errors from resampled worlds; writes
benchmarks/results/design.json.

    python benchmarks/design.py
"""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pandas as pd
import record

import bayescale as bs

RESULTS = record.RESULTS / "design.json"
WORLDS = 200
QUICK_WORLDS = 4
NOISE = 0.01
REPLICATES = 1000
FIRST_BUDGETS = (1e18, 3e18, 1e19)
# Compute of a run: from the smallest of the first sweep to ten times its largest.
LEAST_COMPUTE = 1e18
MOST_COMPUTE = 1e20
SPREAD = 8.0
SLICES = (1e19, 10**19.5, 1e20)
SIZES = 5
BUDGET = SIZES * sum(SLICES)
N_RUNS = SIZES * len(SLICES)
# On average the budget pays for 34 random runs.
MORE_RUNS = 30
TARGET = 100 * MOST_COMPUTE
GRID_BUDGETS = 13
GRID_SIZES = 17
LAW = bs.laws.Chinchilla()
NOISE_MODEL = bs.noise.Normal()
METHOD = bs.Importance(draws=1000)

# The best size at each budget.
BestSize: TypeAlias = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class World:
    """True parameters, and the random numbers of their runs."""

    number: int

    @cached_property
    def truth(self) -> dict[str, float]:
        """True parameters similar to those published.

        Amid a sweep, each of the two terms is 0.05 to 0.6 nats; the floor is 1.4 to 2.2.
        """
        rng = np.random.default_rng([self.number, 0])
        alpha, beta = np.exp(rng.normal(np.log(0.35), 0.2, size=2))
        excess_of_n, excess_of_d = np.exp(rng.uniform(np.log(0.05), np.log(0.6), size=2))
        return {
            "E": float(rng.uniform(1.4, 2.2)),
            "A": float(excess_of_n * 5e8**alpha),
            "B": float(excess_of_d * 1e10**beta),
            "alpha": float(alpha),
            "beta": float(beta),
        }

    def loss(self, table: pd.DataFrame) -> np.ndarray:
        """Return the loss of the law, nats per token."""
        c = self.truth
        term_of_n = c["A"] / table["n_params"] ** c["alpha"]
        term_of_d = c["B"] / table["n_tokens"] ** c["beta"]
        return np.asarray(c["E"] + term_of_n + term_of_d)

    def best_size(self, compute: np.ndarray) -> np.ndarray:
        """Return the true N*."""
        return np.asarray(LAW.optimal_n_params(self.truth, compute))

    def measured(self, table: pd.DataFrame, stream: int) -> pd.DataFrame:
        """Return the runs with losses; each stream has different errors."""
        errors = NOISE * np.random.default_rng([self.number, stream]).standard_normal(len(table))
        return table.assign(loss=self.loss(table) * np.exp(errors))

    def regret(self, post: bs.Posterior) -> float:
        """Return the regret of the size that a posterior chooses at the target, nats per token."""
        compute = np.array([TARGET])
        chosen = self.loss(runs_at(compute, best_size(post)(compute)))
        best = self.loss(runs_at(compute, self.best_size(compute)))
        return float(chosen[0] - best[0])


def runs_at(compute: np.ndarray, n_params: np.ndarray) -> pd.DataFrame:
    """Return runs with the given sizes at the given budgets."""
    return pd.DataFrame({"n_params": n_params, "n_tokens": compute / (6 * n_params)})


def best_size(post: bs.Posterior) -> BestSize:
    """Return a function for the posterior's median of N* at budgets."""
    params = {name: values.reshape(-1, 1) for name, values in post.params.items()}
    return lambda compute: np.median(np.asarray(LAW.optimal_n_params(params, compute)), axis=0)


def isoflop(size: BestSize, slices: tuple[float, ...], spread: float = SPREAD) -> pd.DataFrame:
    """Return runs with sizes evenly spaced in log N around the best."""
    compute = np.repeat(slices, SIZES)
    factors = np.tile(np.geomspace(1 / spread, spread, SIZES), len(slices))
    return runs_at(compute, size(compute) * factors)


def at_random(size: BestSize, number: int) -> pd.DataFrame:
    """Return runs with random budgets, uniform in their logarithm, and sizes around the best.

    The compute of the last run is limited by the remaining budget.
    """
    rng = np.random.default_rng([number, 1])
    compute: list[float] = []
    while (left := BUDGET - sum(compute)) > LEAST_COMPUTE:
        wished = np.exp(rng.uniform(np.log(LEAST_COMPUTE), np.log(MOST_COMPUTE)))
        compute.append(min(float(wished), left))
    budgets = np.array(compute)
    factors = np.exp(rng.uniform(-np.log(SPREAD), np.log(SPREAD), size=len(budgets)))
    return runs_at(budgets, size(budgets) * factors)


def designed(post: bs.Posterior, budget: float, n_runs: int) -> pd.DataFrame:
    """Return the runs that `bayescale.design` chooses."""
    compute = np.repeat(np.geomspace(LEAST_COMPUTE, MOST_COMPUTE, GRID_BUDGETS), GRID_SIZES)
    factors = np.tile(np.geomspace(1 / SPREAD, SPREAD, GRID_SIZES), GRID_BUDGETS)
    candidates = runs_at(compute, best_size(post)(compute) * factors)
    plan = bs.design(post, budget, compute=TARGET, candidates=candidates, n_runs=n_runs)
    return plan.frame[["n_params", "n_tokens"]]


def fit_all(tables: list[pd.DataFrame]) -> list[bs.Posterior]:
    """Return the posteriors of all tables, fitted in few calls."""
    runs = [bs.Runs.from_frame(table) for table in tables]
    batch = bs.batch(runs, laws=[LAW], noises=[NOISE_MODEL], method=METHOD)
    return list(batch.posteriors.values())


def spent(table: pd.DataFrame) -> float:
    """Return the FLOPs of the runs."""
    return float((6 * table["n_params"] * table["n_tokens"]).sum())


def play(worlds: list[World]) -> Iterator[tuple[str, list[pd.DataFrame], list[float]]]:
    """Yield each design, the runs that it added in each world, and its regrets."""

    def regrets(posteriors: list[bs.Posterior]) -> list[float]:
        return [world.regret(post) for world, post in zip(worlds, posteriors, strict=True)]

    def after(
        known: list[pd.DataFrame], new: list[pd.DataFrame], stream: int
    ) -> list[pd.DataFrame]:
        tables = []
        for world, before, added in zip(worlds, known, new, strict=True):
            measured = world.measured(added, stream)
            tables.append(pd.concat([before, measured], ignore_index=True))
        return tables

    first = [world.measured(isoflop(world.best_size, FIRST_BUDGETS), 2) for world in worlds]
    posts = fit_all(first)
    yield "no more runs", [table[:0] for table in first], regrets(posts)
    plans: dict[str, list[pd.DataFrame]] = {
        "design": [],
        "design of more runs": [],
        "isoflop": [],
        "isoflop, sizes within a factor 4": [],
        "random": [],
    }
    for world, post in zip(worlds, posts, strict=True):
        size = best_size(post)
        plans["design"].append(designed(post, BUDGET, N_RUNS))
        plans["design of more runs"].append(designed(post, BUDGET, MORE_RUNS))
        plans["isoflop"].append(isoflop(size, SLICES))
        plans["isoflop, sizes within a factor 4"].append(isoflop(size, SLICES, 4.0))
        plans["random"].append(at_random(size, world.number))
    for name, plan in plans.items():
        yield name, plan, regrets(fit_all(after(first, plan, 3)))
    half = [designed(post, BUDGET / 2, N_RUNS // 2) for post in posts]
    known = after(first, half, 4)
    rest = []
    both = []
    for post, done in zip(fit_all(known), half, strict=True):
        remaining = designed(post, BUDGET - spent(done), N_RUNS - len(done))
        rest.append(remaining)
        both.append(pd.concat([done, remaining], ignore_index=True))
    yield "design in two rounds", both, regrets(fit_all(after(known, rest, 5)))


def ratios_of_means(regrets: pd.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Return ratios of mean regrets with standard errors, of each design to each alternative."""
    means = regrets.mean()

    def resample(seed: int) -> pd.Series:
        return regrets.sample(frac=1, replace=True, random_state=seed).mean()

    resampled = pd.DataFrame([resample(seed) for seed in range(REPLICATES)])
    alternatives = [name for name in regrets if not name.startswith("design")]
    ratios: dict[str, dict[str, dict[str, float]]] = {}
    for design in ("design", "design of more runs", "design in two rounds"):
        ratios[design] = {}
        for other in alternatives:
            ratio = float(means[design] / means[other])
            se = float((resampled[design] / resampled[other]).std())
            ratios[design][other] = {"ratio": ratio, "se": se}
    return ratios


def main() -> None:
    """Simulate all designs, print, write."""
    arguments = record.parser(__doc__).parse_args()
    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    worlds = [World(number) for number in range(QUICK_WORLDS if arguments.quick else WORLDS)]
    regrets = {}
    rows = {}
    for name, plans, regrets_of_design in play(worlds):
        regrets[name] = regrets_of_design
        rows[name] = {
            "mean_regret": float(np.mean(regrets_of_design)),
            "median_regret": float(np.median(regrets_of_design)),
            "runs": float(np.mean([len(plan) for plan in plans])),
            "share_of_budget": float(np.mean([spent(plan) for plan in plans]) / BUDGET),
        }
        print(f"{time.perf_counter() - begun:6.0f} s  {name:34}", rows[name], flush=True)
    ratios = ratios_of_means(pd.DataFrame(regrets))
    for design, comparisons in ratios.items():
        for other, comparison in comparisons.items():
            ratio = comparison["ratio"]
            print(f"{design} over {other}: {ratio:.2f} ± {comparison['se']:.2f}")
    result = {
        "worlds": len(worlds),
        "noise": NOISE,
        "budget": BUDGET,
        "target": TARGET,
        "designs": rows,
        "ratios": ratios,
        "regrets": regrets,
        "seconds": time.perf_counter() - begun,
    }
    model = record.Model(LAW, NOISE_MODEL, METHOD)
    record.write(result, RESULTS, arguments, {"model of the designs": model})


if __name__ == "__main__":
    main()
