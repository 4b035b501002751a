"""The abstract rule that a table of runs should obey, and the finding where it does not.

Rules look at the table before any fit. They cost milliseconds: NumPy and SciPy, no compiled
program.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import Field, asdict, dataclass, field
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.results import Json, as_json
from bayescale.units import as_floats

REFUSED = "refused"
DOUBTFUL = "doubtful"
NOTE = "note"

SEVERITIES = (REFUSED, DOUBTFUL, NOTE)
"""Severities, the gravest first. Runs with a refused finding are not fitted; a doubtful one stands
beside the answer, which is then not good; a note is for the reader, and the answer may be good.
"""

_ROWS_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """A rule that the runs break.

    Attributes
    ----------
    code : str
        Name of the rule, which never changes, such as ``repeated_settings``.
    severity : str
        One of `SEVERITIES`.
    sentence : str
        What was found, with its numbers.
    remedy : str
        What to do about it.
    rows : tuple of str
        Run ids that it is about.
    figures : dict of str to float
        Numbers of the sentence.
    """

    code: str
    severity: str
    sentence: str
    remedy: str
    rows: tuple[str, ...] = field(default=(), repr=False)
    figures: dict[str, float] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}"

    def rows_in_words(self, n_runs: int) -> str:
        """Return the run ids for people, of a table of so many runs: five at most by name."""
        if len(self.rows) == n_runs and n_runs > _ROWS_NAMED:
            return f"all {n_runs}"
        named = ", ".join(self.rows[:_ROWS_NAMED])
        left = len(self.rows) - _ROWS_NAMED
        return f"{named} and {left} more" if left > 0 else named

    def to_dict(self) -> dict[str, Json]:
        """Code, severity, sentence, remedy, rows and figures."""
        return dict(as_json(asdict(self)))

    @classmethod
    def of(cls, stored: Mapping[str, Json]) -> "Finding":
        """Return the finding that a file holds as a dictionary."""
        return cls(**{**stored, "rows": tuple(stored["rows"])})


class Rule(ABC):
    """A rule that a table of runs should obey. A rule is a frozen dataclass whose fields are its
    limits; adding one is adding a file to this folder.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    severity: ClassVar[str]
    """Severity of its findings, one of `SEVERITIES`."""
    meaning: ClassVar[str]
    """What a finding means, for people who have not seen one."""
    remedy: ClassVar[str]
    """What to do about a finding."""
    on_reading: ClassVar[bool] = False
    """Also warned of when a table is read, before anybody asks for a fit."""

    @abstractmethod
    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return the findings about a sweep; none where it obeys, or lacks the columns to tell."""

    @property
    def code(self) -> str:
        """The name of the rule's file."""
        return type(self).__module__.rpartition(".")[2]

    def finding(
        self, sweep: Sweep, sentence: str, rows: np.ndarray | None = None, **figures: float
    ) -> Finding:
        """Return a finding of this rule.

        Parameters
        ----------
        sweep : Sweep
        sentence : str
        rows : array, shape (runs,)
            A mask of the runs that it is about; all of them where it is None.
        **figures : float
        """
        index = sweep.frame.index if rows is None else sweep.frame.index[rows]
        ids = tuple(index.astype(str))
        return Finding(self.code, self.severity, sentence, self.remedy, ids, as_floats(figures))
