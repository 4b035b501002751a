"""`bs.batch` checks its arguments and returns a frame with one row a fit."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.batches.fitting import shared_out
from bayescale.batches.task import Task
from bayescale.inference.base import BatchMethod, Problem

LAWS = [bs.laws.Chinchilla(), bs.laws.PowerLaw()]


@pytest.fixture(scope="module")
def mixed() -> Any:
    """A batch of a good data set, one of too few runs and one that is not there, by two laws;
    fitted once.
    """
    good = bs.datasets.simulate(seed=1, budgets=(1e18, 1e19, 1e20, 1e21), sizes_per_budget=5)
    few = bs.Runs(good.frame.head(2), name="few")
    return bs.batch(
        [good, few, "nowhere.csv"],
        laws=LAWS,
        noises=[bs.noise.Normal()],
        method=bs.MultiStart(starts=100, seed=3),
    )


def test_there_is_a_row_a_fit_in_the_order_asked(sweeps, at_once):
    noises = [bs.noise.Normal(), bs.noise.Huber()]
    frame = bs.batch(sweeps[:2], laws=LAWS, noises=noises, method=at_once).frame
    asked = [
        (runs.name, law, noise)
        for runs in sweeps[:2]
        for law in ("chinchilla", "power_law")
        for noise in ("normal", "huber")
    ]
    assert list(frame[["data_set", "law", "noise"]].itertuples(index=False, name=None)) == asked


def test_the_row_says_what_was_fitted_as_the_command_line_takes_it(mixed):
    row = mixed.frame.iloc[0]
    assert (row["law"], row["noise"], row["method"], row["n_runs"]) == (
        "chinchilla",
        "normal",
        "multistart:starts=100,seed=3",
        20,
    )


def test_numbers_are_those_of_a_fit_of_its_own(sweeps, quick):
    runs = sweeps[0]
    alone = bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=quick["method"])
    row = bs.batch([runs], **quick).frame.iloc[0]
    for name, numbers in alone.summary().to_dict("index").items():
        assert {statistic: row[f"{name}_{statistic}"] for statistic in numbers} == numbers
    assert row["starts_in_best_basin"] == alone.diagnostics["starts_in_best_basin"]


def test_a_parameter_that_a_law_lacks_is_not_a_number(mixed):
    chinchilla, power_law = mixed.frame["beta_mean"].head(2)
    assert np.isfinite(chinchilla)
    assert np.isnan(power_law)


def test_a_data_set_that_cannot_be_fitted_stops_no_other(mixed):
    assert list(mixed.frame["status"]) == ["good", "good", "failed", "failed", "failed", "failed"]


def test_a_failed_row_says_in_one_line_what_is_wrong(mixed):
    few, _, nowhere, _ = mixed.frame["message"].tail(4)
    assert "few has 2 runs, and chinchilla with normal needs 3" in few
    assert nowhere.startswith("There is no file nowhere.csv")
    assert not any("\n" in message for message in mixed.frame["message"])


def test_a_numerical_failure_is_a_row_with_the_kind_of_error(sweeps, at_once):
    frame = bs.batch(
        [sweeps[0], replace(sweeps[1], name="poison"), sweeps[2]], method=at_once
    ).frame
    assert list(frame["status"]) == ["good", "failed", "good"]
    assert frame["message"][1] == "LinAlgError: singular matrix"


def test_diagnostics_that_complain_make_a_fit_doubtful_and_are_its_message(sweeps):
    method = bs.NUTS(draws=20, warmup=50, chains=2)
    row = bs.batch(sweeps[:1], noises=[bs.noise.Normal()], method=method).frame.iloc[0]
    assert row["status"] == "doubtful"
    assert "Use more draws" in row["message"]
    assert row["rhat_max"] > 1


def test_the_frame_holds_no_time(sweeps, quick):
    frame = bs.batch(sweeps[:1], **quick).frame
    assert not [column for column in frame if "second" in column and column != "second_basin_gap"]


def test_posteriors_are_found_by_what_was_asked(mixed):
    assert list(mixed.posteriors) == [
        ("simulated (seed 1)", law, "normal") for law in ("chinchilla", "power_law")
    ]
    posterior = mixed.posteriors["simulated (seed 1)", "power_law", "normal"]
    assert posterior.draws("alpha").item() == mixed.frame["alpha_q50"][1]


def test_the_summary_has_a_row_a_fit_and_a_parameter_a_column(mixed):
    summary = mixed.summary()
    assert list(summary) == [
        "data_set",
        "law",
        "noise",
        "status",
        "E",
        "A",
        "B",
        "alpha",
        "beta",
        "sigma",
    ]
    assert list(summary["beta"] != "") == [True, False, False, False, False, False]


def test_the_summary_gives_two_digits_of_each_deviation():
    frame = pd.DataFrame({"data_set": ["a"], "law": ["l"], "noise": ["n"], "status": ["good"]})
    numbers = {
        "A_mean": 523.46,
        "A_sd": 105.2,
        "A_q50": 500.0,
        "alpha_mean": 0.35519,
        "alpha_sd": 0.0123,
        "alpha_q50": 0.35,
    }
    summary = bs.batches.batch.Batch(frame.assign(**numbers), {}).summary()
    assert list(summary.iloc[0, 4:]) == ["523 ± 105", "0.355 ± 0.012"]


def test_a_notebook_shows_counts_and_complaints_and_takes_no_text_for_markup(mixed):
    assert "<b>6 fits</b></p><p>4 failed, 2 good." in mixed._repr_html_()
    one = replace(mixed, frame=mixed.frame.assign(message="<b>bold</b>"))
    assert "&lt;b&gt;bold&lt;/b&gt;" in one._repr_html_()


# What it takes


def test_names_files_tables_and_runs_go_together(files, sweeps, at_once):
    data = ["dey2023_pile", *files(1), sweeps[0].frame, sweeps[0]]
    frame = bs.batch(data, method=at_once).frame
    assert list(frame["data_set"]) == ["dey2023_pile", "sweep_0", "runs", "simulated (seed 0)"]
    assert frame["alpha_mean"][2] == frame["alpha_mean"][3]


def test_files_of_one_name_go_by_their_paths(tmp_path, at_once):
    paths = [tmp_path / folder / "sweep.csv" for folder in ("one", "two")]
    assert list(bs.batch(paths, method=at_once).frame["data_set"]) == [str(path) for path in paths]


def test_tables_without_a_name_are_numbered(sweeps, at_once):
    frames = [runs.frame.head(3) for runs in sweeps]
    assert list(bs.batch(frames, method=at_once).frame["data_set"]) == [
        "runs",
        "runs (2)",
        "runs (3)",
    ]


def test_a_file_needs_only_the_columns_of_each_law(tmp_path, sweeps, at_once):
    path = tmp_path / "tokens.csv"
    sweeps[0].frame[["n_tokens", "loss"]].to_csv(path, index=False)
    laws = [bs.laws.PowerLaw(input="n_tokens"), bs.laws.Chinchilla()]
    frame = bs.batch([path], laws=laws, method=at_once).frame
    assert frame["status"][0] != "failed"
    assert "no column n_params" in frame["message"][1]


@pytest.mark.parametrize(
    ("data", "options", "complaint"),
    [
        ([], {}, "Give a list of data sets"),
        ("dey2023_pile", {}, "Give a list of data sets"),
        (["dey2023_pile"], {"laws": bs.laws.Chinchilla()}, "laws=Chinchilla.*give a list"),
        (["dey2023_pile"], {"noises": []}, "noises=.*give a list of at least one noise"),
        (["dey2023_pile"], {"laws": ["chinchilla"]}, "'chinchilla' is no law; give instances"),
        (["dey2023_pile"], {"method": "nuts"}, "'nuts' is no method"),
    ],
)
def test_what_is_no_list_or_no_instance_is_refused(data, options, complaint):
    with pytest.raises(bs.InputError, match=complaint):
        bs.batch(data, **options)


# Methods that fit many problems at once


@dataclass(frozen=True)
class Together(BatchMethod):
    """Another method's fits, given out in groups, which are remembered."""

    one: Any
    groups: Any
    seed: int = 0

    def run(self, problem: Problem) -> bs.Posterior:
        return self.one.run(problem)

    def run_all(self, problems: list[Problem]) -> Any:
        self.groups.append([(problem.runs.name, problem.target.law) for problem in problems])
        yield from map(self.run, problems)


