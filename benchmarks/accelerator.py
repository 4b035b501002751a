"""Gains by an accelerator, in one command: each part on the CPU of the machine and on the card.

Parts, each in a fresh process on each device, without compilation cache:

    agreement           largest relative difference between the results of both, for each kernel
    grid                the evidence over 96 million pairs of exponents, tables included
    refits              10,000 bootstrap replicates of a Huber fit of 240 runs
    surface             100 million draws of cells of a predictive surface
    fits                512 default fits of 30 runs in one call, and NUTS for eight of them
    kernels of throughput.py, by the size of a call

The crossover of a kernel is the smallest call that the card finishes sooner than the CPU. Memory is
the peak on the device, or of the process. On a machine without an accelerator there is one column.

Each part is saved in the folder --cells when it is done, and is not measured again: after an
interruption, or where minutes with a card are counted, the same command continues. Prints one table
and writes benchmarks/results/accelerator.json.

    python benchmarks/accelerator.py
    python benchmarks/accelerator.py --only grid,refits
"""

import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import alternatives
import numpy as np
import record
import throughput
from alternatives import in_fresh_process
from record import JsonObject

if TYPE_CHECKING:
    from rich.table import Table

RESULTS = record.RESULTS / "accelerator.json"
PLACES = throughput.PLACES


@dataclass(frozen=True)
class Sizes:
    """Sizes of all measurements; the defaults are those of the table."""

    exponents: int = throughput.MAIN_EXPONENTS
    refits: int = 10_000
    surface: int = 100_000_000
    fits: int = 512
    nuts_fits: int = 8
    kernel_sizes: int | None = None


QUICK = Sizes(exponents=600, refits=500, surface=400_000, fits=2, nuts_fits=0, kernel_sizes=1)


def timed_part(name: str, growth: float) -> JsonObject:
    """Time a kernel of throughput.py in double precision, compiled and not."""
    import jax

    with jax.enable_x64(True):
        units, call = throughput.KERNELS[name].prepare(growth)
        compilation, seconds = throughput.timed(call)
    measured = {"units": units, "compilation": compilation, "seconds": seconds}
    return measured | throughput.memory()


def grid(sizes: Sizes) -> JsonObject:
    """Time the evidence of a large grid."""
    return throughput.main_line(sizes.exponents)


def refits(sizes: Sizes) -> JsonObject:
    """Time bootstrap replicates."""
    return timed_part("refit", sizes.refits / 64)


def surface(sizes: Sizes) -> JsonObject:
    """Time a predictive surface."""
    return timed_part("predictive_surface", sizes.surface / (4 * throughput.DRAWS))


def fits(sizes: Sizes) -> JsonObject:
    """Time default fits in one call, and the same by NUTS one after another."""
    import bayescale as bs

    sweeps = [bs.datasets.simulate(seed, sizes_per_budget=6) for seed in range(2 * sizes.fits)]
    laws, noises = [bs.laws.Coupled()], [bs.noise.Discrepancy()]
    wanted = ((bs.Importance(), sizes.fits), (bs.NUTS(), sizes.nuts_fits))
    measured = {}
    for method, count in wanted:
        if not count:
            continue
        # The second call has other sweeps of the same shape, and compiles nothing.
        for runs in (sweeps[:count], sweeps[-count:]):
            begun = time.perf_counter()
            done = bs.batch(runs, laws=laws, noises=noises, method=method)
            seconds = time.perf_counter() - begun
        failed = int(done.frame["error"].notna().sum()) if "error" in done.frame else 0
        name = type(method).__name__
        measured[name] = {"fits": count, "seconds": seconds, "failed": failed}
    return measured | throughput.memory()


def kernel(name: str, sizes: Sizes) -> JsonObject:
    """Time a kernel by the size of a call."""
    return {"points": throughput.curve(name, "", sizes.kernel_sizes)}


def agreement(sizes: Sizes) -> JsonObject:
    """Return results of each kernel in double precision, of one small call."""
    import jax

    results = {}
    for name in throughput.KERNELS:
        with jax.enable_x64(True):
            _, call = throughput.KERNELS[name].prepare(1.0)
            leaves = jax.tree.leaves(jax.device_get(call()))
        numbers = np.concatenate([np.ravel(leaf).astype(float) for leaf in leaves])
        results[name] = numbers[np.isfinite(numbers)].tolist()
    return results


PARTS: dict[str, Callable[[Sizes], JsonObject]] = {
    "agreement": agreement,
    "grid": grid,
    "refits": refits,
    "surface": surface,
    "fits": fits,
    **{name: partial(kernel, name) for name in throughput.KERNELS},
}


