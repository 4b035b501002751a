"""Fitting: `fit`, and one method a file."""

import warnings
from dataclasses import replace

import pandas as pd

from bayescale._internal.discovery import attribute
from bayescale._internal.precision import float64
from bayescale.errors import FitWarning, InputError
from bayescale.inference.base import Method, Problem
from bayescale.inference.nuts import NUTS
from bayescale.laws.base import Law
from bayescale.laws.chinchilla import Chinchilla
from bayescale.laws.coupled import Coupled
from bayescale.noise.base import Noise
from bayescale.noise.discrepancy import Discrepancy
from bayescale.noise.student_t import StudentT
from bayescale.posterior.posterior import Posterior
from bayescale.processes.shared_effect import SharedEffect
from bayescale.runs import Runs
from bayescale.units import budgets_or_none, same_partition

__getattr__ = attribute(__name__)


@float64
def fit(
    runs: Runs | pd.DataFrame,
    *,
    law: Law | None = None,
    noise: Noise | None = None,
    method: Method | None = None,
) -> Posterior:
    """Fit a scaling law to training runs.

    Parameters
    ----------
    runs : Runs or DataFrame
        A DataFrame is checked by `Runs.from_frame` first.
    law, noise : Law, Noise
        `Chinchilla()` and `StudentT()`; where neither is given, and the method is `NUTS`, the pair
        whose intervals held most honestly over public sweeps, `Coupled()` and `Discrepancy()`, with
        a departure of each ``group`` where groups are compute budgets.
    method : Method
        `NUTS()` unless given.

    Returns
    -------
    Posterior
        Draws in counts and nats per token, with diagnostics that have been looked at.

    Raises
    ------
    InputError
        Where the runs lack a column that the law needs or are too few, or the method needs a
        likelihood and ``noise`` is none.

    Warns
    -----
    FitWarning
        Where diagnostics say that the result should not be trusted; `Posterior.problems` holds the
        same sentences.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> point = bs.fit(runs, noise=bs.noise.Normal(), method=bs.MultiStart(starts=100))
    >>> point.diagnostics["failed_starts"]
    0.0
    """
    if not isinstance(runs, Runs):
        runs = Runs.from_frame(runs)
    law, noise, method = _chosen(runs, law, noise, method)
    for kind, given in ((Law, law), (Noise, noise), (Method, method)):
        if not isinstance(given, kind):
            raise InputError(
                f"{given!r} is no {kind.__name__.lower()}; give an instance, such as "
                f"{kind.__name__.lower()}=...()"
            )
    posterior = method.run(Problem.build(runs, law, noise))
    for problem in posterior.problems:
        warnings.warn(f"{runs.name}: {problem}", FitWarning, stacklevel=3)
    return posterior


def _chosen(
    runs: Runs, law: Law | None, noise: Noise | None, method: Method | None
) -> tuple[Law, Noise, Method]:
    method = method or NUTS()
    if law is None and noise is None and isinstance(method, NUTS):
        return Coupled(), _discrepancy(runs), method
    return law or Chinchilla(), noise or StudentT(), method


def _discrepancy(runs: Runs) -> Discrepancy:
    # What runs of one budget share would otherwise pass for a bend along compute, and be drawn on
    # beyond the runs.
    usual = Discrepancy()
    return (
        replace(usual, processes=(*usual.processes, SharedEffect())) if _in_budgets(runs) else usual
    )


def _in_budgets(runs: Runs) -> bool:
    """Return whether groups are the compute budgets, and not too many to tell apart."""
    if "group" not in runs.frame or not {"n_params", "n_tokens"} <= set(runs.frame.columns):
        return False
    budgets = budgets_or_none(runs.column("flops"))
    if budgets is None or budgets.max() >= SharedEffect.functions:
        return False
    return same_partition(budgets, runs.frame["group"].astype(str).to_numpy(dtype=str))
