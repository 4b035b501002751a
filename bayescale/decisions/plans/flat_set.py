"""Flat set: all sizes within ε nats of each draw's optimum, and how probably one is.

Loss along a budget is flat about its least value: at the optimum of Chinchilla's law, N off by a
factor of two costs some hundredths of a nat. So N* is known less well than what is lost by missing
it, and the size to choose is one that is good whichever draw is right: the one of least expected
regret.

    regret(N) = L(N, D(N)) − min L,   D(N) all that the budget and the bounds leave
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayescale._internal.precision import float64
from bayescale.decisions.plans._budget_tables import kind_of_budget
from bayescale.decisions.plans._one_budget import refuse_other_budgets
from bayescale.decisions.plans._optimum import least_mean_loss, no_worse
from bayescale.decisions.plans._planning import Amounts, Planner, asked_for
from bayescale.decisions.plans.constraints import Constraints
from bayescale.errors import InputError
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.units import NATS_PER_TOKEN, count_in_words, in_loss_unit

_NODES = 201
_TAIL = 0.005
_LEVELS = (0.5, 0.9)


@dataclass(frozen=True, eq=False)
class FlatSet:
    """Sizes that are nearly as good as the best.

    Attributes
    ----------
    epsilon : float
        In the unit of the losses.
    draws : Dataset with dimensions ``draw`` and the budgets' own
        ``low`` and ``high``, the ends of the draw's set; ``n_params``, its optimum.
    frame : DataFrame, one row a budget and size
        The budget, ``n_params`` and, of that size, ``n_tokens`` (median), ``probability`` of being
        in the set, ``expected_regret`` (infinite where the bounds leave the size nothing in some
        draw).
    least_regret : DataFrame, one row a budget
        The size of least expected regret: ``n_params``, ``n_tokens`` (median), ``probability``,
        ``expected_regret``.
    loss_unit : str
        Unit of the losses.
    """

    epsilon: float
    draws: xr.Dataset
    frame: pd.DataFrame
    least_regret: pd.DataFrame
    loss_unit: str = NATS_PER_TOKEN

    def summary(self) -> pd.DataFrame:
        """Return for each budget the size of least expected regret, and the sizes that are in the
        set with a probability of at least 50 and 90 %: ``low_50`` … ``high_90``, NaN where none is.
        """
        over = kind_of_budget(self.draws)
        table = self.least_regret.set_index(over)
        for level in _LEVELS:
            members = self.frame[self.frame["probability"] >= level]
            sizes = members.groupby(over)["n_params"]
            table[f"low_{100 * level:.0f}"] = sizes.min()
            table[f"high_{100 * level:.0f}"] = sizes.max()
        return table

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return in_loss_unit(f"sizes within {self.epsilon:g} nats of the best", self.loss_unit)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The size of least expected regret at each budget, and those that are nearly as good."""
        said = []
        for budget, row in self.summary().iterrows():
            at = f"At {budget:.4g}: {count_in_words(row['n_params'])} parameters"
            if np.isfinite(row["low_90"]):
                low, high = count_in_words(row["low_90"]), count_in_words(row["high_90"])
                said.append(f"{at}; sizes from {low} to {high} are as good with probability 90 %.")
            else:
                said.append(f"{at}; no size is as good as the best with probability 90 %.")
        return tuple(said)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The tolerance, and the summary, a row a budget."""
        return {"epsilon": self.epsilon, "sizes": records(self.summary().reset_index())}

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def flat_set(
    posterior: Posterior,
    compute: Amounts | None = None,
    *,
    lifetime_compute: Amounts | None = None,
    cost: Amounts | None = None,
    epsilon: float = 0.005,
    constraints: Constraints | None = None,
    seed: int = 0,
) -> FlatSet:
    """Find the sizes whose loss is within ``epsilon`` of the least at a budget, and the size of
    least expected regret.

    Parameters
    ----------
    posterior : Posterior
    compute, lifetime_compute, cost : float or sequence
        One of them, as for `allocate`.
    epsilon : float
        In the unit of the losses.
    constraints : Constraints, optional
        As for `allocate`.
    seed : int
        Of what the constraints leave uncertain.

    Returns
    -------
    FlatSet

    Raises
    ------
    InputError
        As `allocate`, and where ``epsilon`` is not positive.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> found = bs.flat_set(post, compute=1e23, epsilon=0.005)
    >>> float((found.draws["high"] / found.draws["low"]).item()) > 2
    True
    """
    if not 0 < epsilon < float("inf"):
        raise InputError(
            f"flat_set: epsilon={epsilon:g} must be a positive number in the unit of the losses, "
            f"such as 0.005."
        )
    planner = Planner.of(posterior, constraints, seed)
    over, budgets = asked_for(
        "flat_set", constraints, compute=compute, lifetime_compute=lifetime_compute, cost=cost
    )
    refuse_other_budgets("flat_set", posterior, budgets if over == "compute" else None)
    limits = planner.limits({over: budgets})
    best = planner.minimize_loss({over: budgets})
    planner.require_all_feasible(best, {over: budgets})
    least_losses = np.exp(best.log_loss)
    allowed = np.log(least_losses + epsilon)
    ends = no_worse(planner.objective, limits, planner.scenario, best.log_n, allowed)
    low, high = map(np.asarray, ends)
    chosen = np.asarray(least_mean_loss(planner.objective, limits, planner.scenario))
    first, last = np.quantile(low, _TAIL, axis=0), np.quantile(high, 1 - _TAIL, axis=0)
    grid = np.linspace(first, last, _NODES)
    nodes: list[pd.DataFrame] = []
    least_regret: list[pd.DataFrame] = []
    for column, budget in enumerate(budgets):
        bounds = low[:, [column]], high[:, [column]], least_losses[:, [column]]
        for rows, log_n in ((nodes, grid[:, column]), (least_regret, chosen[[column]])):
            table = _rows_of_sizes(planner, {over: budgets[[column]]}, log_n, *bounds)
            rows.append(table.assign(**{over: budget})[[over, *table.columns]])
    draws = {"low": np.exp(low), "high": np.exp(high), "n_params": np.exp(best.log_n)}
    return FlatSet(
        epsilon,
        xr.Dataset(
            {name: (("draw", over), values) for name, values in draws.items()},
            coords={over: budgets},
        ),
        pd.concat(nodes, ignore_index=True),
        pd.concat(least_regret, ignore_index=True),
        posterior.runs.loss_unit,
    )


def _rows_of_sizes(
    planner: Planner,
    budget: dict[str, np.ndarray],
    log_n: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    least: np.ndarray,
) -> pd.DataFrame:
    """Return a table of sizes, shape (sizes,), at one budget."""
    every = np.broadcast_to(log_n, (len(low), len(log_n)))
    log_d = planner.log_tokens(every, budget)
    regret = np.exp(planner.log_loss(every, log_d)) - least
    return pd.DataFrame(
        {
            "n_params": np.exp(log_n),
            "n_tokens": np.exp(np.median(log_d, axis=0)),
            "probability": np.mean((low <= every) & (every <= high), axis=0),
            "expected_regret": np.where(
                np.isnan(regret).any(axis=0), np.inf, np.mean(regret, axis=0)
            ),
        }
    )
