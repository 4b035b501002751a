"""Candidate runs, which have not been made: what their losses hang on, and how they scatter."""

import numpy as np
import pandas as pd

from bayescale.noise.base import sample_responses
from bayescale.posterior import predictive
from bayescale.posterior.posterior import Posterior
from bayescale.processes.base import excess_of_best, locate
from bayescale.runs import Runs

INPUTS = ("n_params", "n_tokens")
"""Columns of a table of candidates."""

_ENOUGH_DRAWS = 1000
# The interquartile range of a Normal distribution in standard deviations.
_IQR = 1.349


def a_thousand_draws(posterior: Posterior) -> Posterior:
    """Return the posterior with a thousand of its draws or a few more, evenly spaced.

    Searches for the least budget take ten times as long as those for the best plan, and means over
    a thousand draws are known well enough.
    """
    step = max(posterior.n_draws // _ENOUGH_DRAWS, 1)
    return predictive.some_draws(posterior, np.arange(0, posterior.n_draws, step))


def effects_of_identity(posterior: Posterior, table: pd.DataFrame, seed: int) -> np.ndarray:
    """Return what depends on the size or group that a candidate is of, log loss; broadcasts against
    (draws, candidates).
    """
    at = {name: table[name].to_numpy() for name in INPUTS}
    processes = [process for process in posterior.noise.shared if process.of_identity]
    effects = posterior.log_departure(at, seed, processes=processes)
    return effects.reshape(-1, effects.shape[-1])


def noise_variance(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the variance of a Normal distribution that has these quartiles: of heavy tails, which
    have no variance, the quartiles tell.
    """
    return np.asarray(((high - low) / _IQR) ** 2)


def scatter_of(
    posterior: Posterior, table: pd.DataFrame, expected: np.ndarray, seed: int
) -> np.ndarray:
    """Return the scatter of candidates about what is expected, shape (draws, candidates).

    A noise model may trust runs the less the further they stay below the frontier, so candidates
    are judged as it will judge them once they have been run.
    """
    at = {name: table[name].to_numpy() for name in INPUTS}
    known = posterior.runs
    likely = np.exp(np.median(expected, axis=0))
    rows = pd.concat([known.frame[[*INPUTS, "loss"]], table.assign(loss=likely)])
    together = Runs(rows, known.name)
    excess = excess_of_best(together, INPUTS, np.log(together.column("loss")))
    decades = locate(known, INPUTS, at).compute_decades
    dearest = locate(known, INPUTS).compute_decades.max()
    facts = predictive.conditions(posterior, at)._replace(
        decades_below=np.maximum(dearest - decades, 0.0), excess=excess[len(known) :]
    )
    shape = *next(iter(posterior.params.values())).shape, len(table)
    log_loss = expected.reshape(shape)
    density = predictive.density_under(posterior, log_loss, facts)
    return (sample_responses(density, seed) - log_loss).reshape(expected.shape)
