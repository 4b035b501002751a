"""Parts of the page's calculator: tables of the posterior, which hold for any law and noise model.

Two things are tabulated along compute: quantiles of the loss of a run, along D/N too, and quantiles
of the best size. Both are cubic B-splines, whose coefficients the page evaluates.
"""

import base64

import numpy as np
from scipy.linalg import solve_banded

from bayescale._internal.precision import float64
from bayescale.decisions.plans._planning import Planner
from bayescale.decisions.plans.plan import Plan
from bayescale.noise.base import sample_responses
from bayescale.posterior.posterior import Posterior
from bayescale.results import Json

SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles that are tabulated."""

_INPUTS = ("n_params", "n_tokens")
# Decades of compute below the dearest run, and above it or the plan; and of D/N beyond the runs.
_BELOW, _ABOVE, _ASIDE = 2.0, 2.0, 0.75
# Decades between knots: of losses along compute and along D/N, and of the best size.
_STEP_OF_LOSS, _STEP_OF_SIZE = 0.2, 0.4
_LARGEST = np.iinfo(np.uint16).max
_DECADE = np.log(10.0)


def has_calculator(posterior: Posterior) -> bool:
    """Return whether parameters and tokens alone say what the loss of a plan is."""
    return posterior.law.inputs == _INPUTS and posterior.law.response == "loss"


@float64
def tables(plan: Plan) -> dict[str, Json]:
    """Return the tables as the page takes them.

    Returns
    -------
    dict
        ``shares``; ``loss`` with ``compute`` and ``ratio``, each ``[least, step, knots]`` of a
        base-10 logarithm, ``least`` and ``step`` of the logarithm of loss, and ``coefficients``,
        whole numbers of ``step`` above ``least``, as the base64 text of little-endian 16-bit words:
        by share, compute and D/N. ``size`` with ``compute``, and ``coefficients``, lists by share,
        of the base-10 logarithm of N*.
    """
    planner = Planner.of(plan.posterior)
    return {
        "shares": list(SHARES),
        "loss": _table_of_loss(plan, planner),
        "size": _table_of_size(plan, planner),
    }


def _table_of_loss(plan: Plan, planner: Planner) -> dict[str, Json]:
    low, high = _ends_of_compute(plan)
    compute = _axis(low, high, _STEP_OF_LOSS)
    runs = plan.posterior.runs
    tried = np.log10(runs.column("n_tokens") / runs.column("n_params"))
    ratios = np.append(tried, np.log10(plan.n_tokens / plan.n_params))
    ratio = _axis(ratios.min() - _ASIDE, ratios.max() + _ASIDE, _STEP_OF_LOSS)
    log_c, log_ratio = np.meshgrid(compute, ratio, indexing="ij")
    log_nd = (log_c.ravel() - np.log10(6)) * _DECADE
    log_n = (log_nd - log_ratio.ravel() * _DECADE) / 2
    shape = planner.n_draws, log_n.size
    surface = planner.log_loss(
        np.broadcast_to(log_n, shape), np.broadcast_to(log_nd - log_n, shape)
    )
    drawn = surface + _of_one_run(plan)[:, None]
    quantiles = np.quantile(drawn, SHARES, axis=0).reshape(-1, *log_c.shape)
    coefficients = _spline(_spline(quantiles, 1), 2)
    least = float(coefficients.min())
    step = max(float(np.ptp(coefficients)), np.finfo(float).tiny) / _LARGEST
    words = np.rint((coefficients - least) / step).astype("<u2")
    return {
        "compute": _described(compute),
        "ratio": _described(ratio),
        "least": least,
        "step": step,
        "coefficients": base64.b64encode(words.tobytes()).decode(),
    }


def _table_of_size(plan: Plan, planner: Planner) -> dict[str, Json]:
    """Return the table of N*, with a knot at the plan's budget, so that both say the same there."""
    low, high = _ends_of_compute(plan)
    budget = np.log10(plan.compute)
    before = np.ceil(max(budget - low, 0.0) / _STEP_OF_SIZE)
    after = np.ceil(max(high - budget, 0.0) / _STEP_OF_SIZE)
    compute = budget + _STEP_OF_SIZE * np.arange(-before, after + 1)
    best = planner.minimize_loss({"compute": 10**compute})
    quantiles = np.log10(np.quantile(np.exp(best.log_n), SHARES, axis=0))
    coefficients = _spline(quantiles, 1)
    return {"compute": _described(compute), "coefficients": coefficients.round(6).tolist()}


def _ends_of_compute(plan: Plan) -> tuple[float, float]:
    """Return the base-10 logarithms of the least and the most compute of the tables."""
    dearest = float(np.log10(plan.posterior.runs.six_nd.max()))
    budget = float(np.log10(plan.compute))
    return min(dearest, budget) - _BELOW, max(dearest, budget) + _ABOVE


def _of_one_run(plan: Plan) -> np.ndarray:
    """Return what each draw adds to the log loss of a run for being that run: its scatter and the
    effects of its identity, shape (draws,). They are drawn at the planned run.
    """
    posterior = plan.posterior
    at = {"n_params": np.array([plan.n_params]), "n_tokens": np.array([plan.n_tokens])}
    of_identity = [process for process in posterior.noise.shared if process.of_identity]
    effects = posterior.log_departure(at, processes=of_identity)
    nothing = np.zeros((*next(iter(posterior.params.values())).shape, 1))
    scatter = sample_responses(posterior.density(nothing, at), 0)
    return np.asarray((effects + scatter).reshape(-1))


def _axis(low: float, high: float, step: float) -> np.ndarray:
    return low + step * np.arange(int(np.ceil((high - low) / step)) + 1)


def _described(axis: np.ndarray) -> list[Json]:
    return [float(axis[0]), float(axis[1] - axis[0]), len(axis)]


def _spline(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the coefficients of the natural cubic spline through values along an axis: of
    B-splines, one more on each side than there are values.
    """
    columns = np.moveaxis(values, axis, 0)
    count = len(columns)
    bands = np.full((3, count), 1 / 6)
    bands[1] = 4 / 6
    # Straight at both ends, where a coefficient is the value.
    bands[1, [0, -1]] = 1.0
    bands[0, 1] = bands[2, -2] = 0.0
    inner = solve_banded((1, 1), bands, columns.reshape(count, -1)).reshape(columns.shape)
    first, last = 2 * inner[:1] - inner[1:2], 2 * inner[-1:] - inner[-2:-1]
    return np.moveaxis(np.concatenate([first, inner, last]), 0, axis)
