"""Responses: the quantities that laws predict of a run, and the scales on which they are fitted.

A loss is fitted on the logarithm, where scatter is a share of the loss. What may be negative, or is
compared by differences, is fitted as it is; a share of problems solved on its log odds. Laws, noise
models and methods know the scale alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, logit

from bayescale.errors import InputError
from bayescale.runs import Runs


@dataclass(frozen=True)
class Response:
    """One quantity that a law may predict.

    Attributes
    ----------
    column : str
        Column of the runs.
    unit : str
        Unit, for people.
    scale : str
        Name of the scale of the fit, for people.
    centred : bool
        Whether its mean on the scale is taken off before a fit, so that priors need not know its
        size: a law's constants then follow, by `Law.rescale`. Log odds are absolute.
    to_scale, from_scale : callable
        From the quantity, and back.
    log_slope : callable
        log |d scale / d quantity|, of a value on the scale: what makes a density on the scale one
        of the quantity.
    """

    column: str
    unit: str
    scale: str
    centred: bool
    to_scale: Callable[[np.ndarray], np.ndarray]
    from_scale: Callable[[np.ndarray], np.ndarray]
    log_slope: Callable[[np.ndarray], np.ndarray]

    def of(self, runs: Runs) -> np.ndarray:
        """Return the runs' values on the scale, shape (runs,); for counts, the log odds with half a
        success and half a failure added (Haldane 1956), finite for none and for all.

        Raises
        ------
        InputError
            Where the runs have no such column, or it holds values that the scale has not.
        """
        if self.column == "accuracy" and runs.counted:
            n_correct, n_samples = runs.counts
            return np.asarray(np.log((n_correct + 0.5) / (n_samples - n_correct + 0.5)))
        values = runs.column(self.column)
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.asarray(self.to_scale(values))
        bad = ~np.isfinite(scaled)
        if bad.any():
            where = (
                f"{runs.name}, run {runs.frame.index[int(np.argmax(bad))]}, column {self.column}"
            )
            remedy = (
                "give counts, n_correct and n_samples," if self.column == "accuracy" else "mend it"
            )
            raise InputError(
                f"{where}: {values[bad][0]:g} has no {self.scale}; {remedy} or drop the row."
            )
        return scaled


def _identity(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


def _logarithmic(column: str, unit: str, centred: bool = True) -> Response:
    return Response(column, unit, "logarithm", centred, np.log, np.exp, np.negative)


def _linear(column: str, unit: str) -> Response:
    return Response(column, unit, "value as it is", True, _identity, _identity, np.zeros_like)


_ALL = (
    _logarithmic("loss", "nats per token"),
    _logarithmic("learning_rate", "learning rate"),
    _logarithmic("batch_tokens", "tokens per batch"),
    _logarithmic("failure_rate", "share of problems never solved", centred=False),
    _linear("relative_loss", "nats per token above or below a reference"),
    _linear("error", "share of answers that are wrong"),
    _linear("score", "score"),
    Response(
        "accuracy",
        "share of answers that are right",
        "log odds",
        False,
        logit,
        expit,
        lambda x: -log_expit(x) - log_expit(-x),
    ),
)

RESPONSES = {response.column: response for response in _ALL}
"""Responses by column."""
