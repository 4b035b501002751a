"""Estimates of what an accelerator does, without one: work, memory, and numbers of fewer bits.

The first table has, for a call of the size that is quoted, operations and bytes as throughput.py
counts them, their ratio, and how long an H100 takes for them at least: its peak in double
precision, on tensor cores for products of matrices, or its memory's bandwidth, whichever is longer.
Launches are the parts of the call (`bayescale.kernels.sizes`) times the kernels of one part, as XLA
compiled them for an H100; each takes some microseconds, one after another. The time to expect is
the sum of both.

The second table is the evidence of 240 runs over a grid of exponents, in float32, with products of
all bits, of the eleven bits that a GPU takes by default (TF32), and of the eight of a TPU
(bfloat16). The inputs of the product are rounded here, which is what those devices do. Errors are
against float64: of the log evidence, and of the quantiles of both exponents in posterior standard
deviations.

    python benchmarks/roofline.py
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import alternatives
import numpy as np
import record
import throughput
from record import JsonObject

if TYPE_CHECKING:
    from rich.table import Table

    from bayescale.kernels.additive_grid import PowerColumns

RESULTS = record.RESULTS / "roofline.json"
EXPONENTS, QUICK_EXPONENTS = 400, 60
PROBABILITIES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Significant bits, the first included.
BITS = {"float32, all bits": 24, "TF32, a GPU's default": 11, "bfloat16, a TPU's default": 8}


@dataclass(frozen=True)
class Card:
    """Peaks of an accelerator in double precision, from its data sheet.

    Attributes
    ----------
    vector, tensor : float
        Operations per second, plain and in products of matrices.
    bandwidth : float
        Bytes per second.
    launch : float
        Seconds from a small kernel to the next that waits for it.
    """

    vector: float = 34e12
    tensor: float = 67e12
    bandwidth: float = 3.35e12
    launch: float = 4e-6


@dataclass(frozen=True)
class Call:
    """A call of a kernel, as it is quoted.

    Attributes
    ----------
    kernel : str
        Of throughput.py.
    work : str
    units : int
    arrays : float
        Numbers that one unit writes and reads in memory, where parts exceed caches.
    launches : callable
        Function from the sizes of a card to the number of its kernels, one after another.
    """

    kernel: str
    work: str
    units: int
    arrays: float
    launches: Callable[[JsonObject], float]


def _evidence(sizes: JsonObject) -> float:
    tiles = math.ceil(9800 / sizes["rows"]) * math.ceil(9800 / sizes["columns"])
    return 33 * tiles


def _refits(sizes: JsonObject) -> float:
    return math.ceil(10_000 / sizes["members"]) * (12 * 35 + 3 * 24)


def _cells(sizes: JsonObject) -> float:
    return math.ceil(20**5 / sizes["cells"]) * 2 * throughput.RUNS


def _surface(sizes: JsonObject) -> float:
    return 16 * math.ceil(1e8 / sizes["values"])


# Kernels of a part were counted in programs that XLA compiled for an H100 from its plugin's wheels.
CALLS = (
    Call("grid_evidence", "96 million pairs of exponents", 9800**2, 8, _evidence),
    Call("refit", "10,000 bootstrap replicates", 10_000, 15 * 10 * throughput.RUNS, _refits),
    Call("objective_grid", "3.2 million cells of five parameters", 20**5, 2 * 240, _cells),
    Call("predictive_surface", "100 million draws of cells", 100_000_000, 24, _surface),
)


def expected(call: Call, card: Card, sizes: JsonObject) -> JsonObject:
    """Return operations, bytes, and the seconds that a card needs for them."""
    kernel = throughput.KERNELS[call.kernel]
    operations, moved = kernel.operations * call.units, 8 * call.arrays * call.units
    peak = card.tensor if call.kernel == "grid_evidence" else card.vector
    roofline = max(operations / peak, moved / card.bandwidth)
    launches = call.launches(sizes)
    return {
        "kernel": call.kernel,
        "work": call.work,
        "operations": operations,
        "bytes": moved,
        "intensity": operations / moved,
        "roofline": roofline,
        "launches": launches,
        "expected": roofline + card.launch * launches,
    }


def shortened(values: np.ndarray, bits: int) -> np.ndarray:
    """Return numbers rounded to some significant bits."""
    fraction, exponent = np.frexp(values)
    return np.ldexp(np.round(np.ldexp(fraction, bits)), exponent - bits)


def precision(exponents: int) -> JsonObject:
    """Return the errors of an evidence in float32, by the bits that its products keep."""
    import jax

    frame = throughput.simulated().frame
    with jax.enable_x64(True):
        exact = _summary(*throughput.tables(frame, exponents))
    errors = {}
    for name, bits in BITS.items():
        with jax.enable_x64(False):
            u, v, response = throughput.tables(frame, exponents)
            found = _summary(_rounded(u, bits), _rounded(v, bits), response)
        away = np.abs(found["quantiles"] - exact["quantiles"]) / exact["sd"]
        errors[name] = {
            "log_evidence": abs(found["log_evidence"] - exact["log_evidence"]),
            "quantile": float(away.max()),
        }
    return errors


def _rounded(columns: "PowerColumns", bits: int) -> "PowerColumns":
    import jax.numpy as jnp

    unit = np.asarray(columns.unit)
    return columns._replace(unit=jnp.asarray(shortened(unit, bits).astype(unit.dtype)))


def _summary(*tables: object) -> JsonObject:
    """Return the log evidence, and quantiles and standard deviations of both exponents in steps of
    the grid, shapes (5, 2) and (2,).
    """
    from bayescale.kernels import grid_evidence

    evidence = grid_evidence(*tables)
    quantiles, deviations = [], []
    for log_mass in (evidence.rows, evidence.columns):
        logs = np.asarray(log_mass, np.float64)
        mass = np.exp(logs - logs.max())
        mass /= mass.sum()
        steps = np.arange(len(mass))
        middle = np.cumsum(mass) - mass / 2
        quantiles.append(np.interp(PROBABILITIES, middle, steps))
        mean = float(mass @ steps)
        deviations.append(math.sqrt(float(mass @ (steps - mean) ** 2)))
    return {
        "log_evidence": float(evidence.log_evidence),
        "quantiles": np.stack(quantiles, axis=1),
        "sd": np.array(deviations),
    }


def table(result: JsonObject) -> "Table":
    """Return a row for each kernel and for each precision."""
    from bayescale.terminal.style import table as styled

    shown = styled(["kernel", "at the roofline", "launches", "expected"], left=["kernel"])
    for row in result["kernels"]:
        shown.add_row(
            row["work"],
            f"{1e3 * row['roofline']:.2g} ms",
            f"{row['launches']:,.0f}",
            f"{1e3 * row['expected']:.2g} ms",
        )
    for name, errors in result["precision"].items():
        shown.add_row(name, "", "", f"log evidence off by {errors['log_evidence']:.2g}")
    return shown


def main() -> None:
    """Count, print, write."""
    parser = record.parser(__doc__)
    arguments = parser.parse_args()
    from bayescale.kernels.sizes import BY_PLATFORM

    sizes = BY_PLATFORM["gpu"]._asdict()
    result = {
        "card": asdict(Card()),
        "sizes": sizes,
        "kernels": [expected(call, Card(), sizes) for call in CALLS],
        "precision": precision(QUICK_EXPONENTS if arguments.quick else EXPONENTS),
    }
    alternatives.show(table(result))
    record.write(result, RESULTS, arguments, {})


if __name__ == "__main__":
    main()
