"""A table and a figure of the result of throughput.py."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from record import JsonObject

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from rich.table import Table

COLOURS = {"cpu": "#0072B2", "accelerator": "#D55E00"}
STYLES = {"float64": "-", "float32": "--"}
MIB = 2**20


def table(result: JsonObject) -> "Table":
    """Return a table of the largest call of each curve, with the main line."""
    from rich.table import Table

    devices = [f"{place}: {device}" for place, device in result["devices"].items()]
    if len(devices) == 1:
        devices.append("no accelerator")
    title = f"{result['runs']} runs, {result['cpus']} CPUs; " + "; ".join(devices)
    shown = Table("kernel", "device", "dtype", title=title, caption="\n".join(_main_lines(result)))
    for heading in (
        "units in a call",
        "seconds",
        "compilation",
        "units / s",
        "GFLOP/s",
        "GB/s",
        "of a product",
    ):
        shown.add_column(heading, justify="right")
    largest = {(p["kernel"], p["place"], p["dtype"]): p for p in result["points"]}
    for (name, place, dtype), p in largest.items():
        shown.add_row(
            name,
            place,
            dtype,
            f"{p['units']:,} {result['kernels'][name]['unit']}",
            f"{p['seconds']:.3g}",
            f"{p['compilation']:.2g}",
            f"{p['per_second']:.3g}",
            f"{p['gflops']:.3g}",
            f"{p['gigabytes']:.2g}",
            f"{p['share']:.1%}",
        )
    return shown


def draw(result: JsonObject, path: Path) -> None:
    """Draw units per second against the units of a call, one panel for each kernel."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(11, 6.2), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    legend = panels[-1]
    curves: dict[tuple[str, str, str], list[JsonObject]] = {}
    for point in result["points"]:
        curves.setdefault((point["kernel"], point["place"], point["dtype"]), []).append(point)
    for panel, (name, kernel) in zip(panels[:-1], result["kernels"].items(), strict=True):
        for (kernel_name, place, dtype), points in curves.items():
            if kernel_name == name:
                x = [point["units"] for point in points]
                y = [point["per_second"] for point in points]
                panel.loglog(x, y, STYLES[dtype], color=COLOURS[place], marker="o", markersize=3.5)
        panel.set_title(name, loc="left", fontsize=10)
        panel.set(xlabel=f"{kernel['unit']} in a call", ylabel=f"{kernel['unit']} per second")
        for axis in (panel.xaxis, panel.yaxis):
            _widen(axis)
            axis.set_minor_formatter(NullFormatter())
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    legend.axis("off")
    for place, device in result["devices"].items():
        for dtype, style in STYLES.items():
            legend.plot(
                [],
                [],
                style,
                color=COLOURS[place],
                marker="o",
                markersize=3.5,
                label=f"{device}, {dtype}",
            )
    title = f"{result['runs']} runs, {result['cpus']} CPUs"
    legend.legend(loc="upper left", frameon=False, title=title, alignment="left")
    figure.savefig(path, dpi=110)


def _widen(axis: "Axis") -> None:
    """Extend an axis to powers of ten.

    Otherwise it would have no labels, and noise would look like a trend.
    """
    low, high = axis.get_data_interval()
    lower_power = 10.0 ** math.floor(math.log10(low))
    upper_power = 10.0 ** math.ceil(math.log10(high))
    axis.set_view_interval(lower_power, upper_power, ignore=True)


def _main_lines(result: JsonObject) -> list[str]:
    lines = []
    for place, line in result["main_line"].items():
        peak = line["resident_peak"] / MIB
        before = line["resident_before"] / MIB
        memory = f"{peak:,.0f} MiB resident at most, {before:,.0f} before"
        if line["device_peak"]:
            memory += f", {line['device_peak'] / MIB:,.0f} on the device"
        lines.append(
            f"{line['nodes'] / 1e6:.3g} million nodes, evidence included, on the {place}: "
            f"{line['seconds']:.3g} s, "
            f"{line['per_second']:.3g} nodes/s,\n{line['share']:.0%} of the rate of its products "
            f"alone "
            f"({line['products_alone']:.3g} s); {memory}"
        )
    return lines
