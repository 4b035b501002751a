"""The rows of a table of parameters: what a law or a noise model names, with a prior and a unit.

A level is a share of the response in the units of the data, an exponent has no unit; `Parameter`
says how a value changes from one system of units to another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

# Not `import numpyro.distributions`: through the lazy stand-in for NumPyro that ArviZ leaves
# behind, that gives half a module.
from numpyro import distributions as dist

FloatOrArray: TypeAlias = float | np.ndarray | Array
"""A number, or an array of NumPy or JAX."""

Values: TypeAlias = Mapping[str, FloatOrArray]
"""Named numbers or arrays that broadcast against each other."""

ROLES = ("level", "coefficient", "offset", "exponent", "scale", "rate", "number")
"""Roles that a parameter may have in its law. The role decides how it changes with units:

- level: a share of the response, times powers of inputs; A in A/N^α, and E, which has none.
- coefficient: the same, of a quantity that does not count in units of the response.
- offset: what is added to the response on the scale of its fit.
- exponent, number: free of units.
- scale: a value of an input, such as the compute at half the rise.
- rate: the inverse of a scale.
"""

_SEEDS = 2**32


@dataclass(frozen=True)
class Power:
    """A power of an input that stands beside a parameter in a formula, input^(sign · exponent).

    Attributes
    ----------
    input : str
        Column.
    exponent : str
        Name of the parameter in the exponent.
    sign : int
        −1 for A/N^α, 1 for A·N^α.
    """

    input: str
    exponent: str
    sign: int = -1


@dataclass(frozen=True)
class Parameter:
    """One row of a law's or a noise model's table.

    Attributes
    ----------
    name : str
        As in the formula, in ASCII: ``E``, ``A``, ``alpha``.
    prior : numpyro Distribution
        Distribution of the parameter in the units of the data, where geometric means are one. Its
        support is the parameter's.
    doc : str
        What it means, without its unit.
    unit : str
        Its unit in counts and nats; empty for a pure number.
    role : str
        One of `ROLES`.
    input : str
        Column whose unit a scale or a rate has.
    powers : tuple of Power
        Powers that multiply a level or a coefficient.
    """

    name: str
    prior: dist.Distribution
    doc: str
    unit: str = ""
    role: str = "number"
    input: str = ""
    powers: tuple[Power, ...] = ()

    @property
    def meaning(self) -> str:
        """Meaning and unit, for people."""
        return f"{self.doc}, {self.unit}" if self.unit else self.doc

    def rescaled(self, params: Values, units: Values, response: str) -> FloatOrArray:
        """Return the parameter in counts and nats, from its role and all ``params`` in ``units``.

        Examples
        --------
        >>> from numpyro import distributions as dist
        >>> from bayescale.laws.base import Parameter, Power
        >>> power = (Power("n_params", "alpha"),)
        >>> a = Parameter("A", dist.LogNormal(), "excess loss", role="level", powers=power)
        >>> a.rescaled({"A": 0.5, "alpha": 2.0}, {"n_params": 10.0, "loss": 3.0}, "loss")
        150.0
        """
        value = params[self.name]
        if self.role == "offset":
            return value + jnp.log(units[response])
        if self.role == "scale":
            return value * units[self.input]
        if self.role == "rate":
            return value / units[self.input]
        if self.role == "level":
            value = value * units[response]
        for power in self.powers:
            factor = units[power.input] ** params[power.exponent]
            value = value * factor if power.sign < 0 else value / factor
        return value

    def draw_prior(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Return draws of the prior.

        Those of a Normal, log-normal or half-Normal prior are NumPy's: JAX compiles several
        programs for them.

        Examples
        --------
        >>> import numpy as np
        >>> from numpyro import distributions as dist
        >>> from bayescale.parameters import Parameter
        >>> row = Parameter("sigma", dist.HalfNormal(0.1), "scatter")
        >>> row.draw_prior(np.random.default_rng(0), (2, 1)).round(3).tolist()
        [[0.013], [0.013]]
        """
        prior = self.prior
        # The exact class: a distribution that inherits from one of these is another.
        if type(prior) is dist.Normal:
            return rng.normal(float(prior.loc), float(prior.scale), shape)
        if type(prior) is dist.LogNormal:
            return rng.lognormal(float(prior.loc), float(prior.scale), shape)
        if type(prior) is dist.HalfNormal:
            return np.abs(rng.normal(0.0, float(prior.scale), shape))
        key = jax.random.key(int(rng.integers(_SEEDS)))
        return np.asarray(prior.sample(key, shape))

    @property
    def prior_in_words(self) -> str:
        """The prior's family and its numbers, for people."""
        numbers = (f"{float(getattr(self.prior, name)):.3g}" for name in self.prior.arg_constraints)
        return f"{type(self.prior).__name__}({', '.join(numbers)})"


def names_of(parameters: Iterable[Parameter]) -> list[str]:
    """Return the names of parameters, in their order."""
    return [parameter.name for parameter in parameters]
