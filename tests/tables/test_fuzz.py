"""Altered tables: each becomes runs or one sentence, and the dress of a table changes nothing."""

import json
import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from bayescale.errors import InputError, RunsWarning
from bayescale.runs import Runs

TABLE = {
    "n_params": ["70426624", "162322944", "1011781632", "12000000000", "405334016"],
    "n_tokens": ["300000000000", "20000000000", "5.1e9", "2570000000000", "41000000000"],
    "val_loss": ["2.608", "2.9349", "3.1", "1.99", "2.75"],
    "flops": ["1.3e20", "1.9e19", "3.1e19", "1.9e23", "1e20"],
    "family": ["a", "b", "a", "b", "a"],
    "lr": ["0.001", "0.0006", "0.0002", "0.00012", "0.0003"],
}
NAMES = (
    *("N", "Params (M)", "D", "tokens_B", "loss", "perplexity", "accuracy", "Val BPB", "steps"),
    *("batch size", "seq_len", "C", "GFLOPs", "run_id", "group", "model", "State", "", "0", "x.1"),
)
CELLS = (
    *("", "N/A", "abc", "1,234", "1,5", "0", "inf", "1e400", "10%", "1.2.3", "7B", "-", "true"),
    *("#REF!", "'", "٣", "\x00", "1 000", "finished", "=A1", "9" * 400),
)
columns = st.integers(0, 5)
rows = st.integers(0, 4)
alterations = st.one_of(
    st.tuples(st.just("rename"), columns, st.sampled_from(NAMES)),
    st.tuples(st.just("drop"), columns, st.none()),
    st.tuples(st.just("double"), columns, st.none()),
    st.tuples(st.just("rescale"), columns, st.sampled_from([1e-9, 1e-6, 1e3, 1e9])),
    st.tuples(st.just("reorder"), columns, st.none()),
    st.tuples(st.just("cell"), columns, st.tuples(rows, st.sampled_from(CELLS))),
    st.tuples(st.just("negate"), columns, rows),
    st.tuples(st.just("repeat"), columns, rows),
)


def altered(table: list[list[str]], kind: str, column: int, what: object) -> list[list[str]]:
    """Return a table, a list a column with its heading first, after one alteration."""
    changed = [list(cells) for cells in table]
    column = min(column, len(changed) - 1)
    if kind == "drop" and len(changed) > 1:
        del changed[column]
    elif kind == "double":
        changed.append(list(changed[column]))
    elif kind == "reorder":
        changed = changed[column:] + changed[:column]
    else:
        changed[column] = _altered_cells(changed[column], kind, what)
    return changed


def _altered_cells(cells: list[str], kind: str, what: object) -> list[str]:
    if kind == "rename":
        return [str(what), *cells[1:]]
    if kind == "cell":
        row, text = what
        return [*cells[: row + 1], text, *cells[row + 2 :]]
    if kind == "negate":
        return [*cells[: what + 1], f"-{cells[what + 1]}", *cells[what + 2 :]]
    if kind == "repeat":
        return [cells[0], *[cells[what + 1]] * 5]
    if kind == "rescale":
        return [cells[0], *(_rescaled(cell, what) for cell in cells[1:])]
    return cells


def _rescaled(cell: str, by: float) -> str:
    try:
        return f"{float(cell) * by:.6g}"
    except ValueError:
        return cell


def as_source(table: list[list[str]], form: str, folder: Path) -> object:
    """Return a table in one of many dresses."""
    lines = list(zip(*table, strict=True))
    headings, body = lines[0], lines[1:]
    records = [dict(zip(headings, row, strict=True)) for row in body]
    path = folder / "runs"
    if form == "records":
        return records
    if form == "frame":
        return pd.DataFrame(body, columns=list(headings))
    if form == "json":
        path.write_text(json.dumps(records))
    elif form == "json lines":
        path.write_text("\n".join(map(json.dumps, records)))
    else:
        separator, encoding = form.split()
        separator = {"tab": "\t", "bar": "|"}.get(separator, separator)
        quoted = [separator.join(_quoted(cell, separator) for cell in line) for line in lines]
        path.write_bytes("\n".join(quoted).encode(encoding, errors="replace"))
    return path


def _quoted(cell: str, separator: str) -> str:
    return f'"{cell}"' if separator in cell or not cell else cell


forms = st.sampled_from(
    [
        *("records", "frame", "json", "json lines", ", utf-8", "; utf-8-sig", "tab utf-16"),
        *("bar latin-1", "; utf-16-le", ", utf-16-be"),
    ]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(alterations, max_size=4), forms)
def test_an_altered_table_becomes_runs_or_one_sentence(folder, changes, form):
    table = [[heading, *cells] for heading, cells in TABLE.items()]
    for kind, column, what in changes:
        table = altered(table, kind, column, what)
    source = as_source(table, form, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsWarning)
        try:
            runs = Runs.read(source)
        except InputError as error:
            assert "\n" not in str(error) and len(str(error)) < 900
        else:
            numbers = runs.frame[list({"n_params", "n_tokens", "loss"} & set(runs.frame))]
            assert (numbers > 0).all(axis=None)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(forms, st.permutations(list(TABLE)), st.booleans())
def test_the_dress_and_the_order_of_a_table_change_nothing(folder, form, order, decimal_comma):
    table = [[heading, *TABLE[heading]] for heading in order]
    if decimal_comma:
        table = [[cells[0], *(cell.replace(".", ",") for cell in cells[1:])] for cells in table]
    expected = Runs.read(pd.DataFrame(TABLE))
    runs = Runs.read(as_source(table, form, folder))
    assert_frame_equal(runs.frame, expected.frame, check_like=True)
    assert runs.sha256 == expected.sha256
