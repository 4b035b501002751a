"""Every kind of bad input ends in one line that says what, where and how to mend it; see `refused`
for the rest.
"""

from pathlib import Path

import pytest

from bayescale._internal.discovery import names


def has(message: str, *facts: object) -> bool:
    return all(str(fact) in message for fact in facts)


# Files


def test_a_missing_file_is_named(refused):
    assert has(refused("fit", "nowhere.csv"), "There is no file nowhere.csv", "datasets list")


def test_a_folder_is_no_file(refused, folder):
    (folder / "sweeps").mkdir()
    assert has(refused("fit", "./sweeps"), "sweeps is a folder", "CSV")


def test_an_empty_file_is_said_to_be_empty(refused, folder):
    (folder / "sweep.csv").touch()
    assert has(refused("fit", "sweep.csv"), "sweep.csv is empty", "headings")


def test_a_binary_file_is_no_table(refused, folder):
    (folder / "sweep.csv").write_bytes(bytes(range(128, 256)) * 8)
    assert has(refused("fit", "sweep.csv"), "sweep.csv is not a table that can be read", "UTF-8")


def test_headings_without_rows_are_refused(refused, sweep):
    assert has(refused("fit", sweep(rows=0)), "no rows", "one row per training run")


# Columns


def test_a_missing_column_is_named_with_those_there_are(refused, sweep):
    path = sweep(headings=["volume", "n_tokens", "loss"])
    message = refused("fit", path, "--law", "chinchilla")
    assert has(message, "no column n_params", "volume, n_tokens, loss", "--column n_params=volume")


def test_a_heading_that_is_not_there_is_named(refused, sweep):
    assert has(
        refused("fit", sweep(), "--column", "loss=val_loss"),
        "no column 'val_loss' to use as loss",
        "n_params, n_tokens, loss",
    )


def test_a_column_without_an_equals_sign_is_shown_how(refused, sweep):
    assert has(
        refused("fit", sweep(), "--column", "loss"), "--column loss:", "--column loss=val_loss"
    )


def test_a_column_given_the_wrong_way_round_is_noticed(refused, sweep):
    assert has(
        refused("fit", sweep(), "--column", "N=n_params"),
        "'N' is none of",
        "n_params",
        "NAME=HEADING",
    )


def test_an_option_of_the_reader_is_no_column(refused, sweep):
    assert has(refused("fit", sweep(), "--column", "source=loss"), "'source' is none of")


# Values: the row, the column, the value


@pytest.mark.parametrize(
    ("column", "name", "value", "what"),
    [
        (2, "loss", "abc", "'abc' is not a number"),
        (2, "loss", -3.1, "-3.1 is not positive"),
        (0, "n_params", 0, "0 is not positive"),
        (1, "n_tokens", "inf", "inf is not finite"),
    ],
    ids=["text", "negative", "zero", "infinite"],
)
def test_a_bad_value_is_found(refused, sweep, column, name, value, what):
    assert has(
        refused("fit", sweep(change={(4, column): value})), "sweep, row 5", f"column {name}", what
    )


def test_a_repeated_run_id_is_found(refused, sweep):
    path = sweep(
        headings=["run_id", "n_tokens", "loss"],
        change={(i, 0): f"r{min(i, 10)}" for i in range(12)},
    )
    assert has(
        refused("fit", path, "--law", "power_law:input=n_tokens"),
        "row 12 (run_id 'r10')",
        "there twice",
    )


def test_one_run_is_too_few(refused, sweep):
    assert has(refused("fit", sweep(rows=1)), "1 of the 3 runs", "Add runs")


# Names and options


def test_an_unknown_data_set_brings_the_closest_name(refused):
    assert has(
        refused("fit", "dey2023_piles"), "no data set 'dey2023_piles'", "Did you mean dey2023_pile"
    )


def test_an_unknown_law_brings_those_there_are(refused):
    assert has(
        refused("fit", "--law", "chinchila"), "'chinchila'", ", ".join(names("bayescale.laws"))
    )


def test_an_unknown_noise_brings_those_there_are(refused):
    assert has(refused("fit", "--noise", "gauss"), "'gauss'", "normal, student_t")


def test_an_unknown_method_brings_those_there_are(refused):
    assert has(refused("fit", "--method", "mcmc"), "'mcmc'", "bootstrap", "multistart", "nuts")


def test_an_unknown_option_of_a_method_brings_those_there_are(refused):
    assert has(
        refused("fit", "--method", "nuts:samples=10"),
        "no option 'samples'",
        "chains, warmup, draws, seed",
    )


def test_an_option_value_that_is_no_number_is_named(refused):
    assert has(refused("fit", "--method", "nuts:draws=many"), "draws='many'", "whole number")


def test_a_negative_seed_is_refused(refused, unfitted):
    assert has(refused("fit", "--seed", "-1"), "The seed is -1", "from 0 to")


def test_a_seed_that_is_no_integer_is_wrong_usage(bayescale, folder):
    result = bayescale("fit", "--seed", "one")
    assert (result.exit_code, result.stdout, list(folder.iterdir())) == (2, "", [])
    assert "--seed" in result.stderr


