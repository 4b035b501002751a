"""An interpreter of formulas as people are shown them: of arithmetic and a few functions, and of
nothing else.
"""

import ast
import operator
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.special

# E_z is a mean over z, which is standard Normal, and I the incomplete beta function of equal
# arguments.
Z = np.linspace(-12.0, 12.0, 2001)[:, None]
FUNCTIONS = {
    "exp": np.exp,
    "log": np.log,
    "min": np.minimum,
    "max": np.maximum,
    "B": scipy.special.beta,
    "I": lambda p, half: scipy.special.betainc(half, half, p),
    "E_z": lambda values: np.average(values, axis=0, weights=np.exp(-(Z[:, 0] ** 2) / 2)),
}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def value_of(written: str, known: Mapping[str, Any]) -> Any:
    """The value of a formula in Greek, such as ``A/N^α``, from those of its names."""
    return _value(ast.parse(arithmetic(written), mode="eval").body, {"z": Z, **known})


def arithmetic(written: str) -> str:
    """A formula, its Greek, its symbols and its ^ as Python writes them."""
    written = written.translate(
        {ord("^"): "**", ord("·"): "*", ord("−"): "-", ord("{"): "(", ord("}"): ")"}
    )
    return re.sub(
        "[α-ω]", lambda letter: unicodedata.name(letter[0]).rpartition(" ")[2].lower(), written
    )


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return known[name]
        case ast.UnaryOp(op=sign, operand=operand):
            return OPERATORS[type(sign)](_value(operand, known))
        case ast.BinOp(left=left, op=sign, right=right):
            return OPERATORS[type(sign)](_value(left, known), _value(right, known))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*(_value(argument, known) for argument in arguments))
    raise ValueError(f"no arithmetic: {ast.unparse(node)}")
