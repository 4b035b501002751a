"""`Runs.read`: which columns are taken, what is converted, and that nothing of it is silent."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from bayescale.errors import InputError
from bayescale.runs import Runs, as_runs

# What is doubtful in small tables is not asked here.
pytestmark = pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")

SIZES = {"N": [1e8, 3e8, 1e9, 3e9], "D": [2e9, 2e10, 2e10, 1e11]}
LOSSES = [3.6, 3.3, 2.9, 2.7]


def read(**columns):
    """Return the runs of columns, and their notes as one text."""
    runs = Runs.read(columns)
    return runs, " ".join(runs.notes)


def refused(table, **options):
    """Return the message with which a table is refused."""
    with pytest.raises(InputError) as caught:
        Runs.read(table, **options)
    return str(caught.value)


# Which columns are taken


def test_a_table_of_standard_names_needs_no_note():
    table = pd.DataFrame(SIZES | {"loss": LOSSES}).rename(
        columns={"N": "n_params", "D": "n_tokens"}
    )
    assert Runs.read(table).notes == ()
    assert_frame_equal(Runs.read(table).frame, Runs.from_frame(table).frame)


def test_headings_of_other_names_are_told():
    runs, notes = read(**SIZES, val_loss=LOSSES)
    assert runs.column("loss").tolist() == LOSSES
    assert "n_params is 'N', n_tokens is 'D', loss is 'val_loss'" in notes


def test_of_two_counts_of_parameters_one_is_used_and_the_other_can_be_chosen():
    both = {"n_params": SIZES["N"], "params_non_embed": [5e7, 2e8, 9e8, 2.9e9]}
    table = both | {"D": SIZES["D"], "loss": LOSSES}
    runs = Runs.read(table)
    assert runs.column("n_params").max() == 3e9
    assert any("--column n_params=params_non_embed" in note for note in runs.notes)
    chosen = Runs.read(table, n_params="params_non_embed")
    assert chosen.column("n_params").max() == 2.9e9
    assert any("Left out for them: 'n_params'" in note for note in chosen.notes)


def test_what_was_measured_is_taken_before_what_was_planned():
    planned = {"params_planned": [1.0e8] * 4, "tokens_planned": [1e9] * 4}
    runs, notes = read(**planned, **SIZES, loss=LOSSES)
    assert runs.column("n_params").max() == 3e9
    assert "it might be 'tokens_planned'" in notes


def test_a_loss_of_validation_is_taken_before_one_of_training():
    runs, notes = read(**SIZES, train_loss=[1.0] * 4, val_loss=LOSSES)
    assert runs.column("loss").tolist() == LOSSES
    assert "it might be 'train_loss'" in notes


def test_sizes_are_read_from_labels_and_names():
    for label in ("70M", "my/model-70M-base"):
        runs, notes = read(model=[label, "410M"], D=[2e9, 3e9], loss=[3.0, 2.8])
        assert runs.column("n_params").tolist() == [70e6, 410e6]
        assert "which are rounded" in notes


def test_a_count_is_taken_before_a_label():
    runs, _ = read(size=["70M", "410M"], n_params=[70_426_624, 405e6], D=[2e9, 3e9], loss=[3, 2.8])
    assert runs.column("n_params").min() == 70_426_624


def test_counts_of_an_evaluation_are_no_training_tokens():
    runs, _ = read(N=[1e8, 2e8], tokens_evaluated=[259842, 259842], loss=[3.0, 2.8])
    assert "n_tokens" not in runs.frame


# Units


def test_units_in_headings_are_counted():
    billions = {"N_params_B": [0.1, 0.3, 1, 3], "tokens (M)": ["2000", "20000", "20B", "1e5"]}
    runs, notes = read(**billions, loss=LOSSES)
    assert runs.column("n_params").tolist() == SIZES["N"]
    assert runs.column("n_tokens").tolist() == SIZES["D"]
    assert "n_params is 'N_params_B' times 1e+09" in notes


def test_a_unit_is_passed_over_where_the_numbers_are_counts_already():
    runs, notes = read(**{"params (B)": SIZES["N"], "D": SIZES["D"], "loss": LOSSES})
    assert runs.column("n_params").tolist() == SIZES["N"]
    assert "are counts already" in notes


@pytest.mark.parametrize(
    ("heading", "values", "unit"),
    [
        ("perplexity", np.exp(LOSSES), None),
        ("val_loss (bits per token)", np.array(LOSSES) / np.log(2), None),
        ("loss", np.exp(LOSSES), "perplexity"),
        ("loss", np.array(LOSSES) / np.log(2), "bits"),
        ("loss in nats", LOSSES, None),
    ],
)
def test_a_loss_of_a_unit_that_is_said_becomes_nats(heading, values, unit):
    runs = Runs.read(pd.DataFrame(SIZES | {heading: values}), loss_unit=unit)
    assert runs.column("loss") == pytest.approx(LOSSES)


def test_bits_per_byte_stay_and_are_told():
    runs, notes = read(**SIZES, **{"Val BPB": [0.9, 0.8, 0.7, 0.6]})
    assert runs.column("loss").max() == 0.9
    assert "Losses are bits per byte ('Val BPB') and stay so" in notes


def test_an_unknown_unit_is_refused_with_those_there_are():
    message = refused(SIZES | {"loss": LOSSES}, loss_unit="hartleys")
    assert "no loss_unit 'hartleys'" in message and "'bits per byte'" in message


def test_a_perplexity_of_one_is_refused():
    assert "row 4, column loss: 1 is no perplexity" in refused(
        SIZES | {"perplexity": [30.0, 20.0, 10.0, 1.0]}
    )


def test_per_cent_are_shares_and_told():
    runs, notes = read(**SIZES, loss=["40.7%", "35 %", "30%", "25%"])
    assert runs.column("loss").max() == pytest.approx(0.407)
    assert "Per cent in 'loss' are read as shares" in notes


# What follows from others


def test_tokens_follow_from_steps_batch_and_sequence_length():
    steps = {"iters": [1000, 4000], "batch_size": [32, 64], "seq_len": [512, 512]}
    runs, notes = read(N=[1e8, 1e9], **steps, loss=[3.0, 2.5])
    assert runs.column("n_tokens").tolist() == [1000 * 32 * 512, 4000 * 64 * 512]
    assert "n_tokens is 'iters' × 'batch_size' × 'seq_len'" in notes


def test_tokens_follow_from_steps_and_tokens_in_a_batch():
    runs, _ = read(N=[1e8, 1e9], steps=[1000, 4000], tokens_per_batch=["0.5M", "1M"], loss=[3, 2.5])
    assert runs.column("n_tokens").tolist() == [0.5e9, 4e9]


def test_tokens_follow_from_tokens_per_parameter():
    runs, _ = read(N=[1e8, 1e9], **{"Tokens per Parameter": [20, 40]}, loss=[3.0, 2.5])
    assert runs.column("n_tokens").tolist() == [2e9, 4e10]


def test_tokens_or_parameters_follow_from_compute():
    for given, lacking in (("N", "n_tokens"), ("D", "n_params")):
        runs, notes = read(**{given: [1e8, 1e9]}, flops=[6e18, 1.2e20], loss=[3.0, 2.5])
        assert runs.column(lacking).tolist() == [1e10, 2e10]
        assert f"{lacking} is 'flops' / (6 × '{given}')" in notes


def test_steps_without_a_batch_in_tokens_give_no_tokens():
    message = refused(
        {"N": [1e8, 1e9], "steps": [10, 20], "batch": [32, 32], "loss": [3.0, 2.5]},
        required=("n_params", "n_tokens", "loss"),
    )
    assert "'steps' (tokens follow from steps, batch and sequence length together" in message


def test_compute_that_differs_from_six_n_d_is_used_and_told():
    runs, notes = read(
        n_params=[1e8, 1e9],
        non_embedding_params=[5e7, 9e8],
        D=[1e9, 1e10],
        flops=[6 * 5e7 * 1e9, 6 * 9e8 * 1e10],
        loss=[3.0, 2.5],
    )
    assert runs.column("flops").max() == 6 * 9e8 * 1e10
    assert "flops is 0.5 to 0.9 times 6·N·D" in notes
    assert "equals 6·N·D with 'non_embedding_params'" in notes


def test_compute_that_is_six_n_d_needs_no_note():
    _, notes = read(**SIZES, loss=LOSSES, flops=6 * np.prod([SIZES["N"], SIZES["D"]], axis=0))
    assert "6·N·D" not in notes


def test_parameters_alone_are_a_table_of_runs():
    assert list(read(N=[1e8, 1e9], loss=[3.0, 2.5])[0].frame) == ["n_params", "loss"]


# Rows


def test_the_odd_cell_among_decimal_marks_is_named():
    message = refused(SIZES | {"loss": ["3.61", "3.32", "2,94", "2.75"]})
    assert "commas and points are both decimal marks here, as in row 3 ('2,94')" in message


def test_rows_that_lack_a_number_are_left_out_and_told():
    runs, notes = read(**SIZES, loss=[3.6, "N/A", 2.9, ""])
    assert runs.frame.index.tolist() == [0, 2]
    assert "2 rows are left out: loss is missing (rows 2 and 4)." in notes


def test_a_loss_that_is_not_finite_is_of_a_run_that_diverged():
    assert "Row 2 is left out: loss is not finite." in read(**SIZES, loss=[3.6, "inf", 2.9, 2.7])[1]


def test_runs_that_did_not_finish_are_left_out_and_told():
    states = ["finished", "crashed", "finished", "running"]
    runs, notes = read(**SIZES, loss=LOSSES, State=states)
    assert len(runs) == 2
    assert "Row 2 is left out: its 'State' is 'crashed'." in notes


@pytest.mark.parametrize(
    ("column", "cell", "complaint"),
    [
        ("loss", "abc", "row 2, column loss: 'abc' is not a number; write plain digits"),
        ("loss", -1.0, "row 2, column loss: -1 is not positive"),
        ("loss", 0, "row 2, column loss: 0 is not positive"),
        ("D", 0, "row 2, column n_tokens ('D'): 0 is not positive"),
        ("N", "inf", "row 2, column n_params ('N'): inf is not finite"),
    ],
)
def test_what_is_certainly_wrong_is_refused_by_row_and_column(column, cell, complaint):
    table = {name: list(values) for name, values in (SIZES | {"loss": LOSSES}).items()}
    table[column][1] = cell
    assert complaint in refused(table)


def test_rows_are_counted_as_they_stand_in_the_source():
    table = SIZES | {"loss": ["N/A", 3.3, -2.9, 2.7]}
    assert "row 3, column loss" in refused(table)


def test_a_table_without_a_usable_row_says_why():
    assert "no row that can be used. 4 rows are left out: loss is missing" in refused(
        SIZES | {"loss": ["-"] * 4}
    )


def test_a_number_that_a_law_does_not_need_may_be_missing():
    table = SIZES | {"C": [1e18, 1e19, 1e20, 1e21], "loss": LOSSES}
    table["D"] = [2e9, None, 2e10, 1e11]
    runs = Runs.read(table, required=("flops", "loss"))
    assert len(runs) == 4
    assert any("n_tokens is left out" in note for note in runs.notes)


def test_compute_that_is_missing_in_some_rows_is_six_n_d_there():
    runs, notes = read(**SIZES, loss=LOSSES, flops=[1e18, None, 1e20, 2e21])
    assert 6 * 3e8 * 2e10 in runs.column("flops")
    assert "flops is missing in 1 rows" in notes


# Labels


def test_a_repeated_run_id_is_refused_by_its_row_in_the_source():
    table = SIZES | {"loss": ["-", 3.3, 2.9, 2.7], "run_id": ["a", "b", "a", "b"]}
    message = refused(table)
    assert "row 4 (run_id 'b'), column run_id: this id is there twice" in message
    assert "checkpoints of one run" in message


def test_a_family_is_the_group():
    runs, _ = read(**SIZES, loss=LOSSES, family=["a", "a", "b", "b"])
    assert runs.frame["group"].tolist() == ["a", "a", "b", "b"]


def test_a_label_on_the_first_row_of_its_block_is_that_of_the_block():
    runs, notes = read(Model=["Ours", "", "Theirs", ""], **SIZES, loss=LOSSES)
    assert runs.frame["group"].tolist() == ["Ours", "Ours", "Theirs", "Theirs"]
    assert "2 blank cells of 'Model' have the label above them" in notes


def test_blank_labels_elsewhere_are_a_group_of_their_own():
    runs, notes = read(**SIZES, loss=LOSSES, family=["a", "", "a", "b"])
    assert sorted(runs.frame["group"]) == ["a", "a", "b", "not given"]
    assert "1 blank cells" in notes


def test_distinct_names_are_the_index():
    runs, _ = read(run_name=["w", "x", "y", "z"], **SIZES, loss=LOSSES)
    assert runs.frame.index.tolist() == ["w", "x", "y", "z"]


def test_other_columns_keep_their_headings():
    runs, _ = read(**SIZES, loss=LOSSES, lr=["1e-3", "2e-3", None, "4e-3"], seed=[1, 2, 3, 4.0])
    assert runs.frame["lr"].isna().sum() == 1
    assert runs.frame["seed"].dtype == np.int64


# What is lacking


def test_a_column_that_is_lacking_is_told_with_the_nearest_heading_and_why():
    message = refused(
        {"volume": SIZES["N"], "D": SIZES["D"], "loss": LOSSES}, required=["n_params"]
    )
    assert "has no column n_params" in message
    assert "'volume' (numbers of that size, 1e+08 to 3e+09)" in message
    assert "--column n_params=volume" in message


def test_an_accuracy_is_near_a_loss_and_none():
    message = refused(SIZES | {"train_top1": [0.1, 0.2, 0.3, 0.4]})
    assert "has no column loss" in message
    assert "'train_top1' (an accuracy by its name and no loss; 0.1 to 0.4)" in message
    assert "loss='train_top1'" not in message


def test_an_accuracy_that_is_asked_for_as_a_loss_is_refused():
    message = refused(SIZES | {"accuracy": [0.1, 0.2, 0.3, 0.4]}, loss="accuracy")
    assert "is no loss; give 1 - accuracy" in message


def test_a_heading_that_is_not_there_is_refused_with_those_there_are():
    message = refused(SIZES | {"loss": LOSSES}, loss="val_loss")
    assert "no column 'val_loss' to use as loss; the columns are N, D, loss" in message


def test_a_column_that_is_there_twice_is_refused_unless_both_are_alike():
    frame = pd.DataFrame(SIZES | {"loss": LOSSES})
    assert len(Runs.read(pd.concat([frame, frame[["D"]]], axis="columns"))) == 4
    differing = pd.concat([frame, frame[["D"]] + 1], axis="columns")
    assert "column 'D' of runs is there twice, with other values" in refused(differing)


# Wherever runs are taken


def test_runs_are_taken_as_they_are():
    runs = Runs.read(SIZES | {"loss": LOSSES})
    assert as_runs(runs) is runs


@pytest.mark.parametrize(
    "verb", ["fit", "backtest", "compare", "profile", "isoflop", "approaches", "recipes"]
)
def test_every_verb_of_runs_reads_a_path(verb):
    import bayescale as bs

    more = {"approaches": [1e20], "recipes": ["a", "b"]}
    with pytest.raises(InputError, match=r"There is no file nowhere\.csv"):
        getattr(bs, verb)("nowhere.csv", *more.get(verb, []))


def test_what_is_no_table_is_refused_by_its_type():
    assert "cannot be read from 'int'" in refused(3)


def test_tokens_of_a_data_set_are_taken_as_often_as_there_are_epochs():
    table = {"params": [1e8, 1e8, 1e9], "dataset_tokens": [1e9] * 3, "epochs": [2, 6, 20]}
    runs = Runs.read(table | {"val_loss": [3.1, 2.9, 2.4]})
    assert sorted(runs.frame["n_tokens"]) == [2e9, 6e9, 2e10]
    assert any("'dataset_tokens' × 'epochs'" in note for note in runs.notes)
    without = {name: values for name, values in table.items() if name != "epochs"}
    alone = Runs.read(without | {"val_loss": [3.1, 2.9, 2.4]})
    assert set(alone.frame["n_tokens"]) == {1e9}
