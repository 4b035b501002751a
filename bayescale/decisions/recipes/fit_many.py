"""Fits of many groups of runs of one team, such as recipes or validation sets, that learn from each
other.

Each group is fitted by itself under the library's prior, by shared compiled programs. A linear
model of all groups (`_team`) then moves the draws: floor, exponents and departures from the law of
a group are nearer to those of the others, the more alike the groups are found to be. Levels of loss
are each group's own. Draws of one number belong together in all groups.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bayescale import defaults
from bayescale._internal.devices import hosted
from bayescale._internal.precision import float64
from bayescale.decisions.recipes._linear import Linearisation
from bayescale.decisions.recipes._team import RECIPES, SCORES, together
from bayescale.decisions.recipes.group_fits import GroupFits
from bayescale.errors import InputError, RunsWarning
from bayescale.findings import examine, refuse
from bayescale.findings.too_few_runs import FEWEST_RUNS
from bayescale.inference.base import Problem
from bayescale.inference.importance import Importance
from bayescale.laws.coupled import Coupled
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.predictive import some_draws
from bayescale.priors.at_frontier import AtFrontier
from bayescale.priors.library import Library
from bayescale.runs import Runs, RunsLike
from bayescale.tables.sources import TableLike

_FEWEST_GROUPS = 2


@float64
@hosted
def fit_many(
    runs: RunsLike,
    by: str | None = None,
    *,
    losses: Sequence[str] | None = None,
    prior: Library | AtFrontier | None = None,
    method: Importance | None = None,
) -> GroupFits:
    """Fit groups of runs of one team, which learn from each other.

    Groups are recipes or mixtures, each with runs of its own, or several losses of the same runs.
    How alike they are is learnt from them. What groups share cancels in their differences: over
    public ladders of recipes, the error of a forecast difference is about two thirds of that of
    two fits alone (docs/small_ladders.md).

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        Runs of all groups, with parameters, tokens and a loss.
    by : str, default "group"
        Column that names the group of each run.
    losses : sequence of str, optional
        Headings of losses of the same runs, such as those on several texts. Each is a group, in
        place of ``by``. Departures from the law are shared; floor and exponents are each loss's
        own, since the runs leave open the same of them in every loss.
    prior : Library or AtFrontier, default `Library()`
        What other teams say.
    method : Importance, default `Importance()`

    Returns
    -------
    GroupFits

    Raises
    ------
    InputError
        Where there is no such column, both ``by`` and ``losses`` are given, there are fewer than
        two groups, a group has fewer than three runs, or what is given as its loss is certainly
        none.

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
    if losses is None:
        by, options = by or "group", RECIPES
        name, groups = _by_column(runs, by)
    elif by is None:
        by, options = "score", SCORES
        name, groups = _by_loss(runs, losses)
    else:
        raise InputError("Give one of by, for groups of runs, and losses, for losses of each run.")
    _require_groups(name, by, groups)
    findings = [examine(one.frame) for one in groups.values()]
    for one, found_of_group in zip(groups.values(), findings, strict=True):
        refuse(found_of_group, one.name)
    method = Importance() if method is None else method
    prior = prior or Library()
    library = prior.learnt if isinstance(prior, Library) else prior
    law = Coupled(prior=prior)
    problems = [Problem.build(one, law, defaults.noise(law)) for one in groups.values()]
    alone = [
        replace(one, findings=found)
        for one, found in zip(method.run_all(problems), findings, strict=True)
    ]
    even = [_with_draws(one, min(other.n_draws for other in alone)) for one in alone]
    linear = Linearisation.of(even, library)
    observed = [linear.group(one) for one in even]
    found = together(observed, linear.common(even), options, method.seed)
    posteriors = map(linear.posterior, even, found.draws)
    of_others = map(linear.quantities, even, found.of_others)
    return GroupFits(
        name,
        by,
        dict(zip(groups, posteriors, strict=True)),
        dict(zip(groups, alone, strict=True)),
        dict(zip(groups, of_others, strict=True)),
        found.likeness,
    )


def _with_draws(posterior: Posterior, count: int) -> Posterior:
    """Return the posterior with so many of its draws, evenly spaced.

    A group whose weights were uneven was sampled by chains, and has another number of draws.
    """
    rows = np.linspace(0, posterior.n_draws - 1, count).round().astype(int)
    return some_draws(posterior, rows)


def _by_column(runs: RunsLike, by: str) -> tuple[str, dict[str, Runs]]:
    """Return the name of all runs, and the runs of each group that a column names."""
    column = by
    if not isinstance(runs, Runs):
        # A column of another heading, such as recipe, is recognised as the group by itself.
        runs = _read(runs, **({} if by == "group" else {"group": by}))
        column = "group"
    if column not in runs.frame:
        known = ", ".join(map(str, runs.frame))
        raise InputError(
            f"{runs.name} has no column {by}; it has {known}. For several losses of the same runs, "
            f"give losses=[...] with their headings."
        )
    groups = {}
    for group, frame in runs.frame.groupby(column, sort=True):
        own = frame.drop(columns={column, "group"} & set(frame))
        groups[str(group)] = replace(runs, frame=own, name=f"{runs.name}, {group}")
    return runs.name, groups


def _by_loss(runs: RunsLike, losses: Sequence[str]) -> tuple[str, dict[str, Runs]]:
    """Return the name of all runs, and the runs with each of several losses."""
    source = runs.frame if isinstance(runs, Runs) else runs
    groups, name = {}, ""
    for heading in losses:
        one = _read(source, loss=heading)
        name = runs.name if isinstance(runs, Runs) else one.name
        frame = one.frame.drop(columns={"group"} & set(one.frame))
        groups[heading] = replace(one, frame=frame, name=f"{name}, {heading}")
    return name, groups


def _read(runs: TableLike, **columns: str) -> Runs:
    """Return the runs, without warnings about all of them together.

    That families differ is meant here; each group is examined by itself.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsWarning)
        return Runs.read(runs, **columns)


def _require_groups(name: str, by: str, groups: Mapping[str, Runs]) -> None:
    if len(groups) < _FEWEST_GROUPS:
        raise InputError(f"{name} has one group by {by}, which has none to learn from; use bs.fit.")
    small = [group for group, one in groups.items() if len(one) < FEWEST_RUNS]
    if small:
        raise InputError(
            f"{name}: {', '.join(small)} by {by} "
            f"{'has' if len(small) == 1 else 'have'} fewer than {FEWEST_RUNS} runs; add runs, or "
            f"leave the group out."
        )
