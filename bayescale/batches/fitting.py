"""The work of a batch, here or on a worker: fit what is not finished, and keep each fit as it
comes.

A `BatchMethod` is given groups of problems that are alike. Every other method is given one problem
at a time.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from threading import Lock

from bayescale._internal.precision import float64
from bayescale.batches.folder import Folder
from bayescale.batches.task import Outcome, Task, fitted, reason
from bayescale.errors import InputError
from bayescale.inference.base import BatchMethod, Method, Problem
from bayescale.posterior.posterior import Posterior

# What a kill may cost, and still enough for a call that is compiled once to be worth it.
_GROUP = 16
# Up to 32 runs, up to 128, up to 512 and so on are alike.
_SMALLEST_CLASS, _CLASS_RATIO = 32, 4
# NumPyro traces a model with one stack of handlers for all threads of a process, so threads of a
# pool take turns.
_TURN = Lock()


@float64
def fit_here(
    share: Sequence[Task], folder: Folder | None, report: Callable[[Outcome], object]
) -> None:
    """Fit a share of a batch in this process; report each task as soon as it is finished and, where
    there is a folder, written.

    Raises
    ------
    InputError
        Where the folder cannot be written to: a fit that fails is reported, and stops nothing.
    """

    def finish(task: Task, result: Posterior | Exception) -> None:
        if isinstance(result, Exception):
            if folder:
                folder.record(task, result)
            report(Outcome(task.position, task.failed(reason(result))))
        elif folder:
            folder.save(task, result)
            report(Outcome(task.position, fitted(result)))
        else:
            report(Outcome(task.position, fitted(result), result))

    with _TURN:
        # A worker that was killed after it had written is asked again.
        finished = _finished(share, folder)
        for outcome in finished:
            report(outcome)
        missing = {task.position for task in share} - {outcome.position for outcome in finished}
        if not missing:
            return
        # Those finished are fitted along with the others: the last bits of a fit may depend on its
        # company, which must be that of a batch never interrupted.
        ready: list[tuple[Task, Problem]] = []
        for task in share:
            try:
                ready.append((task, Problem.build(task.runs, task.law, task.noise)))
            except Exception as error:
                if task.position in missing:
                    finish(task, error)
        results = _run(share[0].method, [problem for _, problem in ready])
        for (task, _), result in zip(ready, results, strict=True):
            if task.position in missing:
                finish(task, result)


def fit_there(share: Sequence[Task], folder: Folder | None) -> list[Outcome]:
    """Fit a share of a batch on a worker: as `fit_here`, but all is reported at the end."""
    outcomes: list[Outcome] = []
    fit_here(share, folder, outcomes.append)
    return outcomes


def fit_on(
    executor: Executor,
    shares: Sequence[Sequence[Task]],
    folder: Folder | None,
    report: Callable[[Outcome], object],
) -> None:
    """Send the shares of a batch to the workers of an executor, but for those that are finished,
    and report as they do.

    Raises
    ------
    InputError
        As `fit_here`, on a worker.
    """
    futures: dict[Future[list[Outcome]], Sequence[Task]] = {}
    try:
        for share in shares:
            finished = _finished(share, folder)
            if len(finished) == len(share):
                for outcome in finished:
                    report(outcome)
            else:
                futures[executor.submit(fit_there, share, folder)] = share
        for future in as_completed(futures):
            try:
                outcomes = future.result()
            except InputError:
                raise
            except Exception as error:
                # The worker, not the fit, came to grief, so nothing is recorded and the next start
                # tries again.
                message = (
                    f"The executor lost this fit ({reason(error)}); run the batch again to make it."
                )
                outcomes = [
                    Outcome(task.position, task.failed(message)) for task in futures[future]
                ]
            for outcome in outcomes:
                report(outcome)
    finally:
        for future in futures:
            future.cancel()


def shared_out(tasks: Sequence[Task]) -> list[list[Task]]:
    """Tasks of one method in the shares that are fitted together: one each, or groups that one call
    may take.

    Such a group has one law, one noise model and data of like size, so that one compiled program
    serves many groups and few rows are filled up. What is finished already does not enter, so that
    an interrupted batch goes on with the shares it had.
    """
    if not tasks or not isinstance(tasks[0].method, BatchMethod):
        return [[task] for task in tasks]
    alike: dict[Hashable, list[Task]] = {}
    for task in tasks:
        shape = (
            _size_class(len(task.runs)),
            len(task.runs.relative_loss_se) > 1,
            len(task.runs.counts[0]) > 1,
        )
        alike.setdefault((task.law, task.noise, shape), []).append(task)
    return [
        group[start : start + _GROUP]
        for group in alike.values()
        for start in range(0, len(group), _GROUP)
    ]


def _size_class(runs: int) -> int:
    return math.ceil(math.log(max(runs, _SMALLEST_CLASS) / _SMALLEST_CLASS, _CLASS_RATIO))


def _finished(share: Sequence[Task], folder: Folder | None) -> list[Outcome]:
    outcomes = [(task, folder.read(task)) for task in share] if folder else []
    return [Outcome(task.position, row) for task, row in outcomes if row]


def _run(method: Method, problems: Sequence[Problem]) -> Iterator[Posterior | Exception]:
    finished = 0
    if isinstance(method, BatchMethod):
        try:
            for posterior in method.run_all(problems):
                yield posterior
                finished += 1
        except Exception:
            # One of them stopped the others: those left are fitted on their own, which says which
            # one it was.
            pass
    for problem in problems[finished:]:
        try:
            yield method.run(problem)
        except Exception as error:
            yield error
