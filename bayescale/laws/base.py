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
from typing import ClassVar

import numpy as np
from jax import Array

from bayescale.errors import InputError
from bayescale.parameters import ROLES as ROLES
from bayescale.parameters import FloatOrArray as FloatOrArray
from bayescale.parameters import Parameter as Parameter
from bayescale.parameters import Power as Power
from bayescale.parameters import Values as Values
from bayescale.sweep import Sweep

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
    def unscaled_inputs(self) -> tuple[str, ...]:
        """Inputs whose unit is one whatever the runs, since the formula does not hold in
        another.
        """
        return ()

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
    def coordinates(self) -> tuple[Parameter, ...]:
        """The rows that are fitted, whose priors are independent: the table of parameters, unless a
        law has a joint prior.
        """
        return self.parameters

    def from_coordinates(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return the parameters in the units of the data from the rows of `coordinates`; other
        values stay.
        """
        return coordinates

    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return the runs whose geometric means are the units of the data: all, unless a law has a
        prior that is stated elsewhere.

        Parameters
        ----------
        log_compute : array, shape (runs,)
            Natural logarithm of compute, or of the one input.
        """
        return np.arange(len(log_compute))

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
        rows of `coordinates`, or from those rows themselves that may have either sign; unless a law
        has better ones, the same.

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
