"""This project against straightforward public alternatives: same data, same run, and what was reached beside the time.

Prints one table and writes benchmarks/results/peers.json. The data are the 240 Chinchilla runs digitised by Besiroglu et al.,
or 240 simulated runs where the originals are not to be had. Every row is a fresh process without compilation cache, in which
both sides are measured; bayescale's time is told for the first call, which compiles, and for later ones.

- **starts**: a Huber fit from 4,500 starts. `bayescale.MultiStart()` against SciPy's L-BFGS-B with a numeric gradient, one
  start at a time; SciPy runs 40 of the starts, and its time is scaled up.
- **refits**: 10,000 bootstrap refits of that fit. `bayescale.Bootstrap()`, its own search from 4,500 starts included, against
  SciPy's BFGS with gradients by autograd, one refit at a time from the best fit; SciPy runs 80, and its time is scaled up. Of
  200 refits each objective is held against the best that was found for its resample by anyone: `MultiStart` on the resampled
  rows, and SciPy from five perturbed starts.
- **posterior**: effective draws per second of the posterior (Student-t noise), cold. bayescale's methods against NumPyro's NUTS
  with its default settings, four parallel chains.

    pip install '.[bench]' && BAYESCALE_DATA=... python benchmarks/peers.py
"""

import argparse
import dataclasses
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alternatives
import numpy as np
from alternatives import DELTA, in_fresh_process, seconds_of

RESULTS = Path(__file__).parent / "results" / "peers.json"
METHODS = ("NUTS",)
RESTARTS, PERTURBATION, EQUAL = 5, 0.1, 1e-6


@dataclass(frozen=True)
class Sizes:
    """How much of everything is run; the defaults are what the table speaks of."""

    starts: int = 4500
    sampled_starts: int = 40
    refits: int = 10_000
    sampled_refits: int = 80
    checked_refits: int = 200
    draws: int = 1000
    repeats: int = 3


QUICK = Sizes(starts=500, sampled_starts=4, refits=500, sampled_refits=6, checked_refits=6, draws=200, repeats=1)


def data() -> Any:
    """The 240 runs."""
    import bayescale as bs

    try:
        return bs.datasets.load("besiroglu2024_chinchilla")
    except bs.InputError:
        budgets = np.geomspace(6e18, 3e21, 10)
        return bs.datasets.simulate(0, budgets=budgets, sizes_per_budget=24, degrees_of_freedom=3.0)


def starts(sizes: Sizes) -> dict[str, Any]:
    """Seconds for all starts, and the minimum reached."""
    import bayescale as bs

    # Names are looked up before the clock starts, since that imports what is behind them.
    runs, fit, huber, method = data(), bs.fit, bs.noise.Huber(DELTA), bs.MultiStart(starts=sizes.starts)
    seconds, fitted = seconds_of(lambda: fit(runs, noise=huber, method=method), 1 + sizes.repeats)
    per_start, best = alternatives.HuberFit(runs.frame).from_starts(alternatives.hoffmanns_starts()[: sizes.sampled_starts])
    return _timed(seconds, sizes.starts * per_start) | {
        "ours_objective": fitted.objective,
        "alternative_objective": float(best.fun),
    }


def refits(sizes: Sizes) -> dict[str, Any]:
    """Seconds for all refits, and by how much the objectives reached exceed the best known, of ours and of SciPy's."""
    import jax

    import bayescale as bs
    from bayescale.inference.base import Problem

    runs, fit, huber, method = data(), bs.fit, bs.noise.Huber(DELTA), bs.Bootstrap(replicates=sizes.refits)
    seconds, fitted = seconds_of(lambda: fit(runs, noise=huber, method=method), 1 + sizes.repeats)
    if fitted.diagnostics["failed_refits"]:
        raise RuntimeError("A refit failed, so draws and resamples cannot be matched.")
    with jax.enable_x64(True):
        counts = method.counts(Problem.build(runs, bs.laws.Chinchilla(), huber)).T[: sizes.checked_refits]
    scipy = alternatives.HuberFit(runs.frame)
    point = _coordinates(fit(runs, noise=huber, method=bs.MultiStart()))[0]
    per_refit, theirs = scipy.refits(point, counts[: sizes.sampled_refits])
    ours = np.array([scipy.objective(v, w) for v, w in zip(_coordinates(fitted), counts, strict=False)])
    best = np.array([_best_known(scipy, runs, w, point) for w in counts])
    best = np.minimum(best, ours)
    best[: len(theirs)] = np.minimum(best[: len(theirs)], theirs)
    timed = _timed(seconds, sizes.refits * per_refit)
    return timed | {
        "ours_per_refit": timed["compiled"] / sizes.refits,
        "alternative_per_refit": per_refit,
        "ours_excess": _excess(ours, best),
        "alternative_excess": _excess(theirs, best[: len(theirs)]),
    }


