"""A loss curve drawn with characters: the law and its band in braille dots, the runs as bullets,
both axes logarithmic.
"""

import math
from dataclasses import dataclass

import numpy as np
from rich.text import Text


@dataclass(frozen=True, eq=False)
class Curve:
    """The loss that a law promises along one axis, each array of shape (points,)."""

    name: str
    axis: str
    x: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    data_x: np.ndarray
    data_loss: np.ndarray


def drawn(curve: Curve, width: int, height: int = 16) -> list[Text]:
    """The curve, its band and the data as lines of text: dots for losses, both axes logarithmic."""
    margin = 7
    columns, dots = width - margin - 1, 2 * (width - margin - 1)
    log_x = np.log(curve.x)
    at = np.linspace(log_x[0], log_x[-1], dots)
    low, middle, high = (
        np.interp(at, log_x, np.log(y)) for y in (curve.low, curve.middle, curve.high)
    )
    bottom, top = (
        min(low.min(), np.log(curve.data_loss.min())),
        max(high.max(), np.log(curve.data_loss.max())),
    )
    top = max(top, bottom + 1e-3)

    def row(log_loss: np.ndarray) -> np.ndarray:
        return np.rint((top - log_loss) / (top - bottom) * (4 * height - 1)).astype(int)

    band = np.zeros((4 * height, dots), dtype=bool)
    line = np.zeros_like(band)
    before = row(middle)[0]
    for i, (first, centre, last) in enumerate(zip(row(high), row(middle), row(low), strict=True)):
        # A quarter of the dots, so that the line stays in sight within its band.
        band[first : last + 1, i] = (np.arange(first, last + 1) % 2 == 0) & (i % 2 == 0)
        line[min(before + 1, centre) : centre + 1, i] = True
        before = centre
    cells = _braille(band | line)
    on_line = line.reshape(height, 4, columns, 2).max(axis=(1, 3))
    data_column = (np.log(curve.data_x) - at[0]) / (at[-1] - at[0]) * (columns - 1)
    data = set(
        zip(
            (row(np.log(curve.data_loss)) // 4).tolist(),
            np.rint(data_column).astype(int).tolist(),
            strict=True,
        )
    )

    lines = [Text("loss, nats per token")]
    for i in range(height):
        label = (
            f"{math.exp(top - (4 * i + 1.5) / (4 * height - 1) * (top - bottom)):.3g} ┤"
            if i % 4 == 0
            else "│"
        )
        text = Text(label.rjust(margin))
        for j in range(columns):
            style = "bold cyan" if on_line[i, j] else "cyan"
            text.append(*(("•", "yellow") if (i, j) in data else (cells[i][j], style)))
        lines.append(text)
    interval = (
        "" if np.array_equal(curve.low, curve.high) else ": median, and dotted its 90 % interval"
    )
    legend = Text("• runs", "yellow").append(f"   ⠤ {curve.name}{interval}", "cyan")
    return [
        *lines,
        *_decades(at[0] / math.log(10), at[-1] / math.log(10), columns, margin),
        Text(curve.axis.rjust(width)),
        legend,
    ]


def _braille(dots: np.ndarray) -> list[str]:
    """Characters of 2 × 4 dots each, from an array of shape (4·rows, 2·columns)."""
    rows, columns = dots.shape[0] // 4, dots.shape[1] // 2
    values = np.array([[1, 8], [2, 16], [4, 32], [64, 128]])[None, :, None, :]
    codes = (dots.reshape(rows, 4, columns, 2) * values).sum(axis=(1, 3))
    return [
        "".join(chr(0x2800 + code) if code else " " for code in line) for line in codes.tolist()
    ]


def _decades(first: float, last: float, columns: int, margin: int) -> list[Text]:
    """An axis with a mark at each power of ten, as many of them labelled as there is room for."""
    axis, labels = ["─"] * columns, [" "] * (columns + margin)
    free = 0
    for exponent in range(math.ceil(first), math.floor(last) + 1):
        at = round((exponent - first) / (last - first) * (columns - 1))
        axis[at] = "┬"
        label, start = f"1e{exponent}", margin + at - 1
        if start >= free and start + len(label) <= len(labels):
            labels[start : start + len(label)] = label
            free = start + len(label) + 2
    return [Text("└".rjust(margin) + "".join(axis)), Text("".join(labels))]
