"""Runs: what is refused, what is warned of, and what comes out whatever the order and headings of
the source.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from bayescale.errors import InputError, RunsWarning
from bayescale.runs import Runs


def table(**columns):
    """Four runs that nobody could object to."""
    good = {
        "n_params": [1e8, 1e8, 1e9, 1e9],
        "n_tokens": [2e9, 2e10, 2e10, 2e11],
        "loss": [3.6, 3.3, 2.9, 2.7],
    }
    return pd.DataFrame(good | columns)


# What is refused


@pytest.mark.parametrize("column", ["n_params", "n_tokens", "loss"])
def test_a_missing_column_is_refused_by_name_with_the_columns_there_are(column):
    with pytest.raises(
        InputError,
        match=rf"no column {column}; it has .*Say which heading .*, for example {column}=",
    ):
        Runs.from_frame(table().drop(columns=column).assign(size=1.0))


@pytest.mark.parametrize(
    "column", ["n_params", "n_tokens", "loss", "flops", "unique_tokens", "loss_se", "weight"]
)
@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (np.nan, "nan is missing; fill it in or drop the row"),
        (None, "is missing; fill it in or drop the row"),
        (np.inf, "inf is not finite; fill it in or drop the row"),
        (-np.inf, "-inf is not finite; fill it in or drop the row"),
        (0, "0.* is not positive; these are counts and losses, so mend it or drop the row"),
        (-2.5, "-2.5 is not positive"),
        ("7B", "'7B' is not a number; write plain digits such as 70e9"),
        ("1,000", "'1,000' is not a number"),
        ("", "'' is not a number"),
    ],
)
def test_a_bad_value_is_refused_with_row_column_value_and_remedy(column, value, complaint):
    values = [1e8, 2e8, 3e8, 4e8]
    values[2] = value
    with pytest.raises(InputError, match=rf"sweep, row 3, column {column}: .*{complaint}"):
        Runs.from_frame(table(**{column: pd.Series(values, dtype=object)}), name="sweep")


def test_a_refused_row_is_also_named_by_its_id():
    with pytest.raises(
        InputError, match=r"row 2 \(run_id 'b'\), column loss: -1.0 is not positive"
    ):
        Runs.from_frame(table(loss=[3.0, -1.0, 2.0, 2.0], run_id=list("abcd")))


def test_the_first_of_several_bad_rows_is_named_and_the_others_are_counted():
    with pytest.raises(
        InputError, match=r"row 2, column loss: 0.0 is not positive \(and so in 2 more rows\)"
    ):
        Runs.from_frame(table(loss=[3.0, 0.0, 0.0, 0.0]))


def test_a_missing_value_of_a_nullable_column_is_refused():
    with pytest.raises(InputError, match="row 2, column n_params: <NA> is missing"):
        Runs.from_frame(table(n_params=pd.array([10**8, None, 10**9, 10**9], dtype="Int64")))


def test_a_column_that_a_law_requires_is_checked_like_the_others():
    with pytest.raises(InputError, match="row 4, column vocab: -1 is not positive"):
        Runs.from_frame(table(vocab=[1, 2, 3, -1]), required=("n_params", "loss", "vocab"))


def test_a_column_that_nothing_uses_is_left_alone():
    runs = Runs.from_frame(
        table(learning_rate=[np.nan, -1.0, 0.0, np.inf], comment=["a", None, "b", "c"])
    )
    assert {"learning_rate", "comment"} <= set(runs.frame.columns)


def test_a_repeated_run_id_is_refused():
    with pytest.raises(
        InputError,
        match=r"row 3 \(run_id 'a'\), column run_id: this id is there twice; give every run its "
        r"own",
    ):
        Runs.from_frame(table(run_id=["a", "b", "a", "c"]))


@pytest.mark.parametrize("column", ["run_id", "group"])
def test_a_missing_label_is_refused(column):
    with pytest.raises(InputError, match=rf"row 2, column {column}: the label is missing"):
        Runs.from_frame(table(**{column: ["a", None, "b", "c"]}))


def test_a_table_without_rows_is_refused():
    with pytest.raises(InputError, match="sweep has no rows; give one row per training run"):
        Runs.from_frame(table().head(0), name="sweep")


# What is warned of


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        (
            {"n_params": [0.1, 0.1, 1, 7]},
            "n_params is as small as 0.1; N is a count, not millions or billions",
        ),
        ({"n_tokens": [300.0, 20.0, 30.0, 40.0]}, "n_tokens is as small as 20; D is a count"),
        (
            {"loss": [3.6, 3.3, 2.9, 36.6]},
            "loss is as large as 36.6; it should be nats per token, not perplexity",
        ),
        (
            {"n_params": [1e9] * 4},
            "every run has the same n_params; alpha and A cannot be told from E",
        ),
        (
            {"n_tokens": [1e10] * 4},
            "every run has the same n_tokens; beta and B cannot be told from E",
        ),
        (
            {"n_params": [1e8, 2e8, 4e8, 8e8], "n_tokens": [2e9, 4.04e9, 7.96e9, 16e9]},
            "n_tokens is 20 times n_params in every run; alpha and beta cannot be told apart. Add "
            "runs off this line",
        ),
    ],
)
def test_suspicious_runs_are_taken_with_a_warning(columns, complaint):
    with pytest.warns(RunsWarning, match=f"sweep: {complaint}"):
        runs = Runs.from_frame(table(**columns), name="sweep")
    assert len(runs) == 4


def test_runs_near_but_off_a_line_are_taken_silently():
    assert (
        len(Runs.from_frame(table(n_params=[1e8, 2e8, 4e8, 8e8], n_tokens=[2e9, 4e9, 8e9, 17e9])))
        == 4
    )


def test_the_warning_points_at_the_caller():
    with pytest.warns(RunsWarning) as caught:
        Runs.from_frame(table(loss=[3.6, 3.3, 2.9, 36.6]))
    assert caught[0].filename == __file__


def test_every_suspicion_is_told():
    with pytest.warns(RunsWarning) as caught:
        Runs.from_frame(table(n_params=[1.0, 2.0, 3.0, 4.0], loss=[20.0, 20.0, 20.0, 20.0]))
    assert len(caught) == 2


# Headings


def test_headings_are_renamed_as_asked():
    source = table().rename(columns={"n_params": "N", "n_tokens": "D", "loss": "val_loss"})
    runs = Runs.from_frame(source, n_params="N", n_tokens="D", loss="val_loss")
    assert_frame_equal(runs.frame, Runs.from_frame(table()).frame)


def test_the_frame_given_is_left_as_it_was():
    source = table().rename(columns={"n_params": "N"})
    before = source.copy()
    Runs.from_frame(source, n_params="N")
    assert_frame_equal(source, before)


def test_a_chosen_heading_takes_the_place_of_a_column_of_the_standard_name():
    runs = Runs.from_frame(table(val_loss=[4.0, 4.0, 4.0, 4.0]), loss="val_loss")
    assert runs.column("loss").tolist() == [4.0] * 4


def test_two_headings_can_be_swapped():
    runs = Runs.from_frame(table(), n_params="n_tokens", n_tokens="n_params")
    assert runs.column("n_params").max() == 2e11
    assert runs.column("n_tokens").max() == 1e9


def test_a_heading_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(
        InputError,
        match="no column 'N' to use as n_params; the columns are n_params, n_tokens, loss",
    ):
        Runs.from_frame(table(), n_params="N")


def test_a_heading_that_is_there_twice_is_refused():
    with pytest.raises(
        InputError, match="The column 'loss' is there twice; rename or drop one of the two"
    ):
        Runs.from_frame(pd.concat([table(), table()[["loss"]]], axis="columns"))


def test_headings_that_are_numbers_do_no_harm():
    plain, numbered = table(), table()
    numbered[0], numbered["x"] = 1.0, 2.0
    assert Runs.from_frame(numbered).sha256 != Runs.from_frame(plain).sha256


# What comes out


def test_numbers_come_out_as_float64_whatever_came_in():
    mixed = table(
        n_params=["1e8", "100000000", "1e9", "1e9"], flops=[10**22, 10**23, 10**24, 10**21]
    )
    frame = Runs.from_frame(mixed.astype({"loss": "float32"})).frame
    assert set(frame[["n_params", "n_tokens", "loss", "flops"]].dtypes) == {np.dtype("float64")}
    assert frame["flops"].max() == 1e24


def test_the_index_is_run_id_from_a_column_an_index_or_the_order_of_the_source():
    ids = ["w", "x", "y", "z"]
    for source in (table(run_id=ids), table().set_axis(pd.Index(ids, name="run_id"))):
        frame = Runs.from_frame(source).frame
        assert frame.index.name == "run_id"
        assert frame["loss"].to_dict() == dict(zip(ids, table()["loss"], strict=True))
    assert Runs.from_frame(table()).frame["loss"].to_dict() == dict(enumerate(table()["loss"]))


def test_another_index_of_the_source_is_forgotten():
    assert_frame_equal(
        Runs.from_frame(table().set_axis(list("aaaa"))).frame, Runs.from_frame(table()).frame
    )


def test_rows_stand_in_order_of_their_numbers():
    frame = Runs.from_frame(table().iloc[::-1]).frame
    assert frame["n_params"].is_monotonic_increasing
    assert frame["n_tokens"].tolist() == [2e9, 2e10, 2e10, 2e11]


numbers = st.floats(1e5, 1e12)


@st.composite
def tables_and_orders(draw):
    rows = draw(st.integers(2, 8))
    column = st.lists(numbers, min_size=rows, max_size=rows)
    ids = [f"r{i}" for i in range(rows)]
    columns = {name: draw(column) for name in ("n_params", "n_tokens", "flops", "extra")}
    frame = pd.DataFrame({**columns, "loss": np.linspace(3, 2, rows), "run_id": ids, "group": ids})
    return frame, draw(st.permutations(range(rows))), draw(st.permutations(list(frame.columns)))


@given(tables_and_orders())
def test_the_order_of_rows_and_columns_does_not_matter(source):
    frame, rows, columns = source
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsWarning)
        one, other = Runs.from_frame(frame), Runs.from_frame(frame.iloc[list(rows)][list(columns)])
    assert_frame_equal(one.frame, other.frame[one.frame.columns])
    assert one.sha256 == other.sha256


@given(st.sampled_from(["n_params", "n_tokens", "loss"]), st.integers(0, 3))
def test_the_hash_changes_with_any_number(column, row):
    changed = table()
    changed.loc[row, column] *= 1.001
    assert Runs.from_frame(changed).sha256 != Runs.from_frame(table()).sha256


def test_the_hash_tells_which_column_a_number_stands_in():
    assert (
        Runs.from_frame(table(flops=1e20)).sha256
        != Runs.from_frame(table(unique_tokens=1e20)).sha256
    )


def test_weights_are_ones_unless_given():
    assert Runs.from_frame(table()).weights.tolist() == [1.0] * 4


def test_weights_follow_their_rows():
    assert Runs.from_frame(table(weight=[1.0, 2.0, 3.0, 4.0]).iloc[::-1]).weights.tolist() == [
        1.0,
        2.0,
        3.0,
        4.0,
    ]


def test_compute_falls_back_on_six_n_d_beyond_64_bit_integers():
    runs = Runs.from_frame(
        table(n_params=[10**12, 10**8, 10**9, 10**9], n_tokens=[10**14, 10**10, 10**10, 10**11])
    )
    assert runs.column("flops").max() == pytest.approx(6e26, rel=1e-15)


def test_compute_that_was_measured_is_not_replaced():
    assert set(Runs.from_frame(table(flops=3e20)).column("flops")) == {3e20}


def test_a_column_that_is_not_there_is_refused_when_asked_for():
    with pytest.raises(
        InputError, match="sweep has no column unique_tokens; it has n_params, n_tokens, loss"
    ):
        Runs.from_frame(table(), name="sweep").column("unique_tokens")


def test_a_law_in_compute_alone_needs_compute_and_loss_alone():
    runs = Runs.from_frame(
        pd.DataFrame({"C": [1e20, 1e21], "loss": [3.0, 2.5]}), required=("flops", "loss"), flops="C"
    )
    assert sorted(runs.column("flops")) == [1e20, 1e21]


def test_the_display_names_the_runs_their_number_and_what_the_reader_must_know():
    html = Runs.from_frame(table(), name="sweep", notes=["N counts all parameters."])._repr_html_()
    assert "<b>sweep</b>: 4 runs. N counts all parameters." in html
    assert "<table" in html


# Files


def test_a_csv_file_gives_the_same_runs_as_its_frame(tmp_path):
    path = tmp_path / "sweep.csv"
    table(group=list("aabb")).to_csv(path, index=False)
    runs = Runs.from_csv(path)
    assert_frame_equal(runs.frame, Runs.from_frame(table(group=list("aabb"))).frame)
    assert (runs.name, runs.source) == ("sweep", str(path))


def test_options_of_from_frame_apply_to_a_file(tmp_path):
    path = tmp_path / "sweep.csv"
    table().rename(columns={"n_params": "N"}).to_csv(path, index=False)
    assert Runs.from_csv(path, n_params="N", name="mine").name == "mine"


def test_integers_beyond_64_bits_in_a_file_are_read(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text(
        "n_params,n_tokens,loss,flops\n100000000,2000000000,3,1"
        + 23 * "0"
        + "\n1000000000,20000000000,2.5,7e20\n"
    )
    with pytest.warns(RunsWarning, match="20 times"):
        assert Runs.from_csv(path).column("flops").max() == 1e23


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "sweep.csv is empty; its first line must be headings such as n_params,n_tokens,loss"),
        (b"\n\n\n", "sweep.csv is empty"),
        (b"n_params,n_tokens,loss\n", "sweep has no rows"),
        (
            b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe",
            "sweep.csv is not a CSV file .*; save it as UTF-8 text separated by commas",
        ),
        (bytes(range(256)) * 20, "sweep.csv is not a CSV file"),
        (
            b"n_params,n_tokens,loss\n1e8,2e9,3\n1e8,2e9,3,4,5\n",
            r"sweep.csv is not a CSV file \(.*line 3, saw 5\)",
        ),
        (b"n_params,n_tokens,loss\n1e8,2e9,3\n1e8,2e9\n", "row 2, column loss: nan is missing"),
        (
            b"n_params,n_tokens,loss\n7,1e8,2e9,3\n8,1e9,2e9,2.8\n",
            "sweep.csv has rows with more fields than headings",
        ),
        (
            b"n_params;n_tokens;loss\n1e8;2e9;3\n",
            "sweep has no column n_params, n_tokens, loss; it has n_params;n_tokens;loss",
        ),
    ],
    ids=[
        "empty",
        "blank",
        "headings only",
        "image",
        "bytes",
        "long row",
        "short row",
        "unnamed column",
        "semicolons",
    ],
)
def test_a_file_that_is_no_table_of_runs_is_refused(tmp_path, content, complaint):
    path = tmp_path / "sweep.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        Runs.from_csv(path)


def test_a_file_that_is_not_there_is_refused_with_its_path(tmp_path):
    with pytest.raises(InputError, match=r"There is no file .*absent.csv; check the path"):
        Runs.from_csv(tmp_path / "absent.csv")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is a folder; give a CSV file"):
        Runs.from_csv(tmp_path)


@pytest.mark.parametrize("suffix", [".csv.gz", ".zip"])
def test_a_file_that_is_not_compressed_as_its_name_says_is_refused(tmp_path, suffix):
    path = tmp_path / f"sweep{suffix}"
    path.write_text(table().to_csv())
    with pytest.raises(InputError, match=r"cannot be read \(.*[Nn]ot a .*(gzip|zip)"):
        Runs.from_csv(path)
