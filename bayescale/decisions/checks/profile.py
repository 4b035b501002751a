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

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jax import Array
from scipy.stats import chi2

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.defaults import textbook_law, textbook_noise
from bayescale.errors import InputError
from bayescale.inference._coordinates import constrained
from bayescale.inference._data import Data
from bayescale.inference.base import Problem, Target
from bayescale.kernels import centre_response, evaluate_pairs, newton, power_columns
from bayescale.laws.base import Law
from bayescale.noise.base import Noise, is_likelihood
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.runs import Runs

LEVELS = (0.5, 0.9)

_WIDEST = (0.01, 1.5)
_COARSE, _CHUNK, _ROUNDS = 32, 1024, 4
_WORTH_SEEING, _MARGIN = 8.0, 2
_REWEIGHTED, _NEWTON_STEPS = 40, 40
_LEAST_LEVEL, _LEAST_STIFFNESS = 1e-4, 1e-9
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
                    ends = _crossings(axis, alone + chi2.ppf(level, df=1) / 2)
                    row |= {
                        f"{side}_{100 * level:.0f}": end
                        for side, end in zip(("low", "high"), ends, strict=True)
                    }
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
    of: Posterior | Runs | pd.DataFrame,
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
    of : Posterior, Runs or DataFrame
        A posterior brings its runs, law and noise.
    law : Law
        A sum of powers with one or two exponents; the posterior's, or `Chinchilla()`, unless given.
    noise : Noise
        Any, objectives included; the posterior's, or `StudentT()`, unless given.
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
    >>> found = bs.profile(bs.datasets.simulate(seed=1), noise=bs.noise.Normal(), nodes=32)
    >>> found.summary().loc["alpha", ["low_90", "high_90"]].between(0.3, 0.4).tolist()
    [True, True]
    """
    if isinstance(of, Posterior):
        runs, fitted_law, fitted_noise = of.runs, of.law, of.noise
    else:
        runs, fitted_law, fitted_noise = (
            (of if isinstance(of, Runs) else Runs.from_frame(of)),
            textbook_law(),
            textbook_noise(),
        )
    law, noise = law or fitted_law, noise or fitted_noise
    exponents = _exponents(law)
    if nodes < _FEWEST_NODES:
        raise InputError(f"profile: nodes={nodes} must be at least {_FEWEST_NODES}.")
    problem = Problem.build(runs, law, noise)
    noise_start = problem.target.prior_location_scale[0][problem.target.n_predictive :]
    axes = tuple(np.linspace(*_WIDEST, _COARSE) for _ in exponents)
    for round_ in range(_ROUNDS):
        values, noise_start = _searched(problem, axes, noise_start)
        size = nodes if round_ == _ROUNDS - 1 else _COARSE
        axes = _closer(axes, _fall(problem, values), size)
    values, _ = _searched(problem, axes, noise_start)
    data = {"objective": (exponents, values)}
    if is_likelihood(noise):
        data["relative_log_likelihood"] = (exponents, _fall(problem, values))
    return Profile(
        runs, law, noise, xr.Dataset(data, coords=dict(zip(exponents, axes, strict=True)))
    )


def _exponents(law: Law) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(term.exponent for term in law.terms if term.exponent is not None))
    if len(names) not in (1, 2):
        raise InputError(
            f"A profile is over the exponents of a sum of one or two powers, and {law.formula} is "
            f"none. "
            "Use NUTS() and plots.pair to see what the runs say of its parameters."
        )
    return names


def _crossings(axis: np.ndarray, height: np.ndarray) -> tuple[float, float]:
    """Return where the outermost stretch of positive heights begins and ends, by straight lines
    between nodes.
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
    """log L less its maximum; for an objective as if it were a scale's power, −n log F, to know
    what is worth seeing.
    """
    if is_likelihood(problem.target.noise):
        return np.nanmin(values) - values
    tiny = np.finfo(float).tiny
    return -len(problem.runs) * np.log(np.maximum(values, tiny) / max(np.nanmin(values), tiny))


