"""Leave-one-out scores of a posterior, by ArviZ."""

import warnings

import numpy as np
import pandas as pd

from bayescale.posterior.posterior import Posterior
from bayescale.units import as_floats


def leave_one_out(posterior: Posterior) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the log density of each run's loss given the others, by ArviZ's Pareto-smoothed
    importance sampling.

    Parameters
    ----------
    posterior : Posterior
        Of a likelihood.

    Returns
    -------
    table : DataFrame, one row per run
        ``elpd`` and ``pareto_k``.
    totals : dict
        ``elpd``, ``se``, ``p_loo``, and ``good_k``, up to which k is to be trusted with so many
        draws.
    """
    import arviz_stats

    from bayescale.posterior.importance_weights import pareto_smoothed

    tree = posterior.to_arviz()
    log_likelihood = tree["log_likelihood"].dataset[posterior.law.response]
    # Draws of importance sampling repeat, and a tail of ties has no shape: each is weighed once, by
    # how often it came.
    own = next(iter(posterior.params.values())).reshape(-1)
    _, first, place, times = np.unique(
        own, return_index=True, return_inverse=True, return_counts=True
    )
    # A run that counts w times is left out w times.
    log_ratios = -log_likelihood.to_numpy() * posterior.runs.weights
    log_times = np.log(times)
    smoothed, shapes = [], []
    for ratios_of_run in log_ratios.reshape(posterior.n_draws, -1)[first].T:
        log_weights, shape = pareto_smoothed(ratios_of_run + log_times)
        smoothed.append(log_weights - log_times)
        shapes.append(shape)
    of_draws = np.stack(smoothed, axis=1)[place].reshape(log_likelihood.shape)
    weighed = {
        "log_weights": log_likelihood.copy(data=of_draws),
        "pareto_k": log_likelihood[0, 0].copy(data=np.array(shapes)),
    }
    # ArviZ warns of large k, which the caller reports run by run.
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        found = arviz_stats.loo(tree, pointwise=True, **weighed)
    table = pd.DataFrame(
        {"elpd": found.elpd_i.to_numpy(), "pareto_k": found.pareto_k.to_numpy()},
        posterior.runs.frame.index,
    )
    totals = {"elpd": found.elpd, "se": found.se, "p_loo": found.p, "good_k": found.good_k}
    return table, as_floats(totals)
