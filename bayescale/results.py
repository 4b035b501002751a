"""Results: each has a summary, sentences, complaints, a dictionary for JSON, and how it shows
itself in a notebook and at a prompt.

A result is a frozen dataclass of its own; it shares nothing by inheritance. Its ``_repr_html_`` is
`to_html` and its ``__repr__`` is `to_text` of this module, so that text which comes from a table, a
run's name or a column is escaped in one place.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from html import escape
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

Json = Any  # None, a number, a text, or lists and dictionaries of those

_MOST_ROWS = 20
_FOUR_DIGITS = "{:.4g}".format
_MOST_LINES = 12
_COLUMNS = 100


@dataclass(frozen=True)
class Complaint:
    """A diagnostic that failed, or a part of a result that is lacking.

    Attributes
    ----------
    code : str
        What is wrong, in a word that never changes, such as ``rhat``.
    message : str
        The same as a sentence that says what to do.
    figures : dict of str to float
        Numbers of the sentence.
    """

    code: str
    message: str
    figures: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    def __rich__(self) -> str:
        return self.message

    def about(self, what: str) -> "Complaint":
        """Return the complaint with the name of what it is about before its sentence."""
        return replace(self, message=f"{what}: {self.message}")

    def to_dict(self) -> dict[str, Json]:
        """Code, message and figures."""
        return asdict(self)

    @classmethod
    def of(cls, stored: "Complaint | Mapping[str, Json] | str") -> "Complaint":
        """Return the complaint that a file holds: a dictionary, or a sentence in older files."""
        if isinstance(stored, Complaint):
            return stored
        return cls("unknown", stored) if isinstance(stored, str) else cls(**stored)


@runtime_checkable
class Result(Protocol):
    """The protocol of all results that verbs return."""

    @property
    def title(self) -> str:
        """A title of a few words."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """The result in plain words."""

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Complaints about the result; empty where all is well."""

    def summary(self) -> pd.DataFrame:
        """A table to read."""

    def to_dict(self) -> dict[str, Json]:
        """Numbers and texts as JSON has them; what is not finite is None."""


def to_html(result: Result) -> str:
    """Return how a notebook shows a result: title, sentences, problems and summary, all escaped."""
    paragraphs = [f"<p><b>{escape(result.title)}</b></p>"]
    paragraphs += [f"<p>{escape(text)}</p>" for text in _sentences_and_problems(result)]
    return "".join(paragraphs) + table_to_html(result.summary())


def table_to_html(table: pd.DataFrame) -> str:
    """Return a table as HTML, its cells and headings escaped; long ones are cut in the middle."""
    return table.set_axis(_rounded(table.index)).to_html(
        escape=True, float_format=_FOUR_DIGITS, max_rows=_MOST_ROWS, show_dimensions=False
    )


def _rounded(index: pd.Index) -> pd.Index:
    """Return an index with its numbers rounded like cells, which pandas does for cells alone."""
    if isinstance(index, pd.MultiIndex):
        levels = [_rounded(index.get_level_values(level)) for level in range(index.nlevels)]
        return pd.MultiIndex.from_arrays(levels, names=index.names)
    return index.map(_FOUR_DIGITS) if index.dtype.kind == "f" else index


def to_text(result: Result) -> str:
    """Return how a prompt shows a result: title, sentences and problems, a dozen lines at most."""
    first = f"{type(result).__name__}: {result.title}"
    return in_lines(first, _sentences_and_problems(result))


def _sentences_and_problems(result: Result) -> list[str]:
    texts = list(result.sentences)
    texts += [f"⚠ {problem}" for problem in result.problems]
    return texts


def in_lines(first: str, others: Iterable[str]) -> str:
    """Return a dozen lines at most, each of a hundred characters at most."""
    lines = [first]
    lines += [f"  {text}" for text in others]
    if len(lines) > _MOST_LINES:
        left = len(lines) - _MOST_LINES + 1
        lines = lines[: _MOST_LINES - 1]
        lines.append(f"  … and {left} more")
    return "\n".join(_shortened(" ".join(line.split("\n"))) for line in lines)


def _shortened(line: str) -> str:
    return line if len(line) <= _COLUMNS else line[: _COLUMNS - 1] + "…"


def messages(problems: Iterable[Complaint | str]) -> list[str]:
    """Return the sentences of complaints."""
    return [str(problem) for problem in problems]


def complaints_about(what: str, problems: Iterable[Complaint | str]) -> list[Complaint]:
    """Return complaints with the name of what they are about before their sentences."""
    return [Complaint.of(problem).about(what) for problem in problems]


def records(table: pd.DataFrame) -> list[dict[str, Json]]:
    """Return the rows of a table as dictionaries of plain numbers and texts."""
    return [as_json(row) for row in table.to_dict("records")]


def as_json(value: object) -> Json:
    """Return a value with the types of JSON: numbers of NumPy as Python's, tuples as lists, and
    None for what is not finite.
    """
    if isinstance(value, Mapping):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, np.generic):
        return as_json(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
