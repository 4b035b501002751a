"""Formats: the same runs come out of each, and a damaged file is refused in one sentence."""

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from bayescale.errors import InputError
from bayescale.runs import Runs

FRAME = pd.DataFrame(
    {
        "N": [110_678_115, 250_650_865, 1_300_000_000],
        "D": [1_241_505_403, 2_642_234_152, 80_000_000_000],
        "val_loss": [3.4972, 3.0293, 2.561],
        "family": ["älter", "älter", "neu"],
        "lr": [1e-3, 2.5e-4, 1e-4],
        "seed": [1, 2, 3],
    }
)
HEADINGS = "N,D,val_loss\n"


def write(tmp_path: Path, content: str | bytes, name: str = "runs.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def same(source: object, frame: pd.DataFrame = FRAME) -> Runs:
    """Check that a source gives the runs of the frame, and return them."""
    runs = Runs.read(source)
    assert_frame_equal(runs.frame, Runs.read(frame).frame, check_like=True)
    return runs


def refused(source: object) -> str:
    with pytest.raises(InputError) as caught:
        Runs.read(source)
    return str(caught.value)


# Text


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_any_separator_in_any_encoding(tmp_path, separator, encoding):
    text = FRAME.to_csv(index=False, sep=separator, lineterminator="\r\n")
    same(write(tmp_path, text.encode(encoding)))


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_and_points_between_thousands(tmp_path, separator):
    table = FRAME.astype(str)
    for column in ("val_loss", "lr"):
        table[column] = table[column].str.replace(".", ",")
    for column in ("N", "D"):
        table[column] = [f"{int(value):,}".replace(",", ".") for value in table[column]]
    runs = same(write(tmp_path, table.to_csv(index=False, sep=separator)))
    assert any("read as decimal marks" in note for note in runs.notes)


def test_thousands_with_commas_in_quotes(tmp_path):
    table = FRAME.assign(N=[f"{value:,}" for value in FRAME["N"]])
    same(write(tmp_path, table.to_csv(index=False)))


def test_semicolons_do_not_make_a_point_group_thousands(tmp_path):
    runs = Runs.read(write(tmp_path, "N;D;loss\n1e8;2e9;2.608\n2e8;5e9;2.349\n"))
    assert runs.column("loss").tolist() == [2.608, 2.349]


def test_a_comma_in_a_loss_is_the_decimal_one(tmp_path):
    runs = Runs.read(write(tmp_path, "N\tD\tloss\n1e8\t2e9\t2,608\n2e8\t5e9\t2,349\n"))
    assert runs.column("loss").tolist() == [2.608, 2.349]


def test_a_mark_in_a_loss_that_contradicts_other_columns_is_refused(tmp_path):
    text = "N;D;loss\n110,678,115;2e9;2,608\n250,650,865;5e9;2,349\n"
    assert "row 1, column loss: '2,608' may have a decimal comma" in refused(write(tmp_path, text))


def test_columns_set_by_spaces(tmp_path):
    text = "N          D        val loss\n------------------\n1e8   2e9   3.1\n1.3B  80B   2.5\n"
    assert Runs.read(write(tmp_path, text)).column("n_params").tolist() == [1e8, 1.3e9]


def test_comments_titles_rules_and_repeated_headings_are_left_out(tmp_path):
    text = FRAME.to_csv(index=False)
    first, *rest = text.splitlines(keepends=True)
    runs = same(
        write(
            tmp_path,
            f"Sweep of March\n# one, two\n{first}"
            + rest[0]
            + first
            + "".join(rest[1:])
            + "\n# end\n",
        )
    )
    told = " ".join(runs.notes)
    assert "2 lines are left out as comments" in told
    assert "1 line is left out above the headings" in told
    assert "1 line is left out, which only repeats headings" in told


def test_headings_in_a_comment_are_those_of_numpy(tmp_path):
    runs = Runs.read(write(tmp_path, "# sweep\n# N D loss\n1e8 2e9 3.1\n# the rest\n1e9 5e9 2.7\n"))
    assert runs.column("n_tokens").tolist() == [2e9, 5e9]


def test_the_separator_that_excel_declares_is_used(tmp_path):
    same(write(tmp_path, "sep=;\n" + FRAME.to_csv(index=False, sep=";")))


def test_the_index_that_pandas_writes_is_no_column(tmp_path):
    same(write(tmp_path, FRAME.to_csv()))


def test_names_of_rows_without_a_heading_name_the_runs(tmp_path):
    text = FRAME.set_axis(["a", "b", "c"]).to_csv()
    assert Runs.read(write(tmp_path, text)).frame.index.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["runs.csv.gz", "runs"])
