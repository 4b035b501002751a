"""Parts of the page's calculator: the law's formula as JavaScript, and the draws of its constants.

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
    """Return the body of a function that returns L, from the formula that people are shown.

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
    parts = formula.split("; ")
    definitions = [f"const {_arithmetic(part)};" for part in parts[:0:-1]]
    loss = parts[0].partition(" = ")[2]
    return "\n".join([*definitions, f"return {_arithmetic(loss)};"])


def arguments(posterior: Posterior) -> list[str]:
    """Return the names of the function's arguments: the law's constants, then the symbols of
    parameters and tokens.
    """
    constants = [parameter.name for parameter in posterior.law.parameters]
    return constants + [SYMBOLS[name] for name in _INPUTS]


def draws(posterior: Posterior) -> dict[str, str]:
    """Return each constant of the law over all draws, as the base64 text of little-endian
    doubles.
    """
    texts = {}
    for parameter in posterior.law.parameters:
        values = np.asarray(posterior.draws(parameter.name), dtype="<f8")
        texts[parameter.name] = base64.b64encode(values.tobytes()).decode()
    return texts


def _arithmetic(formula: str) -> str:
    in_latin = re.sub("[α-ω]", _name_of_letter, formula.translate(_SIGNS))
    return re.sub(r"\b(exp|log|min|max)\(", r"Math.\1(", in_latin)


def _name_of_letter(letter: re.Match[str]) -> str:
    """Return the name of a Greek letter, such as alpha."""
    return unicodedata.name(letter[0]).rpartition(" ")[2].lower()
