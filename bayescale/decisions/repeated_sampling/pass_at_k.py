"""Pass rates of k samples a problem, for more samples than were drawn, from counts of successes.

    pass@k = E[1 − (1 − p)^k],    n_correct ~ Binomial(n_samples, p),    p ~ a distribution over
    problems

For a new problem the expectation is over that distribution; for these problems it is over the
distribution of each problem's p given its counts. For large k, 1 − pass@k falls as k^−b, and so
does −log pass@k, where b depends on how hard the hardest problems are.

B. Brown et al., "Large Language Monkeys: Scaling Inference Compute with Repeated Sampling", 2024
(arXiv:2407.21787); R. Schaeffer et al., "How Do Large Language Monkeys Get Their Power (Laws)?",
2025 (arXiv:2502.17578), section 4.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import gammaln

from bayescale._internal.precision import float64
from bayescale.decisions.repeated_sampling._counts import (
    CELLS,
    Counts,
    Fit,
    draw_log_hazards,
    fit_rates,
    log_shares,
)
from bayescale.decisions.repeated_sampling.families import GeneralisedGamma, SuccessRates
from bayescale.errors import FitWarning, InputError
from bayescale.inference.nuts import NUTS
from bayescale.results import Complaint, Json, complaints_about, messages, records, to_html, to_text
from bayescale.units import STATISTICS, quantiles, summarise

THESE = "these problems"
NEW = "a new problem"
_GROUPS = ("group", "model")
# Failure rates below this are zero but for rounding.
_ROUNDED = 1e-12


@dataclass(frozen=True, eq=False)
class PassRates:
    """Pass rates at each k, with intervals.

    Attributes
    ----------
    draws : Dataset with dimensions ``draw``, ``group``, ``over`` and ``k``
        ``over`` is these problems or a new problem.
        ``pass_rate``; ``exponent``, the slope −d log(−log pass@k)/d log k there; ``solved``, the
        share of these problems that k samples solve, where the samples of the counts are the first;
        ``tail_exponent``, the exponent for k → ∞; and the parameters of the distribution of success
        rates.
    rates : SuccessRates
        The family of that distribution.
    parameters : DataFrame, one row per group and parameter
        Mean, sd, quantiles, R-hat and effective sample sizes.
    diagnostics : DataFrame, one row per group
        The worst R-hat and effective sample sizes, and the number of divergences.
    problems : tuple of Complaint
        Diagnostics that failed; each says what to do. Empty where all is well.
    """

    draws: xr.Dataset
    rates: SuccessRates
    parameters: pd.DataFrame
    diagnostics: pd.DataFrame
    problems: tuple[Complaint, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per group, ``over``, k and quantity, with mean, sd and quantiles."""
        rows = []
        for group in self.draws["group"].to_numpy():
            of_group = self.draws.sel(group=group)
            for quantity in ("pass_rate", "exponent"):
                for over in (THESE, NEW):
                    about = {"group": group, "over": over, "quantity": quantity}
                    rows += _rows_by_k(about, of_group[quantity].sel(over=over))
            about = {"group": group, "over": THESE, "quantity": "solved"}
            rows += _rows_by_k(about, of_group["solved"])
        columns = ["group", "over", "k", "quantity", *STATISTICS]
        return pd.DataFrame(rows, columns=columns)

    def summary(self) -> pd.DataFrame:
        """The pass rates, indexed by group, ``over`` and k."""
        frame = self.frame
        rows = frame[frame["quantity"] == "pass_rate"].drop(columns="quantity")
        return rows.set_index(["group", "over", "k"]).sort_index()

    def samples_needed(self, target: float) -> pd.DataFrame:
        """Return the number of samples a problem at which the pass rate reaches a target.

        The pass rate of each draw is interpolated linearly in log k between the k of the forecast,
        so forecast at k that are close together. A draw that reaches the target by the smallest k
        counts as that k; one that does not reach it by the largest k counts as infinity.

        Parameters
        ----------
        target : float
            A pass rate between 0 and 1.

        Returns
        -------
        DataFrame, one row per group and ``over``
            Quantiles of k, and ``reached``, the share of draws that reach the target.

        Raises
        ------
        InputError
            Where the target is not between 0 and 1.
        """
        if not 0 < target < 1:
            raise InputError(
                f"samples_needed: target={target!r} must lie between 0 and 1, such as 0.9."
            )
        log_k = np.log(self.draws["k"].to_numpy())
        rows = []
        for group in self.draws["group"].to_numpy():
            for over in (THESE, NEW):
                rates = self.draws["pass_rate"].sel(group=group, over=over)
                curves = rates.transpose("draw", "k").to_numpy()
                log_needed = [np.interp(target, curve, log_k, right=np.inf) for curve in curves]
                needed = np.exp(log_needed)
                # Between a number and infinity NumPy's quantiles are no number.
                levels = quantiles(needed, method="inverted_cdf")
                reached = np.isfinite(needed).mean()
                rows.append({"group": group, "over": over, **levels, "reached": reached})
        return pd.DataFrame(rows).set_index(["group", "over"])

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"pass rates, {self.rates.formula}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The pass rate of each group's problems at the largest k."""
        k = int(self.draws["k"].max())
        rates = self.summary().xs((THESE, k), level=("over", "k"))
        sentences = []
        for group, row in rates.iterrows():
            interval = f"{row['q05']:.3g} to {row['q95']:.3g}"
            sentences.append(
                f"{group}: {k:,} samples solve {row['q50']:.3g} of the problems (90 %: {interval})."
            )
        return tuple(sentences)

    def to_dict(self) -> dict[str, Json]:
        """The frame, the parameters and diagnostics of each group, and the problems."""
        return {
            "rates": records(self.frame),
            "parameters": records(self.parameters.reset_index()),
            "diagnostics": records(self.diagnostics.reset_index()),
            "problems": messages(self.problems),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def pass_at_k(
    counts: pd.DataFrame | Mapping[str, Any],
    k: int | Sequence[int] | np.ndarray,
    *,
    rates: SuccessRates | None = None,
    method: NUTS | None = None,
) -> PassRates:
    """Forecast pass@k from how often each problem was solved.

    The success rates of the problems of a group are draws from one distribution. NUTS draws its
    parameters, with the rates summed out. Then each problem's rate is drawn given its counts.

    Parameters
    ----------
    counts : DataFrame or mapping of columns, one row per problem
        ``n_samples`` and ``n_correct``, whole numbers; the rows of each ``group`` and ``model``,
        where there are such columns, are fitted separately. Samples may have been drawn until a
        success: the likelihood is the same.
    k : int or sequence of int
        Samples a problem.
    rates : SuccessRates, default `GeneralisedGamma()`
        The family of distributions, with priors; `Beta()` is another. Both are in
        `bayescale.decisions.repeated_sampling.families`.
    method : NUTS, default `NUTS()`

    Returns
    -------
    PassRates

    Raises
    ------
    InputError
        Where a column is missing, a count is not a whole number or larger than its number of
        samples, or a k is not positive.

    Warns
    -----
    FitWarning
        Where diagnostics say that the result should not be trusted; `PassRates.problems` holds the
        same sentences.

    Notes
    -----
    From 100 samples a problem of seven Pythia models on MATH, 90 % intervals held 87 % of pass
    rates at 1,000 samples and 79 % at 10,000, and were too high where few problems had any success:
    the root mean square of log pass@k is off by 0.21 and 0.24, a straight line through log(−log
    pass@k) by 0.14 and 0.12; see `benchmarks/pass_at_k.py`. From the first 60 samples of 159
    jailbreaks of seven models (Hughes et al. 2024, arXiv:2412.03556) forecasts were too low
    instead, off by 0.12 and 0.14 where the line is off by 0.21 and 0.23, and intervals held 100 and
    71 %. Benchmarks differ in their tails, and beyond ten times the samples of the counts the prior
    of the tail matters as much as the samples.

    Examples
    --------
    >>> import bayescale as bs
    >>> counts = {"n_samples": [100] * 8, "n_correct": [0, 0, 0, 1, 2, 5, 30, 80]}
    >>> rates = bs.pass_at_k(counts, k=[1, 100, 10_000], method=bs.NUTS(warmup=300, draws=500))
    >>> rates.summary().loc[("all", "these problems"), "q50"].round(1).tolist()
    [0.1, 0.6, 0.9]
    """
    groups = _groups(counts)
    k = _checked_k(k)
    rates = rates or GeneralisedGamma()
    method = method or NUTS()
    fits = fit_rates(rates, list(groups.values()), method)
    rng = np.random.default_rng(method.seed)
    draws, parameters, problems = [], {}, []
    for (label, group), fit in zip(groups.items(), fits, strict=True):
        draws.append(_forecast(rates, fit, group, k, rng))
        parameters[label] = _parameters(fit)
        problems += complaints_about(label, fit.problems)
    for problem in problems:
        warnings.warn(str(problem), FitWarning, stacklevel=3)
    labels = pd.Index(groups, name="group")
    return PassRates(
        draws=xr.concat(draws, dim=labels),
        rates=rates,
        parameters=pd.concat(parameters, names=["group"]),
        diagnostics=pd.DataFrame([fit.diagnostics for fit in fits], index=labels),
        problems=tuple(problems),
    )


def unbiased_pass_at_k(
    n_samples: Any, n_correct: Any, k: int | Sequence[int] | np.ndarray
) -> np.ndarray:
    """Return the unbiased estimate of each problem's pass@k, for k up to the number of samples.

        1 − C(n − c, k)/C(n, k)

    is the share of the k-subsets of n samples that hold one of the c right ones.

    M. Chen et al., "Evaluating Large Language Models Trained on Code", 2021 (arXiv:2107.03374),
    equation 1.

    Parameters
    ----------
    n_samples, n_correct : array, shape (problems,)
    k : int or sequence of int

    Returns
    -------
    array, shape (problems, k)
        Its mean over problems is the benchmark's pass@k.

    Raises
    ------
    InputError
        As in `pass_at_k`, and where a k is larger than a number of samples.

    Examples
    --------
    >>> from bayescale.decisions.repeated_sampling.pass_at_k import unbiased_pass_at_k
    >>> unbiased_pass_at_k([10, 10], [0, 3], k=[1, 5]).round(4).tolist()
    [[0.0, 0.0], [0.3, 0.9167]]
    """
    columns = {"n_samples": np.atleast_1d(n_samples), "n_correct": np.atleast_1d(n_correct)}
    frame = _checked(pd.DataFrame(columns)).astype(np.float64)
    n, c = frame[["n_samples", "n_correct"]].to_numpy().T[..., None]
    k = _checked_k(k)
    if k.max() > n.min():
        raise InputError(
            f"k = {k.max()} is more than the {n.min():.0f} samples of a problem; forecast it with "
            f"pass_at_k."
        )
    return _chance_of_success(n, c, k)


def _chance_of_success(n: np.ndarray, c: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return the chance that k of n samples hold one of the c right ones; k above n counts as n."""
    k = np.minimum(k, n)
    wrong = n - c
    left = np.maximum(wrong - k, 0)
    log_none = gammaln(wrong + 1) - gammaln(left + 1) + gammaln(n - k + 1) - gammaln(n + 1)
    chance = np.where(k > wrong, 1.0, -np.expm1(log_none))
    return np.where(c == 0, 0.0, chance)


def _groups(counts: pd.DataFrame | Mapping[str, Any]) -> dict[str, Counts]:
    """Return the counts of each group by its label."""
    frame = _checked(pd.DataFrame(counts))
    labels = pd.Series("all", index=frame.index)
    names = [name for name in _GROUPS if name in frame]
    if names:
        labels = frame[names].astype(str).agg("/".join, axis=1)
    groups = {}
    for label, rows in frame.groupby(labels.to_numpy(), sort=False):
        n_samples, n_correct = rows[["n_samples", "n_correct"]].to_numpy(dtype=np.int64).T
        groups[str(label)] = Counts(n_samples, n_correct)
    return groups


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame of counts; refuse counts that cannot be."""
    for name in ("n_samples", "n_correct"):
        if name not in frame:
            there = ", ".join(map(str, frame.columns)) or "none"
            raise InputError(f"counts lack the column {name}; there are {there}.")
    if not len(frame):
        raise InputError(
            "counts have no rows; give one row per problem, with n_samples and n_correct."
        )
    for name, least in (("n_samples", 1), ("n_correct", 0)):
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
        wrong = np.flatnonzero(~_are_whole(values, least))
        if len(wrong):
            where = (
                f"counts: {name} is {frame[name].iloc[wrong[0]]!r} in row {frame.index[wrong[0]]}"
            )
            raise InputError(f"{where}; it must be a whole number, {least} or more.")
    too_many = frame["n_correct"].astype(np.float64) > frame["n_samples"].astype(np.float64)
    if too_many.any():
        row = frame[too_many.to_numpy()].iloc[0]
        raise InputError(
            f"counts: n_correct is {row['n_correct']} of n_samples {row['n_samples']} in row "
            f"{row.name}; are the two columns swapped?"
        )
    return frame


def _checked_k(k: int | Sequence[int] | np.ndarray) -> np.ndarray:
    """Return the distinct k, ascending."""
    values = np.unique(np.asarray(k, dtype=np.float64))
    wrong = values[~_are_whole(values, 1)]
    if len(wrong) or not len(values):
        raise InputError(
            f"k = {wrong[0] if len(wrong) else k!r} is not a positive whole number of samples, "
            f"such as 100."
        )
    return values.astype(np.int64)


def _are_whole(values: np.ndarray, least: float) -> np.ndarray:
    """Return where the values are whole numbers from a least one on."""
    return np.isfinite(values) & (values >= least) & (values == np.floor(values))


def _rows_by_k(about: Mapping[str, str], draws: xr.DataArray) -> list[dict[str, Any]]:
    """Return a row of statistics for each k."""
    rows = []
    for k in draws["k"].to_numpy():
        statistics = summarise(draws.sel(k=k).to_numpy())
        rows.append({**about, "k": int(k), **statistics})
    return rows


def _forecast(
    rates: SuccessRates, fit: Fit, group: Counts, k: np.ndarray, rng: np.random.Generator
) -> xr.Dataset:
    """Return the draws of one group at each k."""
    params = {name: values.reshape(-1) for name, values in fit.params.items()}
    shares = np.exp(np.asarray(log_shares(rates, params)))
    # Logarithms of the chance that a sample fails, for these problems and for those of each cell.
    log_fail = -np.exp(draw_log_hazards(group, shares, rng))
    log_fail_of_cells = np.append(0.0, -np.exp(CELLS))
    n_problems = log_fail.shape[1]
    equal_shares = np.full(n_problems, 1 / n_problems)
    solved_by_first = _chance_of_success(group.n_samples[:, None], group.n_correct[:, None], k).T
    pass_rates, exponents, solved = [], [], []
    for each, chance in zip(k, solved_by_first, strict=True):
        these_rates, these_exponents = _rate_and_exponent(equal_shares, log_fail, each)
        new_rates, new_exponents = _rate_and_exponent(shares, log_fail_of_cells, each)
        pass_rates.append([these_rates, new_rates])
        exponents.append([these_exponents, new_exponents])
        n_further = np.maximum(each - group.n_samples, 0)
        chance_of_further = -np.expm1(n_further * log_fail)
        is_solved = rng.random(log_fail.shape) < np.where(
            group.n_correct == 0, chance_of_further, chance
        )
        solved.append(is_solved.mean(axis=1))
    variables = {
        "pass_rate": (("k", "over", "draw"), np.array(pass_rates)),
        "exponent": (("k", "over", "draw"), np.array(exponents)),
        "solved": (("k", "draw"), np.array(solved)),
        "tail_exponent": ("draw", np.asarray(rates.tail_exponent(params))),
    }
    for name, values in params.items():
        variables[name] = ("draw", np.asarray(values))
    return xr.Dataset(variables, coords={"k": k, "over": [THESE, NEW]})


def _rate_and_exponent(
    shares: np.ndarray, log_fail: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return pass@k and −d log(−log pass@k)/d log k, each of shape (draws,).

    Problems are the last axis, each with its share and the log chance that a sample fails.
    """
    # Relative to the hardest problem, since all may be sure to pass: then −log pass@k is 1 −
    # pass@k, and both round to zero.
    hardest = log_fail.max(axis=-1, keepdims=True)
    relative = shares * np.exp(k * (log_fail - hardest))
    total = relative.sum(axis=-1)
    fail = total * np.exp(k * hardest[..., 0])
    # (1 − pass@k)/(−pass@k · log pass@k), which tends to one where all pass.
    ratio = np.ones_like(fail)
    some = (fail > _ROUNDED) & (fail < 1)
    ratio[some] = fail[some] / ((1 - fail[some]) * -np.log1p(-fail[some]))
    return 1 - fail, -k * (relative * log_fail).sum(axis=-1) / total * ratio


def _parameters(fit: Fit) -> pd.DataFrame:
    """Return statistics and diagnostics of the parameters, one row each."""
    statistics = {name: summarise(values.reshape(-1)) for name, values in fit.params.items()}
    rows = pd.DataFrame.from_dict(statistics, orient="index")
    return rows.join(fit.table).rename_axis(index="parameter")
