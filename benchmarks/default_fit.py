"""The default fit by stages, beside NUTS of the same model, and many such fits in one call.

The data are the 64 runs of `bayescale fit`, and the 240 Chinchilla runs where they can be had.
Every part is a fresh process without compilation cache. Stages of the default fit are importing,
the first fit, which compiles, a second fit, plans at three budgets, and saving; memory is the peak
of the process after the fits. Effective draws are those of the worst parameter, per second of a fit
that compiles nothing. Batches are of simulated sweeps of 30 runs; fits per second are of a second
call with other sweeps of the same shape. Prints one table and writes
benchmarks/results/default_fit.json.

    python benchmarks/default_fit.py
"""

import json
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import alternatives
import numpy as np
import record
from alternatives import in_fresh_process, seconds_of
from record import JsonObject

if TYPE_CHECKING:
    from rich.table import Table

    import bayescale as bs
    from bayescale.inference.base import Method

RESULTS = record.RESULTS / "default_fit.json"
DATA_SETS = ("bayescale2026_sweep", "besiroglu2024_chinchilla")
METHODS = ("default", "nuts")
BUDGETS = (1.0, 10.0, 100.0)


@dataclass(frozen=True)
class Sizes:
    """Sizes of all measurements; the defaults are those of the table."""

    data_sets: tuple[str, ...] = DATA_SETS
    batches: tuple[int, ...] = (1, 8, 64, 512)
    nuts_batches: tuple[int, ...] = (1, 8)
    repeats: int = 3
    nuts_draws: int = 1000


QUICK = Sizes(data_sets=DATA_SETS[:1], batches=(1, 4), nuts_batches=(), repeats=1, nuts_draws=100)


def models() -> dict[str, record.Model]:
    """Return what is fitted."""
    import bayescale as bs

    return {"default": record.Model(), "nuts": record.Model(method=bs.NUTS())}


def method_of(name: str, sizes: Sizes) -> "Method | None":
    """Return the method of a name of METHODS; None is the default."""
    import bayescale as bs

    if name == "default":
        return None
    return bs.NUTS(draws=sizes.nuts_draws, warmup=min(500, sizes.nuts_draws))


def one(name: str, data_set: str, sizes: Sizes) -> JsonObject:
    """Return seconds by stage, effective draws and memory of fits of one data set."""
    begun = time.perf_counter()
    import bayescale as bs

    fit, allocate, method = bs.fit, bs.allocate, method_of(name, sizes)
    imported = time.perf_counter() - begun
    runs = bs.datasets.load(data_set)
    seconds, posterior = seconds_of(lambda: fit(runs, method=method), 1 + sizes.repeats)
    memory = peak_memory()
    budgets = runs.six_nd.max() * np.array(BUDGETS)
    (planned,), _ = seconds_of(lambda: allocate(posterior, budgets), 1)
    with tempfile.TemporaryDirectory() as folder:
        (saved,), _ = seconds_of(lambda: posterior.save(Path(folder, "post.nc")), 1)
    diagnostics = posterior.diagnostics
    # The effective number of resampled draws is limited by their number and by their proposals'.
    independent = min(diagnostics.get("ess_importance", 0.0), posterior.n_draws)
    return {
        "runs": len(runs),
        "import": imported,
        "first_fit": seconds[0],
        "later_fit": statistics.median(seconds[1:]),
        "plans": planned,
        "save": saved,
        "ess": diagnostics.get("ess_bulk_min", independent),
        "fitted_by": type(posterior.method).__name__,
        "peak_memory": memory,
    }


