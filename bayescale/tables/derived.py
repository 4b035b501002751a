"""Numbers that follow from others: tokens from steps and batches, or from compute."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayescale.tables.columns import Chosen
from bayescale.units import params_for, six_nd, tokens_for

Columns = Mapping[str, np.ndarray]
"""Numbers of each row, by standard name; NaN where a cell is missing."""

PRODUCTS = (
    ("dataset_tokens", "epochs"),
    ("steps", "batch_tokens"),
    ("steps", "batch_size", "sequence_length"),
    ("tokens_per_param", "n_params"),
)
"""Numbers whose product is the number of tokens, the surest first."""

_AGREES = 0.02
# Runs whose compute is 6·N·D within so much need no remark.
_NEARLY = 0.05


@dataclass(frozen=True, eq=False)
class Derived:
    """A column that follows from others.

    Attributes
    ----------
    name : str
        Standard name.
    values : array, shape (rows,)
    formula : str
        How it follows, such as ``steps × batch_tokens``.
    """

    name: str
    values: np.ndarray
    formula: str


def derived(columns: Columns, chosen: Mapping[str, Chosen]) -> Derived | None:
    """Return the tokens or the parameters that the table lacks and that follow from others.

    Tokens are steps × batch × sequence length, or steps × tokens in a batch; else tokens for each
    parameter × N; else C/(6·N). Parameters are C/(6·D).
    """
    names = {name: repr(one.heading) for name, one in chosen.items()}
    if "n_tokens" not in columns:
        return _tokens(columns, names)
    if "n_params" not in columns and "flops" in columns:
        values = np.asarray(params_for(columns["flops"], columns["n_tokens"]))
        return Derived("n_params", values, f"{names['flops']} / (6 × {names['n_tokens']})")
    return None


def _tokens(columns: Columns, names: Mapping[str, str]) -> Derived | None:
    for factors in PRODUCTS:
        if set(factors) <= columns.keys():
            values = np.prod([columns[factor] for factor in factors], axis=0)
            formula = " × ".join(names[factor] for factor in factors)
            return Derived("n_tokens", values, formula)
    if {"flops", "n_params"} <= columns.keys():
        values = np.asarray(tokens_for(columns["flops"], columns["n_params"]))
        return Derived("n_tokens", values, f"{names['flops']} / (6 × {names['n_params']})")
    return None


def remark_on_compute(columns: Columns, others: Mapping[str, np.ndarray]) -> str | None:
    """Return a note where compute differs from 6·N·D, or None.

    Parameters
    ----------
    columns : mapping
        ``flops``, ``n_params`` and ``n_tokens``.
    others : mapping of str to array
        Other columns that might have been parameters, by heading.
    """
    if not {"flops", "n_params", "n_tokens"} <= columns.keys():
        return None
    ratio = _ratio(columns, columns["n_params"])
    if not len(ratio) or np.all(np.abs(ratio - 1) < _NEARLY):
        return None
    low, high = ratio.min(), ratio.max()
    size = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
    text = f"flops is {size} times 6·N·D; a law of compute uses flops as given, and plans 6·N·D."
    for name, values in others.items():
        if np.all(np.abs(_ratio(columns, values) - 1) < _AGREES):
            return f"{text} It equals 6·N·D with {name!r} as n_params."
    return text


def _ratio(columns: Columns, n_params: np.ndarray) -> np.ndarray:
    """Return compute over 6·N·D, of rows that have all three."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = columns["flops"] / six_nd(n_params, columns["n_tokens"])
    return np.asarray(ratio[np.isfinite(ratio)])
