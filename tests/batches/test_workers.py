"""Fits on workers: processes of a pool, threads, and a Dask cluster of which one worker dies."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bayescale as bs
from bayescale.batches.fitting import fit_there
from bayescale.batches.folder import Folder
from bayescale.batches.task import Task
from bayescale.inference.base import BatchMethod


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Two processes, which find compiled programs in the folder that all tests share."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A client of a Dask scheduler with two worker processes on the loopback interface."""
    distributed = pytest.importorskip(
        "distributed", reason="needs Dask: pip install 'bayescale[cluster]'"
    )
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def test_processes_give_the_frame_of_one_process(processes, sweeps, quick, same):
    data = [*sweeps, "nowhere.csv", bs.Runs(sweeps[0].frame.head(2), name="few")]
    # Alone first, so that workers find its programs.
    alone = bs.batch(data, **quick).frame
    same(bs.batch(data, executor=processes, **quick).frame, alone)


def test_posteriors_come_back_from_processes(processes, sweeps, quick):
    fits = bs.batch(sweeps[:1], executor=processes, **quick)
    (posterior,) = fits.posteriors.values()
    assert posterior.draws("alpha").item() == fits.frame["alpha_mean"][0]


def test_processes_write_to_the_folder_and_a_restart_needs_none(
    processes, sweeps, quick, fitted, same, tmp_path
):
    frame = bs.batch(sweeps, executor=processes, out=tmp_path / "fits", **quick).frame
    same(bs.batch(sweeps, out=tmp_path / "fits", **quick).frame, frame)
    assert not fitted


def test_threads_take_turns(sweeps, same):
    options: dict[str, Any] = {
        "noises": [bs.noise.Normal()],
        "method": bs.NUTS(draws=20, warmup=50, chains=2),
    }
    with ThreadPoolExecutor(3) as pool:
        same(bs.batch(sweeps, executor=pool, **options).frame, bs.batch(sweeps, **options).frame)


def test_a_fit_that_its_worker_wrote_before_it_was_killed_is_not_made_again(
    sweeps, quick, fitted, tmp_path
):
    folder = Folder.prepare(tmp_path / "fits")
    task = Task(0, sweeps[0], bs.laws.Chinchilla(), quick["noises"][0], quick["method"])
    first, second = (fit_there([task], folder)[0] for _ in range(2))
    assert len(fitted) == 1
    assert first.row == second.row


@dataclass(frozen=True)
class Faulty:
    """An executor that meets with an error on a data set, and makes the fits of the others, or
    leaves them waiting.
    """

    name: str
    error: BaseException
    waiting: list[Future[Any]] | None = None

    def submit(self, function: Any, tasks: Any, folder: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if tasks[0].runs.name == self.name:
            future.set_exception(self.error)
        elif self.waiting is None:
            future.set_result(function(tasks, folder))
        else:
            self.waiting.append(future)
        return future


def test_a_fit_that_its_executor_loses_is_a_failed_row_and_made_at_the_next_start(
    sweeps, quick, fitted, tmp_path
):
    gone = Faulty(sweeps[1].name, RuntimeError("the worker is gone"))
    frame = bs.batch(sweeps, executor=gone, out=tmp_path / "fits", **quick).frame
    assert list(frame["status"]) == ["good", "failed", "good"]
    assert (
        "lost this fit (RuntimeError: the worker is gone); run the batch again"
        in frame["message"][1]
    )
    assert list(bs.batch(sweeps, out=tmp_path / "fits", **quick).frame["status"]) == ["good"] * 3
    assert sorted(fitted) == sorted(runs.name for runs in sweeps)


def test_an_interruption_calls_off_what_is_not_begun(sweeps, at_once):
    waiting: list[Future[Any]] = []
    with pytest.raises(KeyboardInterrupt):
        bs.batch(
            sweeps, executor=Faulty(sweeps[1].name, KeyboardInterrupt(), waiting), method=at_once
        )
    assert [future.cancelled() for future in waiting] == [True, True]


def test_a_folder_that_a_worker_cannot_write_to_stops_the_batch(sweeps, at_once):
    with pytest.raises(bs.InputError, match="cannot be written"):
        bs.batch(
            sweeps,
            executor=Faulty(sweeps[1].name, bs.InputError("it cannot be written")),
            method=at_once,
        )


def test_a_method_of_groups_is_sent_to_workers_in_groups(sweeps, at_once, quick):
    sent = []

    @dataclass(frozen=True)
    class Together(BatchMethod):
        seed: int = 0

        def run(self, problem: Any) -> bs.Posterior:
            return at_once.run(problem)

        def run_all(self, problems: Any) -> Any:
            sent.append([problem.runs.name for problem in problems])
            return map(self.run, problems)

    with ThreadPoolExecutor(1) as pool:
        bs.batch(sweeps, executor=pool, method=Together())
    assert sent == [[runs.name for runs in sweeps]]


@pytest.mark.slow
def test_a_dask_worker_killed_half_way_loses_nothing_and_nothing_is_fitted_twice(
    cluster, files, quick, same, tmp_path
):
    data, out = files(10), tmp_path / "fits"
    alone = bs.batch(data, **quick).frame
    victim, _ = cluster.run(os.getpid).values()
    finished: dict[Path, tuple[int, int]] = {}

    def kill() -> None:
        while len(list(out.glob("*.nc"))) < 4:
            time.sleep(0.002)
        os.kill(victim, signal.SIGKILL)
        finished.update(
            (path, (path.stat().st_ino, path.stat().st_mtime_ns)) for path in out.glob("*.nc")
        )

    killer = threading.Thread(target=kill)
    killer.start()
    frame = bs.batch(data, executor=cluster.get_executor(), out=out, **quick).frame
    killer.join()
    same(frame, alone)
    assert 4 <= len(finished) < 10
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in finished} == finished
    assert victim not in cluster.run(os.getpid).values()
