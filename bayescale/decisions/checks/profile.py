"""Profile likelihood: what the runs alone say of the exponents, at each value the best that all
other parameters can do.

A posterior weighs what the runs say by the priors; the profile shows the first without the second,
and where both agree the priors did not decide. At every node of a grid of exponents the levels and
the noise are fitted anew:

    F(α, β) = min over E, A, B, σ, … of Σ w ρ(log loss − log L)
    log L(α, β) − max log L = min F − F(α, β)        for a likelihood

By Wilks' theorem twice the fall of the log-likelihood is χ² with as many degrees of freedom as
there are exponents at hand, which gives intervals without priors (S. S. Wilks, "The Large-Sample
Distribution of the Likelihood Ratio for Testing Composite Hypotheses", 1938). Scales and degrees of
freedom keep their priors, for a Student-t likelihood alone has no maximum.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import chi2

from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.defaults import textbook_law, textbook_noise
from bayescale.errors import InputError
from bayescale.inference._exponent_grid import ExponentGrid
from bayescale.inference._profiling import exponent_names, least_objective
from bayescale.inference.base import Problem
from bayescale.laws.base import Law
from bayescale.noise.base import Noise, is_likelihood
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.runs import Runs, RunsLike, as_runs

LEVELS = (0.5, 0.9)

_WIDEST = (0.01, 1.5)
_COARSE, _ROUNDS = 32, 4
_WORTH_SEEING, _MARGIN = 8.0, 2
_FEWEST_NODES = 8


@dataclass(frozen=True, eq=False)
class Profile:
    """The least objective at each value of the exponents.

    Attributes
    ----------
    runs : Runs
    law, noise
        What was fitted.
    data : Dataset with the law's exponents as dimensions
        ``objective``: F, in nats for a likelihood. ``relative_log_likelihood``: log L − max log L,
        for a likelihood alone.
    """

    runs: Runs
    law: Law
    noise: Noise
    data: xr.Dataset

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per node, the exponents first, the last of them running fastest."""
        return self.data.to_dataframe(dim_order=list(self.data.dims)).reset_index()

    def summary(self) -> pd.DataFrame:
        """The best node and, for a likelihood, the profile intervals of each exponent.

        An interval holds the values at which the others can bring the log-likelihood to within half
        the quantile of χ² with one degree of freedom of its maximum. Where they can up to the end
        of what was searched, the interval is open: 0 or inf.

        Returns
        -------
        DataFrame, one row per exponent
            ``best``, ``low_50``, ``high_50``, ``low_90``, ``high_90``; ``best`` alone for an
            objective.
        """
        best = self.data["objective"].argmin(...)
        table = {}
        for name in map(str, self.data.dims):
            axis = self.data[name].to_numpy()
            row = {"best": float(axis[int(best[name])])}
            if "relative_log_likelihood" in self.data:
                others = [other for other in self.data.dims if other != name]
                alone = self.data["relative_log_likelihood"].max(others).to_numpy()
                for level in LEVELS:
                    low, high = _crossings(axis, alone + chi2.ppf(level, df=1) / 2)
                    percent = f"{100 * level:.0f}"
                    row |= {f"low_{percent}": low, f"high_{percent}": high}
            table[name] = row
        return pd.DataFrame(table).T.rename_axis(index="exponent")

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"profile of {self.law.formula} on {self.runs.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The best value of each exponent."""
        best = self.summary()["best"]
        return tuple(f"{name} is {value:.4g} at the best node." for name, value in best.items())

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The summary, a row an exponent, and what was fitted."""
        return {
            "exponents": records(self.summary().reset_index()),
            "law": describe(self.law),
            "noise": describe(self.noise),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def profile(
    of: Posterior | RunsLike,
    *,
    law: Law | None = None,
    noise: Noise | None = None,
    nodes: int = 128,
) -> Profile:
    """Fit levels and noise anew at every node of a grid of exponents.

    The grid covers what is worth seeing, some 8 nats below the best, within 0.01 to 1.5. At fixed
    exponents the law is linear in its levels: non-negative least squares, reweighted by the noise
    and in turn with it, come near the minimum of a node, and Newton's method on F ends there. Of
    two minima at one node, which heavy tails may make, it finds one.

    Parameters
    ----------
    of : Posterior, Runs, path, text, DataFrame, mapping or sequence
        A posterior brings its runs, law and noise; any other table is read by `Runs.read`.
    law : Law
        A sum of powers with one or two exponents. By default the posterior's law, or
        `Chinchilla()` for runs.
    noise : Noise
        A likelihood or an objective. By default the posterior's noise model, or `StudentT()` for
        runs.
    nodes : int
        Along each exponent.

    Returns
    -------
    Profile

    Raises
    ------
    InputError
        Where the law is no such sum, there are too few runs, or too few nodes are asked for.

    Examples
    --------
    >>> import bayescale as bs
    >>> found = bs.profile(bs.datasets.simulate(seed=1), noise=bs.noise.Normal(), nodes=16)
    >>> found.summary().loc["alpha", ["low_90", "high_90"]].between(0.3, 0.4).tolist()
    [True, True]
    """
    if isinstance(of, Posterior):
        runs, fitted_law, fitted_noise = of.runs, of.law, of.noise
    else:
        runs, fitted_law, fitted_noise = as_runs(of), textbook_law(), textbook_noise()
    law, noise = law or fitted_law, noise or fitted_noise
    exponents = _exponents(law)
    if nodes < _FEWEST_NODES:
        raise InputError(f"profile: nodes={nodes} must be at least {_FEWEST_NODES}.")
    problem = Problem.build(runs, law, noise)
    noise_start = problem.target.prior_location_scale[0][problem.target.n_predictive :]
    grid = ExponentGrid.over([_WIDEST] * len(exponents), _COARSE)
    for round_ in range(_ROUNDS):
        values, noise_start = least_objective(problem, grid, noise_start)
        size = nodes if round_ == _ROUNDS - 1 else _COARSE
        grid = grid.closer(_fall(problem, values) > -_WORTH_SEEING, _MARGIN, size)
    values, _ = least_objective(problem, grid, noise_start)
    data = {"objective": (exponents, values)}
    if is_likelihood(noise):
        data["relative_log_likelihood"] = (exponents, _fall(problem, values))
    coordinates = dict(zip(exponents, grid.axes, strict=True))
    return Profile(runs, law, noise, xr.Dataset(data, coords=coordinates))


def _exponents(law: Law) -> tuple[str, ...]:
    names = exponent_names(law)
    if len(names) not in (1, 2):
        raise InputError(
            f"A profile is over the exponents of a sum of one or two powers, and {law.formula} is "
            f"none. "
            "Use NUTS() and plots.pair to see what the runs say of its parameters."
        )
    return names


def _crossings(axis: np.ndarray, height: np.ndarray) -> tuple[float, float]:
    """Return where the outermost stretch of positive heights begins and ends.

    Heights are straight lines between nodes.
    """
    above = np.flatnonzero(height > 0)
    first, last = above[0], above[-1]
    low = (
        0.0
        if first == 0
        else np.interp(0.0, height[first - 1 : first + 1], axis[first - 1 : first + 1])
    )
    high = (
        np.inf
        if last == len(axis) - 1
        else np.interp(0.0, height[last : last + 2][::-1], axis[last : last + 2][::-1])
    )
    return float(low), float(high)


def _fall(problem: Problem, values: np.ndarray) -> np.ndarray:
    """Return log L less its maximum; for an objective −n log F, as of a power of a scale."""
    if is_likelihood(problem.target.noise):
        return np.nanmin(values) - values
    tiny = np.finfo(float).tiny
    return -len(problem.runs) * np.log(np.maximum(values, tiny) / max(np.nanmin(values), tiny))
