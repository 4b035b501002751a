"""One fit of a batch: its task, its identity, and its row in the frame."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, NamedTuple

from bayescale._internal.discovery import describe
from bayescale._internal.encoding import encode
from bayescale.errors import InputError
from bayescale.inference.base import Method
from bayescale.laws.base import Law
from bayescale.noise.base import Noise
from bayescale.posterior.posterior import Posterior
from bayescale.results import messages
from bayescale.runs import Runs
from bayescale.units import summarise

Row = dict[str, Any]


class Outcome(NamedTuple):
    """The result of a task: its position in the frame, its row, and the posterior where no folder
    holds it.
    """

    position: int
    row: Row
    posterior: Posterior | None = None


@dataclass(frozen=True, eq=False)
class Task:
    """A data set, a law and a noise model to fit; it travels to workers.

    Attributes
    ----------
    position : int
        Position of its row in the frame.
    runs : Runs
        The data set, named by its label in the batch.
    law, noise, method
    """

    position: int
    runs: Runs
    law: Law
    noise: Noise
    method: Method

    @cached_property
    def identity(self) -> dict[str, str]:
        """The texts that a saved fit of this task has too."""
        # The version belongs to it: older code may give another fit.
        made_by = {
            "seed": str(self.method.seed),
            "data_sha256": self.runs.sha256,
            "bayescale": version("bayescale"),
        }
        return _identity(self.runs.name, self.law, self.noise, made_by)

    @cached_property
    def digest(self) -> str:
        """A short hash of the data and all options, of all that could change the fit."""
        # Labels count too: a bootstrap may resample whole groups, and `Runs.sha256` hashes only
        # numbers.
        labels = (
            self.runs.frame.select_dtypes(exclude="number")
            .sort_index(axis="columns")
            .to_csv(index=False)
        )
        text = json.dumps([self.identity, encode(self.method), labels])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def failed(self, message: str) -> Row:
        """Return the row of this fit, which could not be made."""
        return failed(
            self.runs.name, self.law, self.noise, self.method, message, n_runs=len(self.runs)
        )


def fitted(posterior: Posterior) -> Row:
    """Return the row of a fit; a posterior read from its file gives the same row, bit for bit."""
    runs = posterior.runs
    row = _about(runs.name, posterior.law, posterior.noise, posterior.method, len(runs))
    row["status"] = "doubtful" if posterior.problems else "good"
    row["message"] = one_line(" ".join(messages(posterior.problems)))
    for name in posterior.params:
        for statistic, value in summarise(posterior.draws(name)).items():
            row[f"{name}_{statistic}"] = value
    return row | posterior.diagnostics


def failed(
    data_set: str, law: Law, noise: Noise, method: Method, message: str, *, n_runs: int
) -> Row:
    """Return the row of a fit that could not be made."""
    row = _about(data_set, law, noise, method, n_runs)
    return row | {"status": "failed", "message": one_line(message)}


def reason(error: Exception) -> str:
    """Return the message of an error, with its kind except for bad input, which needs none."""
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def one_line(text: str) -> str:
    """Return the text without line breaks."""
    return " ".join(text.split())


def identity(posterior: Posterior) -> dict[str, str]:
    """Return the `Task.identity` of the task that made a saved posterior."""
    return _identity(posterior.runs.name, posterior.law, posterior.noise, posterior.provenance)


def _identity(data_set: str, law: Law, noise: Noise, made_by: dict[str, str]) -> dict[str, str]:
    # The method is left out: `Importance` may fall back to `NUTS`, so the saved method can differ
    # from the one that was asked for, which is part of the file's name.
    return {
        "data_set": data_set,
        # With module and class: another module may have a law of the same name.
        "law": json.dumps(encode(law)),
        "noise": json.dumps(encode(noise)),
        "seed": made_by["seed"],
        "data_sha256": made_by["data_sha256"],
        "bayescale": made_by["bayescale"],
    }


def _about(data_set: str, law: Law, noise: Noise, method: Method, n_runs: int) -> Row:
    return {
        "data_set": data_set,
        "law": describe(law),
        "noise": describe(noise),
        "method": describe(method),
        "n_runs": n_runs,
    }
