"""Units of a loss: which one a heading names, and how it becomes nats per token."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayescale.errors import InputError
from bayescale.tables.headings import heading
from bayescale.units import NATS_PER_TOKEN, UNKNOWN_LOSS_UNIT


@dataclass(frozen=True)
class LossUnit:
    """A unit of a loss.

    Attributes
    ----------
    name : str
        The unit of the numbers in the table.
    to_nats : callable
        Function from those numbers to what is fitted.
    says : str
        What was done, of a column ``{heading}``; empty where nothing was.
    result : str
        The unit of what is fitted.
    """

    name: str
    to_nats: Callable[[np.ndarray], np.ndarray]
    says: str = ""
    result: str = NATS_PER_TOKEN


def _same(values: np.ndarray) -> np.ndarray:
    return values


def _from_bits(values: np.ndarray) -> np.ndarray:
    return values * np.log(2.0)


def _stays(unit: str) -> LossUnit:
    says = (
        f"Losses are {unit} ({{heading}}) and stay so: read every loss and E as {unit}, not as "
        f"nats per token."
    )
    return LossUnit(unit, _same, says, unit)


def _logarithm(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(values))


_NATS = LossUnit("nats", _same)
_BITS = LossUnit("bits", _from_bits, "loss is {heading}, bits, times ln 2: nats.")
_PERPLEXITY = LossUnit(
    "perplexity", _logarithm, "loss is the logarithm of {heading}, a perplexity: nats."
)
_BITS_PER_BYTE = _stays("bits per byte")
_UNKNOWN = LossUnit(
    "unknown",
    _same,
    "The unit of {heading} is unknown: read every loss and E in units of the table.",
    UNKNOWN_LOSS_UNIT,
)

LOSS_UNITS = {unit.name: unit for unit in (_NATS, _BITS, _PERPLEXITY, _BITS_PER_BYTE, _UNKNOWN)}
"""Units that may be asked for, by name."""


def loss_unit_of(text: str, asked: str | None) -> LossUnit:
    """Return the unit of a loss: the one asked for, or the one that the heading names, or nats.

    Raises
    ------
    InputError
        Where the unit asked for is none that is known.

    Examples
    --------
    >>> loss_unit_of("Val BPB", None).name, loss_unit_of("val_loss", None).name
    ('bits per byte', 'nats')
    """
    if asked is not None:
        if asked not in LOSS_UNITS:
            raise InputError(
                f"There is no loss_unit {asked!r}; it may be {', '.join(map(repr, LOSS_UNITS))}."
            )
        return LOSS_UNITS[asked]
    parts = heading(text)
    if parts.has("perplexity"):
        return _NATS if parts.has("log") else _PERPLEXITY
    if parts.has("byte", "character", "word", "char") and parts.has("bits", "nats"):
        base = "bits" if parts.has("bits") else "nats"
        of = next(word for word in ("byte", "character", "char", "word") if parts.has(word))
        return _stays(f"{base} per {'character' if of == 'char' else of}")
    return _BITS if parts.has("bits") else _NATS
