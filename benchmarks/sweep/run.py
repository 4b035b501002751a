"""Train the runs of the sweep, those with the least compute first, and write a row for each.

A killed sweep continues where it ended.

    python benchmarks/sweep/run.py tune base rebuild check --work FOLDER
    python benchmarks/sweep/collect.py
    python benchmarks/sweep/forecast.py          # commit it before any frontier run is trained
    python benchmarks/sweep/run.py frontier --work FOLDER
    python benchmarks/sweep/outcome.py

Several workers may run at once: a worker skips the runs that another worker is training. Each
worker is one thread. Finished runs have a row in rows.csv; the state of a killed run is in FOLDER,
and its result is the same as without the interruption. Base runs take 5.5e13 FLOPs, about an hour
of one core with 15 GFLOP/s; frontier runs take 2.5e14.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

# JAX reads this when it is loaded: a worker is one thread.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import jax
import plan
import rows
from corpus import Corpus, standard_library
from train import Task, train

ROWS = Path(__file__).parent / "rows.csv"
FORECAST = Path(__file__).parents[1] / "results" / "sweep_forecast.json"
SECONDS_BETWEEN_REPORTS = 60.0


def missing(tasks: Iterable[Task], table: Path) -> list[Task]:
    """Return the tasks without a row, those with the least compute first."""
    finished = rows.read(table).index
    remaining = [task for task in tasks if task.name not in finished]
    return sorted(remaining, key=_order)


def _order(task: Task) -> tuple[float, int, int, float]:
    return task.budget, task.seed, task.shape.width, task.learning_rate


def sweep(
    tasks: Iterable[Task],
    corpus: Corpus,
    table: Path,
    work: Path,
    report: Callable[[str], None] = print,
) -> None:
    """Train every run that has no row and that no other worker is training.

    Progress and the remaining time are reported.
    """
    tasks = list(tasks)
    pace = Pace(tasks, table, report)
    for task in missing(tasks, table):
        lock = work / f"{task.name}.lock"
        lock.touch()
        with rows.locked(lock, wait=False) as acquired:
            if not acquired or task not in missing(tasks, table):
                continue
            pace.begin()
            for result in train(task, corpus, work / f"{task.name}.npz"):
                if isinstance(result, int):
                    pace.step(task, result)
                else:
                    rows.add(table, result)
                    pace.end(result)
            lock.unlink()


def not_forecast(tasks: Iterable[Task], forecast: Path) -> list[str]:
    """Return the names of the runs without a forecast; a forecast applies to all seeds."""
    known: set[tuple[int, int]] = set()
    if forecast.exists():
        for run in json.loads(forecast.read_text(encoding="utf-8"))["frontier"]:
            known.add((run["n_params"], run["n_tokens"]))
    return [task.name for task in tasks if (task.shape.n_params, task.n_bytes) not in known]


class Pace:
    """The speed of this worker, and reports of its progress and the remaining time."""

    def __init__(self, tasks: list[Task], table: Path, report: Callable[[str], None]) -> None:
        self.tasks = tasks
        self.table = table
        self.report = report
        self.begun = time.monotonic()
        self.last_report = self.begun
        self.flops = 0.0
        self.done = 0

    def begin(self) -> None:
        """Begin a run."""
        self.done = 0

    def step(self, task: Task, done: int) -> None:
        """Count the finished steps of a run, and report from time to time."""
        # The first steps of a continued run were not done by this worker.
        self.flops += task.flops * (done - self.done) / task.steps if self.done else 0.0
        self.done = done
        if time.monotonic() - self.last_report > SECONDS_BETWEEN_REPORTS:
            left = self._time(task.flops * (1 - done / task.steps))
            self.report(f"{task.name}: step {done} of {task.steps}, {left} left.")
            self.last_report = time.monotonic()

    def end(self, row: rows.Row) -> None:
        """Report a finished run and the remaining runs."""
        left = missing(self.tasks, self.table)
        flops_left = sum(task.flops for task in left)
        self.report(
            f"{row['run_id']}: {row['loss']:.4f} nats per byte in {row['seconds']:.0f} s. "
            f"{len(left)} of {len(self.tasks)} runs left, {self._time(flops_left)} for one worker."
        )
        self.last_report = time.monotonic()

    def _time(self, flops: float) -> str:
        if not self.flops:
            return "unknown time"
        minutes = flops / self.flops * (time.monotonic() - self.begun) / 60
        return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def main() -> None:
    """Run the command line: train the runs of the given roles."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("role", choices=sorted(plan.PLANS), nargs="+")
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument(
        "--work",
        type=Path,
        required=True,
        help="a folder for the state of unfinished runs and for compiled programs",
    )
    options = parser.parse_args()
    if "frontier" in options.role and (early := not_forecast(plan.frontier(), FORECAST)):
        sys.exit(
            f"{FORECAST} has no forecast of {', '.join(early)}: make the forecast and commit it "
            f"first."
        )
    jax.config.update("jax_compilation_cache_dir", str(options.work / "compiled"))
    options.work.mkdir(parents=True, exist_ok=True)
    corpus = standard_library(options.work / "corpus.npz")
    print(
        f"{corpus.source}: {corpus.training.size} bytes to train on, SHA-256 {corpus.sha256}",
        flush=True,
    )
    for role in options.role:
        sweep(
            plan.PLANS[role](),
            corpus,
            options.rows,
            options.work,
            report=lambda line: print(line, flush=True),
        )


if __name__ == "__main__":
    main()
