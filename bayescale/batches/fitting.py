"""The work of a batch, here or on a worker: fit what is not finished, and keep each fit as it comes.

A method that can fit many problems at once has ``run_all``, from a sequence of problems to their posteriors in the same order;
it is given groups of problems that are alike, and what it finds for one must not depend on the others. Every other method is
given one problem at a time.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from threading import Lock

from bayescale.batches.folder import Folder
from bayescale.batches.task import Outcome, Task, fitted, reason
from bayescale.discovery import describe
from bayescale.errors import InputError
from bayescale.inference.base import Method, Problem
from bayescale.posterior import Posterior
from bayescale.precision import float64

# Few enough for many workers to share a batch, many enough for a method that takes groups.
_GROUP_ON_A_WORKER = 16
# NumPyro traces a model with one stack of handlers for all threads of a process, so threads of a pool take turns.
_TURN = Lock()


@float64
def fit_here(tasks: Sequence[Task], folder: Folder | None, report: Callable[[Outcome], object]) -> None:
    """Fit tasks of one method in this process, and report each as soon as it is finished and, where there is a folder, written.

    Raises
    ------
    InputError
        Where the folder cannot be written to: a fit that fails is reported, and stops nothing.
    """

    def fail(task: Task, error: Exception) -> None:
        if folder:
            folder.record(task, error)
        report(Outcome(task.position, task.failed(reason(error))))

    with _TURN:
        ready: list[tuple[Task, Problem]] = []
        for task in tasks:
            # A worker that was killed after it had written is asked again.
            if folder and (row := folder.read(task)):
                report(Outcome(task.position, row))
                continue
            try:
                ready.append((task, Problem.build(task.runs, task.law, task.noise)))
            except Exception as error:
                fail(task, error)
        for group in alike([problem for _, problem in ready]):
            members = [ready[i] for i in group]
            results = _run(members[0][0].method, [problem for _, problem in members])
            for (task, _), result in zip(members, results, strict=True):
                if isinstance(result, Exception):
                    fail(task, result)
                elif folder:
                    folder.save(task, result)
                    report(Outcome(task.position, fitted(result)))
                else:
                    report(Outcome(task.position, fitted(result), result))


def fit_there(tasks: Sequence[Task], folder: Folder | None) -> list[Outcome]:
    """What a worker does: as `fit_here`, but all reported at the end."""
    outcomes: list[Outcome] = []
    fit_here(tasks, folder, outcomes.append)
    return outcomes


def fit_on(executor: Executor, tasks: Sequence[Task], folder: Folder | None, report: Callable[[Outcome], object]) -> None:
    """Send tasks of one method to the workers of an executor, and report each as its worker reports it.

    What is finished already is not sent.

    Raises
    ------
    InputError
        As `fit_here`, on a worker.
    """
    missing = []
    for task in tasks:
        if folder and (row := folder.read(task)):
            report(Outcome(task.position, row))
        else:
            missing.append(task)
    futures: dict[Future[list[Outcome]], Sequence[Task]] = {}
    try:
        for share in _shares(missing):
            futures[executor.submit(fit_there, share, folder)] = share
        for future in as_completed(futures):
            try:
                outcomes = future.result()
            except InputError:
                raise
            except Exception as error:
                # The worker, not the fit, came to grief, so nothing is recorded and the next start tries again.
                message = f"The executor lost this fit ({reason(error)}); run the batch again to make it."
                outcomes = [Outcome(task.position, task.failed(message)) for task in futures[future]]
            for outcome in outcomes:
                report(outcome)
    finally:
        for future in futures:
            future.cancel()


def alike(problems: Sequence[Problem]) -> list[list[int]]:
    """Positions of problems that one call may fit together: of equal law, noise and shapes of data."""
    groups: dict[Hashable, list[int]] = {}
    for i, problem in enumerate(problems):
        shapes = (problem.data.log_loss.shape, problem.data.log_loss_se.shape)
        groups.setdefault((problem.target, shapes), []).append(i)
    return list(groups.values())


def _run(method: Method, problems: Sequence[Problem]) -> Iterator[Posterior | Exception]:
    finished = 0
    if hasattr(method, "run_all"):
        try:
            for posterior in method.run_all(problems):
                yield posterior
                finished += 1
        except Exception:
            # One of them stopped the others: those left are fitted on their own, which says which one it was.
            pass
    for problem in problems[finished:]:
        try:
            yield method.run(problem)
        except Exception as error:
            yield error


def _shares(tasks: Sequence[Task]) -> Iterator[Sequence[Task]]:
    if not tasks or not hasattr(tasks[0].method, "run_all"):
        yield from ([task] for task in tasks)
        return
    together = sorted(tasks, key=lambda task: (describe(task.law), describe(task.noise), len(task.runs)))
    for start in range(0, len(together), _GROUP_ON_A_WORKER):
        yield together[start : start + _GROUP_ON_A_WORKER]
