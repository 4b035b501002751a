"""Cells of a table: which are empty, and which number a text means.

A text such as ``1.3B``, ``2,22E+09`` or ``40.7 %`` is one number once it is known which mark is the
decimal one. That is a property of a column or of a whole file, so it is found from all cells
before any is read.
"""

import math
import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

Cell: TypeAlias = str | float | bool | None
"""One cell: a text, a number, or None where it is empty."""

_MISSING = {"", "na", "n/a", "#n/a", "#na", "<na>", "n.a.", "nan", "null", "none", "nil", "unknown"}
_MISSING |= {"-", "--", "---", "–", "—", "?", ".", "..", "tbd", "tba", "missing", "pending"}
_MISSING |= {"diverged", "divergence", "oom", "failed", "crashed", "error", "running"}
_MISSING |= {"#div/0!", "#ref!", "#value!", "#num!", "#name?"}
_INFINITE = ("inf", "infinity", "∞")
_MAGNITUDES = {
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "g": 1e9,
    "billion": 1e9,
    "t": 1e12,
    "tn": 1e12,
    "trillion": 1e12,
}
_FLOP_MAGNITUDES = {"p": 1e15, "e": 1e18, "z": 1e21, "y": 1e24}
_WORDS = "|".join(sorted(_MAGNITUDES, key=len, reverse=True))
_NOUN = r"param(?:eter)?s?|tokens?|toks?|steps?|nats?|bits?"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_NUMBER = re.compile(
    rf"""(?P<sign>[+-]?)\s*
    (?P<body>\d[\d.,'_\s]*|[.,]\d+)
    (?:e(?P<exponent>[+-]?\d+)|\s*[x*·]\s*10\s*(?:\^|\*\*)?\s*(?P<power>[+-]?\d+))?
    \s*(?:(?P<percent>%)
        |(?P<magnitude>{_WORDS})?\s*(?:{_NOUN})?
        |(?P<flops>[kmgtpezy]?)flops?
    )\s*""",
    re.VERBOSE,
)
# Most cells are these, and are read without the pattern above.
_DIGITS = re.compile(
    r"[+-]?(?:(?P<whole>\d+)(?:\.(?P<rest>\d*))?|\.\d+)(?P<power>[eE][+-]?\d+)?", re.ASCII
)
_POWER_OF_TEN = re.compile(r"10\s*(?:\^|\*\*)\s*(?P<power>[+-]?\d+)")
_SIZE_LABEL = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:[.,]\d+)?)\s?([KMBTkmbt])(?![A-Za-z0-9])")

# With either mark as the decimal one; a space, an apostrophe or an underscore only groups digits.
_GROUPED_BY_COMMA = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d*)?")
_GROUPED_BY_POINT = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d*)?")
_WITH_POINT = re.compile(r"\d*\.?\d*")
_WITH_COMMA = re.compile(r"\d*,?\d*")
_EITHER = re.compile(r"[1-9]\d{0,2}([.,])\d{3}")
_GROUPS = re.compile(r"\d{1,3}(?:[ '_]\d{3})+(?:[.,]\d*)?")


class Mark(Enum):
    """Decimal marks."""

    POINT = "."
    COMMA = ","


class Number(NamedTuple):
    """A number that a text means.

    Attributes
    ----------
    value : float
    is_percent : bool
        Whether a per cent sign follows it; the value is the share then.
    is_plain : bool
        Whether it is digits alone, without a per cent sign, a magnitude such as B, or a unit.
    """

    value: float
    is_percent: bool = False
    is_plain: bool = True


def is_missing(cell: Cell) -> bool:
    """Return whether a cell holds nothing: blank, N/A, a dash, or a word such as diverged."""
    if cell is None:
        return True
    if isinstance(cell, str):
        if cell[:1].isdecimal():
            return False
        return cell.strip().lower().replace("\\", "") in _MISSING
    return isinstance(cell, float) and math.isnan(cell)


def number_of(cell: Cell, mark: Mark = Mark.POINT) -> Number | None:
    """Return the number that a cell means, or None where it means none.

    Examples
    --------
    >>> number_of("1.3B").value, number_of("2,22E+09", Mark.COMMA).value
    (1300000000.0, 2220000000.0)
    >>> number_of("40 %")
    Number(value=0.4, is_percent=True, is_plain=False)
    """
    if isinstance(cell, bool) or cell is None:
        return None
    if not isinstance(cell, str):
        return Number(float(cell))
    if mark is Mark.POINT and _DIGITS.fullmatch(cell):
        return Number(float(cell))
    text = _normal(cell)
    power = _POWER_OF_TEN.fullmatch(text)
    if power:
        return Number(_power_of_ten(power["power"]), is_plain=False)
    if text.lstrip("+-") in _INFINITE:
        return Number(-math.inf if text.startswith("-") else math.inf)
    found = _NUMBER.fullmatch(text)
    digits = _digits(found["body"].strip(), mark) if found else None
    if found is None or digits is None:
        return None
    value = float(f"{found['sign']}{digits}e{found['exponent'] or found['power'] or 0}")
    if found["percent"]:
        return Number(value / 100, is_percent=True, is_plain=False)
    magnitude = _MAGNITUDES | _FLOP_MAGNITUDES
    scale = magnitude.get(found["magnitude"] or found["flops"] or "", 1.0)
    is_plain = found.end("body") >= len(text) or found.end("exponent") >= len(text)
    return Number(value * scale, is_plain=is_plain)


