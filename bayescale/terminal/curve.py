"""A loss curve drawn with characters, both axes logarithmic.

Braille dots are the law and its band, bullets are the runs.
"""

import math
from dataclasses import dataclass

import numpy as np
from rich.text import Text

# Cells left of the axis, for its labels.
_MARGIN = 7
# Dots of one braille character.
_DOTS_DOWN = 4
_DOTS_ACROSS = 2


@dataclass(frozen=True, eq=False)
class Curve:
    """The loss that a law predicts along one axis, and the runs.

    Attributes
    ----------
    name : str
        What the curve is, for the legend.
    axis : str
        Label of the horizontal axis, with its unit.
    x : ndarray of shape (points,)
        Positions, ascending.
    low, middle, high : ndarray of shape (points,)
        5 %, 50 % and 95 % quantiles of the loss.
    data_x, data_loss : ndarray of shape (runs,)
        Position and loss of each run.
    response : str
        Label of the vertical axis, with its unit.
    """

    name: str
    axis: str
    x: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    data_x: np.ndarray
    data_loss: np.ndarray
    response: str


@dataclass(frozen=True)
class _Scale:
    """The vertical axis: the logarithm of the loss over the rows of dots, from the top."""

    top: float
    bottom: float
    rows: int

    def row(self, log_loss: np.ndarray) -> np.ndarray:
        """Return the row of dots of each loss."""
        share = (self.top - log_loss) / (self.top - self.bottom)
        return np.rint(share * (self.rows - 1)).astype(int)

    def loss(self, row: float) -> float:
        """Return the loss at a row of dots."""
        return math.exp(self.top - row / (self.rows - 1) * (self.top - self.bottom))


def draw_curve(curve: Curve, width: int, height: int = 16) -> list[Text]:
    """Return the curve, its band and the data as lines of text.

    Parameters
    ----------
    curve : Curve
    width : int
        Characters of a line.
    height : int
        Lines of the plot, without its labels and legend.
    """
    columns = width - _MARGIN - 1
    log_x = np.log(curve.x)
    positions = np.linspace(log_x[0], log_x[-1], _DOTS_ACROSS * columns)
    low = np.interp(positions, log_x, np.log(curve.low))
    middle = np.interp(positions, log_x, np.log(curve.middle))
    high = np.interp(positions, log_x, np.log(curve.high))
    log_data = np.log(curve.data_loss)
    bottom = min(low.min(), log_data.min())
    top = max(high.max(), log_data.max(), bottom + 1e-3)
    scale = _Scale(top, bottom, _DOTS_DOWN * height)

    line = _line(scale.row(middle), scale.rows)
    band = _band(scale.row(high), scale.row(low), scale.rows)
    characters = _braille(band | line)
    on_line = line.reshape(height, _DOTS_DOWN, columns, _DOTS_ACROSS).max(axis=(1, 3))

    data_share = (np.log(curve.data_x) - positions[0]) / (positions[-1] - positions[0])
    data_columns = np.rint(data_share * (columns - 1)).astype(int)
    data_rows = scale.row(log_data) // _DOTS_DOWN
    data = set(zip(data_rows.tolist(), data_columns.tolist(), strict=True))

    lines = [Text(curve.response)]
    for i in range(height):
        # The middle of the line lies between its second and its third dot.
        label = f"{scale.loss(_DOTS_DOWN * i + 1.5):.3g} ┤" if i % 4 == 0 else "│"
        text = Text(label.rjust(_MARGIN))
        for j in range(columns):
            if (i, j) in data:
                text.append("•", "yellow")
            else:
                text.append(characters[i][j], "bold cyan" if on_line[i, j] else "cyan")
        lines.append(text)
    decades = positions / math.log(10)
    lines += _decade_axis(decades[0], decades[-1], columns)
    lines.append(Text(curve.axis.rjust(width)))
    lines.append(_legend(curve))
    return lines


def _line(rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the dots of a line, shape (rows, columns), joined from each column to the next."""
    dots = np.zeros((n_rows, len(rows)), dtype=bool)
    before = rows[0]
    for column, row in enumerate(rows):
        dots[min(before + 1, row) : row + 1, column] = True
        before = row
    return dots


def _band(tops: np.ndarray, bottoms: np.ndarray, n_rows: int) -> np.ndarray:
    """Return the dots of a band, shape (rows, columns): a quarter, so that the line is in sight."""
    dots = np.zeros((n_rows, len(tops)), dtype=bool)
    for column in range(0, len(tops), 2):
        rows = np.arange(tops[column], bottoms[column] + 1)
        dots[rows, column] = rows % 2 == 0
    return dots


def _braille(dots: np.ndarray) -> list[str]:
    """Return one character for every 4 × 2 dots of an array of shape (4·rows, 2·columns)."""
    rows, columns = dots.shape[0] // _DOTS_DOWN, dots.shape[1] // _DOTS_ACROSS
    values = np.array([[1, 8], [2, 16], [4, 32], [64, 128]])[None, :, None, :]
    cells = dots.reshape(rows, _DOTS_DOWN, columns, _DOTS_ACROSS)
    codes = (cells * values).sum(axis=(1, 3))
    lines = []
    for codes_of_line in codes.tolist():
        characters = [chr(0x2800 + code) if code else " " for code in codes_of_line]
        lines.append("".join(characters))
    return lines


def _decade_axis(first: float, last: float, columns: int) -> list[Text]:
    """Return an axis with a mark at each power of ten, and a label where there is room."""
    axis, labels = ["─"] * columns, [" "] * (columns + _MARGIN)
    free = 0
    for exponent in range(math.ceil(first), math.floor(last) + 1):
        column = round((exponent - first) / (last - first) * (columns - 1))
        axis[column] = "┬"
        label, start = f"1e{exponent}", _MARGIN + column - 1
        if start >= free and start + len(label) <= len(labels):
            labels[start : start + len(label)] = label
            free = start + len(label) + 2
    return [Text("└".rjust(_MARGIN) + "".join(axis)), Text("".join(labels))]


def _legend(curve: Curve) -> Text:
    # A point fit has no interval.
    point = np.array_equal(curve.low, curve.high)
    interval = "" if point else ": median, and dotted its 90 % interval"
    return Text("• runs", "yellow").append(f"   ⠤ {curve.name}{interval}", "cyan")