def test_huber_with_nuts_says_what_to_choose_instead(refused):
    message = refused("fit", "--noise", "huber")
    assert has(message, "needs a likelihood", "huber", "--noise student_t", "--method multistart")


def test_keep_suspect_is_for_the_catalogue_alone(refused, sweep, unfitted):
    assert has(
        refused("fit", sweep(), "--keep-suspect"),
        "--keep-suspect",
        "sweep.csv is a file",
        "leave it out",
    )


# Data sets


def test_a_data_set_that_no_law_describes_says_why(refused, unfitted):
    assert has(
        refused("fit", "tao2024_vocab"),
        "tao2024_vocab cannot be loaded",
        "unigram model's and negative",
    )


def test_a_data_set_out_of_reach_says_where_to_get_it_and_where_to_put_it(
    refused, tmp_path, monkeypatch
):
    def unreachable(*args: object, **options: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr("requests.get", unreachable)
    monkeypatch.setenv("BAYESCALE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BAYESCALE_DATA", raising=False)
    message = refused("fit", "besiroglu2024_chinchilla")
    assert has(
        message,
        "https://raw.githubusercontent.com/",
        "SHA-256",
        tmp_path / "cache",
        "BAYESCALE_DATA",
    )


# Where to save


def test_a_folder_that_is_not_there_is_noticed_before_the_fit(refused, unfitted):
    assert has(refused("fit", "--out", "results/post.nc"), "no folder results", "make it first")


def test_a_folder_in_place_of_the_file_is_noticed_before_the_fit(refused, folder, unfitted):
    (folder / "results").mkdir()
    assert has(refused("fit", "--out", "results"), "results is a folder", "results/post.nc")


def test_a_file_that_is_no_posterior_is_left_alone(refused, folder, unfitted):
    notes = folder / "notes.txt"
    notes.write_text("keep me")
    assert has(
        refused("fit", "--out", "notes.txt"), "notes.txt exists and is no posterior", "another name"
    )
    assert notes.read_text() == "keep me"


# Forecast and allocate


def test_forecast_from_a_missing_file_says_what_writes_one(refused):
    message = refused("forecast", "post.nc", "--n-params", 1e9, "--n-tokens", 1e10)
    assert has(message, "There is no file post.nc", "bayescale fit --out")


def test_forecast_from_text_says_that_it_is_no_netcdf(refused, sweep):
    assert has(
        refused("forecast", sweep(), "--n-params", 1e9, "--n-tokens", 1e10),
        "sweep.csv is not a netCDF file",
    )


def test_forecast_from_another_netcdf_says_that_it_is_no_posterior(refused, folder):
    import xarray as xr

    xr.Dataset({"loss": ("run", [3.0])}).to_netcdf(folder / "other.nc", engine="h5netcdf")
    assert has(
        refused("forecast", "other.nc", "--n-params", 1e9, "--n-tokens", 1e10),
        "other.nc is no posterior",
    )


def test_forecast_without_an_input_of_the_law_names_them(refused, posteriors):
    assert has(
        refused("forecast", posteriors["chinchilla"], "--n-params", 1e9), "takes n_params, n_tokens"
    )


def test_forecast_with_a_negative_input_names_it(refused, posteriors):
    message = refused("forecast", posteriors["chinchilla"], "--n-params", 1e9, "--n-tokens", -1)
    assert has(message, "n_tokens = -1", "not a positive number")


def test_forecast_with_an_input_that_the_law_does_not_take_names_those_it_takes(
    refused, posteriors
):
    message = refused("forecast", posteriors["power_law"], "--input", "seed=3")
    assert has(message, "takes flops", "seed is none of them")


def test_forecast_with_an_input_that_is_no_number_is_refused(refused, posteriors):
    assert has(
        refused("forecast", posteriors["power_law"], "--input", "flops=1e22FLOP"),
        "'1e22FLOP' is not a number",
    )


def test_allocate_with_negative_compute_names_it(refused, posteriors):
    assert has(
        refused("allocate", posteriors["chinchilla"], "--compute", -1), "compute = -1", "FLOPs"
    )


def test_allocate_by_a_law_without_an_optimum_says_why(refused, posteriors):
    message = refused("allocate", posteriors["power_law"], "--compute", 1e22)
    assert has(message, "no trade-off between parameters and tokens")


def test_an_unknown_data_set_to_show_brings_the_closest_name(refused):
    assert has(refused("datasets", "show", "gadre"), "no data set 'gadre'", "gadre2024")


def test_an_unknown_law_to_show_brings_those_there_are(refused):
    assert has(refused("laws", "show", "kepler"), "'kepler'", ", ".join(names("bayescale.laws")))


# Not the user's fault


def test_an_interruption_is_one_line_and_nothing_written(bayescale, folder: Path, monkeypatch):
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bayescale.fit", interrupted)
    result = bayescale("fit")
    assert (result.exit_code, result.stdout, result.stderr) == (
        130,
        "",
        "interrupted; nothing was saved\n",
    )
    assert not list(folder.iterdir())


def test_a_bug_keeps_its_traceback(bayescale, unfitted):
    assert isinstance(bayescale("fit").exception, AssertionError)
