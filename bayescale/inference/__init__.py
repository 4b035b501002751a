"""Fitting: `fit`, and one method a file."""

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from bayescale import defaults
from bayescale._internal.devices import pinned_to
from bayescale._internal.discovery import lazy_names
from bayescale._internal.precision import float64
from bayescale.errors import FitWarning, InputError, RunsWarning
from bayescale.findings import examine, refuse, unread
from bayescale.inference.base import Method, Problem
from bayescale.laws.base import Law
from bayescale.noise.base import Noise
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.unusual import unlike_library, widened
from bayescale.runs import Runs, RunsLike, as_runs

if TYPE_CHECKING:
    from bayescale.inference.bootstrap import Bootstrap as Bootstrap
    from bayescale.inference.grid import Grid as Grid
    from bayescale.inference.importance import Importance as Importance
    from bayescale.inference.multistart import MultiStart as MultiStart
    from bayescale.inference.nuts import NUTS as NUTS
else:
    __getattr__, __dir__ = lazy_names(__name__, "fit")


@float64
def fit(
    runs: RunsLike,
    *,
    law: Law | None = None,
    noise: Noise | None = None,
    method: Method | None = None,
    device: str | None = None,
) -> Posterior:
    """Fit a scaling law to training runs.

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        What is no `Runs` is read by `Runs.read`, which recognises the columns.
    law : Law
        By default `Coupled()`, for any noise model and method: its forecasts were the best over
        public sweeps (`bayescale.defaults`). Its option ``prior`` is what other sweeps say of a
        new one, `bayescale.priors.Library`; ``Coupled(prior=bs.priors.AtFrontier())`` takes
        numbers of your own. Where the library has no sweep like the runs, the default doubles its
        standard deviations, and a finding ``unlike_library`` says so. Where runs have parameters,
        tokens or compute alone, `PowerLaw` of that input, and a note of the runs says so.
    noise : Noise
        By default `Discrepancy()`; `StudentT()` under `Grid`, `MultiStart` and `Bootstrap`, which
        need runs that scatter independently, or where the law predicts something else than a loss.
    method : Method
        By default `Importance()`, which hands on to `NUTS()` where its weights are not to be
        trusted. `Grid` needs a law that is a sum of powers, such as
        ``law=Chinchilla()``.
    device : str
        Where all work is done: a platform such as ``cpu`` or ``gpu``, or one device of it, such as
        ``gpu:1``. By default samplers and searches for modes run on the host's CPU, since each
        step waits for the one before, and grids, starts and replicates on the accelerator, where
        JAX sees one.

    Returns
    -------
    Posterior
        Draws in counts and nats per token, with diagnostics that have been looked at, and with
        `Posterior.verdicts` on data, model and sampling.

    Raises
    ------
    InputError
        Where the runs lack a column that the law needs or are too few, what is given as the loss
        rises with scale, or the method needs a likelihood and ``noise`` is none.

    Warns
    -----
    RunsWarning
        Where something about the runs is doubtful; `Posterior.verdicts` holds the same findings.
    FitWarning
        Where diagnostics say that the result should not be trusted; `Posterior.problems` holds the
        same sentences.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> point = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> point.diagnostics["failed_starts"]
    0.0
    """
    _require_instance(Law, law, "law=bs.laws.Chinchilla()")
    _require_instance(Noise, noise, "noise=bs.noise.StudentT()")
    _require_instance(Method, method, "method=bs.NUTS()")
    runs = as_runs(runs, law.required_columns if law else None)
    by_default = law is None
    if law is None:
        law = defaults.law_for(runs)
        runs = _with_a_note_on_one_input(runs, law)
    noise, method = _chosen(law, noise, method)
    findings = examine(runs.frame, law.inputs, law.response)
    refuse(findings, runs.name)
    with pinned_to(device):
        problem = Problem.build(runs, law, noise)
        unusual = unlike_library(runs, law, noise)
        if unusual and by_default:
            problem = Problem.build(runs, widened(law), noise)
        findings = (*unusual, *findings)
        for finding in unread(findings):
            warnings.warn(f"{runs.name}: {finding}", RunsWarning, stacklevel=3)
        posterior = replace(method.run(problem), findings=findings)
    for complaint in posterior.problems:
        warnings.warn(f"{runs.name}: {complaint}", FitWarning, stacklevel=3)
    return posterior


def _require_instance(kind: type, value: object, example: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise InputError(
            f"{value!r} is not a {kind.__name__.lower()}; give an instance, such as {example}."
        )


def _with_a_note_on_one_input(runs: Runs, law: Law) -> Runs:
    if len(law.inputs) > 1:
        return runs
    (only,) = law.inputs
    note = f"{only} is the only input, so the law is one of {only}: what else differs is not seen."
    return replace(runs, notes=(*runs.notes, note))


def _chosen(law: Law, noise: Noise | None, method: Method | None) -> tuple[Noise, Method]:
    method = defaults.method() if method is None else method
    if noise is None:
        shared = method.takes_departures
        noise = defaults.noise(law) if shared else defaults.textbook_noise()
    return noise, method
