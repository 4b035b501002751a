"""Files of posteriors: one netCDF file each, whose attributes say what was fitted and how.

Format 4 fills coefficients up to the process's own number of functions, and the coupled law has a
prior. Format 3 also stores what was found about the runs. Format 2 stores the law, the noise model
and the method as JSON: module, class and fields. Format 1 stored them as the text that the command
line takes. Each format is read by all later versions.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from bayescale._internal.discovery import parse
from bayescale._internal.encoding import Encoded, decode, encode
from bayescale._internal.whole_file import written_whole
from bayescale.errors import InputError
from bayescale.findings.base import Finding
from bayescale.posterior._netcdf import (
    Group,
    Variable,
    read_attributes,
    read_groups,
    write_groups,
)
from bayescale.posterior.posterior import Posterior
from bayescale.priors.separate import Separate
from bayescale.processes.base import padded_functions, padded_size
from bayescale.results import Complaint
from bayescale.runs import Runs
from bayescale.units import NATS_PER_TOKEN

_FORMAT = "bayescale posterior "
_NEWEST = 4
_FIRST_WITH_OWN_NUMBER = 4
_PARTS = {"law": "bayescale.laws", "noise": "bayescale.noise", "method": "bayescale.inference"}


def write(posterior: Posterior, path: str | Path) -> Path:
    """Write everything to one netCDF file, which appears whole or not at all.

    Raises
    ------
    InputError
        Where the law, the noise model or the method could not be read back.
    """
    path = Path(path)
    parts = {name: encode(getattr(posterior, name)) for name in _PARTS}
    for name, package in _PARTS.items():
        _check_readable(name, parts[name], package)
    runs = posterior.runs
    about = {
        "name": runs.name,
        "source": runs.source,
        "notes": runs.notes,
        "loss_unit": runs.loss_unit,
    }
    results = {
        "diagnostics": posterior.diagnostics,
        "problems": [Complaint.of(problem).to_dict() for problem in posterior.problems],
        "findings": [finding.to_dict() for finding in posterior.data_findings],
        "objective": posterior.objective,
        "seconds": posterior.seconds,
        "provenance": posterior.provenance,
    }
    stored = {**parts, "runs": about, "results": results}
    attributes = {"format": f"{_FORMAT}{_NEWEST}"}
    attributes |= {name: json.dumps(value) for name, value in stored.items()}
    groups = _groups(posterior)
    with written_whole(path) as unfinished:
        write_groups(unfinished, attributes, groups)
    return path


def _groups(posterior: Posterior) -> dict[str, Group]:
    """Return the groups of `Posterior.to_arviz`, with ArviZ's names of dimensions."""
    about = {
        "created_at": datetime.now(UTC).isoformat(),
        "creation_library": "bayescale",
        "creation_library_version": version("bayescale"),
        "creation_library_language": "Python",
    }
    run_ids = posterior.runs.frame.index.astype(str).to_numpy()
    arrays = posterior.groups()
    of_runs = arrays["observed_data"].keys() | arrays["constant_data"].keys()
    groups = {}
    for name, members in arrays.items():
        variables = {}
        for member, values in members.items():
            dims = _dims(name, member, values.ndim, member in of_runs)
            variables[member] = Variable(dims, values)
            for dim, size in zip(dims, values.shape, strict=True):
                along = run_ids if dim == "run" else np.arange(size)
                variables[dim] = Variable((dim,), along)
        groups[name] = Group(about, variables)
    return groups


def _dims(group: str, member: str, ndim: int, of_runs: bool) -> tuple[str, ...]:
    first = () if group.endswith("_data") else ("chain", "draw")
    named = (*first, "run") if of_runs else first
    rest = tuple(f"{member}_dim_{place}" for place in range(ndim - len(named)))
    return named + rest


def _check_readable(name: str, part: Encoded, package: str) -> None:
    try:
        decode(part, package)
    except InputError as error:
        raise InputError(f"The {name} of this posterior could not be read back: {error}") from None


