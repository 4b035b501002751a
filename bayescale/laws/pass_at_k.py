"""The share of problems that none of k attempts solves, where chances of success follow a Beta
distribution.

    1 − pass@k = B(a, b + k)/B(a, b)

For many attempts it falls as k^−a: a is how rare the hardest problems' successes are. Counts of
each problem say more than these means do: `bayescale.pass_at_k` fits those.

B. Brown et al., "Large Language Monkeys", 2024 (arXiv:2407.21787); R. Schaeffer et al., "How Do
Large Language Monkeys Get Their Power (Laws)?", 2025, section 4 (arXiv:2502.17578), for the Beta
distribution.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln
from numpyro import distributions as dist

from bayescale.laws.base import Law, Parameter, Values


@dataclass(frozen=True)
class PassAtK(Law):
    """1 - pass@k = B(a, b + k)/B(a, b) in attempts k.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import PassAtK
    >>> failures = PassAtK().predict({"a": 1.0, "b": 1.0}, {"n_attempts": np.log([1.0, 9.0])})
    >>> [f"{failed:.3f}" for failed in np.exp(failures)]
    ['0.500', '0.100']
    """

    stage: ClassVar[str] = "test time"
    response: ClassVar[str] = "failure_rate"
    unscaled_inputs: ClassVar[tuple[str, ...]] = ("n_attempts",)
    title: ClassVar[str] = (
        "The share of problems never solved falls with attempts, as chances of success are Beta"
    )
    paper: ClassVar[str] = (
        "Brown et al. 2024, Large Language Monkeys, arXiv:2407.21787; Schaeffer et al. 2025, "
        "How Do Large Language Monkeys Get Their Power (Laws)?, section 4, arXiv:2502.17578"
    )
    formula: ClassVar[str] = "failures(k) = B(a, b + k)/B(a, b)"
    inputs: ClassVar[tuple[str, ...]] = ("n_attempts",)
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_attempts",)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            Parameter(
                "a",
                dist.LogNormal(np.log(0.4), 1.0),
                "exponent of failures in many attempts",
                role="exponent",
            ),
            Parameter(
                "b",
                dist.LogNormal(np.log(3.0), 1.5),
                "how rare easy problems are; b/(a + b) fail at first",
            ),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log (1 − pass@k).

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with ``n_attempts``
            Natural logarithm.

        Returns
        -------
        Array, shape by broadcasting
        """
        a, b = params["a"], params["b"]
        more = b + jnp.exp(log_inputs["n_attempts"])
        # JAX's betaln is right to seven digits alone.
        return gammaln(more) - gammaln(a + more) + gammaln(a + b) - gammaln(b)
