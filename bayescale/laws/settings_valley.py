"""Loss with a learning rate and a batch that need not be the best: a valley about the best of each.

    L(N, D, η, b) = (E + A/N^α + B/D^β)·exp(v_η·F² + v_b·G² + v_x·F·G)
    F = log η − log η*,   G = log b − log b*
    log η* = l_0 + l_N·log N + l_D·log D,   log b* = b_0 + b_D·log D

The best settings are powers of size and data, as in Step Law; v_η and v_b say what a miss
costs. With v_x below zero a larger batch bears a larger learning rate.

H. Li et al., "Predictable Scale: Part I, Step Law", 2025 (arXiv:2503.04715), for the best settings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Law, Parameter, Values
from bayescale.laws.chinchilla import Chinchilla

_BASE = Chinchilla()
_N_BASE = len(_BASE.parameters)


@dataclass(frozen=True)
class SettingsValley(Law):
    """Chinchilla's law times a valley about the best learning rate and batch.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.laws import SettingsValley
    >>> base = {"E": 1.0, "A": 1.0, "B": 1.0, "alpha": 0.5, "beta": 0.5, "v_lr": 0.1, "v_b": 0.1}
    >>> best = {"l_0": 0.0, "l_N": 0.0, "l_D": 0.0, "b_0": 0.0, "b_D": 0.0, "v_x": 0.0}
    >>> at = {"n_params": 0.0, "n_tokens": 0.0, "learning_rate": 1.0, "batch_tokens": 0.0}
    >>> round(float(SettingsValley().predict(base | best, at) - np.log(3.0)), 3)
    0.1
    """

    stage: ClassVar[str] = "pre-training"
    response: ClassVar[str] = "loss"
    title: ClassVar[str] = "Loss rises by a share that is quadratic in the miss of each setting"
    paper: ClassVar[str] = "Li et al. 2025, Predictable Scale: Part I, Step Law, arXiv:2503.04715"
    formula: ClassVar[str] = (
        "L(N, D, lr, b) = (E + A/N^α + B/D^β)·exp(v_lr·F^2 + v_b·G^2 + v_x·F·G); "
        "F = log(learning_rate) − l_0 − l_N·log(N) − l_D·log(D); "
        "G = log(batch_tokens) − b_0 − b_D·log(D)"
    )
    inputs: ClassVar[tuple[str, ...]] = ("n_params", "n_tokens", "learning_rate", "batch_tokens")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            *_BASE.parameters,
            Parameter(
                "v_lr",
                dist.LogNormal(np.log(0.01), 1.0),
                "share of loss that a learning rate e times the best costs",
            ),
            Parameter(
                "v_b",
                dist.LogNormal(np.log(0.01), 1.0),
                "share of loss that a batch e times the best costs",
            ),
            Parameter(
                "v_x",
                dist.Normal(0.0, 0.01),
                "share of loss that both misses cost together, beside what each costs",
            ),
            Parameter(
                "l_0", dist.Normal(0.0, 1.0), "logarithm of the best learning rate at N = D = 1"
            ),
            Parameter("l_N", dist.Normal(-0.4, 0.4), "its power of parameters"),
            Parameter("l_D", dist.Normal(0.1, 0.4), "its power of tokens"),
            Parameter("b_0", dist.Normal(0.0, 1.0), "logarithm of the best batch at D = 1"),
            Parameter("b_D", dist.Normal(0.5, 0.4), "its power of tokens"),
        )

    def predict(self, params: Values, log_inputs: Values) -> Array:
        """log L = log L of Chinchilla's law + v_η F² + v_b G² + v_x F G.

        Parameters
        ----------
        params : mapping of arrays
        log_inputs : mapping with the inputs' names
            Natural logarithms.

        Returns
        -------
        Array, shape by broadcasting
        """
        c, log_n, log_d = params, log_inputs["n_params"], log_inputs["n_tokens"]
        best_rate = c["l_0"] + c["l_N"] * log_n + c["l_D"] * log_d
        best_batch = c["b_0"] + c["b_D"] * log_d
        rate_miss = log_inputs["learning_rate"] - best_rate
        batch_miss = log_inputs["batch_tokens"] - best_batch
        alone = c["v_lr"] * rate_miss**2 + c["v_b"] * batch_miss**2
        return _BASE.predict(c, log_inputs) + alone + c["v_x"] * rate_miss * batch_miss

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """log L at the centre, which has its settings' misses there, in place of Chinchilla's; the
        rest is Chinchilla's and stays.
        """
        base = _BASE.decorrelate(logs[:_N_BASE])
        return [base[0] + _at_centre(logs), *base[1:], *logs[_N_BASE:]]

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        own = decorrelated[0] - _at_centre(decorrelated)
        base = _BASE.recorrelate([own, *decorrelated[1:_N_BASE]])
        return [*base, *decorrelated[_N_BASE:]]

    def rescale(self, params: Values, units: Values) -> dict[str, FloatOrArray]:
        """Chinchilla's; l_0 and b_0 move with the units of settings, N and D.

        Parameters
        ----------
        params : mapping of arrays
        units : mapping with the inputs' names and ``loss``
        """
        c = params
        log_n, log_d = jnp.log(units["n_params"]), jnp.log(units["n_tokens"])
        rate = c["l_0"] + jnp.log(units["learning_rate"]) - c["l_N"] * log_n - c["l_D"] * log_d
        batch = c["b_0"] + jnp.log(units["batch_tokens"]) - c["b_D"] * log_d
        return {**super().rescale(params, units), "l_0": rate, "b_0": batch}


def _at_centre(coordinates: Sequence[Array]) -> Array:
    """Return what the misses of the settings add to log L at the centre."""
    v_rate, v_batch, together, rate, _, _, batch, _ = coordinates[_N_BASE:]
    alone = jnp.exp(v_rate) * rate**2 + jnp.exp(v_batch) * batch**2
    return alone + together * rate * batch
