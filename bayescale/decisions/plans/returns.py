"""Returns of compute: the slope of the compute-optimal loss, what is left to its floor, and the
price of the next step.

L*(C) is the least loss that a budget C reaches. Where nothing but the budget bounds a plan, an
additive law has

    dL*/dlog C = −αβ/(α+β)·(L* − E)

so that each doubling takes the same share of what is left. Bounds bend the frontier: where tokens
run out, models alone can grow, and L* comes to rest above E.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayescale._internal.precision import float64
from bayescale.decisions.plans._budget_tables import by_budget_and_quantity, kind_of_budget
from bayescale.decisions.plans._one_budget import refuse_other_budgets
from bayescale.decisions.plans._planning import Amounts, Planner, asked_for
from bayescale.decisions.plans.constraints import Constraints
from bayescale.errors import InputError
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.units import NATS_PER_TOKEN, in_loss_unit, rounded, summarise

_FACTORS = (10.0, 100.0)
# Of log C, for central differences: their error is some 1e-6 of the slope by curvature, and 1e-11
# by rounding.
_STEP = 1e-3

_UNITS = {
    "loss": "nats per token",
    "slope": "nats per token and e-fold",
    "floor": "nats per token",
    "above_floor": "nats per token",
    "lost_to_bounds": "nats per token",
    "next_factor": "times the budget",
    "next_price": "of the budget's unit",
}


@dataclass(frozen=True, eq=False)
class Returns:
    """The gains of more budget, at each budget.

    Attributes
    ----------
    step : float
        The next step, in the unit of the losses.
    draws : Dataset with dimensions ``draw`` and the budgets' own
        ``loss``: L*. ``slope``: dL*/dlog C. ``floor``: L* of an endless budget within the other
        bounds, and ``above_floor``, what is left to it. ``loss_10x``, ``loss_100x``: L* of 10 and
        100 times the budget. ``next_factor``: by what the budget must grow for the next step, and
        ``next_price``, what that adds to it; both infinite where the floor is nearer. Under
        constraints ``lost_to_bounds``: by how much L* would be lower with the budget alone.
    loss_unit : str
        Unit of the losses.
    """

    step: float
    draws: xr.Dataset
    loss_unit: str = NATS_PER_TOKEN

    @property
    def over(self) -> str:
        """The kind of budget."""
        return kind_of_budget(self.draws)

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per budget and quantity, with mean, sd and quantiles; of what may be
        infinite quantiles alone.
        """
        rows = []
        for column, budget in enumerate(self.draws[self.over].to_numpy()):
            for name, values in self.draws.isel({self.over: column}).items():
                about = {
                    self.over: float(budget),
                    "quantity": str(name),
                    "unit": in_loss_unit(_UNITS.get(str(name), NATS_PER_TOKEN), self.loss_unit),
                }
                rows.append(about | summarise(values.to_numpy()))
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """The frame, indexed by budget and quantity."""
        return by_budget_and_quantity(self.frame)

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"what more {self.over.replace('_', ' ')} buys"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Loss above the floor, and the price of the next step, at each budget."""
        said = []
        for budget, quantities in self.frame.groupby(self.over, sort=False):
            median = quantities.set_index("quantity")["q50"]
            sentence = (
                f"At {budget:.4g} the loss is {median['loss']:.4g} nats, "
                f"{median['above_floor']:.3g} above the floor; {self.step:g} nats less take "
                f"{rounded(median['next_factor'])} times the budget."
            )
            said.append(in_loss_unit(sentence, self.loss_unit))
        return tuple(said)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The step, and the frame, a row a budget and quantity."""
        return {"step": self.step, "returns": records(self.frame)}

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)

    def probability_of_gain(self, epsilon: float, factor: float = 10.0) -> pd.Series:
        """Return the probability that 10 or 100 times a budget lowers L* by more than ``epsilon``
        in the unit of the losses, one entry a budget.

        Raises
        ------
        InputError
            Where the factor is another.
        """
        name = f"loss_{factor:g}x"
        if name not in self.draws:
            known = ", ".join(f"{known_factor:g}" for known_factor in _FACTORS)
            raise InputError(f"returns: the factor is one of {known}; {factor:g} was given.")
        gained = (self.draws["loss"] - self.draws[name] > epsilon).mean("draw")
        return gained.to_series().rename("probability")


@float64
def returns(
    posterior: Posterior,
    compute: Amounts | None = None,
    *,
    lifetime_compute: Amounts | None = None,
    cost: Amounts | None = None,
    step: float = 0.01,
    constraints: Constraints | None = None,
    seed: int = 0,
) -> Returns:
    """Say what more of a budget buys, and what its next step costs.

    Bounds stay as they are while the budget grows. ``allocate`` with ``target_loss`` gives the
    compute for a loss.

    Parameters
    ----------
    posterior : Posterior
    compute, lifetime_compute, cost : float or sequence
        One of them, as for `allocate`.
    step : float
        By how much the loss is to fall next, in its own unit.
    constraints : Constraints, optional
        As for `allocate`; ``unique_tokens`` show how the end of data bends the frontier.
    seed : int
        Of what the constraints leave uncertain.

    Returns
    -------
    Returns

    Raises
    ------
    InputError
        As `allocate`, and where ``step`` is not positive.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> found = bs.returns(post, compute=5.76e23)
    >>> loss, floor = (found.draws[name].item() for name in ("loss", "floor"))
    >>> alpha, beta = post.draws("alpha"), post.draws("beta")
    >>> slope = -alpha * beta / (alpha + beta) * (loss - floor)
    >>> bool(np.isclose(found.draws["slope"].item(), slope, rtol=1e-5))
    True
    """
    if not 0 < step < float("inf"):
        raise InputError(
            f"returns: step={step:g} must be a positive number in the unit of the losses, such as "
            f"0.01."
        )
    refuse_other_budgets("returns", posterior, None)
    planner = Planner.of(posterior, constraints, seed)
    over, budgets = asked_for(
        "returns", constraints, compute=compute, lifetime_compute=lifetime_compute, cost=cost
    )
    grown = np.concatenate(
        [budgets * factor for factor in (1.0, *_FACTORS, np.exp(_STEP), np.exp(-_STEP))]
    )
    plans = planner.minimize_loss({over: grown})
    planner.require_all_feasible(plans, {over: grown})
    losses = np.exp(plans.log_loss)
    now, *more, above, below = np.split(losses, len(_FACTORS) + 3, axis=1)
    floor = np.broadcast_to(planner.floor, now.shape)
    # Departures may let a smaller budget do as well; the larger one can be spent on less.
    needed = np.maximum(planner.least_budget(now - step, over), budgets)
    quantities = {
        "loss": now,
        "slope": (above - below) / (2 * _STEP),
        "floor": floor,
        "above_floor": now - floor,
        **{f"loss_{factor:g}x": loss for factor, loss in zip(_FACTORS, more, strict=True)},
        "next_factor": needed / budgets,
        "next_price": needed - budgets,
    }
    if constraints is not None:
        quantities["lost_to_bounds"] = now - np.exp(
            planner.unbounded().minimize_loss({over: budgets}).log_loss
        )
    return Returns(
        step,
        xr.Dataset(
            {name: (("draw", over), values) for name, values in quantities.items()},
            coords={over: budgets},
        ),
        posterior.runs.loss_unit,
    )
