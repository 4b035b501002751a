"""Draws of what a design is chosen by: log losses of candidate runs, and the best plans on the way
to the target.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from bayescale.decisions.plans._candidates import INPUTS, effects_of_identity, scatter_of
from bayescale.decisions.plans._planning import Planner
from bayescale.posterior.posterior import Posterior
from bayescale.units import log_tokens_for

# A step in log N or log C over which curvature and slope of loss are taken.
_STEP = 0.1
# Sizes at the target between which the best is sought, and the share of draws beyond them.
_TARGET_SIZES, _TAIL = 101, 0.005


@dataclass(frozen=True, eq=False)
class FrontierDraws:
    """Draws of one posterior or of several.

    Losses and best plans of a draw are of one surface, law and departures.

    Attributes
    ----------
    log_losses, scatter : array, shape (draws, candidates)
        Expected log losses of candidates, and how measured ones scatter about them.
    log_n, log_loss : array, shape (draws, budgets)
        The best size and its log loss at budgets up to the target.
    curvature : array, shape (draws,)
        Of loss in log N at the best size at the target; not negative.
    slope : array, shape (draws,)
        By how much one more FLOP at the target lowers its loss.
    """

    log_losses: np.ndarray
    scatter: np.ndarray
    log_n: np.ndarray
    log_loss: np.ndarray
    curvature: np.ndarray
    slope: np.ndarray


def frontier_draws(
    posteriors: tuple[Posterior, ...], table: pd.DataFrame, budgets: np.ndarray, seed: int
) -> FrontierDraws:
    """Return the draws of all posteriors, one after the other.

    Parameters
    ----------
    posteriors : tuple of Posterior
    table : DataFrame
        Candidates.
    budgets : array, shape (budgets,)
        FLOPs; the last is the target.
    seed : int
    """
    parts = [_of_one(posterior, table, budgets, seed) for posterior in posteriors]
    arrays = {}
    for field in fields(FrontierDraws):
        arrays[field.name] = np.concatenate([getattr(part, field.name) for part in parts])
    return FrontierDraws(**arrays)


def regret_at_target(
    posteriors: tuple[Posterior, ...],
    weights: np.ndarray,
    optimum: np.ndarray,
    target: float,
    seed: int,
) -> float:
    """Return the expected regret of the best size at the target, nats per token.

    Parameters
    ----------
    posteriors : tuple of Posterior
    weights : array, shape (draws,)
        Probabilities of all draws.
    optimum : array, shape (draws,)
        Log N* at the target.
    target : float
        FLOPs.
    seed : int
    """
    low, high = np.quantile(optimum, [_TAIL, 1 - _TAIL])
    sizes = np.linspace(low, high, _TARGET_SIZES)
    begin, regrets = 0, []
    for posterior in posteriors:
        planner = Planner.of(posterior, seed=seed)
        end = begin + planner.n_draws
        best = optimum[begin:end, None]
        log_n = np.hstack([best, np.broadcast_to(sizes, (len(best), len(sizes)))])
        losses = np.exp(planner.log_loss(log_n, log_tokens_for(target, log_n)))
        regrets.append(losses[:, 1:] - losses[:, :1])
        begin = end
    return float((weights @ np.concatenate(regrets)).min())


def _of_one(
    posterior: Posterior, table: pd.DataFrame, budgets: np.ndarray, seed: int
) -> FrontierDraws:
    planner = Planner.of(posterior, seed=seed)
    shape = planner.n_draws, len(table)
    log_n, log_d = (np.broadcast_to(np.log(table[name]), shape) for name in INPUTS)
    # What depends on the identity of a run comes on top of its loss.
    expected = planner.log_loss(log_n, log_d) + effects_of_identity(posterior, table, seed)
    best = planner.minimize_loss({"compute": budgets})
    optimum, target = np.asarray(best.log_n)[:, -1:], float(budgets[-1])

    def loss(log_n: np.ndarray, compute: float) -> np.ndarray:
        return np.exp(planner.log_loss(log_n, log_tokens_for(compute, log_n)))

    least = loss(optimum, target)
    around = loss(optimum + _STEP, target) - 2 * least + loss(optimum - _STEP, target)
    fall = least - loss(optimum, target * np.exp(_STEP))
    return FrontierDraws(
        log_losses=expected,
        scatter=scatter_of(posterior, table, expected, seed),
        log_n=np.asarray(best.log_n),
        log_loss=np.asarray(best.log_loss),
        curvature=np.maximum(around / _STEP**2, 0.0)[:, 0],
        slope=(fall / (target * np.expm1(_STEP)))[:, 0],
    )
