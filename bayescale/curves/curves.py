"""Training curves as runs log them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayescale.curves.schedule import Schedule
from bayescale.errors import InputError
from bayescale.tables.headings import heading
from bayescale.tables.roles import LOSS, N_TOKENS, SURE, Role
from bayescale.tables.sources import TableLike, sheet_of

_RUN = Role(
    "run",
    "runs",
    {"run": 90, "run id": 92, "runs": 80, "name": 60, "run name": 85, "curve": 70, "id": 50},
)
_STEP = Role(
    "step",
    "training steps",
    {"step": 95, "steps": 95, "iter": 90, "iters": 90, "iteration": 90, "global steps": 92}
    | {"train steps": 92, "train global steps": 92, "iterations": 90, "tokens": 40},
    {"steps": 60, "iter": 60, "step": 60},
    frozenset({"loss", "per", "time", "second"}),
)
_RATE = Role(
    "lr",
    "learning rate",
    {"lr": 95, "learning rate": 95, "train lr": 92, "train learning rate": 92},
    {"lr": 60, "rate": 55},
    frozenset({"loss", "decay", "dropout", "error"}),
)
_FEWEST = 6


@dataclass(frozen=True, eq=False)
class Curves:
    """Losses and learning rates along several runs.

    Attributes
    ----------
    table : DataFrame
        Columns ``run``, ``step``, ``lr``, ``loss``, in the order of runs and steps. A row whose
        loss is missing still tells the learning rate.
    notes : tuple of str
        What was chosen or left out.

    Examples
    --------
    >>> import bayescale as bs
    >>> log = {"step": [100, 200, 300], "lr": [1e-3, 1e-3, 1e-3], "loss": [5.0, 4.5, 4.2]}
    >>> bs.Curves.read(log).runs
    ('run',)
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def read(
        cls, source: TableLike, *, headings: Mapping[str, str] | None = None, name: str = "curves"
    ) -> "Curves":
        """Read curves in long form: a row is a logged step of a run.

        Parameters
        ----------
        source : path, text, DataFrame, mapping of columns or list of records
            Headings of W&B's exports such as ``_step``, ``train/loss``, ``train/lr`` are known.
        headings : mapping of str to str, optional
            Headings of ``run``, ``step``, ``lr`` and ``loss``; others are recognised. ``step`` may
            be a column of tokens.
        name : str
            What to call the table in messages.

        Raises
        ------
        InputError
            Where a column is lacking, or a cell is no number.
        """
        cells = sheet_of(source, name).frame
        if cells.empty:
            raise InputError(f"{name} has no rows; give one row per logged step.")
        asked = dict(headings or {})
        chosen = _chosen(cells, asked, name)
        columns = {
            "run": cells[chosen["run"]].astype(str) if "run" in chosen else name_of(cells),
            "step": _numbers(cells, chosen["step"], name),
            "lr": _numbers(cells, chosen["lr"], name),
            "loss": _numbers(cells, chosen["loss"], name),
        }
        notes = [f"{key} is {one!r}." for key, one in chosen.items() if key != one]
        return _checked(pd.DataFrame(columns), notes, name)

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of the runs, in the order of the table."""
        return tuple(self.table["run"].unique())

    def of(self, run: str) -> pd.DataFrame:
        """Return the rows of one run."""
        if run not in self.runs:
            raise InputError(f"There is no run {run!r}; there are {', '.join(self.runs[:8])}.")
        rows = self.table[self.table["run"] == run]
        return rows.reset_index(drop=True)

    def schedule(self, run: str) -> Schedule:
        """Return the learning rates that a run has logged."""
        rows = self.of(run)
        known = rows["lr"].notna()
        return Schedule(rows["step"][known].to_numpy(), rows["lr"][known].to_numpy())

    def until(self, run: str, step: float) -> "Curves":
        """Return the curves with one run cut after a step."""
        kept = (self.table["run"] != run) | (self.table["step"] <= step)
        return Curves(self.table[kept].reset_index(drop=True), self.notes)

    def only(self, *runs: str) -> "Curves":
        """Return the curves of some runs alone."""
        kept = self.table["run"].isin(runs)
        return Curves(self.table[kept].reset_index(drop=True), self.notes)


def name_of(cells: pd.DataFrame) -> pd.Series:
    """Return the name of the only run, for each row."""
    return pd.Series("run", index=cells.index)


def _chosen(cells: pd.DataFrame, asked: Mapping[str, str], name: str) -> dict[str, str]:
    """Return headings by what they are."""
    unknown = set(asked) - {"run", "step", "lr", "loss"}
    if unknown:
        raise InputError(
            f"headings takes run, step, lr and loss; {min(unknown)!r} is none of them."
        )
    chosen: dict[str, str] = {}
    for role in (_RUN, _STEP, _RATE, LOSS):
        if role.name in asked:
            if asked[role.name] not in cells.columns:
                raise InputError(f"{name} has no column {asked[role.name]!r}.")
            chosen[role.name] = asked[role.name]
            continue
        found = _best(role, cells, set(chosen.values()))
        if not found and role is _STEP:
            found = _best(N_TOKENS, cells, set(chosen.values()))
        if found:
            chosen[role.name] = found
        elif role is not _RUN:
            headings = ", ".join(map(str, cells.columns))
            raise InputError(
                f"{name} has no column of {role.means} that is recognised; its headings are "
                f'{headings}. Name it: headings={{"{role.name}": ...}}.'
            )
    return chosen


def _best(role: Role, cells: pd.DataFrame, taken: set[str]) -> str:
    """Return the heading that names a role most surely; empty where none does."""
    scores = {
        column: role.score(heading(column))
        for column in map(str, cells.columns)
        if column not in taken
    }
    best = max(scores, key=lambda column: scores[column], default="")
    return best if scores.get(best, 0) >= SURE else ""


def _numbers(cells: pd.DataFrame, column: str, name: str) -> pd.Series:
    """Return a column as numbers; empty cells are missing."""
    numbers = pd.to_numeric(cells[column], errors="coerce")
    as_text = cells[column].astype("string").str.strip()
    empty = cells[column].isna() | as_text.isin(["", "nan", "NaN", "null", "None"])
    bad = numbers.isna() & ~empty
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{name}, column {column!r}, row {row + 1}: {as_text.iloc[row]!r} is no number."
        )
    return numbers.astype(float)


def _checked(table: pd.DataFrame, notes: list[str], name: str) -> Curves:
    table = table[table["step"].notna() & (table["lr"].notna() | table["loss"].notna())]
    order = {run: index for index, run in enumerate(table["run"].unique())}
    table = table.sort_values(
        ["run", "step"], key=lambda c: c.map(order) if c.name == "run" else c, kind="stable"
    )
    if (table["lr"] < 0).any() or not (table["lr"] > 0).any():
        raise InputError(f"{name}: learning rates must not be negative, nor all be zero.")
    if (table["loss"] <= 0).any() or np.isinf(table["loss"]).any():
        raise InputError(f"{name}: a loss is not a positive number; remove rows that diverged.")
    # Rows that a restarted run has logged again, or that log one thing each.
    merged = table.groupby(["run", "step"], sort=False).last().reset_index()
    if len(merged) < len(table):
        notes.append(f"{len(table) - len(merged)} rows of repeated steps were joined.")
    for run, rows in merged.groupby("run", sort=False):
        if rows["lr"].notna().sum() < 2:
            raise InputError(f"{name}: run {run!r} has fewer than two learning rates.")
    return Curves(merged, tuple(notes))


def enough(points: int, run: str) -> None:
    """Raise InputError where a run has too few losses to say where it goes."""
    if points < _FEWEST:
        raise InputError(
            f"Run {run!r} has {points} losses after its warm-up; at least {_FEWEST} are needed."
        )