def finished(folder: Path, names: list[str], places: list[str], quick: bool) -> JsonObject:
    """Return all parts: saved ones from the folder, and new ones, which are saved there."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: JsonObject = {}
    for name in names:
        parts[name] = {}
        for place in places:
            path = folder / f"{name}_{place}.json"
            parts[name][place] = record.saved(path, partial(_told, name, place, quick))
    return parts


def _told(name: str, place: str, quick: bool) -> JsonObject:
    """Return a part, measured in a process of its own, and print how long it took."""
    begun = time.perf_counter()
    options = ["--quick"] if quick else []
    new: JsonObject = in_fresh_process(__file__, *options, "--part", name, place)
    print(f"{name} on {place}: {time.perf_counter() - begun:.0f} s", flush=True)
    return new


def difference(results: JsonObject) -> JsonObject:
    """Return the largest relative difference between the results on two devices, by kernel."""
    if len(results) < 2:
        return {}
    here, there = (results[place] for place in PLACES)
    found = {}
    for name, numbers in here.items():
        one, other = np.array(numbers), np.array(there[name])
        found[name] = float(np.max(np.abs(one - other) / np.maximum(np.abs(one), 1e-300)))
    return found


def crossover(points: JsonObject) -> int | None:
    """Return the units of the smallest call in double precision that the card finishes sooner;
    None where there is no such call or no card.
    """
    seconds: dict[str, dict[int, float]] = {}
    for place, part in points.items():
        doubles = [point for point in part["points"] if point["dtype"] == "float64"]
        seconds[place] = {point["units"]: point["seconds"] for point in doubles}
    if len(seconds) < 2:
        return None
    cpu, card = (seconds[place] for place in PLACES)
    sooner = [units for units in cpu if units in card and card[units] < cpu[units]]
    return min(sooner, default=None)


def table(result: JsonObject) -> "Table":
    """Return a row for each part: seconds on each device."""
    from bayescale.terminal.style import table as styled

    places = list(result["devices"])
    shown = styled(["part", *places, "ratio"], left=["part"])
    for name, seconds in result["seconds"].items():
        cells = [f"{seconds[place]:.3g} s" if place in seconds else "-" for place in places]
        both = [seconds.get(place, math.nan) for place in PLACES]
        ratio = both[0] / both[1]
        shown.add_row(name, *cells, f"{ratio:.2g}" if math.isfinite(ratio) else "-")
    for name, units in result["crossover"].items():
        shown.add_row(f"{name} from", *[""] * len(places), f"{units:,}" if units else "-")
    return shown


def seconds_of_parts(parts: JsonObject) -> JsonObject:
    """Return the seconds of each part that is one number, by place."""
    seconds: JsonObject = {}
    for name, by_place in parts.items():
        for place, part in by_place.items():
            if "seconds" in part:
                seconds.setdefault(name, {})[place] = part["seconds"]
            for method in ("Importance", "NUTS"):
                if method in part:
                    label = f"{part[method]['fits']} fits by {method}"
                    seconds.setdefault(label, {})[place] = part[method]["seconds"]
    return seconds


def main() -> None:
    """Measure the missing parts, print, write."""
    parser = record.parser(__doc__)
    parser.add_argument("--part", nargs=2, metavar=("NAME", "PLACE"), help="measure one part here")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to measure")
    parser.add_argument(
        "--cells", type=Path, default=RESULTS.with_name("accelerator_cells"), help="saved parts"
    )
    arguments = parser.parse_args()
    if arguments.part:
        name, place = arguments.part
        if place == "cpu":
            os.environ["JAX_PLATFORMS"] = "cpu"
        measure = record.device if name == "device" else None
        sizes = QUICK if arguments.quick else Sizes()
        print(json.dumps(measure() if measure else PARTS[name](sizes)))
        return
    cells = Path(tempfile.mkdtemp()) if arguments.quick and not arguments.out else arguments.cells
    devices = {place: in_fresh_process(__file__, "--part", "device", place) for place in PLACES}
    if devices["accelerator"] == devices["cpu"]:
        del devices["accelerator"]
    names = arguments.only.split(",")
    parts = finished(cells, names, list(devices), arguments.quick)
    differences = difference(parts.pop("agreement", {}))
    kernels = {name: parts.pop(name) for name in throughput.KERNELS if name in parts}
    result = {
        "devices": devices,
        "differences": differences,
        "seconds": seconds_of_parts(parts),
        "crossover": {name: crossover(points) for name, points in kernels.items()},
        "parts": parts,
        "kernels": kernels,
    }
    alternatives.show(table(result))
    record.write(result, RESULTS, arguments, {"default": record.Model()})


if __name__ == "__main__":
    sys.exit(main())