def test_a_method_of_groups_is_given_problems_of_one_law_and_size(sweeps, at_once):
    large = bs.Runs(pd.concat([sweeps[0].frame] * 3, ignore_index=True), name="large")
    method = Together(at_once, [])
    frame = bs.batch([*sweeps, large], laws=LAWS, method=method).frame
    names = [runs.name for runs in sweeps]
    assert method.groups == [
        [(name, law) for name in group] for group in (names, ["large"]) for law in LAWS
    ]
    assert list(frame["data_set"][::2]) == [*names, "large"]


def test_one_bad_problem_of_a_group_stops_no_other(sweeps, at_once):
    data = [sweeps[0], replace(sweeps[1], name="poison"), sweeps[2]]
    frame = bs.batch(data, method=Together(at_once, [])).frame
    assert list(frame["status"]) == ["good", "failed", "good"]
    assert frame["message"][1] == "LinAlgError: singular matrix"


def test_a_group_has_one_law_one_noise_and_data_of_one_shape(sweeps, at_once):
    known = bs.Runs.from_frame(sweeps[0].frame.assign(loss_se=0.01))
    asked = [(sweeps[0], LAWS[0]), (sweeps[0], LAWS[1]), (known, LAWS[0]), (sweeps[1], LAWS[0])]
    method = Together(at_once, [])
    tasks = [Task(i, runs, law, bs.noise.Normal(), method) for i, (runs, law) in enumerate(asked)]
    assert [[task.position for task in share] for share in shared_out(tasks)] == [[0, 3], [1], [2]]


def test_groups_are_small_enough_to_lose(sweeps, at_once):
    tasks = [
        Task(i, sweeps[0], LAWS[0], bs.noise.Normal(), Together(at_once, [])) for i in range(40)
    ]
    assert [len(share) for share in shared_out(tasks)] == [16, 16, 8]


def test_a_method_without_groups_is_given_one_at_a_time(sweeps, at_once):
    tasks = [Task(i, runs, LAWS[0], bs.noise.Normal(), at_once) for i, runs in enumerate(sweeps)]
    assert shared_out(tasks) == [[task] for task in tasks]
