"""Loss relative to a unigram model, in parameters outside and inside the vocabulary and in data.

    L(N, V, D) = −E + A_1/N^α_1 + A_2/V^α_2 + B/D^β

Losses of models with different vocabularies compare only after the loss of a unigram model is taken
off, so the response is negative and falls without a floor at zero. N counts parameters outside
embeddings, V those of embeddings.

No published constants stand here. Those printed are the minimum of their objective where tokens are
counted nearly threefold, a polynomial for the number of words given it in thousands; with the
tokens that runs saw α_2 is 1.06, where 0.67 is printed (``tests/reference/test_vocabulary.py``).

C. Tao et al., "Scaling Laws with Vocabulary: Larger Models Deserve Larger Vocabularies", 2024
(arXiv:2407.13623).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Law, Parameter, Power, Values


@dataclass(frozen=True)
class Vocabulary(Law):
    """L(N, V, D) = -E + A_1/N^alpha_1 + A_2/V^alpha_2 + B/D^beta, a loss relative to a unigram
    model's.

    Parameters
    ----------
    data : str
        The column that D is: ``n_tokens``, or the paper's measure, ``n_chars``.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import Vocabulary
    >>> levels = {"E": 6.0, "A_1": 8.0, "A_2": 3.0, "B": 10.0}
    >>> exponents = {"alpha_1": 0.5, "alpha_2": 1.0, "beta": 0.5}
    >>> counts = {"non_vocab_params": 64.0, "vocab_params": 3.0, "n_tokens": 100.0}
    >>> at = {name: np.log(count) for name, count in counts.items()}
    >>> round(float(Vocabulary().predict(levels | exponents, at)), 3)
    -3.0
    """

    data: str = "n_tokens"

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "relative_loss"
    title: ClassVar[str] = (
        "Loss relative to a unigram model falls with parameters outside and inside the vocabulary"
    )
    paper: ClassVar[str] = "Tao et al. 2024, Scaling Laws with Vocabulary, arXiv:2407.13623"

    @property
    def formula(self) -> str:
        return "L(N, V, D) = −E + A_1/N^α_1 + A_2/V^α_2 + B/D^β"

    @property
    def inputs(self) -> tuple[str, ...]:
        return ("non_vocab_params", "vocab_params", self.data)

    @property
    def decreasing_in(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "E",
                dist.Normal(1.0, 1.0),
                "how far below a unigram model endless size and data go",
                "nats per token",
            ),
            Parameter(
                "A_1",
                dist.LogNormal(-1.0, 1.0),
                "excess at N = 1",
                "nats per token",
                "coefficient",
                powers=(Power("non_vocab_params", "alpha_1"),),
            ),
            Parameter(
                "A_2",
                dist.LogNormal(-2.0, 1.0),
                "excess at V = 1",
                "nats per token",
                "coefficient",
                powers=(Power("vocab_params", "alpha_2"),),
            ),
            Parameter(
                "B",
                dist.LogNormal(-1.0, 1.0),
                f"excess at {self.data} = 1",
                "nats per token",
                "coefficient",
                powers=(Power(self.data, "beta"),),
            ),
            Parameter(
                "alpha_1",
                dist.LogNormal(np.log(0.4), 0.6),
                "exponent of parameters outside the vocabulary",
                role="exponent",
            ),
            Parameter(
                "alpha_2",
                dist.LogNormal(np.log(0.6), 0.6),
                "exponent of parameters of the vocabulary",
                role="exponent",
            ),
            Parameter(
                "beta",
                dist.LogNormal(np.log(0.4), 0.6),
                f"exponent of {self.data}",
                role="exponent",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """L itself, which may be negative.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the inputs' names
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c = params
        in_params = jnp.exp(-c["alpha_1"] * log_inputs["non_vocab_params"]) * c["A_1"]
        in_vocabulary = jnp.exp(-c["alpha_2"] * log_inputs["vocab_params"]) * c["A_2"]
        in_data = jnp.exp(-c["beta"] * log_inputs[self.data]) * c["B"]
        return in_params - c["E"] + in_vocabulary + in_data

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """A_1 + A_2 + B − E, the loss at the centre, in place of E; the rest stays."""
        return [_exchanged(logs), *logs[1:]]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        return [_exchanged(decorrelated), *decorrelated[1:]]

    def rescale(self, params: Values, units: Values) -> dict[str, FloatOrArray]:
        """E less the mean loss, A_1·N₀^α_1, A_2·V₀^α_2, B·D₀^β.

        Parameters
        ----------
        params : mapping of arrays
        units : mapping with the inputs' names and ``relative_loss``
        """
        below = params["E"] - jnp.log(units["relative_loss"])
        return {**super().rescale(params, units), "E": below}


def _exchanged(coordinates: Sequence[Array]) -> Array:
    """Return the loss at the centre from coordinates that begin with E, and E from those that begin
    with that loss: either is A_1 + A_2 + B less the other.
    """
    other, a_1, a_2, b = coordinates[:4]
    return -other + jnp.exp(a_1) + jnp.exp(a_2) + jnp.exp(b)
