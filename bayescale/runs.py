"""A validated table of training runs: the one thing that every fit starts from.

Whatever enters here leaves as positive finite float64 columns under standard names, so nothing
downstream checks again.
"""

import hashlib
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from bayescale.errors import InputError, RunsWarning
from bayescale.findings import on_reading
from bayescale.results import in_lines, table_to_html
from bayescale.tables.nearest import lacking
from bayescale.tables.reading import Reading, read_table
from bayescale.tables.rows import faults
from bayescale.tables.sources import TableLike
from bayescale.units import NATS_PER_TOKEN, SHARE, six_nd, with_logarithm

REQUIRED = ("n_params", "n_tokens", "loss")
OPTIONAL_NUMBERS = ("flops", "unique_tokens", "loss_se", "weight", "n_correct", "n_samples")

_FINEST_RELATIVE_ERROR = 1e-6
_COUNTS = {"n_correct", "n_samples"}


@dataclass(frozen=True, eq=False)
class Runs:
    """One row per training run, checked and in canonical order.

    Build it with :meth:`read`, which takes any table and recognises its columns, or with
    :meth:`from_frame` and :meth:`from_csv`, which take headings as they are; the constructor takes
    a frame that has been checked already.

    Attributes
    ----------
    frame : DataFrame, one row per run
        ``n_params`` (parameters, a count), ``n_tokens`` (tokens trained on, a count) and ``loss``
        (in ``loss_unit``) as float64; optionally ``flops`` (FLOPs of training), ``unique_tokens``,
        ``loss_se`` (in ``loss_unit``), ``weight``, ``n_correct`` out of ``n_samples`` (counts) and
        ``group``; and every other column of the source. The index is ``run_id``. Rows are sorted by
        their numbers, so that a result never depends on the order of the rows in a file.
    name : str
        What to call these runs in output.
    source : str
        Where they come from: a paper, a file.
    notes : tuple of str
        Choices that the reader of a result must know, such as which parameters were counted.
    loss_unit : str
        Unit of the losses, which every page and axis of a result names: ``nats per token``, or such
        as ``bits per byte``; ``units of the table`` where nobody knows it.
    """

    frame: pd.DataFrame
    name: str = "runs"
    source: str = ""
    notes: tuple[str, ...] = ()
    loss_unit: str = NATS_PER_TOKEN

    @classmethod
    def read(
        cls,
        source: TableLike,
        *,
        name: str | None = None,
        notes: Sequence[str] = (),
        required: Sequence[str] | None = None,
        loss_unit: str | None = None,
        **columns: str,
    ) -> "Runs":
        """Read runs from any table, and recognise its columns.

        What was chosen, converted or left out stands in ``notes``. The page docs/your_table.md
        shows each format.

        Parameters
        ----------
        source : path, text, DataFrame, mapping or sequence
            The path of a file (CSV in any dialect, JSON, JSON lines, Parquet, Excel, a table of
            Markdown, exports of Weights & Biases, results of lm-evaluation-harness); the text of
            one; a DataFrame of pandas or polars; columns by heading; or a dictionary a run.
        name : str, optional
            What to call these runs in output; by default the file's name without its ending.
        notes : sequence of str
            What to add to the notes of the reader.
        required : sequence of str, optional
            Columns that must be there; by default ``loss``, and one of ``n_params``, ``n_tokens``
            and ``flops``.
        loss_unit : {"nats", "bits", "bits per byte", "perplexity", "unknown"}, optional
            Unit of the losses, where their heading does not say it.
        **columns : str
            ``standard_name="heading in the table"``, where another column is meant than the one
            that would be recognised.

        Returns
        -------
        Runs

        Raises
        ------
        InputError
            Where the source cannot be read, a column is lacking, or a cell is certainly wrong. The
            message names the row, the column, the value and the remedy.

        Examples
        --------
        >>> from bayescale.runs import Runs
        >>> table = {"Params": ["70M", "160M", "1.4B"], "Tokens (B)": [10, 30, 20]}
        >>> runs = Runs.read(table | {"val_loss": ["3,1", "2,9", "2,5"]})
        >>> runs.column("n_params").max(), runs.column("n_tokens").max(), runs.column("loss").min()
        (np.float64(1400000000.0), np.float64(30000000000.0), np.float64(2.5))
        """
        reading = read_table(
            source, name=name, required=required, loss_unit=loss_unit, headings=columns
        )
        runs = cls.from_reading(reading, notes)
        _warn_of_suspicions(runs, stacklevel=3)
        return runs

    @classmethod
    def from_reading(cls, reading: Reading, notes: Sequence[str] = ()) -> "Runs":
        """Return the runs of a table that has been read, with more notes; nothing is warned of."""
        every_note = (*reading.notes, *notes)
        runs = cls._checked(
            reading.frame, reading.name, reading.source, every_note, reading.numbers
        )
        return replace(runs, loss_unit=reading.loss_unit)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        name: str = "runs",
        source: str = "",
        notes: Sequence[str] = (),
        required: Sequence[str] = REQUIRED,
        **columns: str,
    ) -> "Runs":
        """Check a DataFrame and give its columns their standard names.

        Parameters
        ----------
        frame : DataFrame, one row per run
        name, source, notes
            See the class.
        required : sequence of str
            Columns that must be there; a law in compute alone needs ``("flops", "loss")``.
        **columns : str
            ``standard_name="heading in frame"``, for example ``n_params="N", loss="val_loss"``.

        Returns
        -------
        Runs

        Raises
        ------
        InputError
            On a missing column; a missing, non-finite, zero or negative value; text among numbers;
            a repeated ``run_id``. The message names the row, the column, the value and the remedy.

        Examples
        --------
        >>> import pandas as pd
        >>> from bayescale.runs import Runs
        >>> columns = {"N": [1e8, 1e8, 1e9], "D": [2e9, 2e10, 2e10], "loss": [3.6, 3.3, 2.9]}
        >>> table = pd.DataFrame(columns)
        >>> Runs.from_frame(table, n_params="N", n_tokens="D").frame["n_params"].max()
        np.float64(1000000000.0)
        """
        table = _rename(frame, columns)
        if table.empty:
            raise InputError(f"{name} has no rows; give one row per training run.")
        absent = [column for column in required if column not in table]
        if absent:
            raise InputError(lacking(absent, table, name))
        runs = cls._checked(table, name, source, notes, required)
        _warn_of_suspicions(runs, stacklevel=3)
        return runs

    @classmethod
    def _checked(
        cls,
        frame: pd.DataFrame,
        name: str,
        source: str,
        notes: Sequence[str],
        numbers: Collection[str],
    ) -> "Runs":
        """Return the runs of a table whose columns have their names; ``numbers`` are checked, and
        all that bear a standard name.
        """
        table = frame.copy()
        known = set(REQUIRED + OPTIONAL_NUMBERS).union(numbers)
        for column in table.columns:
            if column in known:
                table[column] = _numbers(table, column, name)
        _refuse_more_right_than_asked(table, name)
        _refuse_missing_labels(table, name)
        table = _indexed_by_run_id(table, name)
        return cls(_canonical_order(table), name=name, source=source, notes=tuple(notes))

    @classmethod
    def from_csv(cls, path: str | Path, **options: Any) -> "Runs":
        """Read a CSV file (comma separated, one heading line) and check it as :meth:`from_frame`
        does.

        Parameters
        ----------
        path : str or Path
        **options
            As for :meth:`from_frame`. By default ``name`` is the file's name and ``source`` its
            path.

        Raises
        ------
        InputError
            Where the file is not there, is not readable text, or as :meth:`from_frame`.
        """
        path = Path(path)
        if path.is_dir():
            raise InputError(f"{path} is a folder; give a CSV file.")
        try:
            # Without index_col=False pandas takes a column without a heading for an index, and
            # every heading then stands over its neighbour's numbers.
            with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
                table = pd.read_csv(path, index_col=False)
        except FileNotFoundError:
            raise InputError(
                f"There is no file {path}; check the path, or list data sets with `bayescale "
                f"datasets list`."
            ) from None
        except pd.errors.EmptyDataError:
            raise InputError(
                f"{path} is empty; its first line must be headings such as n_params,n_tokens,loss."
            ) from None
        except pd.errors.ParserWarning:
            raise InputError(
                f"{path} has rows with more fields than headings; give every column a heading."
            ) from None
        except (pd.errors.ParserError, UnicodeDecodeError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{path} is not a CSV file ({reason}); save it as UTF-8 text separated by commas."
            ) from None
        except (OSError, EOFError, BadZipFile) as error:
            raise InputError(
                f"{path} cannot be read ({error}); check its permissions and its ending."
            ) from None
        return cls.from_frame(table, **{"name": path.stem, "source": str(path), **options})

    def __len__(self) -> int:
        return len(self.frame)

    def _repr_html_(self) -> str:
        notes = " ".join(self.notes)
        about = f"<p><b>{escape(self.name)}</b>: {len(self)} runs. {escape(notes)}</p>"
        return about + table_to_html(self.frame)

    def __repr__(self) -> str:
        columns = ", ".join(map(str, self.frame.columns))
        facts = [f"from {self.source}"] if self.source else []
        facts.append(f"columns {columns}")
        facts += self.notes
        return in_lines(f"Runs: {self.name}, {len(self)} runs", facts)

    def column(self, name: str) -> np.ndarray:
        """One numeric column as float64, shape (runs,), in canonical order; ``flops`` falls back on
        6·N·D, and a share of nothing is a share of 1e-12.

        Raises
        ------
        InputError
            Where the runs have no such column, or it holds what is not a number, or one that is not
            positive and should be.
        """
        if name.startswith(SHARE) and name in self.frame:
            shares = _numbers(self.frame.reset_index(), name, self.name)
            return with_logarithm(name, shares.to_numpy())
        if name in self.frame:
            values = self.frame[name]
            if values.dtype == np.float64 and _is_faultless(name, values.to_numpy()):
                return values.to_numpy()
            # With run_id as a column, for a message that names the row.
            return _numbers(self.frame.reset_index(), name, self.name).to_numpy()
        if name == "flops" and {"n_params", "n_tokens"} <= set(self.frame.columns):
            return self.six_nd
        raise InputError(lacking([name], self.frame, self.name))

    def columns(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Numeric columns by name, each as `column` returns it."""
        return {name: self.column(name) for name in names}

    @property
    def six_nd(self) -> np.ndarray:
        """6·N·D of each run, whatever ``flops`` says, FLOPs, shape (runs,): as plans and designs
        count.
        """
        return np.asarray(six_nd(self.column("n_params"), self.column("n_tokens")))

    @property
    def weights(self) -> np.ndarray:
        """The weight of each run in the likelihood, shape (runs,); ones where no ``weight`` column
        was given.
        """
        return self.column("weight") if "weight" in self.frame else np.ones(len(self))

    @property
    def relative_loss_se(self) -> np.ndarray:
        """The known standard error of each run's log loss, shape (runs,); of all, shape (1,), where
        none is known.

        Never below 1e-6, so that a table that was computed from a law, without noise, has a
        posterior: its density would grow without end as the scatter falls to zero.
        """
        known = self.column("loss_se") / self.column("loss") if "loss_se" in self.frame else [0.0]
        return np.maximum(known, _FINEST_RELATIVE_ERROR)

    @property
    def counted(self) -> bool:
        """Return whether right answers were counted."""
        return set(self.frame.columns) >= _COUNTS

    @property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """``n_correct`` and ``n_samples`` of each run, each of shape (runs,); a zero, shape (1,),
        where none were counted.
        """
        if self.counted:
            return self.column("n_correct"), self.column("n_samples")
        return np.zeros(1), np.zeros(1)

    @property
    def sha256(self) -> str:
        """Hash of all numbers: equal for equal runs, whatever the order of rows or columns."""
        numbers = self.frame.select_dtypes("number").sort_index(axis="columns")
        digest = hashlib.sha256("\n".join(map(str, numbers.columns)).encode())
        digest.update(np.ascontiguousarray(numbers.to_numpy(dtype=np.float64)).tobytes())
        return digest.hexdigest()


RunsLike: TypeAlias = Runs | TableLike
"""Runs, or any table of which `Runs.read` makes them."""


def as_runs(source: RunsLike, required: Sequence[str] | None = None) -> Runs:
    """Return runs as they are, and any other table read by `Runs.read`.

    Parameters
    ----------
    source : Runs, path, text, DataFrame, mapping or sequence
    required : sequence of str, optional
        Columns that a table must have; by default as for `Runs.read`.
    """
    if isinstance(source, Runs):
        return source
    reading = read_table(source, required=required)
    runs = Runs.from_reading(reading)
    _warn_of_suspicions(runs, stacklevel=4)
    return runs


def _warn_of_suspicions(runs: Runs, stacklevel: int) -> None:
    for finding in on_reading(runs.frame):
        warnings.warn(f"{runs.name}: {finding}", RunsWarning, stacklevel=stacklevel)


def _rename(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    for name, heading in columns.items():
        if heading not in frame:
            raise InputError(
                f"There is no column {heading!r} to use as {name}; the columns are "
                f"{', '.join(map(str, frame.columns))}."
            )
    table = frame.rename_axis(index=None)
    if "run_id" not in columns and frame.index.name == "run_id" and "run_id" not in frame:
        table = table.assign(run_id=frame.index)
    moved = {heading: name for name, heading in columns.items()}
    taken = [name for name in columns if name in table and name not in moved]
    table = table.drop(columns=taken).rename(columns=moved).rename(columns=str)
    repeated = table.columns[table.columns.duplicated()].unique()
    if len(repeated):
        raise InputError(
            f"The column {repeated[0]!r} is there twice; rename or drop one of the two."
        )
    return table.copy()


def _is_faultless(name: str, numbers: np.ndarray) -> bool:
    """Return whether a column of this standard name may hold these numbers."""
    if np.isnan(numbers).any():
        return False
    return not any(bad.any() for bad, _, _ in faults(name, numbers))


def _numbers(table: pd.DataFrame, column: str, name: str) -> pd.Series:
    values = table[column]
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    refused = [
        (values.isna().to_numpy(), "is missing", "fill it in or drop the row"),
        (numbers.isna().to_numpy(), "is not a number", "write plain digits such as 70e9"),
    ]
    refused += faults(column, numbers.to_numpy())
    for bad, what, remedy in refused:
        if bad.any():
            row = int(np.argmax(bad))
            others = f" (and so in {bad.sum() - 1} more rows)" if bad.sum() > 1 else ""
            value = values.iloc[row]
            shown = value.item() if isinstance(value, np.generic) else value
            raise InputError(
                f"{name}, {_row(table, row)}, column {column}: {shown!r} {what}{others}; {remedy}."
            )
    return numbers


def _refuse_more_right_than_asked(table: pd.DataFrame, name: str) -> None:
    if not set(table.columns) >= _COUNTS:
        return
    bad = (table["n_correct"] > table["n_samples"]).to_numpy()
    if bad.any():
        row = int(bad.argmax())
        right, asked = table["n_correct"].iloc[row], table["n_samples"].iloc[row]
        raise InputError(
            f"{name}, {_row(table, row)}: n_correct is {right:g} of n_samples {asked:g}; mend it "
            f"or drop the row."
        )


def _refuse_missing_labels(table: pd.DataFrame, name: str) -> None:
    for column in table.columns.intersection(["run_id", "group"], sort=False):
        if (missing := table[column].isna().to_numpy()).any():
            row = int(missing.argmax())
            raise InputError(
                f"{name}, row {row + 1}, column {column}: the label is missing; fill it in or drop "
                f"the column."
            )


def _row(table: pd.DataFrame, row: int) -> str:
    return f"row {row + 1}" + (
        f" (run_id {table['run_id'].iloc[row]!r})" if "run_id" in table else ""
    )


def _indexed_by_run_id(table: pd.DataFrame, name: str) -> pd.DataFrame:
    if "run_id" not in table:
        return table.reset_index(drop=True).rename_axis(index="run_id")
    again = table["run_id"].duplicated().to_numpy()
    if again.any():
        row = int(again.argmax())
        raise InputError(
            f"{name}, {_row(table, row)}, column run_id: this id is there twice; give every run "
            f"its own."
        )
    return table.set_index("run_id")


def _canonical_order(table: pd.DataFrame) -> pd.DataFrame:
    # Labels come last: runs with the same numbers may still belong to different groups.
    order = sorted(table.select_dtypes("number").columns, key=_required_first)
    if "group" in table:
        order.append("group")
    return table.sort_values(order, kind="stable")


def _required_first(column: str) -> tuple[int, str]:
    return (REQUIRED.index(column) if column in REQUIRED else len(REQUIRED), column)
