"""Files of posteriors: one netCDF file each, whose attributes say what was fitted and how.

Format 3 also stores what was found about the runs. Format 2 stores the law, the noise model and the
method as JSON: module, class and fields. Format 1 stored them as the text that the command line
takes. Each format is read by all later versions.
"""

import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayescale._internal.discovery import parse
from bayescale._internal.encoding import Encoded, decode, encode
from bayescale._internal.whole_file import written_whole
from bayescale.errors import InputError
from bayescale.findings.base import Finding
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint
from bayescale.runs import Runs

_FORMAT = "bayescale posterior "
_NEWEST = 3
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
    tree = posterior.to_arviz()
    runs = posterior.runs
    about = {"name": runs.name, "source": runs.source, "notes": runs.notes}
    results = {
        "diagnostics": posterior.diagnostics,
        "problems": [Complaint.of(problem).to_dict() for problem in posterior.problems],
        "findings": [finding.to_dict() for finding in posterior.data_findings],
        "objective": posterior.objective,
        "seconds": posterior.seconds,
        "provenance": posterior.provenance,
    }
    stored = {**parts, "runs": about, "results": results}
    tree.attrs = {"format": f"{_FORMAT}{_NEWEST}"}
    tree.attrs |= {name: json.dumps(value) for name, value in stored.items()}
    with written_whole(path) as unfinished:
        tree.to_netcdf(unfinished, engine="h5netcdf")
    return path


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
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            tree = tree.load()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a netCDF file ({error}); give what `bayescale fit --out` wrote."
        ) from None
    number = _format(path, tree)
    try:
        return _from_tree(tree, _read_parts(number, tree.attrs))
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} is damaged ({error!r}); write it anew with `bayescale fit --out`."
        ) from None


def _format(path: Path, tree: xr.DataTree) -> int:
    prefix, found, number = str(tree.attrs.get("format", "")).partition(_FORMAT)
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


def _read_parts(number: int, attributes: Mapping[Hashable, str]) -> dict[str, Any]:
    if number == 1:
        return {name: parse(package, attributes[name]) for name, package in _PARTS.items()}
    return {name: decode(json.loads(attributes[name]), package) for name, package in _PARTS.items()}


def _from_tree(tree: xr.DataTree, parts: Mapping[str, Any]) -> Posterior:
    about = json.loads(tree.attrs["runs"])
    results = json.loads(tree.attrs["results"])
    results["problems"] = tuple(map(Complaint.of, results["problems"]))
    if "findings" in results:
        results["findings"] = tuple(map(Finding.of, results["findings"]))
    draws = _arrays(tree, "posterior")
    coefficients = draws.pop("coefficients", np.zeros((1, 1, 0)))
    frame = _frame(tree).rename_axis(index="run_id")
    return Posterior(
        **parts,
        runs=Runs(frame, about["name"], about["source"], tuple(about["notes"])),
        params=draws,
        coefficients=coefficients,
        sample_stats=_arrays(tree, "sample_stats") if "sample_stats" in tree else {},
        **results,
    )


def _arrays(tree: xr.DataTree, group: str) -> dict[str, np.ndarray]:
    return {str(name): values.to_numpy() for name, values in tree[group].data_vars.items()}


def _frame(tree: xr.DataTree) -> pd.DataFrame:
    columns = {**_arrays(tree, "observed_data"), **_arrays(tree, "constant_data")}
    frame = pd.DataFrame(columns, index=tree["observed_data"]["run"].to_numpy())
    if "n_samples" in frame and "accuracy" not in tree["constant_data"]:
        # What was observed is made of the counts again.
        frame = frame.drop(columns="accuracy", errors="ignore")
    return frame
