"""The summary of a result as a table for a paper, a page or a spreadsheet."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

import pandas as pd

from bayescale.errors import InputError
from bayescale.results import Result
from bayescale.units import number

Rows: TypeAlias = Sequence[Sequence[str]]

_FOUR_DIGITS = "{:.4g}".format
_NEGATIVE = re.compile(r"-[\d.]+")
_POWER_OF_TEN = re.compile(r"(-?[\d.]+)e([+-])0*(\d+)")
# In one pass, so that no replacement is replaced in its turn.
_IN_LATEX: Mapping[str, str] = MappingProxyType(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "α": r"$\alpha$",
        "β": r"$\beta$",
        "γ": r"$\gamma$",
        "·": r"$\cdot$",
        "×": r"$\times$",
        "−": "$-$",
        "±": r"$\pm$",
        "∞": r"$\infty$",
    }
)


def to_table(result: Result | pd.DataFrame, form: str = "markdown") -> str:
    """Return the summary of a result as text.

    Parameters
    ----------
    result : a result of any verb, or DataFrame
        Of a result, the table is its ``summary()``, whose column ``unit`` has the units where rows
        differ in them.
    form : str
        ``markdown`` or ``latex``, with four digits of each number, or ``csv`` with all digits. The
        LaTeX is a ``tabular`` with the rules of the package booktabs, and text is escaped.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the form is another.

    Examples
    --------
    >>> import bayescale as bs
    >>> import pandas as pd
    >>> plans = pd.DataFrame({"unit": ["FLOPs"], "q50": [5.76e23]}, index=["train_flops"])
    >>> print(bs.to_table(plans), end="")
    |  | unit | q50 |
    | :--- | :--- | ---: |
    | train_flops | FLOPs | 5.76e+23 |
    >>> print(bs.to_table(plans, "latex").splitlines()[4])
    train\\_flops & FLOPs & $5.76 \\times 10^{23}$ \\\\
    """
    table = result if isinstance(result, pd.DataFrame) else result.summary()
    if form not in _FORMS:
        raise InputError(f"to_table: form={form!r} must be one of {', '.join(_FORMS)}.")
    return _FORMS[form](table)


def _markdown(table: pd.DataFrame) -> str:
    columns = _in_columns(table)
    rules = [":---" if is_text else "---:" for is_text in _are_text(columns)]
    texts = [[_in_markdown(cell) for cell in row] for row in _texts(columns)]
    heading, *rows = texts
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (heading, rules, *rows))


def _latex(table: pd.DataFrame) -> str:
    columns = _in_columns(table)
    sides = "".join("l" if is_text else "r" for is_text in _are_text(columns))
    heading, *rows = _texts(columns)
    lines = [
        rf"\begin{{tabular}}{{{sides}}}",
        r"\toprule",
        _row_of_latex(heading),
        r"\midrule",
        *map(_row_of_latex, rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(lineterminator="\n")


_FORMS: Mapping[str, Callable[[pd.DataFrame], str]] = MappingProxyType(
    {"markdown": _markdown, "latex": _latex, "csv": _csv}
)


def _in_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its index as first columns; an index without a name has no heading."""
    if isinstance(table.index, pd.RangeIndex) and table.index.name is None:
        return table
    names = [str(name) if name is not None else "" for name in table.index.names]
    return table.reset_index(names=names)


def _are_text(table: pd.DataFrame) -> list[bool]:
    return [not pd.api.types.is_numeric_dtype(table[name]) for name in table]


def _texts(table: pd.DataFrame) -> Rows:
    """Return the headings and then the rows, each cell as text."""
    headings = [str(name) for name in table]
    return [headings, *([_text(cell) for cell in row] for row in table.to_numpy(dtype=object))]


def _text(cell: object) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return _FOUR_DIGITS(cell) if math.isfinite(cell) else number(cell)


def _in_markdown(cell: str) -> str:
    return " ".join(cell.split()).replace("|", r"\|").replace("<", "&lt;")


def _row_of_latex(cells: Sequence[str]) -> str:
    return " & ".join(map(_cell_of_latex, cells)) + r" \\"


def _cell_of_latex(cell: str) -> str:
    """Return a cell whose special characters are escaped, and a power of ten as one."""
    power = _POWER_OF_TEN.fullmatch(cell)
    if power:
        digits, sign, exponent = power.groups()
        return rf"${digits} \times 10^{{{sign.strip('+')}{exponent}}}$"
    if _NEGATIVE.fullmatch(cell):
        return f"${cell}$"
    text = "".join(_IN_LATEX.get(character, character) for character in " ".join(cell.split()))
    # A row that began with a bracket would be read as an option of the row before.
    return f"{{{text}}}" if text.startswith("[") else text