def _closer(axes: Sequence[np.ndarray], fall: np.ndarray, size: int) -> tuple[np.ndarray, ...]:
    there = fall > -_WORTH_SEEING
    found = []
    for along, axis in enumerate(axes):
        indices = np.flatnonzero(there.any(axis=tuple(i for i in range(len(axes)) if i != along)))
        margin = _MARGIN * (axis[1] - axis[0])
        low, high = (
            max(axis[indices[0]] - margin, _WIDEST[0]),
            min(axis[indices[-1]] + margin, _WIDEST[1]),
        )
        found.append(np.linspace(low, high, size))
    return tuple(found)


@dataclass(frozen=True)
class _AtNodes:
    """F of levels and noise, with the exponents as last coordinates, which never move.

    Kernels split nothing but coordinates between the members of a batch, so the exponents of a node
    travel among them: without a gradient, and with a curvature of one that keeps the systems
    regular.
    """

    target: Target

    @property
    def n_predictive(self) -> int:
        return len(self.target.law.terms)

    def residual(self, coordinates: Sequence[Array], data: Data) -> Array:
        return self.target.residual(self._in_order(coordinates), data)

    def rho(self, residual: Array, coordinates: Sequence[Array], data: Data) -> Array:
        return self.target.rho(residual, self._in_order(coordinates), data)

    def penalty(self, coordinates: Sequence[Array]) -> list[Array]:
        levels, noise, exponents = self._parts(coordinates)
        return [
            *(jnp.zeros_like(c) for c in levels),
            *self.target.penalty_of(self.target.noise.parameters, noise),
            *(0.5 * (c - jax.lax.stop_gradient(c)) ** 2 for c in exponents),
        ]

    def _parts(
        self, coordinates: Sequence[Array]
    ) -> tuple[Sequence[Array], Sequence[Array], Sequence[Array]]:
        levels, fixed = self.n_predictive, self.n_predictive + len(self.target.noise.parameters)
        return coordinates[:levels], coordinates[levels:fixed], coordinates[fixed:]

    def _in_order(self, coordinates: Sequence[Array]) -> list[Array]:
        levels, noise, exponents = self._parts(coordinates)
        law = self.target.law
        named = dict(zip((term.level for term in law.terms), levels, strict=True))
        named |= dict(zip(_exponents(law), map(jax.lax.stop_gradient, exponents), strict=True))
        return [*(named[p.name] for p in law.parameters), *noise]


