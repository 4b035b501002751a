"""Numbers of a table that a fit may use: read, converted, and completed from each other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.cells import Mark
from bayescale.tables.columns import Chosen, alternatives, numbers
from bayescale.tables.derived import Derived, derived, remark_on_compute
from bayescale.tables.headings import headings_of
from bayescale.tables.loss_units import LossUnit, loss_unit_of
from bayescale.tables.nearest import lacking
from bayescale.tables.roles import INGREDIENTS
from bayescale.tables.rows import Rows, usable_rows
from bayescale.units import six_nd

_SCALES = ("n_params", "n_tokens", "flops")
_MEASURED = ("loss", "loss_se")


@dataclass(frozen=True, eq=False)
class Quantities:
    """Numbers by standard name.

    Attributes
    ----------
    values : mapping of str to array, shape (kept rows,)
    rows : Rows
        Which rows are kept.
    unit : LossUnit or None
        Unit of the loss; None where there is no loss.
    derived : Derived or None
        The column that follows from others.
    notes : tuple of str
        What was done.
    """

    values: Mapping[str, np.ndarray]
    rows: Rows
    unit: LossUnit | None
    derived: Derived | None
    notes: tuple[str, ...]


def read_quantities(
    frame: pd.DataFrame,
    chosen: Mapping[str, Chosen],
    mark: Mark | None,
    *,
    required: Sequence[str] | None,
    loss_unit: str | None,
    where: str,
) -> Quantities:
    """Read the numbers of a table.

    Parameters
    ----------
    frame : DataFrame
        Cells as they stand in the source.
    chosen : mapping of str to Chosen
        Columns by name.
    mark : Mark or None
        Decimal mark of the table.
    required, loss_unit
        As for `reading.read_table`.
    where : str
        Name of the table, for messages.

    Raises
    ------
    InputError
        Where a cell is no number, a number cannot be, or a column is lacking.
    """
    every: dict[str, np.ndarray] = {}
    notes_on_cells: list[str] = []
    for name, one in chosen.items():
        read = numbers(one, frame[one.heading], mark, where, is_measured=name in _MEASURED)
        every[name] = read.values
        notes_on_cells += read.notes
    rows = usable_rows(frame, every, chosen, required, where)
    values = {name: column[rows.kept] for name, column in every.items()}
    for name in rows.set_aside:
        del values[name]
    unit = loss_unit_of(chosen["loss"].heading, loss_unit) if "loss" in values else None
    if unit:
        values["loss"] = _in_nats(values["loss"], unit, rows, where)
    following = derived(values, chosen)
    if following:
        values[following.name] = following.values
    _refuse_lacking(values, required, frame, where)
    others = _other_parameters(frame, chosen, mark, rows, where)
    notes = _notes_on_columns(headings_of(frame), chosen, values, following, unit)
    notes += notes_on_cells
    notes += _notes_on_compute(values, others)
    notes += _notes_on_set_aside(rows)
    return Quantities(_without_ingredients(values), rows, unit, following, tuple(notes))


def _in_nats(loss: np.ndarray, unit: LossUnit, rows: Rows, where: str) -> np.ndarray:
    converted = unit.to_nats(loss)
    bad = converted <= 0
    if bad.any():
        row = int(rows.kept[np.argmax(bad)])
        raise InputError(
            f"{where}, row {row + 1}, column loss: {loss[bad][0]:g} is no {unit.name}, which is "
            f"more than 1; mend it, or say the unit by loss_unit."
        )
    return converted


def _refuse_lacking(
    values: Mapping[str, np.ndarray],
    required: Sequence[str] | None,
    frame: pd.DataFrame,
    where: str,
) -> None:
    """Refuse a table that lacks a column, by the nearest of its headings.

    Compute that is lacking is 6·N·D, and a share of right answers may be given as counts.
    """
    if required is None:
        absent = [] if "loss" in values else ["loss"]
        if not values.keys() & set(_SCALES):
            absent.append("n_params")
    else:
        absent = [name for name in required if name not in values]
        if "flops" in absent and {"n_params", "n_tokens"} <= values.keys():
            absent.remove("flops")
    if absent:
        raise InputError(lacking(absent, frame, where))


def _without_ingredients(values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the numbers of a fit, with 6·N·D where compute is missing."""
    kept = {name: column for name, column in values.items() if name not in INGREDIENTS}
    if "flops" in kept and {"n_params", "n_tokens"} <= kept.keys():
        six = np.asarray(six_nd(kept["n_params"], kept["n_tokens"]))
        kept["flops"] = np.where(np.isnan(kept["flops"]), six, kept["flops"])
    return kept


def _other_parameters(
    frame: pd.DataFrame,
    chosen: Mapping[str, Chosen],
    mark: Mark | None,
    rows: Rows,
    where: str,
) -> dict[str, np.ndarray]:
    """Return the other columns that might have been parameters, by heading."""
    if "n_params" not in chosen:
        return {}
    found = {}
    for text in chosen["n_params"].others:
        try:
            read = numbers(Chosen("n_params", text), frame[text], mark, where, is_measured=False)
        except InputError:
            continue
        found[text] = read.values[rows.kept]
    return found


def _notes_on_columns(
    headings: Collection[str],
    chosen: Mapping[str, Chosen],
    values: Mapping[str, np.ndarray],
    following: Derived | None,
    unit: LossUnit | None,
) -> list[str]:
    used = [one for name, one in chosen.items() if name in values and name not in INGREDIENTS]
    renamed, replaced = [], []
    for one in used:
        if one.name != one.heading:
            renamed.append(f"{one.name} is {one.heading!r}")
            if one.name in headings:
                replaced.append(one.name)
    notes = [f"Columns: {', '.join(renamed)}."] if renamed else []
    if replaced:
        notes.append(f"Left out for them: {', '.join(map(repr, replaced))}.")
    for one in used:
        if one.is_size_label:
            notes.append(f"n_params is read from the sizes in {one.heading!r}, which are rounded.")
        more = alternatives(one)
        if more:
            notes.append(more)
    if unit and unit.says:
        notes.append(unit.says.format(heading=repr(chosen["loss"].heading)))
    if following:
        notes.append(f"The table has no {following.name}: {following.name} is {following.formula}.")
    return notes


def _notes_on_compute(
    values: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> list[str]:
    notes = []
    compute = values.get("flops")
    gaps = 0 if compute is None else int(np.isnan(compute).sum())
    if gaps:
        notes.append(f"flops is missing in {gaps} rows and 6·N·D there.")
    remark = remark_on_compute(values, others)
    if remark:
        notes.append(remark)
    return notes


def _notes_on_set_aside(rows: Rows) -> list[str]:
    return [
        f"{name} is left out: cells are missing, and it is not needed." for name in rows.set_aside
    ]
