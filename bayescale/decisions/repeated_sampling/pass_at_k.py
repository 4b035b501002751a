"""Pass rates of k samples a problem, beyond the samples at hand, from counts of successes.

    pass@k = E[1 − (1 − p)^k],    n_correct ~ Binomial(n_samples, p),    p ~ a distribution over
    problems

for a new problem, over that distribution, and for these problems, over each one's p given its own
counts. For large k, 1 − pass@k falls as k^−b, and so does −log pass@k, with b given by how hard the
hardest problems are.

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
from bayescale.units import quantiles, summarise

THESE, NEW = "these problems", "a new problem"
_GROUPS = ("group", "model")
_ROUNDED = 1e-12


@dataclass(frozen=True, eq=False)
class PassRates:
    """Pass rates at each k, with intervals.

    Attributes
    ----------
    draws : Dataset with dimensions ``draw``, ``group``, ``over`` and ``k``
        ``over`` is these problems or a new problem.
        ``pass_rate``; ``exponent``, the slope −d log(−log pass@k)/d log k there; ``solved``, the
        share of these problems that k samples solve, those at hand being the first of them;
        ``tail_exponent``, the exponent at endless k; and the parameters of the distribution of
        success rates.
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
        """Tidy: one row per group, what it is over, k and quantity, with mean, sd and quantiles."""
        rows = []
        for group in self.draws["group"].to_numpy():
            for quantity, overs in (
                ("pass_rate", (THESE, NEW)),
                ("exponent", (THESE, NEW)),
                ("solved", (THESE,)),
            ):
                for over in overs:
                    for k in self.draws["k"].to_numpy():
                        draws = self.draws[quantity].sel(group=group, k=k)
                        draws = draws.sel(over=over) if "over" in draws.dims else draws
                        row = {"group": group, "over": over, "k": int(k), "quantity": quantity}
                        rows.append(row | summarise(draws.to_numpy()))
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """The pass rates, indexed by group, what they are over, and k."""
        frame = self.frame
        rows = frame[frame["quantity"] == "pass_rate"].drop(columns="quantity")
        return rows.set_index(["group", "over", "k"]).sort_index()

    def samples_needed(self, target: float) -> pd.DataFrame:
        """Return the number of samples a problem that a pass rate takes, between the k that were
        asked for.

        The pass rate of each draw is linear in log k from one k to the next, so give k close
        together. A draw that reaches the target by the smallest k counts as that k, and one that
        does not by the largest as infinity.

        Parameters
        ----------
        target : float
            A pass rate between 0 and 1.

        Returns
        -------
        DataFrame, one row per group and what it is over
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
                curves = (
                    self.draws["pass_rate"]
                    .sel(group=group, over=over)
                    .transpose("draw", "k")
                    .to_numpy()
                )
                reached = [np.interp(target, curve, log_k, right=np.inf) for curve in curves]
                needed = np.exp(np.array(reached))
                # Between a number and infinity NumPy's quantiles are no number.
                levels = quantiles(needed, method="inverted_cdf")
                row = {"group": group, "over": over, **levels}
                rows.append(row | {"reached": np.isfinite(needed).mean()})
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
        said = [
            f"{group}: {k:,} samples solve {row['q50']:.3g} of the problems (90 %: "
            f"{row['q05']:.3g} to {row['q95']:.3g})."
            for group, row in rates.iterrows()
        ]
        return tuple(said)

    def to_dict(self) -> dict[str, Json]:
        """The frame, parameters and diagnostics of each group, and what is wrong."""
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

    Problems of a group are taken for draws from one distribution of success rates, whose parameters
    are drawn by NUTS with the rates summed out. Then each problem's rate is drawn given its counts.

    Parameters
    ----------
    counts : DataFrame or mapping of columns, one row per problem
        ``n_samples`` and ``n_correct``, whole numbers; the rows of each ``group`` and ``model``,
        where there are such columns, are fitted by themselves. Samples may have been drawn until a
        success: the likelihood is the same.
    k : int or sequence of int
        Samples a problem.
    rates : SuccessRates
        The family of distributions, with priors: `GeneralisedGamma()` unless given, or `Beta()`,
        both of `bayescale.decisions.repeated_sampling.families`.
    method : NUTS
        `NUTS()` unless given.

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
    71 %. Benchmarks differ in their tails, and beyond ten times the samples at hand the prior of
    the tail counts as much as the samples.

    Examples
    --------
    >>> import bayescale as bs
    >>> counts = {"n_samples": [100] * 8, "n_correct": [0, 0, 0, 1, 2, 5, 30, 80]}
    >>> found = bs.pass_at_k(counts, k=[1, 100, 10_000], method=bs.NUTS(warmup=300, draws=500))
    >>> found.summary().loc[("all", "these problems"), "q50"].round(1).tolist()
    [0.1, 0.6, 0.9]
    """
    groups = _groups(counts)
    at = _checked_k(k)
    rates, method = rates or GeneralisedGamma(), method or NUTS()
    fits = fit_rates(rates, list(groups.values()), method)
    rng = np.random.default_rng(method.seed)
    parts = [
        _forecast(rates, fit, group, at, rng)
        for fit, group in zip(fits, groups.values(), strict=True)
    ]
    labels = pd.Index(groups, name="group")
    problems: list[Complaint] = []
    for label, fit in zip(groups, fits, strict=True):
        problems += complaints_about(label, fit.problems)
    for problem in problems:
        warnings.warn(str(problem), FitWarning, stacklevel=3)
    return PassRates(
        draws=xr.concat(parts, dim=labels),
        rates=rates,
        parameters=pd.concat(
            {label: _parameters(fit) for label, fit in zip(groups, fits, strict=True)},
            names=["group"],
        ),
        diagnostics=pd.DataFrame([fit.diagnostics for fit in fits], index=labels),
        problems=tuple(problems),
    )


