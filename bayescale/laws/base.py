"""The abstract scaling law: one formula, one table of parameters, one paper.

Units carry the numerics. The same formula holds whatever N, D and L are counted in; only the
constants change. A fit therefore counts each input in units of its geometric mean over the runs,
where log N and log D are centred, every term is a share of the loss at the centre of the data, and
the shares are nearly uncorrelated (log A and alpha in counts correlate at 0.999). Priors are stated
there, so they do not depend on anyone's units; `Law.rescale` turns the constants into those of the
papers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass
from typing import ClassVar, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array

# Not `import numpyro.distributions`: through the lazy stand-in for NumPyro that ArviZ leaves
# behind, that gives half a module.
from numpyro import distributions as dist

from bayescale.errors import InputError

FloatOrArray: TypeAlias = float | np.ndarray | Array
"""A number, or an array of NumPy or JAX."""

Values: TypeAlias = Mapping[str, FloatOrArray]
"""Named numbers or arrays that broadcast against each other."""

SYMBOLS = {
    "n_params": "N",
    "n_tokens": "D",
    "n_examples": "D",
    "flops": "C",
    "unique_tokens": "U",
    "n_experts": "K",
    "n_attempts": "k",
    "n_votes": "k",
    "thinking_tokens": "T",
    "non_vocab_params": "N",
    "vocab_params": "V",
    "loss": "L",
}
"""Symbols of columns in formulas."""

STAGES = ("pre-training", "post-training", "downstream", "test time")
"""Stages of a model's life that laws are about, in order."""

_SAME_UNIT = {"unique_tokens": "n_tokens"}


def unit_of(column: str, inputs: Sequence[str]) -> str:
    """Return the input in whose unit a column is counted: itself, but for tokens of another kind,
    which compare with tokens.

    Examples
    --------
    >>> from bayescale.laws.base import unit_of
    >>> unit_of("unique_tokens", ("n_params", "n_tokens", "unique_tokens"))
    'n_tokens'
    """
    other = _SAME_UNIT.get(column, column)
    return other if other in inputs else column


def check_input(law: str, column: str, response: str) -> None:
    """Refuse the response of a law as its input.

    Parameters
    ----------
    law : str
        Name of the law, for the message.
    column : str
        The law's option ``input``.
    response : str
        The column that the law predicts.

    Raises
    ------
    InputError
        Where both are one column.
    """
    if column == response:
        raise InputError(
            f"{law}: input={column} is what the law predicts; give a column that is known before "
            f"{column} is measured, such as input=flops or input=n_tokens."
        )


ROLES = ("level", "coefficient", "offset", "exponent", "scale", "rate", "number")
"""Roles that a parameter may have in its law. The role decides how it changes with units:

- level: a share of the response, times powers of inputs; A in A/N^α, and E, which has none.
- coefficient: the same, of a quantity that does not count in units of the response.
- offset: what is added to the response on the scale of its fit.
- exponent, number: free of units.
- scale: a value of an input, such as the compute at half the rise.
- rate: the inverse of a scale.
"""


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

    @property
    def prior_in_words(self) -> str:
        """The prior's family and its numbers, for people."""
        numbers = (f"{float(getattr(self.prior, name)):.3g}" for name in self.prior.arg_constraints)
        return f"{type(self.prior).__name__}({', '.join(numbers)})"


@dataclass(frozen=True)
class Term:
    """One term of a law that is a sum of powers, level · input^−exponent: linear in its level once
    the exponent is fixed.

    Attributes
    ----------
    level : str
        Name of the parameter that multiplies.
    exponent, input : str or None
        Names of the parameter in the exponent and of the column; None for a constant.
    """

    level: str
    exponent: str | None = None
    input: str | None = None


@dataclass(frozen=True)
class Published:
    """Constants that a paper printed, in counts and nats per token."""

    source: str
    params: Mapping[str, float]


@dataclass(frozen=True)
class NestedModel:
    """A value at which a law becomes a simpler one; a posterior away from it speaks for the
    larger law.

    Attributes
    ----------
    name : str
        Name of the quantity: a parameter, or a ratio of two.
    of : callable
        Function from the constants to the quantity.
    value : float
    simpler : str
        Name of the simpler law.
    """

    name: str
    of: Callable[[Values], FloatOrArray]
    value: float
    simpler: str


