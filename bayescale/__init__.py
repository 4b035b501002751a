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
    "Posterior": "bayescale.posterior",
    "load": "bayescale.posterior",
    "fit": "bayescale.inference",
    "MultiStart": "bayescale.inference.multistart",
    "Bootstrap": "bayescale.inference.bootstrap",
    "Grid": "bayescale.inference.grid",
    "Importance": "bayescale.inference.importance",
    "NUTS": "bayescale.inference.nuts",
    "forecast": "bayescale.decisions.forecast",
    "backtest": "bayescale.decisions.backtest",
    "LargestCompute": "bayescale.decisions.holdouts.largest_compute",
    "ComputeBelow": "bayescale.decisions.holdouts.compute_below",
    "LeaveGroupOut": "bayescale.decisions.holdouts.leave_group_out",
    "ExpandingWindow": "bayescale.decisions.holdouts.expanding_window",
    "chain": "bayescale.decisions.chain",
    "surface": "bayescale.decisions.surface",
    "allocate": "bayescale.decisions.allocate",
    "regret": "bayescale.decisions.regret",
    "flat_set": "bayescale.decisions.flat_set",
    "returns": "bayescale.decisions.returns",
    "approaches": "bayescale.decisions.approaches",
    "Constraints": "bayescale.decisions.constraints",
    "Repeats": "bayescale.decisions.constraints",
    "Hardware": "bayescale.decisions.hardware",
    "SixND": "bayescale.decisions.flop_models",
    "TransformerFlops": "bayescale.decisions.flop_models",
    "pass_at_k": "bayescale.decisions.pass_at_k",
    "unbiased_pass_at_k": "bayescale.decisions.pass_at_k",
    "isoflop": "bayescale.decisions.isoflop",
    "profile": "bayescale.decisions.profile",
    "loo": "bayescale.decisions.loo",
    "stack": "bayescale.decisions.stack",
    "outliers": "bayescale.decisions.outliers",
    "compare": "bayescale.decisions.compare",
    "sensitivity": "bayescale.decisions.sensitivity",
    "recipes": "bayescale.decisions.recipes",
    "gate": "bayescale.decisions.gate",
    "design": "bayescale.decisions.design",
    "plan": "bayescale.decisions.plan",
    "report": "bayescale.reports.page",
    "batch": "bayescale.batches.batch",
}
_SUBPACKAGES = ("datasets", "decisions", "inference", "kernels", "laws", "noise", "plots", "processes")

__all__ = ["__version__", *_WHERE, *_SUBPACKAGES]


def __getattr__(name: str) -> Any:
    # Names load on first use, so that importing a part imports that part alone: kernels need JAX and nothing else.
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"bayescale.{name}")
    raise AttributeError(f"module 'bayescale' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
