"""Plan a run: what to train with a budget, how sure that is, what it would cost to be wrong, and
which runs to make first.

One call for what `allocate`, `flat_set`, `forecast`, `returns`, `regret` and `design` answer one by
one.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bayescale.decisions.checks.sensitivity import Sensitivity
from bayescale.decisions.forecasts.forecast import Forecast, forecast
from bayescale.decisions.plans._candidates import a_thousand_draws
from bayescale.decisions.plans._one_budget import refuse_other_budgets
from bayescale.decisions.plans.allocate import Allocation, allocate
from bayescale.decisions.plans.constraints import Constraints
from bayescale.decisions.plans.design import Design, design
from bayescale.decisions.plans.flat_set import FlatSet, flat_set
from bayescale.decisions.plans.regret import Regret, regret
from bayescale.decisions.plans.returns import Returns, returns
from bayescale.errors import InputError
from bayescale.noise.base import is_likelihood
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, as_json, to_html, to_text
from bayescale.units import STATISTICS, count_in_words, in_loss_unit, params_at_ratio, six_nd

RULE_OF_THUMB = 20.0
"""Tokens per parameter that a common reading of Hoffmann et al. 2022 gives."""

_CHOSEN, _BY_RULE = "least expected regret", f"{RULE_OF_THUMB:g} tokens per parameter"
_FEWEST_DRAWS = 100
_ENDS = ("low_50", "high_50", "low_90", "high_90")


@dataclass(frozen=True, eq=False)
class Plan:
    """The answers about one budget.

    Attributes
    ----------
    posterior : Posterior
        The one fit that all answers come from.
    compute : float
        FLOPs, for training, and for serving too where the constraints have tokens to serve.
    constraints : Constraints or None
    allocation : Allocation
        Each draw's own optimum.
    flat_set : FlatSet
        Sizes that are nearly as good, and the one of least expected regret, which is the plan.
    forecast : Forecast
        Of the plan's run, with the departures that runs share.
    returns : Returns
        What more would buy.
    regret : Regret
        Of the plan, and beside it of 20 tokens per parameter where nothing but compute bounds
        plans.
    design : Design or None
        Runs to make first; None where no budget for them was given.
    sensitivity : Sensitivity or None
        The answers under other assumptions; None where it was not asked for.
    """

    posterior: Posterior
    compute: float
    constraints: Constraints | None
    allocation: Allocation = field(repr=False)
    flat_set: FlatSet = field(repr=False)
    forecast: Forecast = field(repr=False)
    returns: Returns = field(repr=False)
    regret: Regret = field(repr=False)
    design: Design | None = field(default=None, repr=False)
    sensitivity: Sensitivity | None = field(default=None, repr=False)

    @property
    def n_params(self) -> float:
        """Recommended number of parameters."""
        return float(self.forecast.inputs["n_params"].iloc[0])

    @property
    def n_tokens(self) -> float:
        """Recommended number of training tokens."""
        return float(self.forecast.inputs["n_tokens"].iloc[0])

    @property
    def extrapolation_factor(self) -> float:
        """Ratio of the plan's compute, 6·N·D, to that of the largest run."""
        return float(six_nd(self.n_params, self.n_tokens)) / float(self.posterior.runs.six_nd.max())

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: ``quantity``, ``unit``, mean, sd and quantiles of the optimum, of the planned loss,
        and of what more buys.
        """
        optimum = self.allocation.frame.drop(columns=self.allocation.over)
        more = self.returns.frame.drop(columns=self.returns.over)
        forecast = self.forecast.frame.iloc[0]
        predicted = {name: forecast[f"loss_{name}"] for name in STATISTICS}
        unit = self.posterior.runs.loss_unit
        row = {"quantity": "planned_loss", "unit": unit, **predicted}
        return pd.concat(
            [optimum, pd.DataFrame([row]), more[more["quantity"] != "loss"]], ignore_index=True
        )

    def summary(self) -> pd.DataFrame:
        """The frame, indexed by quantity."""
        return self.frame.set_index("quantity")

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{self.posterior.runs.name}, {self.posterior.law.formula}, {self.compute:.3g} FLOPs"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The answers in plain words."""
        flat = self.flat_set.summary().iloc[0]
        predicted = self.forecast.frame.iloc[0]
        best = self.regret.summary().loc[_CHOSEN]
        said = [
            f"Train {count_in_words(self.n_params)} parameters on "
            f"{count_in_words(self.n_tokens)} tokens, "
            f"{self.n_tokens / self.n_params:.3g} for each parameter.",
            f"Expect a loss of {predicted['loss_q50']:.4g} nats per token, and with 90 % "
            f"probability one between "
            f"{predicted['loss_q05']:.4g} and {predicted['loss_q95']:.4g}.",
            f"This is {self.extrapolation_factor:.3g} times the compute of the largest run that "
            f"was fitted.",
        ]
        if np.isfinite(flat["low_90"]):
            said.append(
                f"Each size from {count_in_words(flat['low_90'])} to "
                f"{count_in_words(flat['high_90'])} parameters "
                f"loses less than "
                f"{self.flat_set.epsilon:g} nats with a probability of 90 % or more."
            )
        else:
            said.append(
                f"No size is within {self.flat_set.epsilon:g} nats of the best with a probability "
                f"of 90 %: the runs do not say "
                "well enough where the best is."
            )
        said.append(
            f"Not knowing the best size costs {best['extra_loss']:.2g} nats in expectation, as "
            f"much as {best['wasted']:.2%} of "
            "the compute would buy."
        )
        unit = self.posterior.runs.loss_unit
        said = [in_loss_unit(sentence, unit) for sentence in said]
        if self.design is not None:
            said.append(" ".join(self.design.sentences))
        return tuple(said)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Complaints about the fit that the plan rests on."""
        return self.posterior.problems

    def to_dict(self) -> dict[str, Json]:
        """The plan, its numbers, regret, runs to make first, and what moves the answers."""
        result: dict[str, Any] = {
            "compute": self.compute,
            "plan": {"n_params": self.n_params, "n_tokens": self.n_tokens},
        }
        for name, row in self.summary().iterrows():
            result[str(name)] = {statistic: row[statistic] for statistic in STATISTICS}
        sizes = self.flat_set.summary().iloc[0]
        result["flat_set"] = {name: sizes[name] for name in _ENDS}
        result["regret"] = self.regret.to_dict()["plans"]
        result["sentences"] = self.sentences
        result["verdicts"] = self.posterior.verdicts.to_dict()
        if self.design is not None:
            result["design"] = self.design.to_dict()
        if self.sensitivity is not None:
            result["sensitivity"] = self.sensitivity.to_dict()
        return dict(as_json(result))

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def plan(
    posterior: Posterior,
    compute: float,
    *,
    constraints: Constraints | None = None,
    budget_of_runs: float | None = None,
    sensitivity: Sensitivity | None = None,
    seed: int = 0,
) -> Plan:
    """Answer what to train with a budget, and what to run before.

    Parameters
    ----------
    posterior : Posterior
        Of a likelihood, and of a law with a best split of compute, with 100 draws at least.
    compute : float
        FLOPs. With ``inference_tokens`` in the constraints, of training and serving together.
    constraints : Constraints, optional
        As for `allocate`.
    budget_of_runs : float, optional
        FLOPs for further small runs, which `design` then chooses.
    sensitivity : Sensitivity, optional
        From `sensitivity`, which takes its time, to stand beside the answers.
    seed : int
        Of what the constraints leave uncertain, and of the scatter of runs.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        As `allocate` and `design`, and where the posterior has few draws or no likelihood, or all
        runs have one budget: the message has the best size at it.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.Importance(draws=500)
    >>> post = bs.fit(runs, law=law, noise=noise, method=method)
    >>> found = bs.plan(post, 1e23)
    >>> 1 < found.extrapolation_factor < 100
    True
    """
    if not is_likelihood(posterior.noise) or posterior.n_draws < _FEWEST_DRAWS:
        raise InputError(
            "plan needs a posterior, with a likelihood and 100 draws or more; fit with NUTS() or "
            "Importance()."
        )
    refuse_other_budgets("plan", posterior, None)
    served = constraints is not None and constraints.inference_tokens is not None
    budget = {"lifetime_compute" if served else "compute": compute}
    best = allocate(posterior, **budget, constraints=constraints, seed=seed)
    flat = flat_set(posterior, **budget, constraints=constraints, seed=seed)
    chosen = flat.least_regret.iloc[0]
    n_params, n_tokens = float(chosen["n_params"]), float(chosen["n_tokens"])
    plans = {_CHOSEN: (n_params, n_tokens)}
    if constraints is None:
        by_rule = float(params_at_ratio(compute, RULE_OF_THUMB))
        plans[_BY_RULE] = (by_rule, RULE_OF_THUMB * by_rule)
    inputs = {"n_params": n_params, "n_tokens": n_tokens}
    if "unique_tokens" in posterior.law.inputs:
        inputs["unique_tokens"] = n_tokens
    some = a_thousand_draws(posterior)
    return Plan(
        posterior,
        compute,
        constraints,
        best,
        flat,
        forecast(posterior, seed=seed, **inputs),
        returns(some, **budget, constraints=constraints, seed=seed),
        regret(some, plans, constraints=constraints, seed=seed),
        None
        if budget_of_runs is None
        else design(some, budget_of_runs, compute=compute, seed=seed),
        sensitivity,
    )
