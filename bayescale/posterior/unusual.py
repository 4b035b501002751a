"""A sweep that the library prior does not expect: a prior predictive check before the fit.

Sweeps are made up from the prior on the design of the runs, with departures and scatter. Two
quantities of the runs are compared with theirs: by how much losses fall in all, and how fast they
fall with compute at the dearest runs,

    p = 2 min(P(T(y_rep) < T(y)), P(T(y_rep) ≥ T(y))) + 1/m,   m sweeps made up

The check is NumPy alone, and takes milliseconds. G. E. P. Box, "Sampling and Bayes' Inference in
Scientific Modelling and Robustness", 1980.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import log_expit

from bayescale.findings.base import DOUBTFUL, Finding
from bayescale.laws.base import Law
from bayescale.laws.coupled import Coupled
from bayescale.noise.base import Noise
from bayescale.posterior.of_runs import centre_of
from bayescale.priors.library import Library
from bayescale.processes.base import Basis, locate, sweep_of
from bayescale.runs import Runs

LIMIT = 0.01
"""Two-sided probability of a quantity under the prior, below which a sweep is unusual."""

_SWEEPS = 400
_MOST_RUNS = 100
_DEGREES_OF_FREEDOM = 4.0
_LIKELY = (0.05, 0.95)
# The frontier: the runs within a decade of the dearest, and as many as give a slope.
_FRONTIER, _FEWEST = 1.0, 4
# Slopes of log loss along log N and along log D are shrunk to the first by a Normal prior of the
# second; the third is the scatter that is taken for a run's.
_USUAL_SLOPE, _SLOPE_SD, _SCATTER = -0.0325, 0.05, 0.02

_REMEDY = (
    "Check the units of N and D, and that the loss is of text, in nats or bits. Without law=, the "
    "prior's standard deviations were doubled; Coupled(prior=bs.priors.AtFrontier(...)) takes "
    "numbers of your own."
)


@dataclass(frozen=True, eq=False)
class Quantity:
    """A fall of log loss, of the runs and of sweeps made up.

    Attributes
    ----------
    name : str
        What falls, for a sentence.
    observed : float
    made_up : array, shape (sweeps,)
    """

    name: str
    observed: float
    made_up: np.ndarray

    @property
    def probability(self) -> float:
        """The two-sided probability of the observed value under the prior."""
        below = float(np.mean(self.made_up < self.observed))
        return min(2 * min(below, 1 - below) + 1 / len(self.made_up), 1.0)

    @property
    def sentence(self) -> str:
        """The observed fall, and the central 90 % of those made up."""
        low, high = np.quantile(self.made_up, _LIKELY)
        return (
            f"{self.name} by {_fall(self.observed)}, where nine in ten of its prior do by "
            f"{_fall(low)} to {_fall(high)}"
        )


def unlike_library(runs: Runs, law: Law, noise: Noise) -> tuple[Finding, ...]:
    """Return a finding where the library has no sweep like the runs.

    Parameters
    ----------
    runs : Runs
    law : Law
        One with another prior than `Library` has no finding.
    noise : Noise
        Its processes make sweeps depart from the law.
    """
    if not (isinstance(law, Coupled) and isinstance(law.prior, Library)):
        return ()
    found = [each for each in quantities(runs, law.prior, noise) if each.probability < LIMIT]
    if not found:
        return ()
    told = "; ".join(each.sentence for each in found)
    least = min(each.probability for each in found)
    rows = tuple(runs.frame.index.astype(str))
    sentence = f"The library has no sweep like this: {told}."
    return (Finding("unlike_library", DOUBTFUL, sentence, _REMEDY, rows, {"p": least}),)


def widened(law: Law) -> Law:
    """Return the law with twice the standard deviations of its library prior; others as they
    are.
    """
    if isinstance(law, Coupled) and isinstance(law.prior, Library):
        return replace(law, prior=replace(law.prior, sd_factor=2 * law.prior.sd_factor))
    return law


def quantities(runs: Runs, prior: Library, noise: Noise) -> tuple[Quantity, Quantity]:
    """Return the fall of log loss in all, and in a decade of compute at the frontier."""
    runs = _thinned(runs)
    observed, made_up = np.log(runs.column("loss")), _made_up(runs, prior, noise)
    weights, usual = _slope(np.log(runs.column("n_params")), np.log(runs.column("n_tokens")))
    return (
        Quantity("losses fall in all", float(np.ptp(observed)), np.ptp(made_up, axis=1)),
        Quantity(
            "losses of the dearest runs fall in a decade of compute",
            float(observed @ weights + usual),
            made_up @ weights + usual,
        ),
    )


def _thinned(runs: Runs) -> Runs:
    """Return 100 runs at most, evenly in the order of compute, the dearest among them."""
    if len(runs) <= _MOST_RUNS:
        return runs
    order = np.argsort(runs.six_nd, kind="stable")
    places = np.linspace(0, len(runs) - 1, _MOST_RUNS).round().astype(int)
    return replace(runs, frame=runs.frame.iloc[np.sort(order[places])])


def _made_up(runs: Runs, prior: Library, noise: Noise) -> np.ndarray:
    """Return log losses of sweeps made up, in units of that at the reference, shape (sweeps,
    runs).
    """
    rng = np.random.default_rng(0)
    law = Coupled(prior=prior)
    sweep, locations = sweep_of(runs, law.inputs), locate(runs, law.inputs)
    drawn = {}
    for row in prior.coordinates(()):
        drawn[row.name] = row.draw_prior(rng, (_SWEEPS, 1))
    floor, share = prior.learnt.log_odds_at(sweep)
    drawn["floor_log_odds"] += float(floor)
    drawn["params_log_odds"] += float(share)
    centre = centre_of(runs, law)
    logs = [np.log(runs.column(name)) - centre[name] for name in law.inputs]
    log_loss = log_law_at_reference(drawn, *logs)
    for process in noise.shared:
        basis = Basis.of(process, locations)
        functions = rng.standard_normal((_SWEEPS, basis.size)) @ basis.features(locations).T
        log_loss += process.amplitude.draw_prior(rng, (_SWEEPS, 1)) * functions
    sigma = prior.scatter.draw(sweep, rng, _SWEEPS)
    return np.asarray(log_loss + sigma * rng.standard_t(_DEGREES_OF_FREEDOM, log_loss.shape))


def log_law_at_reference(
    drawn: dict[str, np.ndarray], log_n: np.ndarray, log_d: np.ndarray
) -> np.ndarray:
    """Return log losses of the coupled law, in units of those at the reference.

    Parameters
    ----------
    drawn : dict of arrays, each of shape (draws, 1)
        Coordinates of `AtFrontier`, slopes included.
    log_n, log_d : array, shape (runs,)
        In units of the reference.
    """
    gamma = np.exp(drawn["log_gamma"])
    half_ratio = drawn["log_exponent_ratio"] / 2
    alpha = np.exp(drawn["log_exponent"] - half_ratio)
    beta = np.exp(drawn["log_exponent"] + half_ratio)
    of_params = log_expit(drawn["params_log_odds"]) - alpha / gamma * log_n
    of_tokens = log_expit(-drawn["params_log_odds"]) - beta / gamma * log_d
    log_excess = log_expit(-drawn["floor_log_odds"]) + gamma * np.logaddexp(of_params, of_tokens)
    return np.asarray(np.logaddexp(log_expit(drawn["floor_log_odds"]), log_excess))


def _slope(log_n: np.ndarray, log_d: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights of log losses and a constant, whose sum is the fall in a decade of compute at
    the frontier where N and D grow alike; weights have shape (runs,).
    """
    decades = (log_n + log_d) / np.log(10)
    order = np.argsort(-decades, kind="stable")
    near = int(np.sum(decades >= decades.max() - _FRONTIER))
    rows = order[: max(_FEWEST, near)]
    inputs = np.stack([log_n[rows], log_d[rows]], axis=1)
    inputs = inputs - inputs.mean(axis=0)
    precision = inputs.T @ inputs / _SCATTER**2 + np.eye(2) / _SLOPE_SD**2
    # Of both slopes' mean, at their sum's decades.
    along = -np.log(10) / 2 * np.linalg.solve(precision, np.ones(2))
    weights = np.zeros(len(log_n))
    weights[rows] = inputs @ along / _SCATTER**2
    return weights, float(along.sum() * _USUAL_SLOPE / _SLOPE_SD**2)


def _fall(log_loss: float) -> str:
    return f"{-np.expm1(-log_loss):.1%}"
