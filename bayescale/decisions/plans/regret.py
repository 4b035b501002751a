"""Regret: what a plan costs over the best one, as extra loss and as a wasted share of the budget;
and which of several plans is best.

In each draw, a plan (N, D) of cost C is held against the best plan of the same cost:

    extra loss = L(N, D) − L*(C),   wasted = 1 − C'/C,   C' the least cost that reaches L(N, D)
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayescale._internal.precision import float64
from bayescale.decisions.plans._one_budget import refuse_other_budgets
from bayescale.decisions.plans._planning import Planner
from bayescale.decisions.plans.constraints import Constraints
from bayescale.errors import InputError
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.units import NATS_PER_TOKEN, in_loss_unit, quantiles, six_nd, summarise

QUANTITIES = {
    "loss": "nats per token",
    "extra_loss": "nats per token",
    "wasted": "share of its cost",
}

_INPUTS = ("n_params", "n_tokens")


@dataclass(frozen=True, eq=False)
class Regret:
    """The losses of plans over the best of the same cost.

    Attributes
    ----------
    plans : DataFrame, one row a plan
        ``n_params``, ``n_tokens`` and ``spent``, its cost: money where there are prices, otherwise
        training and serving FLOPs; a mean over draws, where serving is uncertain.
    draws : Dataset with dimensions ``draw`` and ``plan``
        ``loss`` of the plan, ``extra_loss`` over the best plan of the same cost, and the ``wasted``
        share of the cost.
    loss_unit : str
        Unit of the losses.
    """

    plans: pd.DataFrame
    draws: xr.Dataset
    loss_unit: str = NATS_PER_TOKEN

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per plan and quantity, with mean, sd and quantiles."""
        rows = []
        for plan in self.plans.index:
            for name, unit in QUANTITIES.items():
                about = {"plan": plan, "quantity": name, "unit": in_loss_unit(unit, self.loss_unit)}
                rows.append(about | summarise(self.draws[name].sel(plan=plan).to_numpy()))
        return pd.DataFrame(rows)

    @property
    def beats(self) -> pd.DataFrame:
        """Probability that the row's plan has a lower loss than the column's, whatever they cost;
        ties count half.
        """
        loss = self.draws["loss"].to_numpy()
        lower = np.mean(
            (loss[:, :, None] < loss[:, None, :]) + 0.5 * (loss[:, :, None] == loss[:, None, :]),
            axis=0,
        )
        return pd.DataFrame(lower, index=self.plans.index, columns=self.plans.index)

    def gain(self, plan: str, over: str) -> dict[str, float]:
        """Return the difference of two plans' losses: mean, sd and quantiles."""
        loss = self.draws["loss"]
        return summarise((loss.sel(plan=over) - loss.sel(plan=plan)).to_numpy())

    @property
    def best(self) -> str:
        """The plan of least expected extra loss, each against the best of its own cost."""
        return str(self.draws["extra_loss"].mean("draw").idxmin("plan").item())

    def summary(self) -> pd.DataFrame:
        """Return one row a plan: what it is and spends, its expected extra loss, what share of its
        cost is wasted (mean and 90 % interval), and how probably its loss is the lowest of all.
        """
        means = {name: self.draws[name].mean("draw").to_numpy() for name in QUANTITIES}
        wasted = quantiles(self.draws["wasted"].transpose("draw", ...).to_numpy())
        loss = self.draws["loss"].to_numpy()
        first = loss == loss.min(axis=1, keepdims=True)
        lowest = np.mean(first / first.sum(axis=1, keepdims=True), axis=0)
        return self.plans.assign(
            **means, wasted_q05=wasted["q05"], wasted_q95=wasted["q95"], lowest=lowest
        )

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"what {len(self.plans)} plans lose"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Expected extra loss and wasted share of each plan."""
        said = []
        for plan, row in self.summary().iterrows():
            loses = in_loss_unit(f"loses {row['extra_loss']:.2g} nats", self.loss_unit)
            said.append(
                f"{plan} {loses} in expectation, {row['wasted']:.2%} of its cost, and has the "
                f"lowest loss with probability {row['lowest']:.2g}."
            )
        return tuple(said)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The summary, a row a plan."""
        return {"plans": records(self.summary().reset_index(names="plan"))}

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def regret(
    posterior: Posterior,
    plans: pd.DataFrame | Mapping[str, tuple[float, float]],
    *,
    constraints: Constraints | None = None,
    seed: int = 0,
) -> Regret:
    """Hold plans against the best of the same cost, and against each other.

    Losses are without the scatter of single runs, and with the departures from the law that runs
    share, where the noise model has them: those of one draw are one surface, on which all plans and
    the best one stand.

    Parameters
    ----------
    posterior : Posterior
    plans : DataFrame or mapping
        Columns ``n_params`` and ``n_tokens`` (counts), a row a plan, named by the index; or
        ``{"ours": (70e9, 1.4e12), …}``.
    constraints : Constraints, optional
        As for `allocate`: they bound the best plans, price all, and say what repeats are worth.
    seed : int
        Of what the constraints leave uncertain.

    Returns
    -------
    Regret

    Raises
    ------
    InputError
        Where a plan is not positive, or breaks a bound, or the law has no trade-off between
        parameters and tokens.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> found = bs.regret(post, {"Gopher": (280e9, 300e9), "Chinchilla": (70e9, 1.4e12)})
    >>> found.best, float(found.beats.loc["Chinchilla", "Gopher"])
    ('Chinchilla', 1.0)
    """
    table = _table(plans)
    n_params, n_tokens = table["n_params"].to_numpy(), table["n_tokens"].to_numpy()
    spent_in_training = np.asarray(six_nd(n_params, n_tokens))
    refuse_other_budgets("regret", posterior, spent_in_training)
    planner = Planner.of(posterior, constraints, seed)
    shape = (planner.n_draws, len(table))
    log_n = np.broadcast_to(np.log(n_params), shape)
    log_d = np.broadcast_to(np.log(n_tokens), shape)
    spent = planner.costs(log_n, log_d)[planner.currency]
    _require_within(planner, table, log_n, log_d)
    log_loss = planner.log_loss(log_n, log_d)
    best = planner.minimize_loss({planner.currency: spent})
    cheapest = planner.least_cost(np.exp(log_loss))
    # The plan itself reaches its loss; both differences are found to rounding, and neither can be
    # below nothing.
    log_n_cheapest, log_d_cheapest = np.asarray(cheapest.log_n), np.asarray(cheapest.log_d)
    needed = np.where(
        cheapest.feasible, planner.costs(log_n_cheapest, log_d_cheapest)[planner.currency], spent
    )
    values = {
        "loss": np.exp(log_loss),
        "extra_loss": np.maximum(np.exp(log_loss) - np.exp(best.log_loss), 0.0),
        "wasted": np.maximum(1 - needed / spent, 0.0),
    }
    draws = xr.Dataset(
        {name: (("draw", "plan"), value) for name, value in values.items()},
        coords={"plan": table.index.to_numpy()},
    )
    priced = table.assign(spent=spent.mean(axis=0))
    return Regret(priced, draws, posterior.runs.loss_unit)


