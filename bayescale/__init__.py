"""bayescale: Bayesian fits of neural scaling laws.

>>> import bayescale as bs
>>> runs = bs.datasets.load("dey2023_pile")
>>> len(runs)
29
"""

import importlib
from typing import TYPE_CHECKING

# Type checkers and editors read the names here, and `_WHERE` loads them: a test keeps both equal.
if TYPE_CHECKING:
    from bayescale import datasets as datasets
    from bayescale import decisions as decisions
    from bayescale import inference as inference
    from bayescale import kernels as kernels
    from bayescale import laws as laws
    from bayescale import noise as noise
    from bayescale import plots as plots
    from bayescale import priors as priors
    from bayescale import processes as processes
    from bayescale.batches.batch import batch as batch
    from bayescale.citation import cite as cite
    from bayescale.curves.curves import Curves as Curves
    from bayescale.curves.schedule import Schedule as Schedule
    from bayescale.decisions.approaches.approaches import approaches as approaches
    from bayescale.decisions.approaches.isoflop import isoflop as isoflop
    from bayescale.decisions.checks.allocations.cuts import AfterBudgets as AfterBudgets
    from bayescale.decisions.checks.backtest import backtest as backtest
    from bayescale.decisions.checks.backtest_allocation import (
        backtest_allocation as backtest_allocation,
    )
    from bayescale.decisions.checks.check import check as check
    from bayescale.decisions.checks.compare import compare as compare
    from bayescale.decisions.checks.holdouts.compute_below import ComputeBelow as ComputeBelow
    from bayescale.decisions.checks.holdouts.expanding_window import (
        ExpandingWindow as ExpandingWindow,
    )
    from bayescale.decisions.checks.holdouts.largest_compute import LargestCompute as LargestCompute
    from bayescale.decisions.checks.holdouts.leave_group_out import LeaveGroupOut as LeaveGroupOut
    from bayescale.decisions.checks.loo import loo as loo
    from bayescale.decisions.checks.outliers import outliers as outliers
    from bayescale.decisions.checks.profile import profile as profile
    from bayescale.decisions.checks.sensitivity import sensitivity as sensitivity
    from bayescale.decisions.checks.stack import stack as stack
    from bayescale.decisions.forecasts.chain import chain as chain
    from bayescale.decisions.forecasts.finish import finish as finish
    from bayescale.decisions.forecasts.forecast import forecast as forecast
    from bayescale.decisions.forecasts.surface import surface as surface
    from bayescale.decisions.mixtures.best_mixture import best_mixture as best_mixture
    from bayescale.decisions.plans.allocate import allocate as allocate
    from bayescale.decisions.plans.constraints import Constraints as Constraints
    from bayescale.decisions.plans.constraints import Repeats as Repeats
    from bayescale.decisions.plans.design import design as design
    from bayescale.decisions.plans.flat_set import flat_set as flat_set
    from bayescale.decisions.plans.flop_models import SixND as SixND
    from bayescale.decisions.plans.flop_models import TransformerFlops as TransformerFlops
    from bayescale.decisions.plans.hardware import Hardware as Hardware
    from bayescale.decisions.plans.next_run import next_run as next_run
    from bayescale.decisions.plans.plan import plan as plan
    from bayescale.decisions.plans.regret import regret as regret
    from bayescale.decisions.plans.returns import returns as returns
    from bayescale.decisions.recipes.fit_many import fit_many as fit_many
    from bayescale.decisions.recipes.gate import gate as gate
    from bayescale.decisions.recipes.recipes import recipes as recipes
    from bayescale.decisions.repeated_sampling.pass_at_k import pass_at_k as pass_at_k
    from bayescale.decisions.repeated_sampling.pass_at_k import (
        unbiased_pass_at_k as unbiased_pass_at_k,
    )
    from bayescale.errors import FitWarning as FitWarning
    from bayescale.errors import InputError as InputError
    from bayescale.errors import RunsWarning as RunsWarning
    from bayescale.inference import fit as fit
    from bayescale.inference.bootstrap import Bootstrap as Bootstrap
    from bayescale.inference.grid import Grid as Grid
    from bayescale.inference.importance import Importance as Importance
    from bayescale.inference.multistart import MultiStart as MultiStart
    from bayescale.inference.nuts import NUTS as NUTS
    from bayescale.posterior.posterior import Posterior as Posterior
    from bayescale.posterior.storage import load as load
    from bayescale.reports.page import report as report
    from bayescale.runs import Runs as Runs
    from bayescale.tabulating import to_table as to_table

    __version__: str

_WHERE = {
    "InputError": "bayescale.errors",
    "FitWarning": "bayescale.errors",
    "RunsWarning": "bayescale.errors",
    "Runs": "bayescale.runs",
    "Curves": "bayescale.curves.curves",
    "Schedule": "bayescale.curves.schedule",
    "Posterior": "bayescale.posterior.posterior",
    "load": "bayescale.posterior.storage",
    "fit": "bayescale.inference",
    "MultiStart": "bayescale.inference.multistart",
    "Bootstrap": "bayescale.inference.bootstrap",
    "Grid": "bayescale.inference.grid",
    "Importance": "bayescale.inference.importance",
    "NUTS": "bayescale.inference.nuts",
    "finish": "bayescale.decisions.forecasts.finish",
    "forecast": "bayescale.decisions.forecasts.forecast",
    "backtest": "bayescale.decisions.checks.backtest",
    "backtest_allocation": "bayescale.decisions.checks.backtest_allocation",
    "AfterBudgets": "bayescale.decisions.checks.allocations.cuts",
    "check": "bayescale.decisions.checks.check",
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
    "best_mixture": "bayescale.decisions.mixtures.best_mixture",
    "fit_many": "bayescale.decisions.recipes.fit_many",
    "gate": "bayescale.decisions.recipes.gate",
    "design": "bayescale.decisions.plans.design",
    "next_run": "bayescale.decisions.plans.next_run",
    "plan": "bayescale.decisions.plans.plan",
    "report": "bayescale.reports.page",
    "batch": "bayescale.batches.batch",
    "cite": "bayescale.citation",
    "to_table": "bayescale.tabulating",
}
_SUBPACKAGES = (
    "datasets",
    "decisions",
    "inference",
    "kernels",
    "laws",
    "noise",
    "plots",
    "priors",
    "processes",
)

# Type checkers would take `__getattr__` to offer every name there is, of no known type.
if not TYPE_CHECKING:
    __all__ = ["__version__", *_WHERE, *_SUBPACKAGES]

    def __getattr__(name: str) -> object:
        # Names load on first use, so that importing a part imports that part alone: kernels need
        # JAX and nothing else.
        if name == "__version__":
            return importlib.import_module("importlib.metadata").version("bayescale")
        if name in _WHERE:
            return getattr(importlib.import_module(_WHERE[name]), name)
        if name in _SUBPACKAGES:
            return importlib.import_module(f"bayescale.{name}")
        raise AttributeError(f"module 'bayescale' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted(__all__)
