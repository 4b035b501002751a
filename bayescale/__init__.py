"""bayescale: Bayesian fits of neural scaling laws.

>>> import bayescale as bs
>>> runs = bs.datasets.load("dey2023_pile")
>>> len(runs)
29
"""

import importlib
from importlib.metadata import version
from typing import Any

__version__ = version("bayescale")

_WHERE = {
    "InputError": "bayescale.errors",
    "FitWarning": "bayescale.errors",
    "RunsWarning": "bayescale.errors",
    "Runs": "bayescale.runs",
    "Posterior": "bayescale.posterior.posterior",
    "load": "bayescale.posterior.posterior",
    "fit": "bayescale.inference",
    "MultiStart": "bayescale.inference.multistart",
    "Bootstrap": "bayescale.inference.bootstrap",
    "Grid": "bayescale.inference.grid",
    "Importance": "bayescale.inference.importance",
    "NUTS": "bayescale.inference.nuts",
    "forecast": "bayescale.decisions.forecasts.forecast",
    "backtest": "bayescale.decisions.checks.backtest",
    "LargestCompute": "bayescale.decisions.checks.holdouts.largest_compute",
    "ComputeBelow": "bayescale.decisions.checks.holdouts.compute_below",
    "LeaveGroupOut": "bayescale.decisions.checks.holdouts.leave_group_out",
    "ExpandingWindow": "bayescale.decisions.checks.holdouts.expanding_window",
    "chain": "bayescale.decisions.forecasts.chain",
    "surface": "bayescale.decisions.forecasts.surface",
    "allocate": "bayescale.decisions.plans.allocate",
    "regret": "bayescale.decisions.plans.regret",
    "flat_set": "bayescale.decisions.plans.flat_set",
    "returns": "bayescale.decisions.plans.returns",
    "approaches": "bayescale.decisions.approaches.approaches",
    "Constraints": "bayescale.decisions.plans.constraints",
    "Repeats": "bayescale.decisions.plans.constraints",
    "Hardware": "bayescale.decisions.plans.hardware",
    "SixND": "bayescale.decisions.plans.flop_models",
    "TransformerFlops": "bayescale.decisions.plans.flop_models",
    "pass_at_k": "bayescale.decisions.repeated_sampling.pass_at_k",
    "unbiased_pass_at_k": "bayescale.decisions.repeated_sampling.pass_at_k",
    "isoflop": "bayescale.decisions.approaches.isoflop",
    "profile": "bayescale.decisions.checks.profile",
    "loo": "bayescale.decisions.checks.loo",
    "stack": "bayescale.decisions.checks.stack",
    "outliers": "bayescale.decisions.checks.outliers",
    "compare": "bayescale.decisions.checks.compare",
    "sensitivity": "bayescale.decisions.checks.sensitivity",
    "recipes": "bayescale.decisions.recipes.recipes",
    "gate": "bayescale.decisions.recipes.gate",
    "design": "bayescale.decisions.plans.design",
    "plan": "bayescale.decisions.plans.plan",
    "report": "bayescale.reports.page",
    "batch": "bayescale.batches.batch",
}
_SUBPACKAGES = (
    "datasets",
    "decisions",
    "inference",
    "kernels",
    "laws",
    "noise",
    "plots",
    "processes",
)

__all__ = ["__version__", *_WHERE, *_SUBPACKAGES]


def __getattr__(name: str) -> Any:
    # Names load on first use, so that importing a part imports that part alone: kernels need JAX
    # and nothing else.
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"bayescale.{name}")
    raise AttributeError(f"module 'bayescale' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
