"""Three verdicts on an answer: of the data, of the model, and of the sampling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bayescale.findings.base import NOTE, Finding
from bayescale.results import Complaint, Json, as_json


@dataclass(frozen=True)
class Verdicts:
    """Facts that speak against an answer; it is good where none does.

    Attributes
    ----------
    data : tuple of Finding
        About the runs, found before the fit.
    model : tuple of Finding
        Misfits of the model: doubtful ones, or the largest as a note.
    sampling : tuple of Complaint
        Diagnostics that failed.
    """

    data: tuple[Finding, ...]
    model: tuple[Finding, ...]
    sampling: tuple[Complaint, ...]

    @property
    def data_is_good(self) -> bool:
        """Return whether the runs have no finding but notes."""
        return _only_notes(self.data)

    @property
    def model_is_good(self) -> bool:
        """Return whether the runs scatter about the model as it says."""
        return _only_notes(self.model)

    @property
    def sampling_is_good(self) -> bool:
        """Return whether all diagnostics passed."""
        return not self.sampling

    @property
    def is_good(self) -> bool:
        """Return whether data, model and sampling are all good."""
        return self.data_is_good and self.model_is_good and self.sampling_is_good

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences of all that speaks against the answer, notes left out."""
        return tuple(self._doubts())

    def _doubts(self) -> Iterator[str]:
        for about, findings in (("Data", self.data), ("Model", self.model)):
            for finding in findings:
                if finding.severity != NOTE:
                    yield f"{about}: {finding}"
        for complaint in self.sampling:
            yield f"Sampling: {complaint}"

    def to_dict(self) -> dict[str, Json]:
        """Each verdict, and the findings behind it."""
        return {
            "good": self.is_good,
            "data": {"good": self.data_is_good, "findings": _dictionaries(self.data)},
            "model": {"good": self.model_is_good, "findings": _dictionaries(self.model)},
            "sampling": {"good": self.sampling_is_good, "findings": _dictionaries(self.sampling)},
        }


def _only_notes(findings: Sequence[Finding]) -> bool:
    return all(finding.severity == NOTE for finding in findings)


def _dictionaries(findings: Sequence[Finding | Complaint]) -> list[Json]:
    return [as_json(finding.to_dict()) for finding in findings]
