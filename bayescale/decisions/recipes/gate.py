"""Decide whether a candidate recipe replaces the base, and record the decision.

    promote where P(L_base(C) − L_candidate(C) > ε) ≥ p,   reject where it is at most 1 − p,   else
    more runs are needed

Each loss is the law's, at the best split of C, without scatter. The record holds what the decision
depends on, so that it can be checked years later: the hash of the runs, law, noise, method, seed,
versions, diagnostics, date.
"""

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from bayescale._internal.discovery import describe
from bayescale.decisions.recipes.recipes import Recipes, gain
from bayescale.errors import InputError
from bayescale.results import Complaint, Json, as_json, messages, to_html, to_text
from bayescale.units import as_floats, in_loss_unit, quantiles

# Entries of a provenance that have fields of the record; the others are versions.
_NOT_VERSIONS = ("created", "data_sha256", "seed", "device")
_ADVICE = {
    "promote": "promote it",
    "reject": "keep the base",
    "undecided": "undecided, more runs are needed",
}


@dataclass(frozen=True)
class Audit:
    """A decision and all that it depends on.

    Each field is a number, a text, a complaint, or a mapping or list of those.

    Attributes
    ----------
    question, sentence : str
        The question and the answer.
    decision : {"promote", "reject", "undecided"}
        It is undecided too where diagnostics failed.
    base, candidate : str
    compute : float
        FLOPs.
    threshold : float
        ε, in the unit of the losses.
    required : float
        p.
    probability : float
        Probability that the gain is above the threshold.
    gain : dict of str to float
        Quantiles, in the unit of the losses.
    data, data_sha256 : str
        Name of the runs, and the hash of their numbers.
    n_runs : dict of str to int
        Number of runs of each recipe.
    law, noise, method : str
        Names with options, as the command line takes them.
    seed : int
    versions : dict of str to str
    device, fitted, date : str
        When the fit and the decision were made, UTC.
    diagnostics : dict of str to float
    problems : tuple of Complaint
    """

    question: str
    sentence: str
    decision: str
    base: str
    candidate: str
    compute: float
    threshold: float
    required: float
    probability: float
    gain: dict[str, float]
    data: str
    data_sha256: str
    n_runs: dict[str, int]
    law: str
    noise: str
    method: str
    seed: int
    versions: dict[str, str]
    device: str
    fitted: str
    date: str
    diagnostics: dict[str, float]
    problems: tuple[Complaint, ...]

    def to_json(self) -> str:
        """Return all fields, in order; a number that is not finite is null."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def save(self, path: str | Path) -> Path:
        """Write the record as JSON.

        Raises
        ------
        InputError
            Where a file of that name exists, because a record is not written over, or where the
            file cannot be written.
        """
        path = Path(path)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(self.to_json() + "\n")
        except FileExistsError:
            raise InputError(
                f"{path} exists, and a record is not written over; give another name."
            ) from None
        except OSError as error:
            # A record is whole or not there.
            path.unlink(missing_ok=True)
            raise InputError(
                f"{path} cannot be written ({error.strerror}); give another place."
            ) from None
        return path

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{self.decision}: {self.question}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answer."""
        return (self.sentence,)

    def summary(self) -> pd.DataFrame:
        """Probability and quantiles of the gain, one row."""
        row = {"decision": self.decision, "probability": self.probability, **self.gain}
        return pd.DataFrame([row], index=pd.Index([self.compute], name="compute"))

    def to_dict(self) -> dict[str, Json]:
        """Return all fields, in order."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return dict(as_json({**fields, "problems": messages(self.problems)}))

    def _repr_html_(self) -> str:
        record = escape(self.to_json())
        details = f"<details><summary>record</summary><pre>{record}</pre></details>"
        return to_html(self) + details

    def __repr__(self) -> str:
        return to_text(self)


def gate(
    comparison: Recipes, compute: float, *, threshold: float = 0.0, probability: float = 0.95
) -> Audit:
    """Decide whether the candidate is promoted at a scale, and record why.

    Parameters
    ----------
    comparison : Recipes
    compute : float
        The scale that matters, FLOPs.
    threshold : float
        ε, the least gain worth a change, in the unit of the losses.
    probability : float
        p, the probability that a decision requires; above one half and below one.

    Returns
    -------
    Audit

    Raises
    ------
    InputError
        Where a number is out of its range.

    Examples
    --------
    >>> import bayescale as bs
    >>> import pandas as pd
    >>> sweep = {"budgets": (1e18, 1e19, 1e20), "sizes_per_budget": 5, "noise": 0.001}
    >>> old = bs.datasets.simulate(1, **sweep).frame.assign(group="old")
    >>> new = bs.datasets.simulate(2, A=406.4 / 2**0.34, **sweep).frame.assign(group="new")
    >>> both = pd.concat([old, new], ignore_index=True)
    >>> normal, method = bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> compared = bs.recipes(both, "old", "new", noise=normal, method=method)
    >>> bs.gate(compared, compute=1e24, threshold=0.01).decision
    'promote'
    """
    if not (np.isfinite(compute) and compute > 0):
        raise InputError(
            f"compute = {compute:g} is not a positive number of FLOPs, such as 5.76e23."
        )
    if not np.isfinite(threshold):
        raise InputError(
            f"threshold = {threshold:g} is not a number in the unit of the losses, such as 0.01."
        )
    if not 0.5 < probability < 1:
        raise InputError(
            f"probability = {probability:g} must be above 0.5 and below 1, such as 0.95."
        )
    draws = gain(comparison, np.array([float(compute)]))[:, 0]
    above = float(np.mean(draws > threshold))
    interval = as_floats(quantiles(draws))
    decision = _decision(above, probability)
    unit = in_loss_unit("nats", comparison.runs.loss_unit)
    sentence = (
        f"At {compute:.3g} FLOPs {comparison.candidate} gains {interval['q50']:.3g} {unit} over "
        f"{comparison.base} "
        f"(90 %: {interval['q05']:.3g} to {interval['q95']:.3g}); with probability {above:.3g} "
        f"more than {threshold:g}: "
        f"{_ADVICE[decision]}."
    )
    if comparison.problems:
        decision = "undecided"
        problems = " ".join(messages(comparison.problems))
        sentence = f"{sentence} But the fit is not to be trusted: {problems}"
    n_runs = comparison.runs.frame["group"].astype(str).value_counts()
    provenance = comparison.provenance
    versions = provenance.copy()
    for name in _NOT_VERSIONS:
        versions.pop(name, None)
    return Audit(
        question=f"Does {comparison.candidate} gain more than {threshold:g} {unit} over "
        f"{comparison.base} at {compute:.3g} FLOPs?",
        sentence=sentence,
        decision=decision,
        base=comparison.base,
        candidate=comparison.candidate,
        compute=float(compute),
        threshold=float(threshold),
        required=float(probability),
        probability=above,
        gain=interval,
        data=comparison.runs.name,
        data_sha256=provenance["data_sha256"],
        n_runs={name: int(n_runs[name]) for name in (comparison.base, comparison.candidate)},
        law=describe(comparison.law),
        noise=describe(comparison.noise),
        method=describe(comparison.method),
        seed=int(provenance["seed"]),
        versions=versions,
        device=provenance["device"],
        fitted=provenance["created"],
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        diagnostics=dict(comparison.diagnostics),
        problems=comparison.problems,
    )


def _decision(above: float, required: float) -> str:
    """Return the decision for a probability that the gain is above the threshold."""
    if above >= required:
        return "promote"
    if above <= 1 - required:
        return "reject"
    return "undecided"
