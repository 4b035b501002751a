"""Fits of many data sets, laws and noise models in one call; an interrupted batch loses nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import pandas as pd

from bayescale import datasets, defaults
from bayescale._internal.progress import bar as progress_bar
from bayescale.batches.fitting import fit_here, fit_on, shared_out
from bayescale.batches.folder import FIRST_COLUMNS, Folder
from bayescale.batches.task import Outcome, Row, Task, failed, reason
from bayescale.datasets.catalogue import in_catalogue
from bayescale.errors import InputError
from bayescale.inference.base import Method
from bayescale.laws.base import Law
from bayescale.noise.base import Noise
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.storage import load
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.runs import Runs, RunsLike
from bayescale.units import STATISTICS, plus_minus

Source: TypeAlias = RunsLike
"""Name of the catalogue, or what `Runs.read` takes."""

Key = tuple[str, str, str]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Batch:
    """The fits of a batch.

    Attributes
    ----------
    frame : DataFrame, one row per fit
        Rows are in the order of the arguments; data sets change slowest. Columns are
        ``data_set``, ``law``, ``noise`` and ``method``, as the command line takes them, where the
        method is the one that made the draws, which may be a fallback; ``n_runs``; ``status``,
        which is ``good``, ``doubtful`` where diagnostics complained, or ``failed``; ``message``,
        the complaints or the error; ``NAME_mean``, ``_sd``, ``_q05``, ``_q50`` and ``_q95`` of each
        parameter, in counts and nats per token, NaN where a law lacks it; and the diagnostics.
        Nothing in it depends on the time, or on how often the batch was interrupted.
    posteriors : mapping of (data set, law, noise), as in the frame, to Posterior
        Posteriors of the fits that did not fail. Where the batch has a folder, each is read from
        it on use.
    """

    frame: pd.DataFrame
    posteriors: Mapping[Key, Posterior]

    def summary(self) -> pd.DataFrame:
        """Return a short table to read: the status of each fit, and each parameter as mean ±
        standard deviation.

        Returns
        -------
        DataFrame of str, one row per fit
        """
        table = self.frame[["data_set", "law", "noise", "status"]].copy()
        medians = self.frame.columns[self.frame.columns.str.endswith("_q50")]
        for name in medians.str.removesuffix("_q50"):
            means, sds = self.frame[f"{name}_mean"], self.frame[f"{name}_sd"]
            table[name] = list(map(plus_minus, means, sds))
        return table

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{len(self.frame)} fits"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Counts of good, doubtful and failed fits."""
        counts = self.frame["status"].value_counts()
        tally = ", ".join(f"{count} {status}" for status, count in counts.items())
        return (f"{tally}.",)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Complaints about fits that are doubtful or failed; each sentence begins with the fit."""
        complaints = []
        with_message = self.frame[self.frame["message"] != ""]
        for row in with_message.to_dict("records"):
            complaint = Complaint(str(row["status"]), str(row["message"]))
            complaints.append(complaint.about(f"{row['data_set']}, {row['law']}, {row['noise']}"))
        return tuple(complaints)

    def to_dict(self) -> dict[str, Json]:
        """The frame, a row a fit."""
        return {"fits": records(self.frame)}

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def batch(
    data: Sequence[Source],
    *,
    laws: Sequence[Law] | None = None,
    noises: Sequence[Noise] | None = None,
    method: Method | None = None,
    out: str | Path | None = None,
    executor: Executor | None = None,
) -> Batch:
    """Fit each of many data sets by each law under each noise model.

    A fit that fails does not stop the others: its row says why. With ``out``, each fit is written
    when it is ready. After an interruption, the same call goes on where the batch stopped, and
    returns the frame that it would have returned without the interruption.

    Parameters
    ----------
    data : sequence of str, Path, Runs, DataFrame or mapping
        Names of the catalogue, and files or tables as `Runs.read` takes them. Files that share a
        name are labelled by their paths, and other data sets that share a name are numbered.
    laws : sequence of Law, default ``[Chinchilla()]``
    noises : sequence of Noise, default ``[StudentT()]``
    method : Method, default `Importance()`
    out : str or Path, optional
        A folder for the posteriors, for the reasons of failures, and for the frame as
        ``batch.csv``. It is made if it is not there. Fits that are there already are not made
        again, unless the data, an option or the version of bayescale differ, or the file is
        damaged; failures are tried again, except those of bad input. One batch at a time may write
        to a folder.
    executor : concurrent.futures.Executor, optional
        Workers for the fits, such as
        ``ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))`` or a Dask
        ``Client(...).get_executor()``; they write to ``out`` themselves, which all must see.
        Threads of one process take turns. By default this process makes one fit after the other.

    Returns
    -------
    Batch

    Raises
    ------
    InputError
        Where there is nothing to fit, an argument is no law, noise or method, or ``out`` cannot be
        written to.

    Examples
    --------
    >>> import bayescale as bs
    >>> sweeps = [bs.datasets.simulate(seed=seed) for seed in (1, 2)]
    >>> laws = [bs.laws.Chinchilla(), bs.laws.PowerLaw()]
    >>> method = bs.Importance(draws=500)
    >>> fits = bs.batch(sweeps, laws=laws, noises=[bs.noise.Normal()], method=method)
    >>> fits.frame[["law", "status"]].value_counts().to_dict()
    {('chinchilla', 'good'): 2, ('power_law', 'good'): 2}
    """
    if isinstance(data, str | Path | Runs | pd.DataFrame | Mapping) or not len(data):
        raise InputError(
            "Give a list of data sets, such as ['dey2023_pile', runs]; one alone is for `fit`."
        )
    laws = _instances(Law, laws, defaults.textbook_law())
    noises = _instances(Noise, noises, defaults.textbook_noise())
    (method,) = _instances(Method, None if method is None else [method], defaults.textbook_method())
    folder = None if out is None else Folder.prepare(Path(out))
    tasks, rows = _tasks(data, laws, noises, method)
    posteriors = _fit_all(tasks, rows, folder, executor)
    frame = _frame([rows[position] for position in sorted(rows)], [*laws, *noises])
    if folder:
        folder.write_table(frame)
    by_key = {}
    for position, posterior in sorted(posteriors.items()):
        row = rows[position]
        by_key[row["data_set"], row["law"], row["noise"]] = posterior
    return Batch(frame, _Posteriors(by_key))


def _tasks(
    data: Sequence[Source], laws: Sequence[Law], noises: Sequence[Noise], method: Method
) -> tuple[list[Task], dict[int, Row]]:
    """Return the fits to make, and by position the rows of data sets that cannot be read."""
    tasks: list[Task] = []
    rows: dict[int, Row] = {}
    for position, ((label, runs), law, noise) in enumerate(product(_read(data), laws, noises)):
        if isinstance(runs, Runs):
            tasks.append(Task(position, runs, law, noise, method))
        else:
            rows[position] = failed(label, law, noise, method, reason(runs), n_runs=0)
    return tasks, rows


def _fit_all(
    tasks: Sequence[Task],
    rows: dict[int, Row],
    folder: Folder | None,
    executor: Executor | None,
) -> dict[int, Posterior | Path]:
    """Make the fits and add their rows; return the posteriors, or their files, by position."""
    posteriors: dict[int, Posterior | Path] = {}
    with progress_bar() as progress:
        bar = progress.add_task("Fitting", total=len(rows) + len(tasks), completed=len(rows))

        def report(outcome: Outcome) -> None:
            rows[outcome.position] = outcome.row
            if outcome.posterior:
                posteriors[outcome.position] = outcome.posterior
            progress.update(bar, advance=1, refresh=True)

        if executor:
            fit_on(executor, shared_out(tasks), folder, report)
        else:
            for share in shared_out(tasks):
                fit_here(share, folder, report)

    if folder:
        for task in tasks:
            if rows[task.position]["status"] != "failed":
                posteriors[task.position] = folder.file(task)
    return posteriors


@dataclass(frozen=True, eq=False)
class _Posteriors(Mapping[Key, Posterior]):
    """Posteriors by key; those in files are read on use."""

    by_key: dict[Key, Posterior | Path]

    def __getitem__(self, key: Key) -> Posterior:
        posterior = self.by_key[key]
        return load(posterior) if isinstance(posterior, Path) else posterior

    def __iter__(self) -> Iterator[Key]:
        return iter(self.by_key)

    def __len__(self) -> int:
        return len(self.by_key)

    def __repr__(self) -> str:
        keys = ", ".join(map(str, self.by_key))
        return f"<posteriors of {keys or 'no fit'}>"


def _instances(kind: Any, values: Sequence[T] | None, default: T) -> list[T]:
    name = kind.__name__.lower()
    if values is None:
        return [default]
    if not isinstance(values, Sequence) or not values:
        raise InputError(
            f"{name}s={values!r}: give a list of at least one {name}, such as [{default!r}]."
        )
    for value in values:
        if not isinstance(value, kind):
            raise InputError(f"{value!r} is no {name}; give instances, such as {default!r}.")
    return list(values)


def _read(data: Sequence[Source]) -> list[tuple[str, Runs | Exception]]:
    labels = _labels(data)
    return [(label, _runs(source, label)) for source, label in zip(data, labels, strict=True)]


def _runs(source: Source, label: str) -> Runs | Exception:
    # Each law asks for the columns that it needs later, so a file may lack what no law needs.
    try:
        if isinstance(source, Runs):
            return replace(source, name=label)
        if isinstance(source, str) and in_catalogue(source):
            return replace(datasets.load(source), name=label)
        return Runs.read(source, name=label)
    except Exception as error:
        return error


def _labels(data: Sequence[Source]) -> list[str]:
    """Return a label for each data set; no two are alike."""
    names = list(map(_name, data))
    uses = Counter(names)
    seen: Counter[str] = Counter()
    labels = []
    for source, name in zip(data, names, strict=True):
        is_shared_path = uses[name] > 1 and isinstance(source, str | Path)
        label = str(source) if is_shared_path else name
        seen[label] += 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels


def _name(source: Source) -> str:
    if isinstance(source, Runs):
        return source.name
    is_file = isinstance(source, str | Path) and "\n" not in str(source)
    return Path(str(source)).stem if is_file else "runs"


def _frame(rows: list[Row], parts: Sequence[Law | Noise]) -> pd.DataFrame:
    parameters: dict[str, type[float]] = {}
    for part in parts:
        for parameter in part.parameters:
            for statistic in STATISTICS:
                parameters[f"{parameter.name}_{statistic}"] = float
    # Diagnostics come last, in the order of their first fit.
    columns = dict.fromkeys([*FIRST_COLUMNS, *parameters])
    for row in rows:
        columns |= dict.fromkeys(row)
    return pd.DataFrame(rows, columns=list(columns)).astype(parameters)
