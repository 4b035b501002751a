"""Student-t noise that is wider on one side: a run trained badly has a loss too high, hardly ever
one too low.

    log L_i − log L(x_i) ~ 2/(κ + 1/κ) · t_ν(r / (σ κ^{sign r})) / σ,   σ with known errors as
    sqrt(σ² + s_i²)

C. Fernández and M. F. J. Steel, "On Bayesian Modeling of Fat Tails and Skewness", 1998, equation 1.
κ = 1 is symmetric; above, high losses are the further ones. Its mode is the law's prediction.
"""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.noise.base import Conditions, Likelihood
from bayescale.noise.student_t import StudentT


@dataclass(frozen=True)
class AsymmetricStudentT(Likelihood):
    """Student-t likelihood of log loss with unknown scale, degrees of freedom and skewness.

    Examples
    --------
    >>> from bayescale.noise import AsymmetricStudentT
    >>> [row.name for row in AsymmetricStudentT().parameters]
    ['sigma', 'nu', 'kappa']
    """

    title: ClassVar[str] = "Student-t likelihood of log loss, wider above the law or below it"
    paper: ClassVar[str] = (
        "Fernández and Steel 1998, On Bayesian Modeling of Fat Tails and Skewness, eq. 1; "
        "prior of ν: Juárez and Steel 2010, Model-Based Clustering of Non-Gaussian Panel Data "
        "Based on Skew-t Distributions"
    )
    formula: ClassVar[str] = "log L_i ~ SkewStudentT(ν, log L(x_i), sqrt(σ² + s_i²), κ)"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        skewness = Parameter(
            "kappa",
            dist.LogNormal(0.0, 0.5),
            "skewness: above 1, losses are more often far above the law",
        )
        return (*StudentT().parameters, skewness)

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the distribution of log loss, given the law's prediction."""
        scale = jnp.hypot(params["sigma"], conditions.log_loss_se)
        return _SkewStudentT(params["nu"], log_prediction, scale, params["kappa"])


class _SkewStudentT(dist.Distribution):  # type: ignore[misc]  # NumPyro has no types
    """The skew t distribution of Fernández and Steel, which NumPyro lacks."""

    arg_constraints: ClassVar[dict[str, object]] = {
        "df": dist.constraints.positive,
        "loc": dist.constraints.real,
        "scale": dist.constraints.positive,
        "skewness": dist.constraints.positive,
    }
    support = dist.constraints.real
    reparametrized_params: ClassVar[list[str]] = ["df", "loc", "scale", "skewness"]

    def __init__(
        self,
        df: FloatOrArray,
        loc: FloatOrArray,
        scale: FloatOrArray,
        skewness: FloatOrArray,
        *,
        validate_args: bool | None = None,
    ) -> None:
        arguments = jnp.broadcast_arrays(df, loc, scale, skewness)
        self.df, self.loc, self.scale, self.skewness = arguments
        super().__init__(batch_shape=jnp.shape(self.loc), validate_args=validate_args)

    def log_prob(self, value: FloatOrArray) -> Array:
        residual = value - self.loc
        stretched = self.scale * jnp.where(residual >= 0, self.skewness, 1 / self.skewness)
        height = (
            jnp.log(2.0)
            - jnp.log(self.skewness + 1 / self.skewness)
            + jnp.log(stretched)
            - jnp.log(self.scale)
        )
        return height + dist.StudentT(self.df, 0.0, stretched).log_prob(residual)

    def drawn(self, generator: np.random.Generator) -> np.ndarray:
        """Draw one value of each element with NumPy, of the batch's shape."""
        skewness = np.asarray(self.skewness)
        size = np.asarray(self.scale) * np.abs(generator.standard_t(np.asarray(self.df)))
        above = generator.random(size.shape) < skewness**2 / (1 + skewness**2)
        return np.asarray(self.loc) + np.where(above, size * skewness, -size / skewness)
