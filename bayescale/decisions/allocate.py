"""How should a compute budget be split between parameters and tokens? The optimum of each draw, with intervals.

C = 6·N·D FLOPs of training, as in Hoffmann et al. 2022 and Kaplan et al. 2020 (equation 2.2, without the attention term).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayescale.errors import InputError
from bayescale.posterior import Posterior, summarise
from bayescale.precision import float64

QUANTITIES = {
    "n_params": "parameters",
    "n_tokens": "tokens",
    "tokens_per_param": "tokens per parameter",
    "loss": "nats per token",
}


@dataclass(frozen=True, eq=False)
class Allocation:
    """The compute-optimal plan for each budget.

    Attributes
    ----------
    draws : Dataset with dimensions ``draw`` and ``compute`` (FLOPs)
        ``n_params``, ``n_tokens``, ``tokens_per_param`` and ``loss`` (the law's, nats per token) at each draw's own optimum.
    """

    draws: xr.Dataset

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per budget and quantity, with mean, sd and quantiles."""
        rows = [
            {
                "compute": float(budget),
                "quantity": name,
                "unit": unit,
                **summarise(self.draws[name].isel(compute=place).to_numpy()),
            }
            for place, budget in enumerate(self.draws["compute"].to_numpy())
            for name, unit in QUANTITIES.items()
        ]
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """Indexed by budget and quantity."""
        return self.frame.set_index(["compute", "quantity"])


@float64
def allocate(posterior: Posterior, compute: float | Sequence[float] | np.ndarray) -> Allocation:
    """Split a training budget between parameters and tokens so that the law's loss is least.

    Each draw has an optimum of its own, N* and D* = C/(6 N*); the intervals are those of N*, not of the loss around one N*.
    All are the law's own: departures from it that runs share, where the noise model has them, are in `forecast`.

    Parameters
    ----------
    posterior : Posterior
    compute : float or sequence
        Budgets, FLOPs.

    Returns
    -------
    Allocation

    Raises
    ------
    InputError
        Where the law has no trade-off between parameters and tokens, or a budget is not positive.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> post = bs.fit(runs, noise=bs.noise.Normal(), method=bs.MultiStart(starts=100))
    >>> list(bs.allocate(post, compute=[1e21, 5.76e23]).draws["n_params"].shape)
    [1, 2]
    """
    optimal_n_params = getattr(posterior.law, "optimal_n_params", None)
    if optimal_n_params is None:
        raise InputError(
            f"{posterior.law.formula} knows no trade-off between parameters and tokens; fit Chinchilla() to allocate compute."
        )
    budgets = np.atleast_1d(np.asarray(compute, dtype=np.float64))
    bad = ~(np.isfinite(budgets) & (budgets > 0))
    if bad.any():
        raise InputError(f"compute = {budgets[bad][0]:g} is not a positive number of FLOPs, such as 5.76e23.")
    constants = {name: values.reshape(-1, 1) for name, values in posterior.constants.items()}
    n_params = np.asarray(optimal_n_params(constants, budgets))
    n_tokens = budgets / (6 * n_params)
    log_loss = posterior.law.log_loss(constants, {"n_params": np.log(n_params), "n_tokens": np.log(n_tokens)})
    values = {
        "n_params": n_params,
        "n_tokens": n_tokens,
        "tokens_per_param": n_tokens / n_params,
        "loss": np.exp(np.asarray(log_loss)),
    }
    return Allocation(
        xr.Dataset({name: (("draw", "compute"), array) for name, array in values.items()}, coords={"compute": budgets})
    )
