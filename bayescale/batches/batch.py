"""Many data sets, laws and noise models in one call: a row a fit, and nothing lost when it is
killed.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from bayescale import datasets, defaults
from bayescale._internal.progress import bar as progress_bar
from bayescale.batches.fitting import fit_here, fit_on, shared_out
from bayescale.batches.folder import FIRST_COLUMNS, Folder
from bayescale.batches.task import Outcome, Row, Task, failed, reason
from bayescale.errors import InputError
from bayescale.inference.base import Method
from bayescale.laws.base import Law
from bayescale.noise.base import Noise
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.storage import load
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.runs import Runs
from bayescale.units import STATISTICS, plus_minus

Source = str | Path | Runs | pd.DataFrame
Key = tuple[str, str, str]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Batch:
    """The fits of a batch.

    Attributes
    ----------
    frame : DataFrame, one row per fit
        In the order asked, data sets slowest. ``data_set``, ``law``, ``noise`` and ``method``, as
        the command line takes them, the method being the one that made the draws where the one
        asked for handed on what it cannot do; ``n_runs``; ``status``, which is ``good``,
        ``doubtful`` where diagnostics complained, or ``failed``; ``message``, the complaints or the
        error; ``NAME_mean``, ``_sd``, ``_q05``, ``_q50`` and ``_q95`` of each parameter, in counts
        and nats per token, NaN where a law lacks it; and the diagnostics. Nothing in it depends on
        the time, or on how often the batch was interrupted.
    posteriors : mapping of (data set, law, noise), as in the frame, to Posterior
        Of the fits that did not fail. Each is read from the batch's folder when asked for, where
        there is one.
    """

    frame: pd.DataFrame
    posteriors: Mapping[Key, Posterior]

    def summary(self) -> pd.DataFrame:
        """A short table to read: the status of each fit, and each parameter as mean ± standard
        deviation.

        Returns
        -------
        DataFrame of str, one row per fit
        """
        table = self.frame[["data_set", "law", "noise", "status"]].copy()
        for name in (
            column.removesuffix("_q50") for column in self.frame.columns if column.endswith("_q50")
        ):
            pairs = zip(self.frame[f"{name}_mean"], self.frame[f"{name}_sd"], strict=True)
            table[name] = [plus_minus(mean, sd) for mean, sd in pairs]
        return table

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{len(self.frame)} fits"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say how many fits are good, doubtful and failed."""
        counts = self.frame["status"].value_counts()
        return (", ".join(f"{count} {status}" for status, count in counts.items()) + ".",)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Complaints about fits that are doubtful or failed; each sentence begins with the fit."""
        doubtful = self.frame[self.frame["message"] != ""]
        complaints = [
            Complaint(
                str(row["status"]),
                f"{row['data_set']}, {row['law']}, {row['noise']}: {row['message']}",
            )
            for row in doubtful.to_dict("records")
        ]
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

    A fit that fails stops no other: it is a row that says why. With ``out``, every fit is written
    as it comes, so that a batch that was interrupted or killed goes on where it stopped when it is
    called again, and ends with the same frame.

    Parameters
    ----------
    data : sequence of str, Path, Runs or DataFrame
        Names of the catalogue, CSV files, or tables. Files of one name go by their paths, and
        whatever else shares a name is numbered.
    laws : sequence of Law
        ``[Chinchilla()]`` unless given.
    noises : sequence of Noise
        ``[StudentT()]`` unless given.
    method : Method
        `Importance()` unless given.
    out : str or Path
        A folder for the posteriors, for what is to be known of failures, and for the frame as
        ``batch.csv``. It is made if it is not there. Fits found in it are not made again, unless
        the data, an option or the version of bayescale differ, or the file is damaged; failures are
        tried again, but for those of bad input. One batch at a time may write to a folder.
    executor : concurrent.futures.Executor
        Workers for the fits, such as
        ``ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))`` or a Dask
        ``Client(...).get_executor()``; they write to ``out`` themselves, which all must see.
        Threads of one process take turns. This process fits one after the other unless given.

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
    if isinstance(data, str | Path | Runs | pd.DataFrame) or not len(data):
        raise InputError(
            "Give a list of data sets, such as ['dey2023_pile', runs]; one alone is for `fit`."
        )
    laws = _instances(Law, laws, defaults.textbook_law())
    noises = _instances(Noise, noises, defaults.textbook_noise())
    (method,) = _instances(Method, None if method is None else [method], defaults.textbook_method())
    folder = None if out is None else Folder.prepare(Path(out))

    rows: dict[int, Row] = {}
    tasks: list[Task] = []
    for position, ((label, runs), law, noise) in enumerate(product(_read(data), laws, noises)):
        if isinstance(runs, Runs):
            tasks.append(Task(position, runs, law, noise, method))
        else:
            rows[position] = failed(label, law, noise, method, reason(runs), n_runs=0)

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
        posteriors = {
            task.position: folder.file(task)
            for task in tasks
            if rows[task.position]["status"] != "failed"
        }
    frame = _frame([rows[position] for position in sorted(rows)], [*laws, *noises])
    if folder:
        folder.write_table(frame)
    keys = {position: (row["data_set"], row["law"], row["noise"]) for position, row in rows.items()}
    return Batch(
        frame,
        _Posteriors({keys[position]: posteriors[position] for position in sorted(posteriors)}),
    )


def in_catalogue(source: str) -> bool:
    """Return whether a text is meant as a name of the catalogue; else it is a file."""
    return source in datasets.names() or not (
        Path(source).exists() or source.endswith(".csv") or os.sep in source
    )


@dataclass(frozen=True, eq=False)
class _Posteriors(Mapping[Key, Posterior]):
    held: dict[Key, Posterior | Path]

    def __getitem__(self, key: Key) -> Posterior:
        posterior = self.held[key]
        return load(posterior) if isinstance(posterior, Path) else posterior

    def __iter__(self) -> Iterator[Key]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)

    def __repr__(self) -> str:
        return f"<posteriors of {', '.join(map(str, self.held)) or 'no fit'}>"


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
    return [
        (label, _runs(source, label)) for source, label in zip(data, _labels(data), strict=True)
    ]


def _runs(source: Source, label: str) -> Runs | Exception:
    # Each law asks for the columns that it needs, so that a file may lack what no law wants.
    wanted: dict[str, Any] = {"name": label, "required": ("loss",)}
    try:
        if isinstance(source, Runs):
            return replace(source, name=label)
        if isinstance(source, pd.DataFrame):
            return Runs.from_frame(source, **wanted)
        if isinstance(source, str) and in_catalogue(source):
            return replace(datasets.load(source), name=label)
        return Runs.from_csv(source, **wanted)
    except Exception as error:
        return error


def _labels(data: Sequence[Source]) -> list[str]:
    short = [_label(source) for source in data]
    shared = Counter(short)
    seen: Counter[str] = Counter()
    labels = []
    for source, name in zip(data, short, strict=True):
        full = str(source) if shared[name] > 1 and isinstance(source, str | Path) else name
        seen[full] += 1
        labels.append(full if seen[full] == 1 else f"{full} ({seen[full]})")
    return labels


def _label(source: Source) -> str:
    if isinstance(source, Runs):
        return source.name
    return "runs" if isinstance(source, pd.DataFrame) else Path(source).stem


def _frame(rows: list[Row], parts: Sequence[Law | Noise]) -> pd.DataFrame:
    names = dict.fromkeys(parameter.name for part in parts for parameter in part.parameters)
    parameters = [f"{name}_{statistic}" for name in names for statistic in STATISTICS]
    # Diagnostics come last, in the order of their first fit.
    columns = dict.fromkeys([*FIRST_COLUMNS, *parameters, *(key for row in rows for key in row)])
    return pd.DataFrame(rows, columns=list(columns)).astype(dict.fromkeys(parameters, float))