def missing(cells: pd.Series) -> pd.Series:
    """Return which cells of a column hold nothing."""
    return cells.map(is_missing).astype(bool)


def values_of(cells: Iterable[Cell], mark: Mark) -> np.ndarray:
    """Return the numbers that cells mean, shape (cells,); NaN where one means none."""
    values = []
    for cell in cells:
        number = number_of(cell, mark)
        values.append(number.value if number else math.nan)
    return np.array(values, dtype=np.float64)


def size_in(text: str) -> float | None:
    """Return the one size that a name holds, such as 6e8 of ``Qwen3-0.6B-base``; None where it
    holds none, or several.
    """
    found = _SIZE_LABEL.findall(text)
    if len(found) != 1:
        return None
    digits, letter = found[0]
    return float(digits.replace(",", ".")) * _MAGNITUDES[letter.lower()]


def mark_of(cells: Iterable[Cell]) -> set[Mark]:
    """Return the decimal marks that cells show beyond doubt.

    ``8,15`` shows a comma and ``1,234,567`` a point. ``1,234`` shows neither.

    Examples
    --------
    >>> mark_of(["8,15", "1,234"]), mark_of(["1,234"])
    ({<Mark.COMMA: ','>}, set())
    """
    found = set()
    for cell in cells:
        mark = _certain_mark(cell) if isinstance(cell, str) else None
        if mark:
            found.add(mark)
    return found


def ambiguous_mark(cell: Cell) -> Mark | None:
    """Return the mark in a cell that may group digits or be the decimal one, as in 1,234; None
    where there is no such mark.
    """
    if not isinstance(cell, str) or _certain_mark(cell):
        return None
    found = _EITHER.match(_normal(cell).lstrip("+-"))
    return Mark(found[1]) if found else None


def _certain_mark(text: str) -> Mark | None:
    if "." not in text and "," not in text:
        return None
    plain = _DIGITS.fullmatch(text)
    if plain:
        whole, rest = plain["whole"] or "0", plain["rest"] or ""
        may_group = len(rest) == 3 and len(whole) < 4 and whole[0] != "0"
        return None if may_group and not plain["power"] else Mark.POINT
    found = _NUMBER.fullmatch(_normal(text))
    if not found:
        return None
    body = _without_groups(found["body"].strip())
    commas, points = body.count(","), body.count(".")
    if not commas and not points:
        return None
    if commas and points:
        return Mark.COMMA if body.rindex(",") > body.rindex(".") else Mark.POINT
    if commas > 1 or points > 1:
        return Mark.POINT if commas else Mark.COMMA
    has_power = bool(found["exponent"] or found["power"])
    if _EITHER.fullmatch(body) and not has_power:
        return None
    return Mark.COMMA if commas else Mark.POINT


def _normal(text: str) -> str:
    """Return a text in lower case, with plain signs, spaces, digits and apostrophes."""
    plain = text.strip().lstrip("~≈≃").rstrip("*†‡").strip().lower()
    for odd, usual in (("−", "-"), ("–", "-"), ("×", "x"), ("’", "'"), ("％", "%")):
        plain = plain.replace(odd, usual)
    for space in "\u00a0\u2007\u2009\u202f":
        plain = plain.replace(space, " ")
    return plain.translate(_SUPERSCRIPTS)


def _without_groups(body: str) -> str:
    """Return digits without the spaces, apostrophes or underscores that group them."""
    if _GROUPS.fullmatch(body):
        return re.sub(r"[ '_]", "", body)
    return body


def _digits(body: str, mark: Mark) -> str | None:
    """Return digits as Python reads them, or None where the marks make no sense."""
    body = _without_groups(body)
    grouped, whole = (
        (_GROUPED_BY_COMMA, _WITH_POINT) if mark is Mark.POINT else (_GROUPED_BY_POINT, _WITH_COMMA)
    )
    if grouped.fullmatch(body):
        separator = "," if mark is Mark.POINT else "."
        body = body.replace(separator, "")
    if not whole.fullmatch(body):
        return None
    return body.replace(",", ".")


def _power_of_ten(exponent: str) -> float:
    return float(f"1e{exponent}")
