"""The parts of the page's calculator: the law's formula as JavaScript, and the draws of its
constants.

The formula that people are shown is the one that is computed; a test holds the result against
`allocate`.
"""

import base64
import re
import unicodedata

import numpy as np

from bayescale.laws.base import SYMBOLS
from bayescale.posterior.posterior import Posterior

_SIGNS = {ord("^"): "**", ord("·"): "*", ord("−"): "-", ord("{"): "(", ord("}"): ")"}
_INPUTS = ("n_params", "n_tokens")


def has_calculator(posterior: Posterior) -> bool:
    """Return whether a formula of parameters and tokens alone says what the loss of a plan is:
    there are no departures from it.
    """
    formula = posterior.law.inputs == _INPUTS and posterior.law.response == "loss"
    return formula and not posterior.noise.shared


def javascript(formula: str) -> str:
    """The body of a function that returns L, from the formula that people are shown.

    Parameters
    ----------
    formula : str
        ``L(…) = …``, perhaps with definitions behind semicolons, which may use those that stand
        after them.

    Examples
    --------
    >>> print(javascript("L(N, D) = E + A/N^α"))
    return E + A/N**alpha;
    """
    equation, *definitions = formula.split("; ")
    lines = [f"const {_arithmetic(definition)};" for definition in reversed(definitions)]
    return "\n".join([*lines, f"return {_arithmetic(equation.partition(' = ')[2])};"])


def arguments(posterior: Posterior) -> list[str]:
    """Names of the function's arguments: the law's constants, then the symbols of parameters and
    tokens.
    """
    return [
        *(parameter.name for parameter in posterior.law.parameters),
        *(SYMBOLS[name] for name in _INPUTS),
    ]


def draws(posterior: Posterior) -> dict[str, str]:
    """Each constant of the law over all draws, as the base64 text of little-endian doubles."""
    return {
        parameter.name: base64.b64encode(
            np.asarray(posterior.draws(parameter.name), dtype="<f8").tobytes()
        ).decode()
        for parameter in posterior.law.parameters
    }


def _arithmetic(written: str) -> str:
    spelt = re.sub(
        "[α-ω]",
        lambda letter: unicodedata.name(letter[0]).rpartition(" ")[2].lower(),
        written.translate(_SIGNS),
    )
    return re.sub(r"\b(exp|log|min|max)\(", r"Math.\1(", spelt)
