"""Fits of many groups of runs, such as recipes, mixtures or validation sets of one team, that learn
from each other.

Each group is fitted by itself under the library's prior. What the others say of it (`_team`) is its
prior in a second fit: floor, exponents and coupling are nearer to theirs, the more alike the groups
are found to be. Levels of loss are each group's own. A group that is unlike the others keeps to
itself. All fits share compiled programs.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from bayescale import defaults
from bayescale._internal.devices import hosted
from bayescale._internal.precision import float64
from bayescale.decisions.plans._planning import Planner
from bayescale.decisions.recipes._team import Known, by_others
from bayescale.errors import InputError, RunsWarning
from bayescale.findings import examine, refuse
from bayescale.findings.too_few_runs import FEWEST_RUNS
from bayescale.inference.base import Problem
from bayescale.inference.importance import Importance
from bayescale.laws.coupled import Coupled
from bayescale.parameters import FloatOrArray
from bayescale.posterior.beside_prior import beside_prior, coordinates_of
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.predictive import some_draws
from bayescale.priors._moved import Moved
from bayescale.priors.at_frontier import AtFrontier
from bayescale.priors.library import Library
from bayescale.results import Complaint, Json, as_json, complaints_about, records, to_html, to_text
from bayescale.runs import Runs, RunsLike
from bayescale.units import quantiles, rounded

_FEWEST_GROUPS = 2
# The level of loss is each group's own.
_LEVEL = "log_level"


@dataclass(frozen=True, eq=False)
class GroupFits:
    """Fits of groups of runs that learn from each other.

    Attributes
    ----------
    name : str
        Of all runs together.
    by : str
        Column that names the group of each run.
    posteriors : dict of str to Posterior
        Of each group, given its runs and what the others say.
    alone : dict of str to Posterior
        Of each group by itself.
    """

    name: str
    by: str
    posteriors: Mapping[str, Posterior]
    alone: Mapping[str, Posterior]

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
            table = pd.DataFrame(index=together.index)
            for column in ("q05", "q50", "q95"):
                table[f"library_{column}"] = alone[f"prior_{column}"]
                table[f"others_{column}"] = together[f"prior_{column}"]
                table[f"alone_{column}"] = alone[column]
                table[column] = together[column]
            tables.append(table.reset_index().assign(**{self.by: group}))
        whole = pd.concat(tables, ignore_index=True)
        return whole.set_index([self.by, "quantity"])

    def summary(self) -> pd.DataFrame:
        """Medians and 90 % intervals of each group and quantity, by all that is known."""
        return self.frame[["q05", "q50", "q95"]]

    @float64
    def ranking(self, compute: float) -> pd.DataFrame:
        """Rank the groups by the loss of a compute-optimal run at a budget.

        Parameters
        ----------
        compute : float
            FLOPs.

        Returns
        -------
        DataFrame, one row per group, the best first
            ``q05``, ``q50``, ``q95`` of the loss; ``probability_best``; ``expected_regret``, by how
            much its loss is above that of the best on average, in units of the loss. Scores on
            different scales, such as losses on different texts, are not comparable.

        Raises
        ------
        InputError
            Where compute is not positive.
        """
        if not 0 < compute < np.inf:
            raise InputError(f"compute = {compute:g} is not a positive number of FLOPs.")
        losses = np.stack(list(_losses_at(self.posteriors, compute)))
        best = losses.argmin(axis=0)
        regret = (losses - losses.min(axis=0)).mean(axis=1)
        rows = {group: quantiles(row) for group, row in zip(self.posteriors, losses, strict=True)}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(self.by)
        shares = np.bincount(best, minlength=len(losses)) / losses.shape[1]
        table = table.assign(probability_best=shares, expected_regret=regret)
        return table.sort_values("expected_regret", kind="stable")

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{len(self.posteriors)} groups of {self.name} by {self.by}, fitted together"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say how much the groups narrow each other's exponents."""
        shrunk = self.frame.loc[(slice(None), ["alpha", "beta"]), :]
        others = np.log(shrunk["others_q95"] / shrunk["others_q05"])
        library = np.log(shrunk["library_q95"] / shrunk["library_q05"])
        share = float((others / library).mean())
        return (
            f"What the library and the other groups say of a group's exponents is "
            f"{rounded(share)} times as wide as what the library says alone.",
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


@float64
@hosted
def fit_many(
    runs: RunsLike,
    by: str = "group",
    *,
    prior: Library | AtFrontier | None = None,
    method: Importance | None = None,
) -> GroupFits:
    """Fit groups of runs of one team, which learn from each other.

    Groups are recipes, mixtures, or validation sets of the same runs. Floor, exponents and coupling
    of a group have a prior that the library and the other groups make together; how alike groups
    are is learnt from them. Over ladders of public sweeps this took 2 to 7 % off the error of a
    forecast on average (docs/small_ladders.md).

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        Runs of all groups, with parameters, tokens and a loss.
    by : str
        Column that names the group of each run.
    prior : Library or AtFrontier, default `Library()`
        What other teams say.
    method : Importance, default `Importance()`

    Returns
    -------
    GroupFits

    Raises
    ------
    InputError
        Where there is no such column, there are fewer than two groups, a group has fewer than three
        runs, or what is given as its loss is certainly none.

    Examples
    --------
    >>> import bayescale as bs
    >>> import pandas as pd
    >>> old = bs.datasets.simulate(seed=1, sizes_per_budget=3).frame.head(12).assign(recipe="old")
    >>> new = bs.datasets.simulate(seed=2, sizes_per_budget=3).frame.head(12).assign(recipe="new")
    >>> both = pd.concat([old, new], ignore_index=True).drop(columns="group")
    >>> fits = bs.fit_many(both, by="recipe", method=bs.Importance(draws=400))
    >>> sorted(fits.posteriors)
    ['new', 'old']
    >>> float(fits.ranking(1e23)["probability_best"].sum())
    1.0
    """
    whole = _read(runs, by)
    groups = dict(_groups(whole))
    _require_groups(whole, by, groups)
    findings = [examine(one.frame) for one in groups.values()]
    for one, found_of_group in zip(groups.values(), findings, strict=True):
        refuse(found_of_group, one.name)
    method = Importance() if method is None else method
    prior = prior or Library()
    library = prior.learnt if isinstance(prior, Library) else prior
    moving = Moved(library)
    problems = [_problem(one, moving) for one in groups.values()]
    alone = [replace(one, law=Coupled(prior=prior)) for one in method.run_all(problems)]
    found = [
        _known(one, library.log_odds_at(problem.data.sweep))
        for one, problem in zip(alone, problems, strict=True)
    ]
    said = [_prior(library, known) for known in by_others(_of_library(library), found)]
    moved = [
        _with_sweep(problem, *moving.towards(own))
        for problem, own in zip(problems, said, strict=True)
    ]
    together = [
        replace(one, law=Coupled(prior=own), findings=found_of_group)
        for one, own, found_of_group in zip(method.run_all(moved), said, findings, strict=True)
    ]
    return GroupFits(
        whole.name,
        by,
        dict(zip(groups, together, strict=True)),
        dict(zip(groups, alone, strict=True)),
    )


def _read(runs: RunsLike, by: str) -> Runs:
    """Return the runs, with the column that names their groups as ``group``."""
    if not isinstance(runs, Runs):
        with warnings.catch_warnings():
            # What is doubtful of all runs together, such as that families differ, is meant here;
            # each group is examined by itself.
            warnings.simplefilter("ignore", RunsWarning)
            # A column of another heading, such as recipe, is recognised as the group by itself.
            named = {} if by == "group" else {"group": by}
            runs, by = Runs.read(runs, **named), "group"
    if by not in runs.frame:
        known = ", ".join(map(str, runs.frame))
        raise InputError(f"{runs.name} has no column {by}; it has {known}.")
    frame = runs.frame if by == "group" else runs.frame.assign(group=runs.frame[by])
    return replace(runs, frame=frame)


def _groups(runs: Runs) -> Iterator[tuple[str, Runs]]:
    """Yield the name and the runs of each group, without the column that names it."""
    for group, frame in runs.frame.groupby("group", sort=True):
        own = frame.drop(columns="group")
        yield str(group), replace(runs, frame=own, name=f"{runs.name}, {group}")


def _require_groups(runs: Runs, by: str, groups: Mapping[str, Runs]) -> None:
    if len(groups) < _FEWEST_GROUPS:
        raise InputError(
            f"{runs.name} has one group by {by}, which has none to learn from; use bs.fit."
        )
    small = [group for group, one in groups.items() if len(one) < FEWEST_RUNS]
    if small:
        raise InputError(
            f"{runs.name}: {', '.join(small)} by {by} "
            f"{'has' if len(small) == 1 else 'have'} fewer than {FEWEST_RUNS} runs; add runs, or "
            f"leave the group out."
        )


def _problem(runs: Runs, prior: Moved) -> Problem:
    law = Coupled(prior=prior)
    problem = Problem.build(runs, law, defaults.noise(law))
    # Every group has arrays here, also where nothing is moved, so that both fits share programs.
    count = len(prior.coordinates(()))
    return _with_sweep(problem, np.zeros(count), np.ones(count))


def _with_sweep(problem: Problem, shift: np.ndarray, stretch: np.ndarray) -> Problem:
    sweep = problem.data.sweep._replace(shift=shift, stretch=stretch).on_device()
    return replace(problem, data=problem.data._replace(sweep=sweep))


def _of_library(library: AtFrontier) -> Known:
    """Return what the library says of the coordinates that groups share."""
    rows = [row for row in library.coordinates(()) if row.name != _LEVEL]
    means = np.array([float(row.prior.loc) for row in rows])
    deviations = np.array([float(row.prior.scale) for row in rows])
    return Known(means, np.diag(deviations**2))


def _known(posterior: Posterior, log_odds: tuple[FloatOrArray, FloatOrArray]) -> Known:
    """Return mean and covariance of the coordinates that groups share, with what compute and shape
    of the sweep add to log odds taken out.
    """
    of_floor, of_params = log_odds
    draws = coordinates_of(posterior)
    draws["floor_log_odds"] = draws["floor_log_odds"] - float(of_floor)
    draws["params_log_odds"] = draws["params_log_odds"] - float(of_params)
    shared = np.stack([values for name, values in draws.items() if name != _LEVEL])
    return Known(shared.mean(axis=1), np.cov(shared))


def _prior(library: AtFrontier, known: Known) -> AtFrontier:
    """Return the prior of a group in numbers of `AtFrontier`."""
    floor, params, exponent, ratio, gamma = map(float, known.mean)
    deviations = map(float, np.sqrt(np.diag(known.covariance)))
    floor_sd, params_sd, exponent_sd, ratio_sd, gamma_sd = deviations
    return replace(
        library,
        floor_share=float(expit(floor)),
        floor_share_sd=floor_sd,
        params_share=float(expit(params)),
        params_share_sd=params_sd,
        exponent=float(np.exp(exponent)),
        exponent_sd=exponent_sd,
        exponent_ratio=float(np.exp(ratio)),
        exponent_ratio_sd=ratio_sd,
        gamma=float(np.exp(gamma)),
        gamma_sd=gamma_sd,
    )


def _losses_at(posteriors: Mapping[str, Posterior], compute: float) -> Iterator[np.ndarray]:
    """Yield draws of the loss of a compute-optimal run of each group, equally many of each."""
    # A group whose weights were uneven was sampled by chains, and has another number of draws.
    count = min(posterior.n_draws for posterior in posteriors.values())
    for posterior in posteriors.values():
        rows = np.linspace(0, posterior.n_draws - 1, count).round().astype(int)
        planner = Planner.of(some_draws(posterior, rows))
        best = planner.minimize_loss({"compute": np.array([compute])})
        yield np.exp(np.asarray(best.log_loss)[:, 0])
