"""The worth of one more run: by how much it would narrow the loss and the best size at a
larger budget.

Over posterior draws the log loss f of a run that could be made and a quantity q of the target are
nearly jointly Normal. Once that loss has been measured with an error σ, the standard deviation of q
is on average

    sqrt(1 − ρ²) times what it was,   ρ² = Cov(f, q)² / (Var(q) · (Var(f) + σ²))

whatever the loss turns out to be; of n runs at one place, σ²/n stands for σ². `_preposterior` has
the same for sets of runs. Where draws are not Normal, no linear estimate from the run does better.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale._internal.precision import float64
from bayescale.decisions.plans._candidates import (
    INPUTS,
    a_thousand_draws,
    effects_of_identity,
    noise_variance,
    scatter_of,
)
from bayescale.decisions.plans._one_budget import is_of_one_budget, refuse_other_budgets
from bayescale.decisions.plans._planning import Planner
from bayescale.decisions.plans._preposterior import Preposterior
from bayescale.errors import InputError
from bayescale.laws.base import AllocatesCompute
from bayescale.noise.base import is_likelihood
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, as_json, records, to_html, to_text
from bayescale.runs import Runs
from bayescale.units import as_floats, count_in_words, params_at_ratio, quantiles, rounded

LARGER, AS_DEAR, SMALL = "a larger run", "a run as dear as the dearest", "small runs"

_TO_THE_TARGET = 10.0
NEXT_STEP = 3.0
"""Compute of the next runs, times that of the dearest so far: the next step of most sweeps."""
# So many small runs at most are set beside it: nobody makes thousands.
_MOST_SMALL = 100
_ROUNDING = 1 + 1e-9
# Tokens per parameter of candidates: as known, or so far about their centre.
_RATIOS, _ASIDE = 9, 4.0
_FEWEST_DRAWS = 100
# A quantity beyond these shares of the draws counts as at the quantile: no few draws decide.
_TAIL = 0.005
# A run that leaves more than this share of both intervals changes nothing worth saying.
_HARDLY = 0.97


@dataclass(frozen=True, eq=False)
class NextRun:
    """The most telling next run, and how far it would narrow the answers.

    Attributes
    ----------
    name : str
        Of the runs known so far.
    compute : float
        The target that the loss and the best size are of, FLOPs.
    dearest : float
        6·N·D of the dearest run so far.
    loss : dict of str to float
        Quantiles ``q05``, ``q50``, ``q95`` of the loss at the target, as they are now.
    n_params : dict of str to float
        The same of the best size.
    frame : DataFrame, one row per choice
        ``choice``: the best run of 3 times the compute of the dearest so far, the best run as dear
        as that, and small runs, a hundred at most, that cost as much together as the first.
        ``runs``, their number; ``n_params``, ``n_tokens`` and ``flops`` of one of them;
        ``loss_left`` and ``n_params_left``, the width of the 90 % interval of log loss and of the
        logarithm of the best size that is left on average, as a share of what it is now.
    """

    name: str
    compute: float
    dearest: float
    loss: Mapping[str, float]
    n_params: Mapping[str, float]
    frame: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """The frame, by choice."""
        return self.frame.set_index("choice")

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"One more run after {self.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say which run would narrow the answers most and by how much, and what others would."""
        best, small, as_dear = self._row(LARGER), self._row(SMALL), self._row(AS_DEAR)
        at = f"at {self.compute:.3g} FLOPs"
        times = f"{rounded(best['flops'] / self.dearest)} times the compute of the dearest"
        if min(best["loss_left"], best["n_params_left"]) > _HARDLY:
            return (f"One more run of {times} would hardly narrow the loss or the best size {at}.",)
        run = (
            f"{count_in_words(best['n_params'])} parameters on "
            f"{count_in_words(best['n_tokens'])} tokens"
        )
        return (
            f"One more run would tell most with {run}, {times}. On average it would narrow the "
            f"90 % interval of the loss {at} from {self._percent(1.0)} to "
            f"{self._percent(best['loss_left'])}, and {self._size(best['n_params_left'])}.",
            f"A run that costs as much as the dearest would leave "
            f"{self._percent(as_dear['loss_left'])} of the loss; the FLOPs of the first, "
            f"spent on {small['runs']:,.0f} runs of {small['flops']:.2g} FLOPs, would leave "
            f"{self._percent(small['loss_left'])}.",
        )

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The target, its intervals now, each choice, and the sentences."""
        found = {
            "compute": self.compute,
            "loss": self.loss,
            "n_params": self.n_params,
            "choices": records(self.frame),
            "sentences": self.sentences,
        }
        return dict(as_json(found))

    def _row(self, choice: str) -> dict[str, float]:
        """Return the row of a choice."""
        table = self.summary()
        place = list(table.index).index(choice)
        return {str(name): float(table[name].iloc[place]) for name in table}

    def _percent(self, left: float) -> str:
        """Return half the interval of the loss once so much of it is left, in per cent."""
        half = np.log(self.loss["q95"] / self.loss["q05"]) / 2
        return f"±{100 * half * left:.2g} %"

    def _size(self, left: float) -> str:
        """Return what is left of the interval of the best size, in words."""
        now = " to ".join(_around(self.n_params, 1.0))
        if left > _HARDLY:
            return f"hardly that of the best size, {now} parameters"
        then = " to ".join(_around(self.n_params, left))
        return f"that of the best size from {now} parameters to one as wide as {then}"

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def next_run(posterior: Posterior, compute: float | None = None, *, seed: int = 0) -> NextRun:
    """Return which one more run would narrow the loss and the best size at a budget most.

    The run that is named narrows both together most: the product of the two shares of the
    intervals that it leaves is least. It costs 3 times as much as the dearest so far, the next step
    of most sweeps. `design` chooses many runs within any budget.

    Parameters
    ----------
    posterior : Posterior
        Of runs made so far, under a likelihood and a law with a best split of compute, with 100
        draws at least.
    compute : float, optional
        The target, FLOPs: 10 times the largest 6·N·D of the runs unless given.
    seed : int
        Of departures and of the scatter of runs.

    Returns
    -------
    NextRun

    Raises
    ------
    InputError
        Where the law has no best split of compute, the noise is no likelihood, there are too few
        draws, all runs have one budget, or compute is not positive.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.Importance(draws=500))
    >>> found = bs.next_run(post)
    >>> bool(found.summary().loc["a larger run", "loss_left"] < 1)
    True
    """
    lacking = _what_is_lacking(posterior)
    if lacking:
        raise InputError(lacking)
    refuse_other_budgets("next_run", posterior, None)
    if compute is not None and not 0 < compute < np.inf:
        raise InputError(f"compute = {compute:g} is not a positive number of FLOPs.")
    target = _TO_THE_TARGET * float(posterior.runs.six_nd.max()) if compute is None else compute
    best = Planner.of(posterior, seed=seed).minimize_loss({"compute": np.array([target])})
    n_params, loss = np.exp(np.asarray(best.log_n)), np.exp(np.asarray(best.log_loss))
    return next_run_to(posterior, target, n_params[:, 0], loss[:, 0], seed)


def has_next_run(posterior: Posterior) -> bool:
    """Return whether `next_run` has an answer."""
    return not (_what_is_lacking(posterior) or is_of_one_budget(posterior))


@float64
def next_run_to(
    posterior: Posterior, compute: float, n_params: np.ndarray, loss: np.ndarray, seed: int = 0
) -> NextRun:
    """Return what one more run would change, where the best plans at the target are known.

    Parameters
    ----------
    posterior : Posterior
    compute : float
        The target, FLOPs.
    n_params, loss : array, shape (draws,)
        The best size of each draw at the target, and the loss there, as `allocate` finds them under
        the same seed.
    seed : int
    """
    runs = posterior.runs
    table = _candidates(runs)
    some = a_thousand_draws(posterior)
    step = posterior.n_draws // some.n_draws
    planner = Planner.of(posterior, seed=seed).every(step)
    shape = some.n_draws, len(table)
    log_n = np.broadcast_to(np.log(table["n_params"]), shape)
    log_d = np.broadcast_to(np.log(table["n_tokens"]), shape)
    log_losses = planner.log_loss(log_n, log_d) + effects_of_identity(some, table, seed)
    quartiles = np.quantile(scatter_of(some, table, log_losses, seed), [0.25, 0.75], axis=0)
    error = noise_variance(*quartiles) / table["runs"].to_numpy()
    left = {}
    for name, values in (("loss_left", loss), ("n_params_left", n_params)):
        left[name] = _share_left(log_losses, np.log(values)[::step], error)
    chosen = _best_of_each_choice(table.assign(**left))
    dearest = float(runs.six_nd.max())
    return NextRun(runs.name, compute, dearest, _interval(loss), _interval(n_params), chosen)


def _what_is_lacking(posterior: Posterior) -> str:
    """Return why there is no answer, as a sentence; empty where there is one."""
    if not is_likelihood(posterior.noise):
        return (
            f"next_run needs to know how runs scatter, and {posterior.noise.title} does not say; "
            f"use a likelihood."
        )
    allocates = isinstance(posterior.law, AllocatesCompute)
    if not allocates or set(posterior.law.inputs) != set(INPUTS):
        return (
            f"{posterior.law.formula} knows no best size for a budget; fit Chinchilla() to ask "
            f"for the next run."
        )
    if posterior.n_draws < _FEWEST_DRAWS:
        return (
            f"next_run needs {_FEWEST_DRAWS} draws and has {posterior.n_draws}; fit with NUTS(), "
            f"Grid() or Importance()."
        )
    return ""


def _candidates(runs: Runs) -> pd.DataFrame:
    """Return the runs that are compared: each choice, at several tokens per parameter."""
    n_params, n_tokens = runs.column("n_params"), runs.column("n_tokens")
    least, most = float((n_tokens / n_params).min()), float((n_tokens / n_params).max())
    centre = np.sqrt(least * most)
    ratios = np.geomspace(min(least, centre / _ASIDE), max(most, centre * _ASIDE), _RATIOS)
    cheapest, dearest = float(runs.six_nd.min()), float(runs.six_nd.max())
    small = max(cheapest, NEXT_STEP * dearest / _MOST_SMALL)
    costs = {LARGER: NEXT_STEP * dearest, AS_DEAR: dearest, SMALL: small}
    tables = []
    for choice, flops in costs.items():
        size = params_at_ratio(flops, ratios)
        count = np.floor(NEXT_STEP * dearest / small * _ROUNDING) if choice == SMALL else 1.0
        columns = {"n_params": size, "n_tokens": size * ratios, "flops": flops}
        tables.append(pd.DataFrame({"choice": choice, "runs": count, **columns}))
    return pd.concat(tables, ignore_index=True)


def _share_left(log_losses: np.ndarray, quantity: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the share of the standard deviation of a quantity that each candidate leaves.

    Parameters
    ----------
    log_losses : array, shape (draws, candidates)
    quantity : array, shape (draws,)
    error : array, shape (candidates,)
        Variance of what is measured about the log loss that is expected.
    """
    wanted = np.clip(quantity, *np.quantile(quantity, [_TAIL, 1 - _TAIL]))
    alike = np.full(len(wanted), 1 / len(wanted))
    outlook = Preposterior.of(log_losses, wanted[:, None], alike, error)
    before = float(outlook.variances[0])
    if before == 0:
        return np.ones(len(error))
    return np.asarray(np.sqrt(outlook.left_with_each()[0] / before))


def _best_of_each_choice(table: pd.DataFrame) -> pd.DataFrame:
    """Return the row of each choice that leaves least of both intervals together."""
    both = table["loss_left"] * table["n_params_left"]
    rows = both.groupby(table["choice"], sort=False).idxmin()
    return table.loc[rows].reset_index(drop=True)


def _interval(draws: np.ndarray) -> dict[str, float]:
    """Return the quantiles of draws as numbers."""
    return as_floats(quantiles(draws))


def _around(interval: Mapping[str, float], left: float) -> tuple[str, str]:
    """Return the ends of an interval about its median, once so much of it is left, in words."""
    middle = interval["q50"]
    low, high = (middle * (interval[name] / middle) ** left for name in ("q05", "q95"))
    return count_in_words(low), count_in_words(high)