def many(name: str, count: int, sizes: Sizes) -> JsonObject:
    """Return fits per second of a call with ``count`` sweeps, once compiled, and memory."""
    import bayescale as bs
    from bayescale import defaults

    law = defaults.law()
    method = method_of(name, sizes) or defaults.method()
    first, second = sweeps(count, 0), sweeps(count, count)
    noise = defaults.noise(law)

    def fit_all(some: "list[bs.Runs]") -> int:
        done = bs.batch(some, laws=[law], noises=[noise], method=method)
        return len(done.posteriors)

    (compiling,), _ = seconds_of(lambda: fit_all(first), 1)
    (seconds,), fits = seconds_of(lambda: fit_all(second), 1)
    return {
        "fits": fits,
        "first_call": compiling,
        "later_call": seconds,
        "fits_per_second": fits / seconds,
        "peak_memory": peak_memory(),
    }


def sweeps(count: int, first_seed: int) -> "list[bs.Runs]":
    """Return simulated sweeps of 30 runs without groups."""
    import bayescale as bs

    budgets = np.geomspace(1e18, 1e20, 6)
    made = []
    for seed in range(first_seed, first_seed + count):
        simulated = bs.datasets.simulate(seed, budgets=budgets, sizes_per_budget=5)
        frame = simulated.frame.drop(columns="group", errors="ignore")
        made.append(bs.Runs(frame, f"simulated {seed}"))
    return made


def peak_memory() -> int:
    """Return the peak resident memory of this process, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def compare(sizes: Sizes) -> JsonObject:
    """Measure every part, each in a process of its own."""
    options = ["--quick"] if sizes == QUICK else []

    def part(*words: str) -> Any:
        return in_fresh_process(__file__, *options, "--part", *words)

    fits: JsonObject = {}
    for data_set in sizes.data_sets:
        fits[data_set] = {name: part("one", name, data_set) for name in METHODS}
    batches: JsonObject = {}
    for name, counts in zip(METHODS, (sizes.batches, sizes.nuts_batches), strict=True):
        batches[name] = {str(count): part("many", name, str(count)) for count in counts}
    return {"fits": fits, "batches": batches}


def tables(result: JsonObject) -> "list[Table]":
    """Return the tables for the terminal."""
    from rich.table import Table

    fits = Table(
        *("runs", "method", "import", "first fit", "later fit", "plans", "save"),
        *("effective draws / s", "memory"),
        title="Seconds by stage",
    )
    for by_method in result["fits"].values():
        for name, row in by_method.items():
            stages = ("import", "first_fit", "later_fit", "plans", "save")
            seconds = [f"{row[stage]:.2f}" for stage in stages]
            rate = f"{row['ess'] / row['later_fit']:,.0f}"
            fits.add_row(str(row["runs"]), name, *seconds, rate, megabytes(row))
    batches = Table("fits in a call", "method", "fits / s", "memory", title="Batches")
    for name, by_count in result["batches"].items():
        for count, row in by_count.items():
            batches.add_row(count, name, f"{row['fits_per_second']:.2f}", megabytes(row))
    return [fits, batches]


def megabytes(row: JsonObject) -> str:
    """Return the peak memory of a part, as text."""
    return f"{row['peak_memory'] / 1e6:,.0f} MB"


def main() -> None:
    """Measure, print, write."""
    parser = record.parser(__doc__)
    parser.add_argument(
        "--part",
        nargs="+",
        metavar="WORD",
        help="measure one part in this process and print it as JSON",
    )
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else available(Sizes())
    if arguments.part:
        kind, name, about = arguments.part
        row = one(name, about, sizes) if kind == "one" else many(name, int(about), sizes)
        print(json.dumps(row))
        return
    result = compare(sizes)
    for table in tables(result):
        alternatives.show(table)
    record.write(result, RESULTS, arguments, models())


def available(sizes: Sizes) -> Sizes:
    """Return sizes with the data sets that can be loaded here."""
    from dataclasses import replace

    import bayescale as bs

    found = []
    for name in sizes.data_sets:
        try:
            bs.datasets.load(name)
        except bs.InputError as error:
            print(f"{name} is left out: {error}")
        else:
            found.append(name)
    return replace(sizes, data_sets=tuple(found))


if __name__ == "__main__":
    main()
