"""The work of a batch, here or on a worker: make the fits that are missing, and keep each at once.

A `BatchMethod` takes groups of similar problems. Every other method takes one problem at a time.
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

# Fits of a group: as many as a kill may cost, and enough for a call that is compiled once.
_GROUP = 16
# Data sets of up to 32 runs are similar, then those of up to 128, up to 512 and so on.
_SMALLEST_CLASS = 32
_CLASS_RATIO = 4
# NumPyro traces a model with one stack of handlers for all threads of a process, so threads of a
# pool take turns.
_TURN = Lock()


@float64
def fit_here(
    share: Sequence[Task], folder: Folder | None, report: Callable[[Outcome], object]
) -> None:
    """Fit a share of a batch in this process.

    Each task is reported when it is finished and, where there is a folder, written. A fit that
    fails is reported, and does not stop the others.

    Raises
    ------
    InputError
        Where the folder cannot be written to.
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
        # A worker that was killed may have written some of its fits before.
        missing = {task.position for task in share}
        for outcome in _finished(share, folder):
            report(outcome)
            missing.remove(outcome.position)
        if not missing:
            return
        # Finished tasks are fitted again with the others: the last bits of a fit may depend on its
        # group, which must be that of a batch that was never interrupted.
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
    """Fit a share of a batch on a worker, as `fit_here` does, and return the outcomes."""
    outcomes: list[Outcome] = []
    fit_here(share, folder, outcomes.append)
    return outcomes


def fit_on(
    executor: Executor,
    shares: Sequence[Sequence[Task]],
    folder: Folder | None,
    report: Callable[[Outcome], object],
) -> None:
    """Send the shares of a batch to the workers of an executor, and report their outcomes.

    Shares that are finished already are not sent.

    Raises
    ------
    InputError
        Where a worker cannot write to the folder.
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
            for outcome in _outcomes(future, futures[future]):
                report(outcome)
    finally:
        for future in futures:
            future.cancel()


def _outcomes(future: Future[list[Outcome]], share: Sequence[Task]) -> list[Outcome]:
    """Return the outcomes of a share; all its tasks have failed where the worker was lost."""
    try:
        return future.result()
    except InputError:
        raise
    except Exception as error:
        # The worker failed, not the fit. So nothing is recorded, and the next start tries again.
        lost = f"The executor lost this fit ({reason(error)}); run the batch again to make it."
        return [Outcome(task.position, task.failed(lost)) for task in share]


def shared_out(tasks: Sequence[Task]) -> list[list[Task]]:
    """Return the tasks of one method in the shares that are fitted together.

    A share is one task, or a group that a `BatchMethod` takes in one call. A group has one law, one
    noise model and data of similar size, so that one compiled program serves many groups, and few
    rows are padding. Groups do not depend on which tasks are finished, so an interrupted batch goes
    on with the same shares.
    """
    if not tasks or not isinstance(tasks[0].method, BatchMethod):
        return [[task] for task in tasks]
    similar: dict[Hashable, list[Task]] = {}
    for task in tasks:
        shape = (
            _size_class(len(task.runs)),
            len(task.runs.relative_loss_se) > 1,
            len(task.runs.counts[0]) > 1,
        )
        similar.setdefault((task.law, task.noise, shape), []).append(task)
    shares = []
    for group in similar.values():
        starts = range(0, len(group), _GROUP)
        shares += [group[start : start + _GROUP] for start in starts]
    return shares


def _size_class(n_runs: int) -> int:
    ratio = max(n_runs, _SMALLEST_CLASS) / _SMALLEST_CLASS
    return math.ceil(math.log(ratio, _CLASS_RATIO))


def _finished(share: Sequence[Task], folder: Folder | None) -> list[Outcome]:
    """Return the outcomes that the folder holds."""
    if folder is None:
        return []
    rows = {task.position: folder.read(task) for task in share}
    return [Outcome(position, row) for position, row in rows.items() if row]


def _run(method: Method, problems: Sequence[Problem]) -> Iterator[Posterior | Exception]:
    finished = 0
    if isinstance(method, BatchMethod):
        try:
            for posterior in method.run_all(problems):
                yield posterior
                finished += 1
        except Exception:
            # One problem stopped the group. The rest are fitted one by one, to see which it was.
            pass
    for problem in problems[finished:]:
        try:
            yield method.run(problem)
        except Exception as error:
            yield error
