"""Would the recommended size have been right? Fit the cheap budgets of a sweep, forecast the
compute-optimal size of the dear ones, and score it against what their own runs show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayescale._internal.progress import bar
from bayescale.decisions.checks._tested import what_was_tested
from bayescale.decisions.checks.allocations import scores
from bayescale.decisions.checks.allocations.cuts import AfterBudgets, HiddenSizes, hidden_sizes
from bayescale.decisions.checks.allocations.forecasters import (
    PRACTICES,
    SizeForecast,
    SizeForecaster,
    sizes_of,
)
from bayescale.decisions.checks.allocations.truth import members, optima_of
from bayescale.decisions.checks.forecasters import Fitted, require_loss
from bayescale.errors import InputError
from bayescale.inference.base import Method
from bayescale.laws.base import Law
from bayescale.noise.base import Noise
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, complaints_about, messages, records, to_html, to_text
from bayescale.runs import Runs, RunsLike, as_runs
from bayescale.units import rounded


@dataclass(frozen=True, eq=False)
class AllocationBacktest:
    """Forecasts of the compute-optimal size beside what hidden budgets show.

    Attributes
    ----------
    frame : DataFrame, one row per cut, hidden budget and model
        ``model``, ``fold``; ``compute`` (FLOPs) and ``times``, its ratio to the dearest budget that
        was fitted; ``n_train`` runs; ``n_params``, the budget's own optimum, and its standard error
        ``se``, decades of N; quantiles of the forecast, ``q05`` … ``q95``, parameters; ``width`` of
        the 90 % interval, ``error`` of the median and ``crps``, decades of N; ``covered50`` and
        ``covered90``, with the optimum's error added to the forecast; ``regret``, nats per token,
        of the median size on the budget's own curve.
    optima : DataFrame, one row per budget
        ``compute``, ``n_runs``, ``n_sizes``, ``log_n_params`` and ``se`` (decades), ``loss``,
        ``curvature`` and ``status``: ``counts``, or why the budget does not count.
    posteriors : dict of str to Posterior
        The fit of each cut.
    runs : Runs
    cuts : AfterBudgets
    lacking : tuple of Complaint
        Why an approach is lacking.
    """

    frame: pd.DataFrame
    optima: pd.DataFrame
    posteriors: dict[str, Posterior] = field(repr=False)
    runs: Runs = field(repr=False)
    cuts: AfterBudgets
    lacking: tuple[Complaint, ...] = ()

    @property
    def model(self) -> str:
        """Name of the model that was backtested, as the frame has it beside the approaches."""
        return str(self.frame["model"].iloc[0])

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Diagnostics that failed; each sentence begins with what was hidden."""
        complaints: list[Complaint] = []
        for name, posterior in self.posteriors.items():
            complaints += complaints_about(f"Without {name}", posterior.problems)
        return tuple(complaints)

    def summary(self) -> pd.DataFrame:
        """Mean scores over hidden budgets, of the model and of the approaches beside it.

        Returns
        -------
        DataFrame, one row per model
            ``coverage50`` and ``coverage90``; mean ``width`` of 90 % intervals, ``bias`` and
            absolute ``error`` of the medians and ``crps``, in decades of N; ``regret``, nats per
            token; and ``n_budgets``, hidden budgets, all cuts together.
        """
        return scores.summary(self.frame)

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{self.runs.name}, compute-optimal sizes of hidden budgets"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say how many hidden optima the 90 % intervals hold, how far off the medians are, and what
        that costs; then which approach is lacking.
        """
        said = []
        for model, row in self.summary().iterrows():
            held = f"{row['coverage90']:.0%} of {row['n_budgets']:.0f} hidden optima"
            off = f"the medians are off by a factor of {rounded(10 ** row['error'])}"
            cost = f"which costs {row['regret']:.2g} nats"
            said.append(f"{model}: 90 % intervals hold {held}; {off}, {cost}.")
        return (*said, *messages(self.lacking))

    def to_dict(self) -> dict[str, Json]:
        """Scores of the model, of the approaches under ``beside``, and each hidden budget."""
        ours, *others = records(self.summary().reset_index())
        del ours["model"]
        posterior = next(iter(self.posteriors.values()))
        return {
            **ours,
            "beside": others,
            "budgets": records(self.frame),
            "optima": records(self.optima),
            "cuts": {
                "fitted": self.cuts.fitted,
                "leaving": self.cuts.leaving,
                "beyond": self.cuts.beyond,
            },
            "lacking": messages(self.lacking),
            "problems": messages(self.problems),
            **what_was_tested(self.runs, posterior),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def backtest_allocation(
    runs: RunsLike,
    cuts: AfterBudgets | None = None,
    *,
    budgets: Sequence[float] | np.ndarray | None = None,
    curves: RunsLike | None = None,
    law: Law | None = None,
    noise: Noise | None = None,
    method: Method | None = None,
) -> AllocationBacktest:
    """Fit the cheaper budgets, forecast the compute-optimal size N* of the dearer ones, and score
    the forecast against what their own runs show, beside Hoffmann's three approaches.

    The verb is not an option of `backtest`, because it hides budgets and not runs, and its truths
    are estimates with errors.

    The truth of a budget is the minimum of a parabola and a cubic through its runs near the
    minimum, without a scaling law; a budget that shows no stable minimum does not count
    (`AllocationBacktest.optima` says why). Beside the model stand Approach 1, Approach 2 and a
    Huber fit of the Chinchilla law, each on 200 to 500 resampled tables of the fitted runs.

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        A sweep with several sizes at each of several budgets. What is no `Runs` is read by
        `Runs.read`.
    cuts : AfterBudgets, optional
        Where the sweep is cut: by default after three budgets, and after the last that leaves a
        budget of ten times its compute.
    budgets : sequence of float, optional
        Nominal budgets, FLOPs. Runs within 15 % of one belong to it; all other runs are fitted
        where they are cheap enough, and never judged by. Unless given, all runs must be of budgets.
    curves : Runs or what `Runs.read` takes, optional
        Runs that the budgets' optima are taken from in place of ``runs``, such as isoFLOP sections
        through a grid of sizes and tokens.
    law, noise, method
        Arguments of `fit`, with the same defaults.

    Returns
    -------
    AllocationBacktest

    Raises
    ------
    InputError
        Where the runs are in no budgets, too few budgets count, or the law has no trade-off between
        parameters and tokens; and as `fit`.

    Warns
    -----
    FitWarning
        As `fit`, once for each cut; `AllocationBacktest.problems` holds the same sentences.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1, noise=0.003)
    >>> law, noise, method = bs.laws.Chinchilla(), bs.noise.Normal(), bs.MultiStart(starts=100)
    >>> cuts = bs.AfterBudgets(fitted=4)
    >>> test = bs.backtest_allocation(runs, cuts, law=law, noise=noise, method=method)
    >>> test.frame.loc[:0, ["model", "compute", "times", "n_train"]]
                    model       compute  times  n_train
    0  chinchilla, normal  1.000000e+22   10.0       36
    """
    runs = as_runs(runs, law.required_columns if law else None)
    cuts = AfterBudgets() if cuts is None else cuts
    require_loss("backtest_allocation", law)
    judging = runs if curves is None else as_runs(curves)
    nominal = None if budgets is None else np.sort(np.asarray(budgets, dtype=float))
    member = members(judging, nominal)
    truth = optima_of(judging, member)
    tests = [hidden_sizes(runs, judging, member, truth, cut) for cut in cuts.split(truth)]
    own_model = Fitted(law, noise, method)
    frames, posteriors, lacking = [], {}, []
    with bar() as progress:
        steps = progress.add_task("Backtesting", total=(1 + len(PRACTICES)) * len(tests))
        for test in tests:
            posterior = own_model.fitted(test.fold.train)
            posteriors[test.fold.name] = posterior
            frames.append(scored(test, sizes_of(posterior, test.compute)))
            progress.update(steps, advance=1, refresh=True)
        for practice in PRACTICES:
            for test in tests:
                try:
                    frames.append(scored(test, practice.sizes(test)))
                except InputError as error:
                    lacking.append(_lacking(practice, test, error))
                progress.update(steps, advance=1, refresh=True)
    frame = pd.concat(frames, ignore_index=True)
    return AllocationBacktest(frame, truth, posteriors, runs, cuts, tuple(lacking))


def scored(test: HiddenSizes, forecast: SizeForecast) -> pd.DataFrame:
    """Return the rows of `AllocationBacktest.frame` for one cut and one model."""
    facts = {
        "model": forecast.model,
        "fold": test.fold.name,
        "compute": test.compute,
        "times": test.compute / test.fitted_compute,
        "n_train": len(test.fold.train),
        "n_params": 10 ** test.truth["log_n_params"],
        "se": test.truth["se"],
    }
    return pd.DataFrame(facts).join(scores.size_scores(forecast.log_n_params, test.truth))


def _lacking(practice: SizeForecaster, test: HiddenSizes, error: InputError) -> Complaint:
    return Complaint("lacking", f"{practice.name} without {test.fold.name}: {error}")
