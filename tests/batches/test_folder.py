"""A batch keeps finished fits that it finds in its folder, and trusts nothing else there."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.inference.base import BatchMethod, Problem


def stats(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each file: a file that was written anew has others."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*-*")}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "fits"


def test_every_fit_is_a_file_that_says_what_it_is(out, sweeps, quick):
    bs.batch(sweeps[:1], out=out, **quick)
    (name,) = (path.name for path in out.glob("*.nc"))
    assert re.fullmatch(
        r"simulated_seed_0-chinchilla-normal-multistart-seed0-[0-9a-f]{12}\.nc", name
    )
    assert bs.load(out / name).runs.name == "simulated (seed 0)"


def test_a_second_call_fits_nothing_and_gives_the_same_frame(out, sweeps, quick, fitted, same):
    once = bs.batch(sweeps, out=out, **quick).frame
    files = stats(out)
    again = bs.batch(sweeps, out=out, **quick).frame
    assert (len(fitted), len(files)) == (3, 3)
    assert stats(out) == files
    same(again, once)


def test_a_folder_changes_no_number(out, sweeps, quick, same):
    same(bs.batch(sweeps, out=out, **quick).frame, bs.batch(sweeps, **quick).frame)


def test_a_method_of_many_draws_comes_back_bit_for_bit(out, sweeps, same):
    method = bs.NUTS(draws=20, warmup=50, chains=2)
    once, again = (
        bs.batch(sweeps[:1], noises=[bs.noise.Normal()], method=method, out=out).frame
        for _ in range(2)
    )
    same(again, once)


def test_groups_of_importance_samples_come_back_bit_for_bit_whatever_was_missing(out, sweeps, same):
    # A law of two constants is compiled soonest.
    options = {
        "laws": [bs.laws.PowerLaw(floor=False)],
        "noises": [bs.noise.Normal()],
        "method": bs.Importance(draws=1000),
    }
    once = bs.batch(sweeps, out=out, **options).frame
    next(out.glob("simulated_seed_1*.nc")).unlink()
    same(bs.batch(sweeps, out=out, **options).frame, once)


def test_an_interrupted_batch_keeps_what_is_done_and_goes_on_from_there(
    out, sweeps, quick, fitted, same, monkeypatch
):
    def interrupted(self: bs.MultiStart, problem: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        run = bs.MultiStart.run
        patch.setattr(
            bs.MultiStart,
            "run",
            lambda self, p: run(self, p) if len(fitted) < 2 else interrupted(self, p),
        )
        with pytest.raises(KeyboardInterrupt):
            bs.batch(sweeps, out=out, **quick)
    resumed = bs.batch(sweeps, out=out, **quick).frame
    assert fitted == [runs.name for runs in sweeps]
    same(resumed, bs.batch(sweeps, **quick).frame)


def test_more_data_sets_cost_their_own_fits_alone(out, sweeps, quick, fitted):
    bs.batch(sweeps[:1], out=out, **quick)
    bs.batch(sweeps, out=out, **quick)
    assert fitted == [runs.name for runs in sweeps]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_fitted_again_and_replaced(out, sweeps, quick, fitted, same, share):
    once = bs.batch(sweeps, out=out, **quick).frame
    damaged = sorted(out.glob("*.nc"))[1]
    content = damaged.read_bytes()
    damaged.write_bytes(content[: int(share * len(content))])
    same(bs.batch(sweeps, out=out, **quick).frame, once)
    assert fitted[3:] == [sweeps[1].name]
    assert bs.load(damaged).runs.name == sweeps[1].name


@pytest.mark.parametrize("foreign", ["another fit", "text"])
def test_a_foreign_file_of_the_right_name_is_fitted_again_and_replaced(
    out, sweeps, quick, fitted, same, foreign
):
    once = bs.batch(sweeps, out=out, **quick).frame
    one, two, _ = sorted(out.glob("*.nc"))
    two.write_bytes(one.read_bytes() if foreign == "another fit" else b"These are not draws.")
    same(bs.batch(sweeps, out=out, **quick).frame, once)
    assert fitted[3:] == [sweeps[1].name]


@pytest.mark.parametrize(
    "change",
    [
        lambda runs: runs.frame.assign(loss=np.nextafter(runs.frame["loss"], 0)),
        lambda runs: runs.frame.assign(group="all"),
        lambda runs: runs.frame.assign(weight=0.5),
    ],
    ids=["a last bit", "a label", "a weight"],
)
def test_changed_data_are_fitted_anew(out, sweeps, quick, fitted, change):
    runs = sweeps[0]
    for one in (runs, replace(runs, frame=change(runs))):
        bs.batch([one], out=out, **quick)
    assert len(fitted) == 2


@pytest.mark.parametrize("option", [{"starts": 101}, {"steps": 29}, {"seed": 1}], ids=str)
def test_changed_options_are_fitted_anew(out, sweeps, quick, at_once, monkeypatch, option):
    methods = [quick["method"], replace(quick["method"], **option)]
    fitted = []

    def run(self: bs.MultiStart, problem: Problem) -> bs.Posterior:
        fitted.append(self)
        return replace(replace(at_once, seed=self.seed).run(problem), method=self)

    monkeypatch.setattr(bs.MultiStart, "run", run)
    for method in (*methods, *methods):
        bs.batch(sweeps[:1], noises=quick["noises"], method=method, out=out)
    assert fitted == methods


def test_another_version_fits_anew(out, sweeps, quick, fitted, monkeypatch):
    bs.batch(sweeps[:1], out=out, **quick)
    monkeypatch.setattr("bayescale.batches.task.version", lambda package: "99.0")
    bs.batch(sweeps[:1], out=out, **quick)
    assert len(fitted) == 2


def test_a_method_that_hands_on_what_it_cannot_do_is_not_asked_again(
    out, sweeps, quick, fitted, same, monkeypatch
):
    run = bs.MultiStart.run
    monkeypatch.setattr(
        bs.MultiStart,
        "run",
        lambda self, problem: replace(run(self, problem), method=bs.Bootstrap()),
    )
    once, again = (bs.batch(sweeps[:1], out=out, **quick).frame for _ in range(2))
    assert (len(fitted), once["method"][0]) == (1, "bootstrap")
    same(again, once)


@dataclass(frozen=True)
class Together(bs.MultiStart, BatchMethod):
    """Point fits, given out in groups, which are remembered."""

    groups: ClassVar[list[list[str]]] = []

    def run_all(self, problems: Sequence[Problem]) -> list[bs.Posterior]:
        self.groups.append([problem.runs.name for problem in problems])
        return [self.run(problem) for problem in problems]


def test_a_group_killed_half_way_goes_on_in_the_same_company_and_keeps_what_was_written(
    out, sweeps, quick, monkeypatch
):
    quick |= {"method": Together(starts=100)}
    Together.groups.clear()

    def killed(self: bs.Posterior, path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        save = bs.Posterior.save
        patch.setattr(
            bs.Posterior,
            "save",
            lambda self, path: (save if not stats(out) else killed)(self, path),
        )
        with pytest.raises(KeyboardInterrupt):
            bs.batch(sweeps, out=out, **quick)
    written = stats(out)
    bs.batch(sweeps, out=out, **quick)
    assert Together.groups == [[runs.name for runs in sweeps]] * 2
    assert len(written) == 1
    assert written.items() <= stats(out).items()


# Failures


def failing(error: Exception):
    def run(self: bs.MultiStart, problem: object) -> None:
        raise error

    return run


def test_a_failure_is_recorded_beside_the_fits(out, sweeps, quick):
    bs.batch([bs.Runs(sweeps[0].frame.head(2), name="few")], out=out, **quick)
    (record,) = out.glob("few-chinchilla-normal-*.failed.json")
    assert "needs 3: add 1" in json.loads(record.read_text())["message"]


def test_bad_input_is_not_tried_again(out, sweeps, quick, same, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(bs.MultiStart, "run", failing(bs.InputError("too hard")))
        once = bs.batch(sweeps[:1], out=out, **quick).frame
    same(bs.batch(sweeps[:1], out=out, **quick).frame, once)
    assert list(once["message"]) == ["too hard"]


def test_any_other_failure_is_tried_again_and_its_record_goes_when_it_succeeds(
    out, sweeps, quick, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(bs.MultiStart, "run", failing(MemoryError("no room")))
        assert list(bs.batch(sweeps[:1], out=out, **quick).frame["message"]) == [
            "MemoryError: no room"
        ]
    assert len(list(out.glob("*.failed.json"))) == 1
    assert list(bs.batch(sweeps[:1], out=out, **quick).frame["status"]) == ["good"]
    assert not list(out.glob("*.failed.json"))


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"identity": null, "error": "InputError", "message": ""}']
)
def test_a_damaged_record_is_not_believed(out, sweeps, quick, monkeypatch, content):
    with monkeypatch.context() as patch:
        patch.setattr(bs.MultiStart, "run", failing(bs.InputError("too hard")))
        bs.batch(sweeps[:1], out=out, **quick)
    next(out.glob("*.failed.json")).write_text(content)
    assert list(bs.batch(sweeps[:1], out=out, **quick).frame["status"]) == ["good"]


# The folder itself


def test_the_table_holds_every_digit(out, sweeps, quick, same):
    frame = bs.batch([*sweeps, "nowhere.csv"], out=out, **quick).frame
    read = pd.read_csv(
        out / "batch.csv", keep_default_na=False, na_values={c: [""] for c in frame.columns[7:]}
    )
    same(read, frame)


def test_posteriors_are_read_from_the_folder_when_asked_for(out, sweeps, quick):
    fits = bs.batch(sweeps[:2], out=out, **quick)
    next(out.glob("simulated_seed_1*")).unlink()
    assert (
        fits.posteriors["simulated (seed 0)", "chinchilla", "normal"].runs.name
        == "simulated (seed 0)"
    )
    with pytest.raises(bs.InputError, match="There is no file"):
        fits.posteriors["simulated (seed 1)", "chinchilla", "normal"]


def test_what_a_killed_writer_left_is_cleared_and_nothing_else(out, sweeps, quick):
    bs.batch(sweeps[:1], out=out, **quick)
    (fit,) = out.glob("*.nc")
    for name in (
        f".{fit.name}.k2j_9xq0",
        f".{fit.stem}.failed.json.0123abcd",
        ".batch.csv.0123abcd",
        ".notes.nc.swp",
        ".keep",
    ):
        (out / name).touch()
        os.utime(out / name, (0.0, 0.0))
    bs.batch(sweeps[:1], out=out, **quick)
    assert {path.name for path in out.iterdir()} == {
        fit.name,
        "batch.csv",
        ".notes.nc.swp",
        ".keep",
    }


def test_what_another_batch_is_writing_is_left_alone(out, sweeps, quick):
    bs.batch(sweeps[:1], out=out, **quick)
    (fit,) = out.glob("*.nc")
    unfinished = out / f".{fit.name}.k2j_9xq0"
    unfinished.touch()
    bs.batch(sweeps[:1], out=out, **quick)
    assert unfinished.exists()


def test_the_folder_is_made_where_it_is_not_there(out, sweeps, quick):
    bs.batch(sweeps[:1], out=str(out), **quick)
    assert out.is_dir()


def test_a_folder_within_none_is_refused(tmp_path, sweeps, quick):
    with pytest.raises(
        bs.InputError, match=r"There is no folder .*results to make fits in; make it first"
    ):
        bs.batch(sweeps, out=tmp_path / "results" / "fits", **quick)


def test_a_file_in_place_of_the_folder_is_refused(out, sweeps, quick):
    out.touch()
    with pytest.raises(bs.InputError, match=r"fits is a file; give the batch a folder"):
        bs.batch(sweeps, out=out, **quick)


def test_a_table_of_someone_else_is_left_alone(out, sweeps, quick):
    out.mkdir()
    (out / "batch.csv").write_text("n_params,n_tokens,loss\n")
    with pytest.raises(bs.InputError, match=r"batch\.csv exists and is no table of a batch"):
        bs.batch(sweeps, out=out, **quick)
    assert (out / "batch.csv").read_text() == "n_params,n_tokens,loss\n"


def test_a_full_disk_stops_the_batch_and_says_where(out, sweeps, quick, monkeypatch):
    def full(self: bs.Posterior, path: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(bs.Posterior, "save", full)
    with pytest.raises(
        bs.InputError,
        match=r"\.nc cannot be written \(No space left on device\); what was finished",
    ):
        bs.batch(sweeps, out=out, **quick)
