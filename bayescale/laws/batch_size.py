"""The best batch grows as a power of data, whatever the model.

    B(D) = A·D^β

Fit it to the best batch of each cell of a sweep over batches, not to runs of which most are
mistuned.

H. Li et al., "Predictable Scale: Part I, Step Law", 2025, equation 1 (arXiv:2503.04715).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from numpyro import distributions as dist

from bayescale.laws.base import NestedModel, Parameter, Published, Term, Values


@dataclass(frozen=True)
class BatchSize:
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
    unscaled_inputs: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = "The best batch is a power of tokens"
    paper: ClassVar[str] = (
        "Li et al. 2025, Predictable Scale: Part I, Step Law, eq. 1, arXiv:2503.04715"
    )
    formula: ClassVar[str] = "B(D) = A·D^β"
    inputs: ClassVar[tuple[str, ...]] = ("n_tokens",)
    decreasing_in: ClassVar[tuple[str, ...]] = ()
    published: ClassVar[tuple[Published, ...]] = (
        Published("Li et al. 2025", {"A": 0.58, "beta": 0.571}),
    )
    nested_models: ClassVar[tuple[NestedModel, ...]] = ()
    terms: ClassVar[tuple[Term, ...]] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter("A", dist.LogNormal(0.0, 0.5), "tokens in a batch at D = 1"),
            Parameter("beta", dist.LogNormal(np.log(0.5), 0.7), "exponent of tokens"),
        )

    def predict(self, params: Values, log_inputs: Values) -> Any:
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

    def decorrelate(self, logs: Sequence[Any]) -> list[Any]:
        """The logarithms themselves: the law is linear in them."""
        return list(logs)

    def recorrelate(self, decorrelated: Sequence[Any]) -> list[Any]:
        """The inverse of `decorrelate`."""
        return list(decorrelated)

    def rescale(self, params: Values, units: Values) -> dict[str, Any]:
        """A·B₀/D₀^β; the exponent stays.

        Parameters
        ----------
        params : mapping of arrays
        units : mapping with the inputs' names and ``batch_tokens``
        """
        c = params
        return {**c, "A": c["A"] * units["batch_tokens"] / units["n_tokens"] ** c["beta"]}
