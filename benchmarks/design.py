"""Regret of the size chosen at 100 times the compute, after runs that `bayescale.design` chose and after others of equal cost.

200 worlds: constants of the Chinchilla law, a sweep of 15 cheap runs with 1 % of noise, then a budget that pays for 15 runs of an
isoFLOP grid. Each design spends it; the law is fitted to all runs that the design has, the size at 100 times the dearest run
allowed is the posterior's median of N*, and its loss less the best is the regret. Random runs lie anywhere in the range of the
candidates. Prints the ratios with Monte Carlo errors; writes benchmarks/results/design.json.

    python benchmarks/design.py
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from alternatives import about

import bayescale as bs
from bayescale.decisions.design import Design

RESULTS = Path(__file__).parent / "results" / "design.json"
WORLDS, NOISE = 200, 0.01
FIRST_BUDGETS, FIRST_SIZES = (1e18, 3e18, 1e19), 5
# What a run may cost: from the cheapest of the first sweep to ten times its dearest.
CHEAPEST, DEAREST, SPREAD = 1e18, 1e20, 8.0
SLICES, SIZES = (1e19, 10**19.5, 1e20), 5
BUDGET = SIZES * sum(SLICES)
TARGET = 100 * DEAREST
GRID_BUDGETS, GRID_SIZES = 13, 17
METHOD = bs.Importance(draws=1000)
MODEL = {"laws": [bs.laws.Chinchilla()], "noises": [bs.noise.Normal()], "method": METHOD}
Truth = dict[str, float]


def world(rng: np.random.Generator) -> Truth:
    """Constants like those published: two terms of 0.05 to 0.6 nats in the middle of a sweep, above a floor of 1.4 to 2.2."""
    alpha, beta = np.exp(rng.normal(np.log(0.35), 0.2, size=2))
    excess = np.exp(rng.uniform(np.log(0.05), np.log(0.6), size=2))
    return {
        "E": float(rng.uniform(1.4, 2.2)),
        "A": float(excess[0] * 5e8**alpha),
        "B": float(excess[1] * 1e10**beta),
        "alpha": float(alpha),
        "beta": float(beta),
    }


def loss(truth: Truth, n_params: np.ndarray, n_tokens: np.ndarray) -> np.ndarray:
    """Of the law, nats per token."""
    return truth["E"] + truth["A"] / n_params ** truth["alpha"] + truth["B"] / n_tokens ** truth["beta"]


def measured(truth: Truth, table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The runs of a table with losses."""
    errors = NOISE * rng.standard_normal(len(table))
    return table.assign(loss=loss(truth, table["n_params"].to_numpy(), table["n_tokens"].to_numpy()) * np.exp(errors))


def best_size(post: bs.Posterior, compute: np.ndarray) -> np.ndarray:
    """The posterior's median of N*, shape of ``compute``."""
    return np.median(bs.allocate(post, compute).draws["n_params"].to_numpy(), axis=0)


def at(compute: np.ndarray, n_params: np.ndarray) -> pd.DataFrame:
    """Runs of sizes at budgets."""
    return pd.DataFrame({"n_params": n_params, "n_tokens": compute / (6 * n_params)})


def candidates(post: bs.Posterior) -> pd.DataFrame:
    """What `design` chooses from: budgets in the range of a run, with sizes about the best of what is known."""
    compute = np.geomspace(CHEAPEST, DEAREST, GRID_BUDGETS)
    factors = np.geomspace(1 / SPREAD, SPREAD, GRID_SIZES)
    return at(np.repeat(compute, GRID_SIZES), np.outer(best_size(post, compute), factors).ravel())


def designed(post: bs.Posterior, rng: np.random.Generator) -> tuple[pd.DataFrame, Design]:
    plan = bs.design(post, BUDGET, compute=TARGET, candidates=candidates(post), n_runs=SIZES * len(SLICES))
    return plan.frame[["n_params", "n_tokens"]], plan


def isoflop(post: bs.Posterior, slices: tuple[float, ...], sizes: int, spread: float) -> pd.DataFrame:
    compute = np.repeat(slices, sizes)
    factors = np.tile(np.geomspace(1 / spread, spread, sizes), len(slices))
    return at(compute, best_size(post, compute) * factors)


def at_random(post: bs.Posterior, rng: np.random.Generator) -> pd.DataFrame:
    """Budgets evenly in their logarithm, and sizes about the best; the last run is as large as what is left allows."""
    compute: list[float] = []
    while (left := BUDGET - sum(compute)) > CHEAPEST:
        compute.append(min(float(np.exp(rng.uniform(np.log(CHEAPEST), np.log(DEAREST)))), left))
    budgets = np.array(compute)
    return at(budgets, best_size(post, budgets) * np.exp(rng.uniform(-np.log(SPREAD), np.log(SPREAD), size=len(budgets))))


def fitted(tables: list[pd.DataFrame]) -> list[bs.Posterior]:
    return list(bs.batch([bs.Runs.from_frame(one) for one in tables], **MODEL).posteriors.values())


def regret(truth: Truth, post: bs.Posterior) -> float:
    """Of the size that the posterior would choose at the target, nats per token."""
    chosen = best_size(post, np.array([TARGET]))
    best = np.asarray(bs.laws.Chinchilla().optimal_n_params(truth, TARGET))
    return float(loss(truth, chosen, TARGET / (6 * chosen))[0] - loss(truth, best, TARGET / (6 * best)))
if __name__ == "__main__":
    import sys
    warnings.simplefilter("ignore")
    W = int(sys.argv[1])
    t=time.time()
    rng = np.random.default_rng(0)
    truths = [world(rng) for _ in range(W)]
    first = [measured(t, at(np.repeat(FIRST_BUDGETS, FIRST_SIZES), np.repeat([float(bs.laws.Chinchilla().optimal_n_params(t,c)) for c in FIRST_BUDGETS],FIRST_SIZES)*np.tile(np.geomspace(1/SPREAD,SPREAD,FIRST_SIZES),3)), rng) for t in truths]
    posts = fitted(first); print("first", time.time()-t)
    plans = {"design": [designed(p, rng)[0] for p in posts]}
    print("designs", time.time()-t)
    plans["random"] = [at_random(p, rng) for p in posts]
    plans["iso3"] = [isoflop(p, SLICES, SIZES, SPREAD) for p in posts]
    plans["iso3n"] = [isoflop(p, SLICES, SIZES, 4.) for p in posts]
    plans["isotop"] = [isoflop(p, (1e20,), 7, SPREAD) for p in posts]
    out = {"first": [regret(t,p) for t,p in zip(truths, posts)]}
    for k, v in plans.items():
        ps = fitted([pd.concat([f, measured(t, x, rng)], ignore_index=True) for f,t,x in zip(first, truths, v)])
        out[k] = [regret(t,p) for t,p in zip(truths, ps)]
        print(k, time.time()-t if False else '', np.mean([len(x) for x in v]), np.mean([6*(x.n_params*x.n_tokens).sum() for x in v])/BUDGET, flush=True)
    r = pd.DataFrame(out); r.to_csv('/tmp/h/r.csv')
    print(r.describe().to_string()); m=r.mean(); print(m['design']/m, r.median())
    b=[(lambda x: x['design']/x)(r.sample(len(r),replace=True,random_state=i).mean()) for i in range(300)]
    print(pd.DataFrame(b).std())
