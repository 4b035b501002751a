"""The result of `fit_many`: posteriors of groups whose draws belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from bayescale._internal.precision import float64
from bayescale.decisions.plans._planning import Planner
from bayescale.decisions.recipes._joint_losses import joint_log_losses
from bayescale.decisions.recipes._team import Likeness
from bayescale.errors import InputError
from bayescale.posterior.beside_prior import beside_prior
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, as_json, complaints_about, records, to_html, to_text
from bayescale.units import quantiles, rounded, tokens_for

Counts = float | Sequence[float] | np.ndarray | Mapping[str, float]
"""One number, one for each run, or one for each group by its name."""


@dataclass(frozen=True, eq=False)
class GroupFits:
    """Fits of groups of runs that learn from each other.

    Attributes
    ----------
    name : str
        Of all runs together.
    by : str
        What tells groups apart: the column that names the group of each run, or ``score``.
    posteriors : dict of str to Posterior
        Of each group, given the runs of all. Draws of one number belong together.
    alone : dict of str to Posterior
        Of each group by itself.
    others : dict of str to dict of arrays
        For each group draws of the quantities of `frame`, given the library and the runs of the
        other groups.
    likeness : Likeness
        For each draw how far groups lie apart, as a share of how far sweeps of all teams do: in
        floor and exponents (``law``) and in their departures from the law (``departures``); and
        the correlation of the scatter of one run in two scores (``scatter``).
    """

    name: str
    by: str
    posteriors: Mapping[str, Posterior]
    alone: Mapping[str, Posterior]
    others: Mapping[str, Mapping[str, np.ndarray]] = field(repr=False)
    likeness: Likeness = field(repr=False)

    def __getitem__(self, group: str) -> Posterior:
        """Return the posterior of a group."""
        return self.posteriors[group]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per group and quantity: central 90 % intervals by the library (``library_q05``
        and so on), by the library and the other groups (``others_``), by the group's runs under the
        library (``alone_``), and by all (``q05``, ``q50``, ``q95``).
        """
        tables = []
        for group, posterior in self.posteriors.items():
            alone = beside_prior(self.alone[group])
            together = beside_prior(posterior)
            of_others = {name: quantiles(draws) for name, draws in self.others[group].items()}
            others = pd.DataFrame.from_dict(of_others, orient="index")
            table = pd.DataFrame(index=together.index)
            for column in ("q05", "q50", "q95"):
                table[f"library_{column}"] = alone[f"prior_{column}"]
                table[f"others_{column}"] = others[column]
                table[f"alone_{column}"] = alone[column]
                table[column] = together[column]
            tables.append(table.reset_index().assign(**{self.by: group}))
        whole = pd.concat(tables, ignore_index=True)
        return whole.set_index([self.by, "quantity"])

    def summary(self) -> pd.DataFrame:
        """Medians and 90 % intervals of each group and quantity, by all that is known."""
        return self.frame[["q05", "q50", "q95"]]

    def draws(self, name: str) -> xr.DataArray:
        """Return draws of a parameter of all groups, which belong together.

        Parameters
        ----------
        name : str
            For example ``alpha``.

        Returns
        -------
        DataArray, dimensions draw and group
        """
        values = np.stack([posterior.draws(name) for posterior in self.posteriors.values()], axis=1)
        return xr.DataArray(values, {self.by: list(self.posteriors)}, ("draw", self.by), name)

    @float64
    def losses(
        self,
        n_params: Counts,
        n_tokens: Counts,
        seed: int = 0,
    ) -> xr.DataArray:
        """Return draws of the losses that runs of all groups would reach, scatter included.

        Draws belong together: what groups share cancels in their differences.

        Parameters
        ----------
        n_params, n_tokens : float, array of shape (runs,), or dict of float
            Of the runs, the same for all groups; or of one run of each group, by its name.
        seed : int

        Returns
        -------
        DataArray, dimensions draw, group and run
        """
        inputs = [_inputs(n_params, n_tokens, group) for group in self.posteriors]
        log_losses = joint_log_losses(list(self.posteriors.values()), inputs, self.likeness, seed)
        groups = {self.by: list(self.posteriors)}
        return xr.DataArray(np.exp(log_losses), groups, ("draw", self.by, "run"), "loss")

    def ranking(self, compute: float) -> pd.DataFrame:
        """Rank the groups by the loss of a compute-optimal run at a budget.

        Parameters
        ----------
        compute : float
            FLOPs.

        Returns
        -------
        DataFrame, one row per group, the best first
            ``n_params``, the best size; ``q05``, ``q50``, ``q95`` of the loss of such a run;
            ``probability_best``; ``expected_regret``, by how much its loss is above that of the
            best on average, in units of the loss. Scores on different scales, such as losses on
            different texts, are not comparable.

        Raises
        ------
        InputError
            Where compute is not positive.
        """
        sizes = self._best_sizes(compute)
        losses = self._at(compute, sizes)
        values = losses.to_numpy()
        table = pd.DataFrame({"n_params": sizes, **quantiles(values)}, index=list(sizes))
        shares = np.bincount(values.argmin(axis=1), minlength=len(sizes)) / len(values)
        regret = (values - values.min(axis=1, keepdims=True)).mean(axis=0)
        table = table.assign(probability_best=shares, expected_regret=regret)
        return table.rename_axis(self.by).sort_values("expected_regret", kind="stable")

    def pairs(self, compute: float) -> pd.DataFrame:
        """Compare each two groups by the losses of compute-optimal runs at a budget.

        Parameters
        ----------
        compute : float
            FLOPs.

        Returns
        -------
        DataFrame, one row per pair
            ``better``, the group with the lower expected loss, and ``other``; ``probability`` that
            a run of it has the lower loss; ``q05``, ``q50``, ``q95`` of by how much.

        Raises
        ------
        InputError
            Where compute is not positive.
        """
        losses = self._at(compute, self._best_sizes(compute))
        order = losses.mean("draw").to_series().sort_values(kind="stable").index
        rows = []
        for place, better in enumerate(order):
            for other in order[place + 1 :]:
                gap = (losses.sel({self.by: other}) - losses.sel({self.by: better})).to_numpy()
                row = {"better": better, "other": other, "probability": float((gap > 0).mean())}
                rows.append(row | quantiles(gap))
        return pd.DataFrame(rows)

    @float64
    def _best_sizes(self, compute: float) -> dict[str, float]:
        """Return the median of the best number of parameters of each group at a budget."""
        if not 0 < compute < np.inf:
            raise InputError(f"compute = {compute:g} is not a positive number of FLOPs.")
        sizes = {}
        for group, posterior in self.posteriors.items():
            best = Planner.of(posterior).minimize_loss({"compute": np.array([compute])})
            sizes[group] = float(np.exp(np.median(best.log_n)))
        return sizes

    def _at(self, compute: float, sizes: Mapping[str, float]) -> xr.DataArray:
        """Return draws of the loss of one run of each group, dimensions draw and group."""
        tokens = {group: tokens_for(compute, size) for group, size in sizes.items()}
        return self.losses(sizes, tokens).isel(run=0)

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{len(self.posteriors)} groups of {self.name} by {self.by}, fitted together"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say how alike the groups are."""
        law, departures = self.likeness.law.mean(), self.likeness.departures.mean()
        return (
            f"The groups lie {rounded(float(law))} times as far apart in floor and exponents as "
            f"sweeps of different teams, and {rounded(float(departures))} times in how they depart "
            f"from the law.",
        )

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Complaints about the fits, each with the name of its group."""
        found: list[Complaint] = []
        for group, posterior in self.posteriors.items():
            found += complaints_about(group, posterior.problems)
        return tuple(found)

    def to_dict(self) -> dict[str, Json]:
        """The column, and each group's quantities."""
        rows = records(self.frame.reset_index())
        return dict(as_json({"name": self.name, "by": self.by, "groups": rows}))

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def _inputs(n_params: Counts, n_tokens: Counts, group: str) -> dict[str, np.ndarray]:
    """Return parameters and tokens of the runs of a group, each of shape (runs,)."""
    own = [one[group] if isinstance(one, Mapping) else one for one in (n_params, n_tokens)]
    sizes, lengths = np.broadcast_arrays(*map(np.atleast_1d, own))
    return {"n_params": sizes.astype(float), "n_tokens": lengths.astype(float)}