def _table(plans: pd.DataFrame | Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    if isinstance(plans, pd.DataFrame):
        lacking = [name for name in _INPUTS if name not in plans]
        if lacking:
            raise InputError(f"regret: the plans lack {' and '.join(lacking)}, in counts.")
        table = plans[list(_INPUTS)].astype(np.float64)
    else:
        table = pd.DataFrame.from_dict(
            dict(plans), orient="index", columns=list(_INPUTS), dtype=np.float64
        )
    table = table.set_axis(table.index.astype(str)).rename_axis(index="plan")
    if not len(table) or table.index.has_duplicates:
        raise InputError("regret: the plans must be one or more, each with a name of its own.")
    bad = ~(np.isfinite(table.to_numpy()) & (table.to_numpy() > 0))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise InputError(
            f"regret: {_INPUTS[column]} = {table.iloc[row, column]:g} of {table.index[row]!r} "
            f"is not a positive number; "
            "it is a count."
        )
    return table


def _require_within(
    planner: Planner, table: pd.DataFrame, log_n: np.ndarray, log_d: np.ndarray
) -> None:
    for bound, violations in planner.violations(log_n, log_d).items():
        if violations.any():
            plan = table.index[int(np.argmax(violations.any(axis=0)))]
            raise InputError(
                f"regret: the plan {plan!r} breaks {bound.name}; leave it out, or {bound.remedy}."
            )