def test_a_compressed_file_is_known_by_its_content(tmp_path, name):
    same(write(tmp_path, gzip.compress(FRAME.to_csv(index=False).encode()), name))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty; its first line must be headings"),
        (b"\n\n", "is empty"),
        (HEADINGS.encode(), "runs has no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", "is not a table that can be read"),
        (bytes(range(256)) * 20, "is not a table that can be read"),
        (b"1e8,2e9,3\n2e8,2e9,2.9\n", "no headings: its first line is 1e8, 2e9, 3"),
        (b"N,D,loss\n1e8,2e9,3,5\n2e8,3e9,2.9,5\n", "row 1, has more fields than headings (4"),
        (b"N D loss\n1e8 2e9 3\nthis is the best run so far\n", "'this is the best run so far'"),
        (b'N,D,loss\n1e8,"2e9,3\n', "check its quotation marks"),
    ],
)
def test_text_that_is_no_table_is_refused(tmp_path, content, complaint):
    assert complaint in refused(write(tmp_path, content))


# Markdown


def markdown(frame: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(frame) + " |", "|" + " :--- |" * frame.shape[1]]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in frame.itertuples(index=False)]
    return "\n".join(lines)


def test_a_table_of_markdown_within_a_page(tmp_path):
    bold = FRAME.astype(object).assign(N=["**110,678,115**", "`250650865`", "1,300,000,000"])
    same(write(tmp_path, f"# Results\n\nOur runs:\n\n{markdown(bold)}\n\nThe end.\n", "card.md"))


def test_a_table_that_is_pasted():
    same(markdown(FRAME))


def test_several_tables_on_a_page_are_refused():
    assert "has 2 tables" in refused(f"{markdown(FRAME)}\n\n{markdown(FRAME)}\n")


# JSON


def records() -> list[dict[str, object]]:
    return json.loads(FRAME.to_json(orient="records"))


@pytest.mark.parametrize("orient", ["records", "split", "index", "columns", "table"])
def test_what_pandas_writes_as_json(tmp_path, orient):
    source = FRAME.rename_axis(index="row") if orient == "table" else FRAME
    runs = Runs.read(write(tmp_path, source.to_json(orient=orient), "runs.json"))
    assert_frame_equal(runs.frame.drop(columns="row", errors="ignore"), Runs.read(FRAME).frame)


@pytest.mark.parametrize(
    "make",
    [
        lambda: json.dumps({"runs": records()}),
        lambda: json.dumps({"meta": {"by": "us"}, "results": records()}),
        lambda: json.dumps(FRAME.to_dict("list")),
        lambda: "\n".join(map(json.dumps, records())),
    ],
    ids=["under a name", "beside facts", "columns", "lines"],
)
def test_json_as_people_write_it(tmp_path, make: Callable[[], str]):
    same(write(tmp_path, make(), "runs.json"))


def test_nested_objects_have_their_names_joined(tmp_path):
    nested = [
        {"config": {"n_params": 1e8, "D": 2e9}, "summary": {"val": {"loss": 3.1}}},
        {"config": {"n_params": 2e8, "D": 9e9}, "summary": {"val": {"loss": 2.7}}},
    ]
    runs = Runs.read(write(tmp_path, json.dumps(nested), "runs.json"))
    assert runs.column("loss").tolist() == [3.1, 2.7]
    assert runs.column("n_tokens").tolist() == [2e9, 9e9]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"a": ', "is not JSON"),
        ("[1, 2, 3]", "is a list, but not of records"),
        ("[]", "has no rows"),
        ('{"N": [1, 2], "D": [3]}', "columns of different lengths (N 2, D 1)"),
        ('{"N": 1}\n{"N": 2\n', "line 2, is not a JSON object"),
        ("{}", "holds no table"),
    ],
)
def test_json_that_is_no_table_is_refused(tmp_path, text, complaint):
    assert complaint in refused(write(tmp_path, text, "runs.json"))


# Binary formats