def load(path: str | Path) -> Posterior:
    """Read a posterior that `Posterior.save` wrote.

    A file names the modules and classes of its law, its noise model and its method; they are
    imported, and must be dataclasses that inherit from `Law`, `Noise` and `Method`. Nothing else
    that the file holds is run.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Posterior

    Raises
    ------
    InputError
        Where there is no such file, it is not a posterior of this program, or it names a module
        that cannot be imported.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; `bayescale fit --out {path.name}` writes one.")
    try:
        attributes, groups = read_groups(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a netCDF file ({error}); give what `bayescale fit --out` wrote."
        ) from None
    number = _format(path, attributes)
    try:
        posterior = _posterior(attributes, groups, _read_parts(number, attributes))
        return _refilled(posterior) if number < _FIRST_WITH_OWN_NUMBER else posterior
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} is damaged ({error!r}); write it anew with `bayescale fit --out`."
        ) from None


def is_posterior(path: Path) -> bool:
    """Return whether a file says that it is a posterior which this version can read."""
    try:
        _format(path, read_attributes(path))
    except (OSError, ValueError):
        return False
    return True


def _format(path: Path, attributes: Mapping[str, str]) -> int:
    prefix, found, number = str(attributes.get("format", "")).partition(_FORMAT)
    if prefix or not found or not number.isdecimal():
        raise InputError(
            f"{path} is no posterior of bayescale; give what `bayescale fit --out` wrote."
        )
    if int(number) > _NEWEST:
        raise InputError(
            f"{path} was written by a newer version of bayescale (format {number}, where this one "
            f"reads up to {_NEWEST}); update bayescale."
        )
    return int(number)


def _read_parts(number: int, attributes: Mapping[str, str]) -> dict[str, Any]:
    if number == 1:
        return {name: parse(package, attributes[name]) for name, package in _PARTS.items()}
    encoded = {name: json.loads(attributes[name]) for name in _PARTS}
    _add_prior(encoded["law"])
    return {name: decode(encoded[name], package) for name, package in _PARTS.items()}


def _add_prior(law: Encoded) -> None:
    """Give a coupled law the prior that it had before priors were stored: that of each row."""
    if (law["module"], law["class"]) == ("bayescale.laws", "Coupled"):
        law["fields"].setdefault("prior", encode(Separate()))
    for held in law["fields"].values():
        if isinstance(held, dict) and "class" in held:
            _add_prior(cast(Encoded, held))


def _refilled(posterior: Posterior) -> Posterior:
    """Return a posterior whose coefficients were filled up to one of a few sizes."""
    if not posterior.noise.shared:
        return posterior
    parts, begin = [], 0
    for basis in posterior.bases:
        known = posterior.coefficients[..., begin : begin + basis.size]
        missing = padded_functions(basis.process, basis.size) - basis.size
        parts.append(np.pad(known, ((0, 0), (0, 0), (0, missing))))
        begin += padded_size(basis.size)
    return replace(posterior, coefficients=np.concatenate(parts, axis=-1))


def _posterior(
    attributes: Mapping[str, str], groups: Mapping[str, Group], parts: Mapping[str, Any]
) -> Posterior:
    about = json.loads(attributes["runs"])
    results = json.loads(attributes["results"])
    results["problems"] = tuple(map(Complaint.of, results["problems"]))
    if "findings" in results:
        results["findings"] = tuple(map(Finding.of, results["findings"]))
    draws = groups["posterior"].arrays
    coefficients = draws.pop("coefficients", np.zeros((1, 1, 0)))
    frame = _frame(groups).rename_axis(index="run_id")
    return Posterior(
        **parts,
        runs=Runs(
            frame,
            about["name"],
            about["source"],
            tuple(about["notes"]),
            about.get("loss_unit", NATS_PER_TOKEN),
        ),
        params=draws,
        coefficients=coefficients,
        sample_stats=groups["sample_stats"].arrays if "sample_stats" in groups else {},
        **results,
    )


def _frame(groups: Mapping[str, Group]) -> pd.DataFrame:
    observed, constant = groups["observed_data"], groups["constant_data"].arrays
    frame = pd.DataFrame(observed.arrays | constant, index=observed.variables["run"].values)
    if "n_samples" in frame and "accuracy" not in constant:
        # What was observed is made of the counts again.
        frame = frame.drop(columns="accuracy", errors="ignore")
    return frame