class Law(ABC):
    """A scaling law. A law is a frozen dataclass that inherits from this class; its fields are its
    options.

    Its title, formula, inputs, parameters and `predict` must be given; the rest has defaults.
    Adding a law is adding a file with one such class, to this folder or anywhere else.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    stage: ClassVar[str] = "pre-training"
    """Stage of training: one of `STAGES`."""
    response: ClassVar[str] = "loss"
    """Column that the law predicts, one of `bayescale.responses.RESPONSES`. Where this page says
    loss, it means the response.
    """
    unscaled_inputs: ClassVar[tuple[str, ...]] = ()
    """Inputs whose unit is one whatever the runs, since the formula does not hold in another."""
    paper: ClassVar[str] = ""
    """Where the law was published: ``Authors year, title, place, arXiv:number``; several are set
    apart by semicolons.
    """
    published: ClassVar[tuple[Published, ...]] = ()
    """Constants that papers printed."""

    @property
    @abstractmethod
    def title(self) -> str:
        """One line for people."""

    @property
    @abstractmethod
    def formula(self) -> str:
        """The formula in Greek, for people."""

    @property
    @abstractmethod
    def inputs(self) -> tuple[str, ...]:
        """Columns of the runs that enter the formula."""

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns that a table of runs must have: the inputs and the response, but for compute,
        which is 6·N·D where it is lacking, and a share of right answers, which may be counted.
        """
        inputs = [name for name in self.inputs if name != "flops"]
        return (*inputs,) if self.response == "accuracy" else (*inputs, self.response)

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """The table of parameters."""

    @property
    def decreasing_in(self) -> tuple[str, ...]:
        """Inputs of which more never raises the loss, whatever the constants."""
        return ()

    @property
    def nested_models(self) -> tuple[NestedModel, ...]:
        """Values at which the law becomes a simpler one."""
        return ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms whose sum is L; empty where the law is no sum of powers."""
        return ()

    @abstractmethod
    def predict(self, params: Values, log_inputs: Values) -> Array:
        """Return log L from constants and the logarithms of the inputs, in any one system of
        units; everything broadcasts.

        For a response that is fitted on another scale than the logarithm, its value on that scale.
        """

    def decorrelate(self, logs: Sequence[Array]) -> list[Array]:
        """Return coordinates in which posteriors are nearly Normal, from the logarithms of the
        parameters in the units of the data, or from those parameters themselves that may have
        either sign; unless a law has better ones, the logarithms.

        The loss at the centre of the data and its slopes there are known well whatever is known of
        E, A and B, so the logarithms lie on a thin curved sheet; with those quantities as
        coordinates the sheet is flat. The map preserves volume, so densities need no correction.
        """
        return list(logs)

    def recorrelate(self, decorrelated: Sequence[Array]) -> list[Array]:
        """Return the logarithms again: the inverse of `decorrelate`."""
        return list(decorrelated)

    def rescale(self, params: Values, units: Values) -> dict[str, FloatOrArray]:
        """Return the constants in counts and nats from those in ``units``, which holds one for each
        input and for the response; other parameters stay.

        Roles of the parameters say how. A law whose constants change otherwise says so here. The
        unit of a response is the exponential of its mean on the scale of the fit, or one where
        that is not taken off. Inputs that `unit_of` counts in the unit of another have the same
        one.
        """
        rescaled = {p.name: p.rescaled(params, units, self.response) for p in self.parameters}
        return {**params, **rescaled}


class AllocatesCompute(Law):
    """A law of N and D that knows the best model for a budget of compute, C = 6·N·D."""

    @abstractmethod
    def optimal_n_params(self, params: Values, compute: FloatOrArray) -> FloatOrArray:
        """Return the N that makes loss least when 6·N·D = C.

        Parameters
        ----------
        params : mapping of arrays, in counts
        compute : array, FLOPs

        Returns
        -------
        array, parameters
        """
