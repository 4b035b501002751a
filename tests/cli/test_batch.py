"""`bayescale batch`: what it prints, what it writes, and what it exits with."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale._internal.discovery import names
from bayescale.terminal.batch import print_batch

QUICK = ("--noise", "normal", "--method", "multistart:starts=50")


@pytest.fixture(autouse=True)
def hand_made_fits(monkeypatch):
    """Replace point fits by a draw in which all parameters are alike: no number matters here."""

    def run(self, problem):
        value = np.full((1, 1), problem.units["loss"])
        return problem.posterior({p.name: value for p in problem.target.parameters}, self)

    monkeypatch.setattr(bs.MultiStart, "run", run)


@pytest.fixture
def copied(folder):
    """Copy the runs of a data set to two files."""
    runs = bs.datasets.load("dey2023_pile").frame
    paths = [folder / "sweep.csv", folder / "two.csv"]
    for path in paths:
        runs.to_csv(path, index=False)
    return paths


def test_json_has_an_object_a_fit_in_the_order_asked(bayescale, copied):
    laws = ("--law", "chinchilla", "--law", "power_law")
    result = bayescale("batch", *copied, *laws, *QUICK, "--json")
    fits = json.loads(result.stdout)["fits"]
    asked = [
        ("sweep", "chinchilla"),
        ("sweep", "power_law"),
        ("two", "chinchilla"),
        ("two", "power_law"),
    ]
    assert [(fit["data_set"], fit["law"]) for fit in fits] == asked
    assert (fits[2]["n_runs"], fits[1]["beta_mean"]) == (29, None)


def test_json_writes_nothing_unless_told_where(bayescale, folder):
    assert bayescale("batch", "dey2023_pile", *QUICK, "--json").exit_code == 0
    assert not list(folder.iterdir())


def test_fits_and_their_table_go_to_a_folder_here(bayescale, folder):
    assert bayescale("batch", "dey2023_pile", *QUICK).exit_code == 0
    (fit,) = (folder / "bayescale-batch").glob("*.nc")
    assert bs.load(fit).runs.name == "dey2023_pile"
    assert list(pd.read_csv(folder / "bayescale-batch" / "batch.csv")["status"]) == ["good"]


def test_the_report_has_a_table_a_law_and_says_where_the_numbers_are(bayescale):
    report = bayescale(
        "batch",
        "dey2023_pile",
        "--law",
        "chinchilla",
        "--law",
        "power_law",
        *QUICK,
        "--out",
        "fits",
    ).stdout
    for fact in (
        "E + A/N^α + B/D^β, noise normal",
        "E + A/C^α, noise normal",
        "2 fits: 2 good.",
        "fits/batch.csv",
    ):
        assert fact in report


def test_no_line_of_the_tables_is_wider_than_the_terminal_and_no_number_is_cut(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    about = {
        "law": "chinchilla",
        "noise": "normal",
        "method": "nuts",
        "n_runs": 245,
        "status": "doubtful",
        "message": "Bad. " * 40,
    }
    statistics = {
        f"{name}_{statistic}": 523.4567
        for name in ("E", "A", "B", "alpha", "beta")
        for statistic in ("mean", "sd")
    }
    name = "a_sweep_with_a_name_that_alone_would_fill_most_of_a_line"
    frame = pd.DataFrame(
        [{"data_set": name, **about, **statistics}, {"data_set": "sweep", **about, **statistics}]
    )
    print_batch(frame, [bs.laws.Chinchilla()], Path("fits"))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert sum(line.count("523.5") for line in lines) == 10
    assert sum(line.count("±\N{NO-BREAK SPACE}523") for line in lines) == 10


def test_what_went_wrong_is_said_once_however_many_fits_it_cost(bayescale):
    report = bayescale(
        "batch", "dey2023_pile", "nowhere.csv", "--law", "chinchilla", "--law", "power_law", *QUICK
    ).stdout
    assert report.count("There is no file nowhere.csv") == 1
    assert "nowhere (chinchilla, normal) and 1 more:" in report


def test_a_bad_data_set_among_good_ones_exits_with_3(bayescale):
    result = bayescale("batch", "nowhere.csv", "dey2023_pile", *QUICK, "--json")
    assert result.exit_code == 3
    assert [fit["status"] for fit in json.loads(result.stdout)["fits"]] == ["failed", "good"]


def test_a_batch_of_which_no_fit_could_be_made_is_bad_input(bayescale):
    result = bayescale("batch", "nowhere.csv", "dey2023_piles", *QUICK)
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "error: No fit could be made. The first: There is no file nowhere.csv"
    )
    assert "Did you mean dey2023_pile" in " ".join(result.stdout.split())


def test_the_same_command_again_fits_nothing(bayescale, monkeypatch):
    once = bayescale("batch", "dey2023_pile", *QUICK).stdout

    def never(*args: object) -> None:
        raise AssertionError("a fit was begun")

    monkeypatch.setattr(bs.MultiStart, "run", never)
    assert bayescale("batch", "dey2023_pile", *QUICK).stdout == once


def test_an_interruption_says_where_the_fits_are_and_how_to_go_on(bayescale, monkeypatch):
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bs.MultiStart, "run", interrupted)
    result = bayescale("batch", "dey2023_pile", *QUICK, "--out", "fits")
    assert (result.exit_code, result.stdout) == (130, "")
    assert (
        result.stderr
        == "interrupted; the finished fits are in fits: run the same command again to go on\n"
    )


def test_an_interruption_without_a_folder_says_what_would_have_kept_the_fits(
    bayescale, monkeypatch
):
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bs.MultiStart, "run", interrupted)
    assert (
        "nothing was saved: give --out DIR"
        in bayescale("batch", "dey2023_pile", *QUICK, "--json").stderr
    )


@pytest.mark.slow
def test_importance_sampling_is_the_method_unless_told_otherwise(bayescale):
    (fit,) = json.loads(bayescale("batch", "dey2023_pile", "--json").stdout)["fits"]
    assert (fit["method"], fit["noise"]) == ("importance", "student_t")
    assert fit["pareto_k"] < 0.7


def test_the_seed_is_that_of_the_method(bayescale):
    (fit,) = json.loads(bayescale("batch", "dey2023_pile", *QUICK, "--seed", 7, "--json").stdout)[
        "fits"
    ]
    assert fit["method"] == "multistart:starts=50,seed=7"


def test_an_unknown_law_is_refused_before_anything_is_written(refused):
    assert ", ".join(names("bayescale.laws")) in refused(
        "batch", "dey2023_pile", "--law", "chinchilla", "--law", "chinchila"
    )


def test_a_file_in_place_of_the_folder_is_refused(refused, sweep):
    assert "sweep.csv is a file; give the batch a folder" in refused(
        "batch", "dey2023_pile", "--out", sweep()
    )


def test_no_data_set_is_wrong_usage(bayescale):
    assert bayescale("batch").exit_code == 2


def test_help_shows_how_to_go_on_and_examples(bayescale):
    shown = " ".join(bayescale("batch", "--help").stdout.split())
    for fact in (
        "the same command goes on where it stopped",
        "bayescale batch sweeps/*.csv --law chinchilla --law power_law",
    ):
        assert fact in shown


# On a Dask cluster


def test_workers_of_a_dask_cluster_give_the_same_fits(bayescale):
    distributed = pytest.importorskip(
        "distributed", reason="needs Dask: pip install 'bayescale[cluster]'"
    )
    words = ("batch", "dey2023_pile", *QUICK, "--json")
    alone = bayescale(*words)
    one = {
        "n_workers": 1,
        "threads_per_worker": 1,
        "processes": False,
        "protocol": "tcp",
        "host": "127.0.0.1",
    }
    with distributed.LocalCluster(**one, dashboard_address=None) as cluster:
        on_it = bayescale(*words, "--dask", cluster.scheduler_address)
    assert (on_it.exit_code, on_it.stdout) == (0, alone.stdout)


def test_a_scheduler_that_does_not_answer_is_named(refused, monkeypatch):
    pytest.importorskip("distributed", reason="needs Dask: pip install 'bayescale[cluster]'")
    monkeypatch.setattr("bayescale.cli._dask._SECONDS_TO_ANSWER", 0.5)
    message = refused("batch", "dey2023_pile", "--dask", "tcp://127.0.0.1:1", "--json")
    assert "--dask tcp://127.0.0.1:1: no scheduler answers there" in message
    assert "dask scheduler" in message


def test_an_address_that_is_none_is_refused(refused):
    pytest.importorskip("distributed", reason="needs Dask: pip install 'bayescale[cluster]'")
    assert "--dask head: no scheduler answers there" in refused(
        "batch", "dey2023_pile", "--dask", "head", "--json"
    )


def test_without_dask_it_says_what_to_install(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'bayescale[cluster]'" in refused(
        "batch", "dey2023_pile", "--dask", "tcp://127.0.0.1:1", "--json"
    )
