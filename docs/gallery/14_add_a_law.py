"""A law in your own file

The loss of a fine-tuned model falls with the tokens that it reads, as if it had already read some
in its earlier training: L(D) = E + A/(D + D_0)^α (Hernandez et al. 2021, arXiv:2102.01293).
bayescale has no such law. A class of thirty lines adds it, and every verb takes it.
"""

# %%
# A law names its parameters, with priors, and predicts the log of the loss. Priors hold where loss
# and tokens are divided by their means over the runs, so they need no units.
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pandas as pd
from numpyro.distributions import LogNormal

import bayescale as bs
from bayescale.laws.base import Law, Parameter, Power

_POWER = Power("n_tokens", "alpha")  # A stands beside D^(-alpha)


@dataclass(frozen=True)
class Transfer(Law):
    """L(D) = E + A/(D + D_0)^alpha."""

    title: ClassVar[str] = "Loss beside tokens of an earlier training"
    paper: ClassVar[str] = "Hernandez et al. 2021, arXiv:2102.01293"
    formula: ClassVar[str] = "L(D) = E + A/(D + D_0)^α"
    inputs: ClassVar[tuple[str, ...]] = ("n_tokens",)
    decreasing_in: ClassVar[tuple[str, ...]] = ("n_tokens",)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("E", LogNormal(-0.5, 0.7), "floor", "nats per token", "level"),
        Parameter("A", LogNormal(-1, 1), "size", "nats per token", "level", powers=(_POWER,)),
        Parameter("D_0", LogNormal(-2, 1.5), "earlier tokens", "tokens", "scale", "n_tokens"),
        Parameter("alpha", LogNormal(-1.2, 0.7), "exponent", role="exponent"),
    )

    def predict(self, params, log_inputs):
        log_seen = jnp.logaddexp(log_inputs["n_tokens"], jnp.log(params["D_0"]))
        log_excess = jnp.log(params["A"]) - params["alpha"] * log_seen
        return jnp.logaddexp(jnp.log(params["E"]), log_excess)


# %%
# Twelve simulated fine-tunings, of a model that had read the worth of two billion tokens before.
tokens = np.geomspace(1e8, 1e12, 12)
scatter = np.exp(0.005 * np.random.default_rng(0).standard_normal(12))
runs = pd.DataFrame({"n_tokens": tokens, "loss": (1.7 + 400 / (tokens + 2e9) ** 0.3) * scatter})
post = bs.fit(runs, law=Transfer(), noise=bs.noise.StudentT())
post.summary()

# %%
bs.plots.loss_along_compute(post)