def _searched(
    problem: Problem, axes: Sequence[np.ndarray], noise_start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """F at every node, and the noise coordinates of the best."""
    shape = tuple(len(axis) for axis in axes)
    exponents = np.stack([part.ravel() for part in np.meshgrid(*axes, indexing="ij")])
    values, noise = [], []
    # Chunks of one size, so that coarse and fine grids share a compiled program.
    for begin in range(0, exponents.shape[1], _CHUNK):
        chunk = exponents[:, begin : begin + _CHUNK]
        size = chunk.shape[1]
        whole = np.pad(chunk, ((0, 0), (0, _CHUNK - size)), mode="edge")
        f, found = _minimised(
            problem.target,
            jnp.asarray(whole),
            jnp.asarray(noise_start),
            problem.data,
            problem.weights,
        )
        values.append(np.asarray(f)[:size])
        noise.append(np.asarray(found)[:, :size])
    every = np.concatenate(values)
    return every.reshape(shape), np.concatenate(noise, axis=1)[:, np.nanargmin(every)]


@jit_for(Use.OFTEN, "target")
def _minimised(
    target: Target, exponents: Array, noise_start: Array, data: Data, weights: Array
) -> tuple[Array, Array]:
    """F, shape (nodes,), and noise coordinates, shape (parameters, nodes), at exponents of shape
    (exponents, nodes).
    """
    levels, noise = _start(target, exponents, noise_start, data, weights)
    start = jnp.concatenate([levels, noise, jnp.log(exponents)])
    found, _ = newton(_AtNodes(target), start, data, weights, steps=_NEWTON_STEPS)
    return found.value, found.coordinates[len(levels) : len(levels) + len(noise)]


def _start(
    target: Target, exponents: Array, noise: Array, data: Data, weights: Array
) -> tuple[Array, Array]:
    """Logarithms of levels, shape (levels, nodes), and noise coordinates: least squares, reweighted
    by the noise, in turn.

    In logarithms a search may be caught where a level has all but gone; non-negative least squares
    knows whether it should. Without a constant a start from equal shares is good enough.
    """
    terms, parameters = target.law.terms, target.noise.parameters
    params, powers = (
        [t for t in terms if (t.exponent is None) == alone] for alone in (True, False)
    )
    if len(params) != 1 or len(powers) > 2:
        shape = (len(terms), exponents.shape[1])
        return jnp.full(shape, -np.log(len(terms))), jnp.broadcast_to(
            noise[:, None], (len(noise), shape[1])
        )
    w, log_loss = weights[:, 0], data.observed[:, 0]
    loss, log_inputs = jnp.exp(log_loss), [data.log_inputs[str(t.input)][:, 0] for t in powers]

    def rho(residual: Array, v: Array) -> Array:
        params = constrained(parameters, tuple(v))
        return target.noise.rho(residual[:, None], params, data.conditions)

    def of_noise(v: Array, residual: Array) -> Array:
        return jnp.sum(weights * rho(residual, v)) + sum(target.penalty_of(parameters, list(v)))

    def at_one_node(node: Array) -> tuple[Array, Array]:
        own = dict(zip(_exponents(target.law), node[:, None], strict=True))
        decays = [own[str(t.exponent)] for t in powers]
        shares = [jnp.exp(-x * log_input) for x, log_input in zip(decays, log_inputs, strict=True)]

        def fitted(values: Array, stiffness: Array) -> Array:
            of = centre_response(values, stiffness)
            tables = [
                power_columns(x, log_input, jnp.zeros(1), of)
                for x, log_input in zip(decays, log_inputs, strict=True)
            ]
            absent = power_columns(jnp.ones(1), jnp.zeros_like(loss), jnp.zeros(1), of)
            return evaluate_pairs(*[*tables, absent][:2], of).levels[: len(terms), 0]

        def again(_: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
            levels, v = state
            prediction = levels[0] + sum(
                level * share for level, share in zip(levels[1:], shares, strict=True)
            )
            residual = log_loss - jnp.log(prediction)
            if parameters:
                v = v - _short_step(
                    jax.grad(of_noise)(v, residual), jax.hessian(of_noise)(v, residual)
                )
            slope = jax.grad(lambda r: jnp.sum(rho(r, v)))(residual)
            stiffness = w * jnp.maximum(
                slope / jnp.where(residual == 0, 1.0, residual), _LEAST_STIFFNESS
            )
            return fitted(prediction * (1 + residual), stiffness / prediction**2), v

        return jax.lax.fori_loop(0, _REWEIGHTED, again, (fitted(loss, w / loss**2), noise))

    levels, fitted_noise = jax.vmap(at_one_node)(exponents.T)
    found = dict(zip((t.level for t in (*params, *powers)), levels.T, strict=True))
    return jnp.log(
        jnp.maximum(jnp.stack([found[t.level] for t in terms]), _LEAST_LEVEL)
    ), fitted_noise.T


def _short_step(gradient: Array, hessian: Array) -> Array:
    """Newton's step with the curvature made positive, at most one along any axis."""
    curvature, axes = jnp.linalg.eigh(hessian)
    return axes @ jnp.clip(
        axes.T @ gradient / jnp.maximum(jnp.abs(curvature), _LEAST_STIFFNESS), -1.0, 1.0
    )
