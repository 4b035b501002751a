"""Chain two laws: predict what a model that has not been trained will score, by the loss of one law
put into a law of what a loss is worth.

Each draw of the predictive loss is put into a draw of the downstream law, and scattered as its
noise says, so that both uncertainties reach the answer.

S. Y. Gadre et al., "Language models scale reliably with over-training and on downstream tasks",
2024, section 3.3 (arXiv:2403.08540), chain point fits so.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bayescale._internal.discovery import name_of
from bayescale._internal.precision import float64
from bayescale.decisions.checks._stacked import Stack
from bayescale.decisions.forecasts.forecast import Forecast, forecast, scattered
from bayescale.errors import InputError
from bayescale.posterior.posterior import Posterior


@float64
def chain(
    pretraining: Posterior | Stack,
    downstream: Posterior,
    *,
    seed: int = 0,
    **inputs: float | Sequence[float] | np.ndarray,
) -> Forecast:
    """Predict what runs that have not been made will score downstream.

    Parameters
    ----------
    pretraining : Posterior or Stack
        Of a law of loss.
    downstream : Posterior
        Of a law whose one input is ``loss``, such as `ErrorFromLoss`, fitted to losses on the same
        validation set.
    seed : int
        Of all that is drawn.
    **inputs : float or sequence
        As `forecast` takes them for ``pretraining``.

    Returns
    -------
    Forecast
        Of the downstream law's response; ``law_draws`` have the uncertainty of the loss and of both
        laws, ``draws`` the scatter of the response too.

    Raises
    ------
    InputError
        Where the downstream law is of something else than a loss, or its runs share departures; and
        as `forecast`.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> error = 0.85 - 2.1 * np.exp(-0.76 * runs.frame["loss"])
    >>> scored = bs.Runs.from_frame(runs.frame.assign(error=error))
    >>> law, noise, method = bs.laws.ErrorFromLoss(), bs.noise.Huber(), bs.MultiStart(starts=100)
    >>> errors = bs.fit(scored, law=law, noise=noise, method=method)
    >>> bs.chain(post, errors, n_params=70e9, n_tokens=1.4e12).law_draws.round(2)
    array([[0.36]])
    """
    if downstream.law.inputs != ("loss",):
        raise InputError(
            f"chain: {name_of(downstream.law)} takes {', '.join(downstream.law.inputs)}; give a "
            f"posterior of a law of loss "
            "alone, such as ErrorFromLoss()."
        )
    if downstream.noise.shared:
        raise InputError(
            f"chain: runs under {name_of(downstream.noise)} share departures; fit with StudentT() "
            f"or Normal()."
        )
    losses = forecast(pretraining, seed=seed, **inputs)
    draws = max(len(losses.draws), downstream.n_draws)
    rng = np.random.default_rng(seed)
    loss = _as_many(losses.draws, draws, rng)
    rows = _as_many(np.arange(downstream.n_draws), draws, rng)
    paired = replace(
        downstream,
        params={name: values.reshape(1, -1)[:, rows] for name, values in downstream.params.items()},
        coefficients=np.zeros((1, draws, 0)),
    )
    return scattered(paired, paired.log_law({"loss": loss}), {"loss": loss}, losses.inputs, seed)


def _as_many(values: np.ndarray, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Return all draws in random order, repeated as often as needed."""
    return values[rng.permutation(np.resize(np.arange(len(values)), wanted))]
