"""The JSON objects that commands print with ``--json``."""

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

from bayescale._internal.discovery import describe
from bayescale.terminal.allocate import shares_of_binding_draws

if TYPE_CHECKING:
    from bayescale.decisions.checks.backtest import Backtest
    from bayescale.decisions.checks.sensitivity import Sensitivity
    from bayescale.decisions.forecasts.forecast import Forecast
    from bayescale.decisions.plans.allocate import Allocation
    from bayescale.decisions.plans.design import Design
    from bayescale.decisions.plans.plan import Plan
    from bayescale.decisions.recipes.recipes import Recipes
    from bayescale.posterior.posterior import Posterior

_STATISTICS = ("mean", "sd", "q05", "q50", "q95")
_FORECAST_STATISTICS = ("mean", "sd", "q05", "q25", "q50", "q75", "q95")
_FLAT_SET_EDGES = ("low_50", "high_50", "low_90", "high_90")
_FIRST_SCORES = ("coverage50", "coverage90", "crps", "rmsle", "n_train", "n_test")
_UNBOUNDED = {"n_params", "n_tokens", "tokens_per_param", "loss"}


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object. A number that is not finite is null, since JSON has no word for it."""
    typer.echo(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def fit_as_json(posterior: "Posterior", plans: "Allocation | None") -> dict[str, Any]:
    """Return parameters, diagnostics, plans, and what was fitted."""
    from bayescale.posterior.posterior import summarise

    objective = posterior.objective
    return {
        "parameters": {name: summarise(posterior.draws(name)) for name in posterior.params},
        "diagnostics": posterior.diagnostics,
        "problems": list(posterior.problems),
        **({} if objective is None else {"objective": objective}),
        "allocation": allocation_as_json(plans) if plans else [],
        "seconds": posterior.seconds,
        "runs": _runs_as_json(posterior) | {"notes": list(posterior.runs.notes)},
        **_model_as_json(posterior),
    }


def forecast_as_json(prediction: "Forecast") -> dict[str, Any]:
    """Return the statistics of the one run that is forecast."""
    row = prediction.frame.iloc[0]
    response = prediction.response
    return {response: {name: float(row[f"{response}_{name}"]) for name in _FORECAST_STATISTICS}}


def allocation_as_json(plans: "Allocation") -> list[dict[str, Any]]:
    """Return an object for each budget.

    It has the quantities and, where bounds are given, in what share of the draws each binds.
    """
    bounded = set(plans.draws.data_vars) != _UNBOUNDED
    listed = []
    for _, rows in plans.frame.groupby(plans.over, sort=False):
        plan: dict[str, Any] = {plans.over: rows[plans.over].iloc[0]}
        for row in rows.to_dict("records"):
            plan[row["quantity"]] = {name: row[name] for name in _STATISTICS}
        if bounded:
            plan["binding"] = shares_of_binding_draws(plans, plan[plans.over])
        listed.append(plan)
    return listed


def backtest_as_json(backtest: "Backtest") -> dict[str, Any]:
    """Return the model's scores, today's practice under ``baseline``, and what was tested."""
    summary = backtest.summary()
    model, baseline = (_scores(row) for row in summary.to_dict("records"))
    posterior = next(iter(backtest.posteriors.values()))
    return {
        **{name: model.pop(name) for name in _FIRST_SCORES},
        **model,
        "baseline": {"name": summary.index[1], **baseline},
        "holdout": describe(backtest.holdout),
        "problems": list(backtest.problems),
        "runs": _runs_as_json(backtest),
        **_model_as_json(posterior),
    }


def design_as_json(design: "Design") -> dict[str, Any]:
    """Return the target, the regret there, each run, and when to stop."""
    return {
        "compute": design.compute,
        "regret": design.regret,
        "target_slope": design.target_slope,
        "price": design.price,
        "runs": design.frame.to_dict("records"),
        "when_to_stop": design.when_to_stop,
    }


def plan_as_json(plan: "Plan") -> dict[str, Any]:
    """Return the plan, its quantities, regret, runs to make first, and what moves the answers."""
    quantities = {
        str(name): {statistic: float(row[statistic]) for statistic in _STATISTICS}
        for name, row in plan.summary().iterrows()
    }
    flat_set = plan.flat_set.summary().iloc[0]
    value: dict[str, Any] = {
        "compute": plan.compute,
        "plan": {"n_params": plan.n_params, "n_tokens": plan.n_tokens},
        **quantities,
        "flat_set": {name: float(flat_set[name]) for name in _FLAT_SET_EDGES},
        "regret": plan.regret.summary().reset_index(names="plan").to_dict("records"),
        "sentences": plan.sentences,
    }
    if plan.design is not None:
        value["design"] = design_as_json(plan.design)
    if plan.sensitivity is not None:
        value["sensitivity"] = sensitivity_as_json(plan.sensitivity)
    return value


def recipes_as_json(comparison: "Recipes") -> dict[str, Any]:
    """Return each quantity, the verdict, and how the recipes were compared."""
    return {
        "base": comparison.base,
        "candidate": comparison.candidate,
        "quantities": comparison.frame.to_dict("records"),
        "verdict": comparison.verdict,
        "diagnostics": comparison.diagnostics,
        "problems": list(comparison.problems),
        **_model_as_json(comparison),
    }


def sensitivity_as_json(sensitivity: "Sensitivity") -> dict[str, Any]:
    """Return the budget, the summary by quantity, each variant's answers, and the problems."""
    return {
        "compute": sensitivity.compute,
        "summary": sensitivity.summary().reset_index().to_dict("records"),
        "variants": sensitivity.frame.to_dict("records"),
        "problems": list(sensitivity.problems),
    }


def _scores(row: Mapping[Any, Any]) -> dict[str, Any]:
    counts = {name: int(row[name]) for name in ("n_train", "n_test")}
    return {str(name): value for name, value in row.items()} | counts


def _runs_as_json(result: "Posterior | Backtest") -> dict[str, Any]:
    runs = result.runs
    return {"name": runs.name, "source": runs.source, "n_runs": len(runs)}


def _model_as_json(result: "Posterior | Recipes") -> dict[str, str]:
    return {
        "law": describe(result.law),
        "noise": describe(result.noise),
        "method": describe(result.method),
    }


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
