"""A table of runs read and understood: standard columns, and an account of what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import Mark
from bayescale.tables.choosing import LABELS, choose
from bayescale.tables.columns import Chosen, mark_of_table, named_columns
from bayescale.tables.headings import headings_of
from bayescale.tables.labels import Labels, group_of, run_id_of
from bayescale.tables.others import canonical
from bayescale.tables.quantities import Quantities, read_quantities
from bayescale.tables.rows import LeftOut
from bayescale.tables.sources import TableLike, sheet_of
from bayescale.tables.wide import one_row_a_run
from bayescale.units import NATS_PER_TOKEN

_UNITS = {"n_params": "parameters", "n_tokens": "tokens", "flops": "FLOPs"}


@dataclass(frozen=True)
class ColumnRead:
    """Origin of a standard column.

    Attributes
    ----------
    name : str
        Standard name.
    origin : str
        Heading in the table, or the formula by which it follows from others.
    unit : str
        Unit of the numbers as they are fitted; empty where they have none.
    """

    name: str
    origin: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Reading:
    """A table of runs as it was understood.

    Attributes
    ----------
    frame : DataFrame, one row per run
        Standard columns, then every other column of the source.
    name, source : str
        What to call the runs, and where they come from.
    format : str
        The format in words, such as ``text separated by semicolons``.
    columns : tuple of ColumnRead
    left_out : tuple of LeftOut
    notes : tuple of str
        Everything that was done or chosen.
    """

    frame: pd.DataFrame
    name: str
    source: str
    format: str
    columns: tuple[ColumnRead, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """Standard names of the columns that hold numbers which a fit may use."""
        return tuple(one.name for one in self.columns if one.name not in LABELS)

    @property
    def loss_unit(self) -> str:
        """Unit of the losses as they are fitted."""
        for one in self.columns:
            if one.name == "loss":
                return one.unit
        return NATS_PER_TOKEN


@dataclass(frozen=True)
class _LabelsOfRows:
    """Labels of all rows."""

    group: Labels | None
    run_id: Labels | None

    @property
    def given(self) -> dict[str, Labels]:
        """The labels that there are, by standard name."""
        both = {"group": self.group, "run_id": self.run_id}
        return {name: labels for name, labels in both.items() if labels}

    @property
    def notes(self) -> list[str]:
        """Notes on where the labels come from, and what was done to them."""
        notes = []
        for name, labels in self.given.items():
            if labels.heading != name:
                notes.append(f"{name} is {labels.heading!r}.")
            notes += labels.notes
        return notes


def read_table(
    source: TableLike,
    *,
    name: str | None = None,
    required: Sequence[str] | None = None,
    loss_unit: str | None = None,
    headings: Mapping[str, str] | None = None,
) -> Reading:
    """Read a table of runs, and recognise its columns.

    Parameters
    ----------
    source : path, text, DataFrame, mapping of columns or sequence of records
    name : str, optional
        What to call the runs; by default the file's name without its ending.
    required : sequence of str, optional
        Standard names of columns that must be there; by default the loss, and parameters, tokens
        or compute.
    loss_unit : str, optional
        Unit of the losses, where the heading does not say it: ``"nats"``, ``"bits"``,
        ``"bits per byte"``, ``"perplexity"`` or ``"unknown"``.
    headings : mapping of str to str, optional
        Headings by standard name; other columns are recognised.

    Raises
    ------
    InputError
        Where the source cannot be read, a column is lacking, or a cell is certainly wrong.
    """
    path = _path(source)
    where = name or (path.stem if path else "runs")
    sheet = one_row_a_run(sheet_of(source, where), where)
    cells = sheet.frame
    if cells.empty:
        raise InputError(f"{where} has no rows; give one row per training run.")
    asked = headings or {}
    chosen = choose(cells, asked, required, where)
    mark = mark_of_table([cells[one.heading] for one in chosen.values()], sheet.mark)
    quantities = read_quantities(
        cells, chosen, mark, required=required, loss_unit=loss_unit, where=where
    )
    labels = _labels(cells, asked, chosen, where)
    notes = [*sheet.notes, *quantities.notes]
    notes += labels.notes
    notes += map(str, quantities.rows.left_out)
    return Reading(
        _frame(cells, chosen, quantities, labels, mark, where),
        where,
        str(path or ""),
        sheet.format,
        _account(chosen, quantities, labels),
        quantities.rows.left_out,
        tuple(notes),
    )


def _path(source: TableLike) -> Path | None:
    """Return the path that a source is, or None where it is a table itself."""
    if isinstance(source, Path):
        return source
    return Path(source) if isinstance(source, str) and "\n" not in source else None


def _labels(
    cells: pd.DataFrame, asked: Mapping[str, str], chosen: Mapping[str, Chosen], where: str
) -> _LabelsOfRows:
    named = named_columns(cells, {key: asked[key] for key in LABELS if key in asked}, where)
    taken = [one.heading for one in chosen.values() if not one.is_size_label]
    group = group_of(cells, named, taken)
    if group:
        taken.append(group.heading)
    return _LabelsOfRows(group, run_id_of(cells, named, taken))


def _frame(
    cells: pd.DataFrame,
    chosen: Mapping[str, Chosen],
    quantities: Quantities,
    labels: _LabelsOfRows,
    mark: Mark | None,
    where: str,
) -> pd.DataFrame:
    """Return the rows that are kept, under standard names; other columns keep their headings."""
    kept = quantities.rows.kept
    columns: dict[str, pd.Series | np.ndarray] = dict(quantities.values)
    for name, label in labels.given.items():
        columns[name] = label.values.iloc[kept].reset_index(drop=True)
    if labels.run_id:
        _refuse_repeated(labels.run_id.values.iloc[kept], where)
    if not labels.run_id and len(kept) < len(cells):
        columns["run_id"] = kept
    moved = {chosen[name].heading for name in quantities.values if name in chosen}
    moved -= {one.heading for one in chosen.values() if one.is_size_label}
    moved |= {label.heading for label in labels.given.values()}
    # Under its standard name a column would be checked as if it were used.
    moved |= set(quantities.rows.set_aside)
    for text in headings_of(cells):
        if text not in moved and text not in columns:
            columns[text] = canonical(cells[text].iloc[kept].reset_index(drop=True), mark)
    return pd.DataFrame(columns)


def _refuse_repeated(run_id: pd.Series, where: str) -> None:
    again = run_id[run_id.duplicated()]
    if len(again):
        raise InputError(
            f"{where}, row {again.index[0] + 1} (run_id {again.iloc[0]!r}), column run_id: this id "
            f"is there twice; give every run its own, or rename the column where rows are "
            f"checkpoints of one run."
        )


def _account(
    chosen: Mapping[str, Chosen], quantities: Quantities, labels: _LabelsOfRows
) -> tuple[ColumnRead, ...]:
    """Return where each standard column comes from."""
    unit_of_loss = quantities.unit.result if quantities.unit else ""
    units = _UNITS | {"loss": unit_of_loss, "loss_se": unit_of_loss}
    found = []
    for name in quantities.values:
        if name in chosen:
            origin = chosen[name].heading
        else:
            origin = quantities.derived.formula if quantities.derived else ""
        found.append(ColumnRead(name, origin, units.get(name, "")))
    found += [ColumnRead(name, label.heading) for name, label in labels.given.items()]
    return tuple(found)
