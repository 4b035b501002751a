"""The best batch grows as a power of data, whatever the model.

    B(D) = A·D^β

Fit it to the best batch of each cell of a sweep over batches, not to runs of which most are
mistuned.

H. Li et al., "Predictable Scale: Part I, Step Law", 2025, equation 1 (arXiv:2503.04715).
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Power, Published, Values


@dataclass(frozen=True)
class BatchSize(Law):
    """B(D) = A D^beta, the tokens in a batch that make loss least.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import BatchSize
    >>> step_law = BatchSize.published[0].params
    >>> round(float(np.exp(BatchSize().predict(step_law, {"n_tokens": np.log(1e11)}))) / 1e6, 2)
    1.11
    """

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "batch_tokens"
    title: ClassVar[str] = "The best batch is a power of tokens"
    paper: ClassVar[str] = (
        "Li et al. 2025, Predictable Scale: Part I, Step Law, eq. 1, arXiv:2503.04715"
    )
    formula: ClassVar[str] = "B(D) = A·D^β"
    inputs: ClassVar[tuple[str, ...]] = ("n_tokens",)
    published: ClassVar[tuple[Published, ...]] = (
        Published("Li et al. 2025", {"A": 0.58, "beta": 0.571}),
    )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "A",
                dist.LogNormal(0.0, 0.5),
                "tokens in a batch at D = 1",
                role="level",
                powers=(Power("n_tokens", "beta", sign=1),),
            ),
            Parameter(
                "beta", dist.LogNormal(np.log(0.5), 0.7), "exponent of tokens", role="exponent"
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log B = log A + β log D.

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
        return jnp.log(c["A"]) + c["beta"] * log_inputs["n_tokens"]
