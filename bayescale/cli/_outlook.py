"""The outlook of a fit beyond its runs: plans at larger budgets, what one more run would change,
and the curve of the loss.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bayescale.units import quantiles

if TYPE_CHECKING:
    from bayescale.decisions.plans.allocate import Allocation
    from bayescale.decisions.plans.next_run import NextRun
    from bayescale.posterior.posterior import Posterior
    from bayescale.terminal.curve import Curve

# Budgets, times the largest compute of a run.
_FACTORS = (1, 10, 100)
# The place among them of the budget that one more run is to tell of.
_NEXT = 1
# Points of a curve.
_N_POINTS = 121
# Points of a curve where each is a plan: between them it is straight to less than a character.
_N_PLANNED = 10
_AXES = {"n_params": "parameters", "n_tokens": "tokens", "flops": "compute, FLOPs"}


class Outlook(NamedTuple):
    """The outlook of a fit beyond its runs.

    Attributes
    ----------
    plans : Allocation or None
        At three budgets; None where the law has no optimum. Runs of one budget have the plan at it.
    curve : Curve or None
        From the smallest run to 100 times the largest; None where the law has no one axis. Runs of
        one budget have the curve of their losses over sizes, if these have a minimum.
    next_run : NextRun or None
        To narrow the second plan; None for laws without one, one budget, and point fits.
    """

    plans: "Allocation | None"
    curve: "Curve | None"
    next_run: "NextRun | None" = None


def outlook(posterior: "Posterior") -> Outlook:
    """Return plans at three budgets, what one more run would change, and the curve of the loss."""
    from bayescale.decisions.plans._one_budget import is_of_one_budget
    from bayescale.laws.base import AllocatesCompute

    if is_of_one_budget(posterior):
        return Outlook(*_vertex_and_curve(posterior))
    if isinstance(posterior.law, AllocatesCompute):
        plans, curve = _plans_and_curve(posterior)
        return Outlook(plans, curve, _next_run(posterior, plans))
    return Outlook(None, _curve_of_law(posterior) if len(posterior.law.inputs) == 1 else None)


def _next_run(posterior: "Posterior", plans: "Allocation") -> "NextRun | None":
    """Return what one more run would change of the second plan."""
    from bayescale.decisions.plans.next_run import has_next_run, next_run_to

    if not has_next_run(posterior):
        return None
    n_params, loss = (plans.arrays[name][:, _NEXT] for name in ("n_params", "loss"))
    return next_run_to(posterior, float(plans.budgets[_NEXT]), n_params, loss)


def _plans_and_curve(posterior: "Posterior") -> "tuple[Allocation, Curve]":
    from bayescale.decisions.plans.allocate import allocate_along
    from bayescale.terminal.curve import Curve

    # C = 6·N·D here whatever the runs say, for allocate counts so.
    compute = posterior.runs.six_nd
    budgets = float(f"{compute.max():.0e}") * np.array(_FACTORS)
    grid = np.geomspace(compute.min(), budgets[-1], _N_PLANNED)
    plans, losses = allocate_along(posterior, budgets, grid)
    observed = posterior.runs.column("loss")
    title, axis = "compute-optimal loss", "compute, FLOPs (6·N·D)"
    low, middle, high = losses
    response = _response(posterior)
    return plans, Curve(title, axis, grid, low, middle, high, compute, observed, response)


def _vertex_and_curve(posterior: "Posterior") -> "tuple[Allocation | None, Curve | None]":
    """Return the best size of the one budget that all runs have, and losses along it."""
    from bayescale.decisions.plans._one_budget import vertex
    from bayescale.decisions.plans.allocate import allocate
    from bayescale.errors import InputError
    from bayescale.terminal.curve import Curve

    try:
        found = vertex(posterior.runs)
    except InputError:
        return None, None
    tokens = posterior.runs.column("n_tokens")
    grid = np.geomspace(tokens.min(), tokens.max(), _N_POINTS)
    low, middle, high = quantiles(found.losses(np.log10(grid))).values()
    title = f"parabola at {found.compute:.3g} FLOPs"
    observed = posterior.runs.column("loss")
    axis, response = _AXES["n_tokens"], _response(posterior)
    curve = Curve(title, axis, grid, low, middle, high, tokens, observed, response)
    return allocate(posterior, found.compute), curve


def _curve_of_law(posterior: "Posterior") -> "Curve":
    """Return the response along the law's one input."""
    from bayescale.decisions.forecasts.forecast import forecast
    from bayescale.terminal.curve import Curve

    (name,) = posterior.law.inputs
    x = posterior.runs.column(name)
    grid = np.geomspace(x.min(), x.max() * _FACTORS[-1], _N_POINTS)
    inputs: dict[str, Any] = {name: grid}
    responses = forecast(posterior, **inputs).law_draws
    observed = posterior.response.from_scale(posterior.observed)
    title = f"{posterior.law.response} of the law"
    low, middle, high = quantiles(responses).values()
    axis, response = _AXES.get(name, name), _response(posterior)
    return Curve(title, axis, grid, low, middle, high, x, observed, response)


def _response(posterior: "Posterior") -> str:
    return f"{posterior.law.response}, {posterior.response_unit}"