def posterior(sizes: Sizes, name: str) -> dict[str, float]:
    """Seconds and effective draws of one of bayescale's methods, first call and later ones."""
    import bayescale as bs

    runs, fit, method = data(), bs.fit, getattr(bs, name)()
    seconds, fitted = seconds_of(lambda: fit(runs, method=method), 1 + sizes.repeats)
    return {
        "first": seconds[0],
        "compiled": statistics.median(seconds[1:]),
        "ess": fitted.diagnostics["ess_bulk_min"],
        "ess_tail": fitted.diagnostics["ess_tail_min"],
    }


def posterior_stock(sizes: Sizes) -> dict[str, float]:
    """Seconds and effective draws of NumPyro's defaults."""
    return alternatives.posterior_stock(data(), draws=sizes.draws)


def compare(sizes: Sizes, arguments: list[str]) -> dict[str, Any]:
    """Every row."""

    def part(name: str) -> Any:
        return in_fresh_process(__file__, *arguments, "--part", name)

    runs = data()
    return {
        "data": runs.name,
        "sizes": dataclasses.asdict(sizes),
        "starts": part("starts"),
        "refits": part("refits"),
        "posterior": {name: part(name) for name in METHODS} | {"stock": part("stock")},
        **alternatives.about(),
    }


def table(result: dict[str, Any]) -> Any:
    """For the terminal."""
    from rich.table import Table

    sizes = result["sizes"]
    title = f"{result['data']}, {result['device']}, {result['cpus']} CPUs"
    shown = Table("work", "bayescale, compiled", "with compilation", "alternative", "ratio", "reached", title=title)
    for work, what, peer in (
        ("starts", f"Huber fit, {sizes['starts']:,} starts", f"SciPy, from {sizes['sampled_starts']}"),
        ("refits", f"{sizes['refits']:,} refits", f"SciPy, from {sizes['sampled_refits']}"),
    ):
        row = result[work]
        ratio, theirs = f"{row['alternative'] / row['compiled']:.0f}", f"{row['alternative']:.0f} s ({peer})"
        shown.add_row(what, f"{row['compiled']:.2f} s", f"{row['first']:.2f} s", theirs, ratio, _reached(row))
    stock = result["posterior"]["stock"]
    rate = stock["ess"] / stock["seconds"]
    for name in METHODS:
        row = result["posterior"][name]
        shown.add_row(
            f"posterior by {name}, effective draws / s",
            f"{row['ess'] / row['compiled']:,.0f}",
            f"{row['ess'] / row['first']:,.0f}",
            f"{rate:,.0f} (NumPyro, cold)",
            f"{row['ess'] / row['first'] / rate:.1f} cold",
            f"{row['ess']:,.0f} against {stock['ess']:,.0f}",
        )
    return shown


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fraction of the work, to see that everything runs; not written")
    parts = {"starts": starts, "refits": refits, "stock": posterior_stock}
    parser.add_argument("--part", choices=[*parts, *METHODS], help="measure one part in this process and print it as JSON")
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else Sizes()
    if arguments.part:
        work = parts.get(arguments.part, lambda sizes: posterior(sizes, arguments.part))
        print(json.dumps(work(sizes)))
        return
    result = compare(sizes, ["--quick"] if arguments.quick else [])
    alternatives.show(table(result))
    if not arguments.quick:
        alternatives.write(RESULTS, result)


def _timed(seconds: list[float], alternative: float) -> dict[str, float]:
    return {"first": seconds[0], "compiled": statistics.median(seconds[1:]), "alternative": alternative}


def _coordinates(fitted: Any) -> np.ndarray:
    """Of `alternatives.HuberFit`, shape (draws, 5)."""
    return np.stack(
        [*(np.log(fitted.draws(name)) for name in ("A", "B", "E")), fitted.draws("alpha"), fitted.draws("beta")], axis=1
    )


def _best_known(scipy: alternatives.HuberFit, runs: Any, counts: np.ndarray, point: np.ndarray) -> float:
    """The least objective of a resample that global and local restarts find."""
    import bayescale as bs

    rows = np.repeat(np.arange(len(runs)), counts.astype(int))
    again = bs.Runs.from_frame(runs.frame.iloc[rows].reset_index(drop=True))
    fitted = bs.fit(again, noise=bs.noise.Huber(DELTA), method=bs.MultiStart(starts=500))
    moves = PERTURBATION * np.random.default_rng(0).standard_normal((RESTARTS, len(point)))
    local = [scipy.refit(point + move, counts).fun for move in moves]
    return float(min(scipy.objective(_coordinates(fitted)[0], counts), *local))


def _excess(reached: np.ndarray, best: np.ndarray) -> dict[str, float]:
    excess = reached / best - 1
    return {"largest": float(excess.max()), "share_within_1e-6": float(np.mean(excess <= EQUAL)), "refits": len(excess)}


def _reached(row: dict[str, Any]) -> str:
    if "ours_objective" in row:
        return f"{row['ours_objective']:.12f} against {row['alternative_objective']:.12f}"
    ours, theirs = row["ours_excess"], row["alternative_excess"]
    return (
        f"best known in {ours['share_within_1e-6']:.1%}, worst {ours['largest']:.0e} over it, "
        f"against {theirs['share_within_1e-6']:.1%} and {theirs['largest']:.0e}"
    )


if __name__ == "__main__":
    main()
