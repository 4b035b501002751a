"""The Huber objective: squares near zero, absolute values beyond δ.

    ρ(r) = r²/2 for |r| ≤ δ,  δ(|r| − δ/2) otherwise

P. J. Huber, "Robust Estimation of a Location Parameter", 1964; on log loss with δ = 10⁻³ in
Hoffmann et al. 2022, equation 3. With δ far below the scatter it is least absolute deviation.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
from jax import Array

from bayescale.errors import InputError
from bayescale.laws.base import FloatOrArray, Values
from bayescale.noise.base import Conditions, Noise


@dataclass(frozen=True)
class Huber(Noise):
    """Sum over runs of the Huber loss of log residuals: an objective for point fits and bootstraps,
    not a likelihood.

    Parameters
    ----------
    delta : float
        Where squares become absolute values, in log loss.

    Examples
    --------
    >>> from bayescale.noise import Huber
    >>> from bayescale.noise.base import Conditions
    >>> float(Huber(delta=1.0).rho(3.0, {}, Conditions()))
    2.5
    """

    delta: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 < self.delta < float("inf"):
            raise InputError(f"huber: delta={self.delta} must be a positive number, such as 0.001.")

    title: ClassVar[str] = "Huber objective on log loss"
    paper: ClassVar[str] = (
        "Huber 1964, Robust Estimation of a Location Parameter; Hoffmann et al. 2022, "
        "Training Compute-Optimal Large Language Models, eq. 3, arXiv:2203.15556"
    )

    @property
    def formula(self) -> str:
        delta = f"{self.delta:g}"
        return f"ρ(r) = r²/2 where |r| ≤ {delta}, {delta}·(|r| − {delta}/2) elsewhere"

    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the Huber loss of each residual; it knows no measurement error and leaves its
        conditions aside.
        """
        size = jnp.abs(residual)
        return jnp.where(
            size <= self.delta, 0.5 * jnp.square(residual), self.delta * (size - 0.5 * self.delta)
        )
