"""Outliers: the posterior probability of each run that it does not belong with the others.

    p_i = P(|log L_i − prediction_i| > k s_i | all runs),   k = Φ⁻¹(½ + ½ 0.95^{1/n})

K. Chaloner and R. Brant, "A Bayesian Approach to Outlier Detection and Residual Analysis", 1988,
section 2: k is such that n runs of Normal scatter hold any outlier with a probability of 5 % before
they are seen. The scale s_i describes the bulk of the likelihood, whatever its tails: its
interquartile range over that of a standard Normal. A heavy-tailed likelihood is thus not asked
whether it can bear a run, but whether the run lies where there are tails and no bulk.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from bayescale._internal.precision import float64
from bayescale.errors import InputError
from bayescale.noise.base import is_likelihood
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text

NAMED = 0.5

_NONE_BEFORE = 0.95
_QUARTILES = (0.25, 0.75)
# In scales of a density's height, dense where the bulk is; beyond the ends even heavy tails hold
# little.
_STEPS = np.sinh(np.linspace(-9.0, 9.0, 361))


@dataclass(frozen=True, eq=False)
class Outliers:
    """The probability of each run that it is an outlier.

    Attributes
    ----------
    name : str
        Of the runs.
    limit : float
        k, in scales: how far away an outlier is at least.
    frame : DataFrame, one row per run, the most probable outlier first
        ``run_id``; the law's inputs; ``loss``, nats per token; ``residual``, the median of log loss
        less its prediction, in units of the scale; ``probability``.
    """

    name: str
    limit: float
    frame: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """The runs that are outliers more probably than not, indexed by ``run_id``."""
        return self.frame[self.frame["probability"] > NAMED].set_index("run_id")

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"outliers of {self.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say how many runs are outliers more probably than not."""
        return (
            f"{len(self.summary())} of {len(self.frame)} runs lie more than {self.limit:.2f} "
            f"scales off, more probably than not.",
        )

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The limit, and each run, the most probable outlier first."""
        return {"limit": self.limit, "runs": records(self.frame)}

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def outliers(posterior: Posterior) -> Outliers:
    """Find the runs that lie too far from the law, and from what the noise model adds to it, to be
    scatter.

    Parameters
    ----------
    posterior : Posterior
        Of a likelihood. Under a heavy-tailed one outliers pull the fit little and stand out; under
        `Normal` they widen the scale by which they are judged.

    Returns
    -------
    Outliers

    Raises
    ------
    InputError
        Where the noise model is an objective.

    Notes
    -----
    Processes count as prediction: under `Discrepancy` a run is an outlier where runs near it are
    not off likewise.

    Examples
    --------
    >>> import warnings
    >>> import bayescale as bs
    >>> warnings.simplefilter("ignore", bs.RunsWarning)  # a fit names this run by itself
    >>> runs = bs.datasets.simulate(seed=1)
    >>> loss = runs.frame["loss"].where(runs.frame.index != 7, 4.0)
    >>> wrong = bs.Runs.from_frame(runs.frame.assign(loss=loss))
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(wrong, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> bs.outliers(post).summary().index.tolist()
    [7]
    """
    if not is_likelihood(posterior.noise):
        raise InputError(
            f"outliers are judged by the scale of a likelihood, and {posterior.noise.title} is "
            f"none; fit with StudentT()."
        )
    runs = posterior.runs
    log_prediction = posterior.log_law() + posterior.log_departure()
    residual = (posterior.observed - log_prediction) / _scale(posterior, log_prediction)
    limit = float(norm.ppf(0.5 + 0.5 * _NONE_BEFORE ** (1 / len(runs))))
    frame = pd.DataFrame(
        {
            "run_id": runs.frame.index,
            **runs.columns(posterior.law.inputs),
            posterior.law.response: posterior.response.from_scale(posterior.observed),
            "residual": np.median(residual, axis=(0, 1)),
            "probability": np.mean(np.abs(residual) > limit, axis=(0, 1)),
        }
    )
    # Runs of equal probability, most of them nil, by how far off they are.
    order = np.lexsort((-frame["residual"].abs(), -frame["probability"]))
    return Outliers(runs.name, limit, frame.iloc[order].reset_index(drop=True))


def _scale(posterior: Posterior, log_prediction: np.ndarray) -> np.ndarray:
    """Interquartile range of each run's density over that of a standard Normal, shape (chain, draw,
    runs).

    Runs of a draw differ in scale and not in shape, so that one run, at many points, shows the
    shape of all.
    """
    heights = _height(posterior.density(log_prediction), log_prediction)
    first_run = {name: posterior.runs.column(name)[:1] for name in posterior.law.inputs}
    centre = np.zeros_like(log_prediction[..., :1])
    shape = posterior.density(centre, first_run)
    density = np.exp(np.asarray(shape.log_prob(_STEPS * _height(shape, centre))))
    parts = (density[..., 1:] + density[..., :-1]) / 2 * np.diff(_STEPS)
    below = np.concatenate([centre, np.cumsum(parts, axis=-1)], axis=-1)
    share = below / below[..., -1:]
    low, high = (_crossing(share, level) for level in _QUARTILES)
    return np.asarray(heights * ((high - low) / np.diff(norm.ppf(_QUARTILES)))[..., None])


def _height(density: Any, centre: np.ndarray) -> np.ndarray:
    """The scale of a Normal density as high at its centre."""
    return np.asarray(np.exp(-density.log_prob(centre)) / np.sqrt(2 * np.pi))


def _crossing(below: np.ndarray, level: float) -> np.ndarray:
    """The step at which a rising function, shape (…, steps), meets a level, by a straight line
    between two; shape (…).
    """
    right = np.sum(below < level, axis=-1, keepdims=True)
    around = np.take_along_axis(below, np.concatenate([right - 1, right], axis=-1), axis=-1)
    start, end = around[..., 0], around[..., 1]
    share = (level - start) / (end - start)
    return np.asarray(
        _STEPS[right[..., 0] - 1] + share * (_STEPS[right] - _STEPS[right - 1])[..., 0]
    )
