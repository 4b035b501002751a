"""The share of problems on which the majority of k votes is right, where log odds of a right vote
are Normal over problems.

    accuracy(k) = E_z[I_p((k + 1)/2, (k + 1)/2)],   log p/(1 − p) = log M + s·z,   z ~ N(0, 1)

I_p is the chance that more than half of k votes are right; between odd numbers of votes it goes on
smoothly. Votes lift the problems whose right answer is the likelier one and sink the others, so
accuracy tends to the share of the former, not to one: that is all that voting can give. Wrong votes
are taken to agree with each other, which makes this a lower bound.

L. Chen et al., "Are More LLM Calls All You Need? Towards Scaling Laws of Compound Inference
Systems", 2024 (arXiv:2403.02419), for votes on problems of different difficulty.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erfc, polygamma
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Values

# Where the mean over ℓ is taken, in its standard deviations: nothing is left beyond, and steps
# resolve what s does.
_PLACES = np.linspace(-12.0, 12.0, 193)
# More would change nothing: all that more votes could sway is swayed.
_MOST_LOG_VOTES = math.log(1e6)


@dataclass(frozen=True)
class MajorityVote(Law):
    """accuracy(k) = E_z[I_p((k + 1)/2, (k + 1)/2)], with log odds of p Normal over problems.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import MajorityVote
    >>> params = {"M": np.array(8.0), "s": np.array(1.0)}
    >>> log_odds = MajorityVote().predict(params, {"n_votes": np.log([1.0, 9.0])})
    >>> [f"{share:.2f}" for share in 1 / (1 + np.exp(-np.asarray(log_odds)))]
    ['0.85', '0.96']
    """

    stage: ClassVar[str] = "test time"
    response: ClassVar[str] = "accuracy"
    unscaled_inputs: ClassVar[tuple[str, ...]] = ("n_votes",)
    title: ClassVar[str] = (
        "Votes lift the problems whose right answer is the likelier one, and sink the others"
    )
    paper: ClassVar[str] = "Chen et al. 2024, Are More LLM Calls All You Need?, arXiv:2403.02419"
    formula: ClassVar[str] = "accuracy(k) = E_z(I(1/(1 + exp(−s·z)/M), (k + 1)/2))"
    inputs: ClassVar[tuple[str, ...]] = ("n_votes",)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter("M", dist.LogNormal(0.0, 2.0), "odds of a right vote on the median problem"),
            Parameter(
                "s",
                dist.LogNormal(np.log(2.0), 0.7),
                "how much problems differ: standard deviation of log odds",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """Log odds of the accuracy.

        By parts, the mean over problems is one of Φ((log M − ℓ)/s) over ℓ, the log odds of Beta((k
        + 1)/2, (k + 1)/2), which is smooth however many votes there are.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_votes``
            Natural logarithm.

        Returns
        -------
        Array, shape by broadcasting
        """
        # JAX keeps the program that it traced for a NumPy array, and would use it again in the
        # other precision; an array of its own has the precision in its type.
        log_votes = jnp.minimum(jnp.asarray(log_inputs["n_votes"]), _MOST_LOG_VOTES)
        half = (jnp.exp(log_votes)[..., None] + 1) / 2
        nodes = jnp.asarray(_PLACES, half.dtype) * jnp.sqrt(2 * polygamma(1, half))
        weights = jax.nn.softmax(half * nodes - 2 * half * jax.nn.softplus(nodes), axis=-1)
        ahead = (jnp.log(params["M"])[..., None] - nodes) / jnp.asarray(params["s"])[..., None]
        ahead = jnp.clip(ahead, *_within_range(ahead.dtype))
        # The rarer of right and wrong is what is computed: one less the other would lose all digits
        # where nearly all are right.
        rarer = erfc(jnp.abs(ahead) * np.sqrt(0.5)) / 2
        right = jnp.sum(weights * jnp.where(ahead > 0, 1 - rarer, rarer), axis=-1)
        wrong = jnp.sum(weights * jnp.where(ahead < 0, 1 - rarer, rarer), axis=-1)
        return jnp.log(right) - jnp.log(wrong)


def _within_range(dtype: np.dtype) -> tuple[float, float]:
    """Between which numbers Φ of either sign is one that the type can hold."""
    far = float(np.sqrt(-2 * np.log(np.finfo(dtype).tiny))) - 1
    return -far, far