def unbiased_pass_at_k(
    n_samples: Any, n_correct: Any, k: int | Sequence[int] | np.ndarray
) -> np.ndarray:
    """The unbiased estimate of each problem's pass@k from its counts, for k up to the number of
    samples.

        1 − C(n − c, k)/C(n, k)

    the share of the k-subsets of n samples that hold one of the c right ones.

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
        As `pass_at_k`, and where a k is larger than a number of samples.

    Examples
    --------
    >>> from bayescale.decisions.repeated_sampling.pass_at_k import unbiased_pass_at_k
    >>> unbiased_pass_at_k([10, 10], [0, 3], k=[1, 5]).round(4).tolist()
    [[0.0, 0.0], [0.3, 0.9167]]
    """
    frame = _checked(
        pd.DataFrame({"n_samples": np.atleast_1d(n_samples), "n_correct": np.atleast_1d(n_correct)})
    )
    at = _checked_k(k)
    n, c = (frame[name].to_numpy(dtype=np.float64)[:, None] for name in ("n_samples", "n_correct"))
    if at.max() > n.min():
        raise InputError(
            f"k = {at.max()} is more than the {n.min():.0f} samples of a problem; forecast it with "
            f"pass_at_k."
        )
    return _solved_of_seen(n, c, at)


def _solved_of_seen(n: np.ndarray, c: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The chance that k of n samples hold one of the c right ones; k beyond n counts as n."""
    k = np.minimum(k, n)
    wrong = n - c
    left = np.maximum(wrong - k, 0)
    log_none = gammaln(wrong + 1) - gammaln(left + 1) + gammaln(n - k + 1) - gammaln(n + 1)
    return np.where(c == 0, 0.0, np.where(k > wrong, 1.0, -np.expm1(log_none)))


def _groups(counts: pd.DataFrame | Mapping[str, Any]) -> dict[str, Counts]:
    frame = _checked(pd.DataFrame(counts))
    by = [name for name in _GROUPS if name in frame]
    labels = (
        frame[by].astype(str).agg("/".join, axis=1) if by else pd.Series("all", index=frame.index)
    )
    return {
        str(label): Counts(
            rows["n_samples"].to_numpy(dtype=np.int64), rows["n_correct"].to_numpy(dtype=np.int64)
        )
        for label, rows in frame.groupby(labels.to_numpy(), sort=False)
    }


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    lacking = [name for name in ("n_samples", "n_correct") if name not in frame]
    if lacking:
        raise InputError(
            f"counts lack the column {lacking[0]}; there are "
            f"{', '.join(map(str, frame.columns)) or 'none'}."
        )
    if not len(frame):
        raise InputError(
            "counts have no rows; give one row per problem, with n_samples and n_correct."
        )
    for name, least in (("n_samples", 1), ("n_correct", 0)):
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
        bad = np.flatnonzero(
            ~(np.isfinite(values) & (values >= least) & (values == np.floor(values)))
        )
        if len(bad):
            where = f"counts: {name} is {frame[name].iloc[bad[0]]!r} in row {frame.index[bad[0]]}"
            raise InputError(f"{where}; it must be a whole number, {least} or more.")
    bad = np.flatnonzero(
        frame["n_correct"].to_numpy(dtype=np.float64)
        > frame["n_samples"].to_numpy(dtype=np.float64)
    )
    if len(bad):
        row = frame.iloc[bad[0]]
        raise InputError(
            f"counts: n_correct is {row['n_correct']} of n_samples {row['n_samples']} in row "
            f"{frame.index[bad[0]]}; are the two columns swapped?"
        )
    return frame


def _checked_k(k: int | Sequence[int] | np.ndarray) -> np.ndarray:
    at = np.unique(np.asarray(k, dtype=np.float64))
    bad = ~(np.isfinite(at) & (at >= 1) & (at == np.floor(at)))
    if bad.any() or not len(at):
        raise InputError(
            f"k = {at[bad][0] if len(at) else k!r} is not a positive whole number of samples, such "
            f"as 100."
        )
    return at.astype(np.int64)


def _forecast(
    rates: SuccessRates, fit: Fit, group: Counts, k: np.ndarray, rng: np.random.Generator
) -> xr.Dataset:
    params = {name: values.reshape(-1) for name, values in fit.params.items()}
    shares = np.exp(np.asarray(log_shares(rates, params)))
    log_fail = -np.exp(draw_log_hazards(group, shares, rng))
    of_cells = np.append(0.0, -np.exp(CELLS))
    equal = np.full(log_fail.shape[1], 1 / log_fail.shape[1])
    unsolved = group.n_correct == 0
    seen = _solved_of_seen(group.n_samples[:, None], group.n_correct[:, None], k).T
    by_k: dict[str, list[Any]] = {"pass_rate": [], "exponent": [], "solved": []}
    for each, chance_of_seen in zip(k, seen, strict=True):
        both = _rate_and_exponent(equal, log_fail, each), _rate_and_exponent(shares, of_cells, each)
        more = -np.expm1(np.maximum(each - group.n_samples, 0) * log_fail)
        for name, arrays in zip(("pass_rate", "exponent"), zip(*both, strict=True), strict=True):
            by_k[name].append(np.stack(arrays))
        by_k["solved"].append(
            (rng.random(more.shape) < np.where(unsolved, more, chance_of_seen)).mean(axis=1)
        )
    dims = {
        "pass_rate": ("k", "over", "draw"),
        "exponent": ("k", "over", "draw"),
        "solved": ("k", "draw"),
    }
    values = {name: (dims[name], np.stack(arrays)) for name, arrays in by_k.items()}
    alone = {"tail_exponent": rates.tail_exponent(params), **params}
    return xr.Dataset(
        values | {name: (("draw",), np.asarray(array)) for name, array in alone.items()},
        coords={"k": k, "over": [THESE, NEW]},
    )


def _rate_and_exponent(
    shares: np.ndarray, log_fail: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """pass@k and −d log(−log pass@k)/d log k over problems, the last axis, of given shares; each of
    shape (draws,).
    """
    # Relative to the hardest problem, since all may be sure to pass: then −log pass@k is 1 −
    # pass@k, and both round to zero.
    hardest = log_fail.max(axis=-1, keepdims=True)
    relative = shares * np.exp(k * (log_fail - hardest))
    left = relative.sum(axis=-1)
    fail = left * np.exp(k * hardest[..., 0])
    ratio = np.ones_like(fail)
    some = (fail > _ROUNDED) & (fail < 1)
    ratio[some] = fail[some] / ((1 - fail[some]) * -np.log1p(-fail[some]))
    return 1 - fail, -k * (relative * log_fail).sum(axis=-1) / left * ratio


def _parameters(fit: Fit) -> pd.DataFrame:
    rows = pd.DataFrame(
        {name: summarise(values.reshape(-1)) for name, values in fit.params.items()}
    ).T
    return rows.join(fit.table).rename_axis(index="parameter")
