"""Fitting: `fit`, and one method a file."""

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from bayescale._internal.discovery import lazy_names
from bayescale._internal.precision import float64
from bayescale.errors import FitWarning, InputError
from bayescale.inference.base import Method, Problem
from bayescale.inference.nuts import NUTS as NUTS
from bayescale.laws.base import Law
from bayescale.laws.chinchilla import Chinchilla
from bayescale.laws.coupled import Coupled
from bayescale.noise.base import Noise
from bayescale.noise.discrepancy import Discrepancy
from bayescale.noise.student_t import StudentT
from bayescale.posterior.posterior import Posterior
from bayescale.processes.base import locate
from bayescale.processes.shared_effect import SharedEffect
from bayescale.runs import Runs

# An isoFLOP sweep has some sizes at each budget, and rounding moves their compute by a few per
# cent.
_RUNS_OF_A_BUDGET, _DECADES_OF_A_BUDGET = 2, 0.2

if TYPE_CHECKING:
    from bayescale.inference.bootstrap import Bootstrap as Bootstrap
    from bayescale.inference.grid import Grid as Grid
    from bayescale.inference.importance import Importance as Importance
    from bayescale.inference.multistart import MultiStart as MultiStart
else:
    __getattr__, __dir__ = lazy_names(__name__, "fit")


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
    """Whether groups are compute budgets, of several runs each and not too many to tell apart."""
    if "group" not in runs.frame:
        return False
    groups = pd.Series(locate(runs, Coupled.inputs).compute_decades).groupby(
        runs.frame["group"].to_numpy()
    )
    few = 1 < len(groups) <= min(SharedEffect.functions, len(runs) // _RUNS_OF_A_BUDGET)
    return few and bool((groups.max() - groups.min()).max() < _DECADES_OF_A_BUDGET)
