"""Check runs before a fit: what a careful reader would say about the table, and what to do."""

from dataclasses import dataclass

import pandas as pd

from bayescale.findings import examine
from bayescale.findings.base import DOUBTFUL, NOTE, REFUSED, Finding
from bayescale.laws.base import Law
from bayescale.results import Complaint, Json, as_json, to_html, to_text
from bayescale.runs import RunsLike, as_runs

_VERDICTS = {
    REFUSED: "a fit refuses these runs",
    DOUBTFUL: "a fit answers, and the answer is doubtful",
    NOTE: "nothing is wrong",
}


@dataclass(frozen=True, eq=False)
class Check:
    """The findings about a table of runs.

    Attributes
    ----------
    name : str
        Of the runs.
    n_runs : int
    findings : tuple of Finding
        The gravest first.
    """

    name: str
    n_runs: int
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """The gravest severity: ``refused``, ``doubtful`` or ``note``; ``good`` where there is no
        finding.
        """
        return self.findings[0].severity if self.findings else "good"

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per finding, the gravest first."""
        columns = ["severity", "code", "runs", "sentence", "remedy"]
        rows = []
        for finding in self.findings:
            named = finding.rows_in_words(self.n_runs)
            rows.append((finding.severity, finding.code, named, finding.sentence, finding.remedy))
        return pd.DataFrame(rows, columns=columns)

    def summary(self) -> pd.DataFrame:
        """The frame, indexed by code."""
        return self.frame.set_index("code")

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"check of {self.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict, then each note."""
        about = _VERDICTS.get(self.verdict, "nothing is wrong")
        notes = [str(finding) for finding in self.findings if finding.severity == NOTE]
        return (f"{self.n_runs} runs: {about}.", *notes)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Findings that are refused or doubtful."""
        grave = [finding for finding in self.findings if finding.severity != NOTE]
        return tuple(Complaint(one.code, str(one), one.figures) for one in grave)

    def to_dict(self) -> dict[str, Json]:
        """The verdict, and each finding with its runs."""
        return {
            "name": self.name,
            "n_runs": self.n_runs,
            "verdict": self.verdict,
            "findings": as_json([finding.to_dict() for finding in self.findings]),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def check(runs: RunsLike, law: Law | None = None) -> Check:
    """Look for what is wrong with a table of runs, without a fit.

    `fit` asks the same of the columns that its law takes: it refuses what is certainly wrong, and
    what is doubtful stands beside its answer.

    Parameters
    ----------
    runs : Runs, or any table that `Runs.read` takes
    law : Law, optional
        Look at the columns that this law takes alone; by default at all that there are.

    Returns
    -------
    Check

    Examples
    --------
    >>> import bayescale as bs
    >>> bs.check(bs.datasets.simulate(seed=1)).verdict
    'good'
    >>> one = bs.datasets.simulate(seed=1, budgets=[1e20])
    >>> bs.check(one).findings[0].code
    'one_budget'
    """
    runs = as_runs(runs, law.required_columns if law else None)
    inputs, response = (law.inputs, law.response) if law else (None, "loss")
    return Check(runs.name, len(runs), examine(runs.frame, inputs, response))
