"""Make the runs of the sweep, the cheapest first, and write a row for each; going on where it was
killed.

    python benchmarks/sweep/run.py tune base rebuild check --work FOLDER
    python benchmarks/sweep/collect.py
    python benchmarks/sweep/forecast.py          # and commit it, before any frontier run is made
    python benchmarks/sweep/run.py frontier --work FOLDER
    python benchmarks/sweep/outcome.py

Start a worker several times: a run that another has in hand is passed over. Each worker is one
thread. A run has its row in rows.csv or is still to be made; the state of one that was killed is in
FOLDER, and it ends as it would have. Base runs take 5.5e13 FLOPs, about an hour of one core that
does 15 GFLOP/s; frontier runs take 2.5e14.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

# Before JAX is loaded: a worker is one thread.
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
TELL = 60.0


def missing(tasks: Iterable[Task], table: Path) -> list[Task]:
    """The tasks without a row, cheapest first."""
    there = rows.read(table).index
    left = [task for task in tasks if task.name not in there]
    return sorted(
        left, key=lambda task: (task.budget, task.seed, task.shape.width, task.learning_rate)
    )


def sweep(
    tasks: Iterable[Task],
    corpus: Corpus,
    table: Path,
    work: Path,
    tell: Callable[[str], None] = print,
) -> None:
    """Make every run that has no row and that no other worker has in hand, telling of progress and
    of the time left.
    """
    tasks = list(tasks)
    pace = Pace(tasks, table, tell)
    for task in missing(tasks, table):
        lock = work / f"{task.name}.lock"
        lock.touch()
        with rows.held(lock, wait=False) as ours:
            if not ours or task not in missing(tasks, table):
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
    """The runs of a size and length that no forecast tells of yet; a forecast is of any seed."""
    told = json.loads(forecast.read_text(encoding="utf-8"))["frontier"] if forecast.exists() else []
    known = {(run["n_params"], run["n_tokens"]) for run in told}
    return [task.name for task in tasks if (task.shape.n_params, task.n_bytes) not in known]


class Pace:
    """How fast this worker is and what that says of the time left."""

    def __init__(self, tasks: list[Task], table: Path, tell: Callable[[str], None]) -> None:
        self.tasks, self.table, self.tell = tasks, table, tell
        self.begun = self.told = time.monotonic()
        self.flops, self.done = 0.0, 0

    def begin(self) -> None:
        self.done = 0

    def step(self, task: Task, done: int) -> None:
        # The steps of a run that was taken up again are not this worker's.
        self.flops += task.flops * (done - self.done) / task.steps if self.done else 0.0
        self.done = done
        if time.monotonic() - self.told > TELL:
            left = self._time(task.flops * (1 - done / task.steps))
            self.tell(f"{task.name}: step {done} of {task.steps}, {left} left.")
            self.told = time.monotonic()

    def end(self, row: dict[str, object]) -> None:
        left = missing(self.tasks, self.table)
        self.tell(
            f"{row['run_id']}: {row['loss']:.4f} nats per byte in {row['seconds']:.0f} s. "
            f"{len(left)} of {len(self.tasks)} runs left, "
            f"{self._time(sum(task.flops for task in left))} for one worker."
        )
        self.told = time.monotonic()

    def _time(self, flops: float) -> str:
        if not self.flops:
            return "unknown time"
        minutes = flops / self.flops * (time.monotonic() - self.begun) / 60
        return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("role", choices=sorted(plan.PLANS), nargs="+")
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument(
        "--work",
        type=Path,
        required=True,
        help="a folder for what is not finished and for compiled programs",
    )
    options = parser.parse_args()
    if "frontier" in options.role and (early := not_forecast(plan.frontier(), FORECAST)):
        sys.exit(
            f"{FORECAST} tells nothing of {', '.join(early)}: make the forecast and commit it "
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
            tell=lambda line: print(line, flush=True),
        )


if __name__ == "__main__":
    main()