def test_parquet_with_an_index(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "runs.parquet"
    FRAME.set_index(["N", "D"]).to_parquet(path)
    same(path)


def test_excel_with_a_title_and_a_second_sheet(tmp_path):
    pytest.importorskip("openpyxl")
    path = tmp_path / "runs.xlsx"
    with pd.ExcelWriter(path) as book:
        FRAME.to_excel(book, sheet_name="Runs", index=False, startrow=2, startcol=1)
        pd.DataFrame({"about": ["us"]}).to_excel(book, sheet_name="Notes", index=False)
    assert any("The sheet 'Runs' is read, not 'Notes'" in note for note in same(path).notes)


def test_cells_of_excel_that_are_texts_or_errors(tmp_path):
    pytest.importorskip("openpyxl")
    path = tmp_path / "runs.xlsx"
    table = pd.DataFrame({"N": ["1.3B", 1e8, 2e8], "D": [2e9, 5e9, 9e9], "loss": [2, 3, "#N/A"]})
    table.to_excel(path, index=False)
    assert Runs.read(path).column("n_params").tolist() == [1e8, 1.3e9]


@pytest.mark.parametrize(
    ("module", "content", "what"),
    [("openpyxl", b"PK\x03\x04 xl/", "an Excel workbook"), ("pyarrow", b"PAR1", "a Parquet file")],
)
def test_a_reader_that_is_not_installed_is_named(tmp_path, monkeypatch, module, content, what):
    monkeypatch.setitem(sys.modules, module, None)
    message = refused(write(tmp_path, content))
    assert f"is {what}; install what reads it, pip install 'bayescale[formats]'" in message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"PAR1 and no more", "is a damaged Parquet file"),
        (b"PK\x03\x04 xl/ and no more", "is a damaged Excel workbook"),
        (bytes.fromhex("d0cf11e0a1b11ae1"), "Excel 2003 or earlier; save it as .xlsx"),
        (b"\x1f\x8b and no more", "cannot be read"),
        (b"PK\x03\x04 and no more", "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, content, complaint):
    pytest.importorskip("pyarrow")
    pytest.importorskip("openpyxl")
    assert complaint in refused(write(tmp_path, content))


# Frames, columns and records of Python


@pytest.mark.parametrize("index", [["N"], ["N", "D"], ["family", "seed"]])
def test_levels_of_an_index_are_columns(index):
    same(FRAME.set_index(index))


def test_an_index_of_numbers_without_a_name_is_forgotten():
    same(FRAME.set_axis([30, 10, 20]))


def test_columns_and_records():
    same(FRAME.to_dict("list"))
    same({name: FRAME[name].to_numpy() for name in FRAME})
    same(FRAME.to_dict("records"))


def test_nullable_and_categorical_columns():
    same(FRAME.convert_dtypes().astype({"family": "category"}))


def test_a_frame_of_polars():
    polars = pytest.importorskip("polars")
    same(polars.DataFrame(FRAME.to_dict("list")))


# Exports of tools


def test_a_chart_of_weights_and_biases_is_one_row_a_run(tmp_path):
    columns = {"Step": [100, 200, 300]}
    for run, losses in {"gpt-70M": [4.1, 3.4, None], "gpt-160M": [3.9, None, 3.0]}.items():
        columns[f"{run} - val/loss"] = losses
        columns[f"{run} - val/loss__MIN"] = losses
        columns[f"{run} - val/loss__MAX"] = losses
    runs = Runs.read(write(tmp_path, pd.DataFrame(columns).to_csv(index=False)))
    assert runs.frame[["n_params", "loss"]].to_numpy().tolist() == [[70e6, 3.4], [160e6, 3.0]]
    assert runs.frame.index.tolist() == ["gpt-70M", "gpt-160M"]
    assert any("its last 'val/loss'" in note for note in runs.notes)


def test_a_chart_against_tokens_has_the_tokens_of_each_run(tmp_path):
    columns = {
        "train/tokens": ["1B", "2B", "9B"],
        "m-70M - eval/loss": [4.1, 3.4, None],
        "m-160M - eval/loss": [3.9, 3.5, 3.0],
    }
    runs = Runs.read(write(tmp_path, pd.DataFrame(columns).to_csv(index=False)))
    assert runs.column("n_tokens").tolist() == [2e9, 9e9]


def test_a_column_a_model_is_no_table_of_runs(tmp_path):
    text = "Step,0.6b,1.7b,4b\n0,0.1,0.2,0.3\n1,0.2,,0.4\n"
    message = refused(write(tmp_path, text))
    assert "a column a model (0.6b, 1.7b, 4b) against 'Step'" in message
    assert "give one row per run" in message


def results(model: str, bits: float, **config: object) -> str:
    metrics = {"alias": "wikitext", "bits_per_byte,none": bits, "bits_per_byte_stderr,none": "N/A"}
    named = {"model_args": f"pretrained={model},dtype=float16", **config}
    return json.dumps({"results": {"wikitext": metrics}, "config": named})


def test_results_of_lm_evaluation_harness_are_a_row_a_file(tmp_path):
    for model, bits in (("our/lm-70M", 1.1), ("our/lm-160M", 1.0)):
        write(tmp_path, results(model, bits), f"results_{model[7:]}.json")
    runs = Runs.read(tmp_path)
    assert sorted(runs.column("n_params")) == [70e6, 160e6]
    assert sorted(runs.column("loss")) == [1.0, 1.1]


def test_parameters_that_the_harness_counted_are_used(tmp_path):
    text = results("our/lm-70M", 1.1, model_num_parameters=70_426_624)
    runs = Runs.read(write(tmp_path, text, "results.json"))
    assert runs.column("n_params").tolist() == [70_426_624]


def test_a_folder_without_results_is_refused(tmp_path):
    assert "is a folder without results" in refused(tmp_path)
