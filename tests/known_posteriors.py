"""Posteriors of simulated sweeps, made in NumPy: for tests that ask nothing about fitting.

Least squares on log loss finds the parameters, and draws are Normal about their logarithms, with
the covariance that least squares gives. No program is compiled.
"""

from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult, least_squares

import bayescale as bs
from bayescale.laws.base import Law
from bayescale.noise.base import Noise
from bayescale.posterior.posterior import Posterior

# Standard deviation of the prior of each logarithm, so that few runs leave a finite covariance.
_PRIOR_WIDTH = 1.0


def known_posterior(
    runs: bs.Runs,
    law: Law | None = None,
    noise: Noise | None = None,
    *,
    shape: tuple[int, int] = (2, 60),
    **fields: Any,
) -> Posterior:
    """Return the posterior of a sum of powers under Normal scatter, near enough to a fit.

    Parameters
    ----------
    runs : Runs
    law : Law
        A sum of powers; `Chinchilla()` unless given.
    noise : Noise
        `Normal()` unless given. An objective gets no scale.
    shape : tuple of int
        Chains and draws; ``(1, 1)`` is a point fit, at the least squares.
    **fields
        Of `Posterior`.
    """
    law = law or bs.laws.Chinchilla()
    noise = noise or bs.noise.Normal()
    found = _least_squares(runs, law)
    freedom = len(runs) - len(found.x)
    scale = np.sqrt(np.sum(found.fun**2) / freedom)
    precision = found.jac.T @ found.jac / scale**2 + np.eye(len(found.x)) / _PRIOR_WIDTH**2
    centre = np.append(found.x, np.log(scale))
    covariance = np.zeros((len(centre), len(centre)))
    covariance[:-1, :-1] = np.linalg.inv(precision)
    covariance[-1, -1] = 1 / (2 * freedom)
    drawn = np.broadcast_to(centre, (*shape, len(centre)))
    if shape != (1, 1):
        drawn = np.random.default_rng(0).multivariate_normal(centre, covariance, size=shape)
    names = [*_names(law), "sigma"]
    kept = {p.name for p in (*law.parameters, *noise.parameters)}
    params = {name: np.exp(drawn[..., i]) for i, name in enumerate(names) if name in kept}
    method = fields.pop("method", bs.MultiStart(starts=50))
    return Posterior(law, noise, method, runs, params, np.zeros((*shape, 0)), **fields)


def _names(law: Law) -> list[str]:
    """The law's levels and exponents, each once."""
    levels = [str(term.level) for term in law.terms]
    exponents = [str(term.exponent) for term in law.terms if term.exponent is not None]
    return list(dict.fromkeys([*levels, *exponents]))


def _least_squares(runs: bs.Runs, law: Law) -> OptimizeResult:
    """Return where the log residuals are least, in logarithms of the parameters."""
    names = _names(law)
    log_loss = np.log(runs.column("loss"))
    log_inputs = {str(t.input): np.log(runs.column(str(t.input))) for t in law.terms if t.input}
    powers = [term for term in law.terms if term.exponent is not None]
    least = runs.column("loss").min()
    start = {}
    for term in law.terms:
        if term.exponent is None:
            start[str(term.level)] = np.log(0.8 * least)
            continue
        share = np.log((np.exp(log_loss).mean() - 0.8 * least) / len(powers))
        start[str(term.exponent)] = np.log(0.3)
        start[str(term.level)] = share + 0.3 * log_inputs[str(term.input)].mean()

    def residuals(logs: np.ndarray) -> np.ndarray:
        at = dict(zip(names, logs, strict=True))
        total = np.zeros(len(runs))
        for term in law.terms:
            log_term = np.full(len(runs), at[str(term.level)])
            if term.exponent is not None:
                log_term -= np.exp(at[str(term.exponent)]) * log_inputs[str(term.input)]
            total += np.exp(log_term)
        return np.log(total) - log_loss

    return least_squares(residuals, [start[name] for name in names], x_scale="jac", max_nfev=2000)
