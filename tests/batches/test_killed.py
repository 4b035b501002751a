"""A batch killed without warning, again and again, ends as one left alone."""

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayescale as bs
from bayescale.batches.batch import batch

FITS = 12


@pytest.fixture
def start() -> Callable[..., Any]:
    """Start a batch in a process of its own, with modules loaded, so that it soon fits.

    It finds this process's compiled programs in the folder that all tests share.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["bayescale.batches.batch", "bayescale.inference.multistart", "bayescale.noise.normal"]
    )

    def run(data: list[str], **options: Any) -> Any:
        process = context.Process(target=batch, args=(data,), kwargs=options)
        process.start()
        return process

    return run


def fits(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each finished fit."""
    found = [(path.name, path.stat()) for path in folder.glob("*.nc")]
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found}


@pytest.mark.parametrize("moments", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_a_batch_killed_at_some_moments_gives_the_frame_of_one_left_alone_and_fits_nothing_twice(
    start, files, quick, fitted, same, tmp_path, moments
):
    data = files(FITS)
    alone = bs.batch(data, **quick).frame
    warm = start(data, out=tmp_path / "warm", **quick)
    warm.join()
    rng = np.random.default_rng(8)
    midway = kills = folders = 0
    while kills < moments:
        folders += 1
        out = tmp_path / f"fits {folders}"
        seen: dict[str, tuple[int, int]] = {}
        while len(seen) < FITS and kills < moments:
            more, delay = len(seen) + rng.integers(0, 3), rng.uniform(0, 0.4)
            process = start(data, out=out, **quick)
            while process.is_alive() and len(fits(out)) < more:
                time.sleep(0.002)
            process.join(delay)
            process.kill()
            process.join()
            assert process.exitcode in (-9, 0)
            kills += process.exitcode == -9
            now = fits(out)
            assert {name: now[name] for name in seen} == seen
            seen = now
            midway += process.exitcode == -9 and 0 < len(seen) < FITS
        fitted.clear()
        same(bs.batch(data, out=out, **quick).frame, alone)
        assert len(fitted) == FITS - len(seen)
        assert {name: fits(out)[name] for name in seen} == seen
        # An unfinished file stays for a while, since another batch might be writing it.
        whole = {path.name for path in out.iterdir() if not path.name.startswith(".")}
        assert whole == {*fits(out), "batch.csv"}
    assert midway >= moments // 2


def test_of_jobs_that_share_a_folder_one_is_killed_and_the_call_over_all_makes_only_what_it_left(
    start, files, quick, fitted, same, tmp_path
):
    data, out = files(FITS), tmp_path / "fits"
    alone = bs.batch(data, **quick).frame
    jobs = [start(data[number::2], out=out, **quick) for number in range(2)]
    while jobs[0].is_alive() and not fits(out):
        time.sleep(0.002)
    jobs[0].kill()
    for job in jobs:
        job.join()
    left = FITS - len(fits(out))
    fitted.clear()
    same(bs.batch(data, out=out, **quick).frame, alone)
    assert len(fitted) == left <= FITS // 2
