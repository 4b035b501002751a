"""Quantities that all verbs count and print alike.

These are training compute, the compute budgets of a sweep, quantiles of draws, and numbers as text.

Training on D tokens with N parameters costs C = 6·N·D FLOPs (Kaplan et al. 2020, equation 2.2,
without the attention term; Hoffmann et al. 2022).
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, SupportsFloat

import numpy as np

from bayescale.errors import InputError

Numbers = Any  # a float, or an array of NumPy, pandas or JAX

FLOPS_PER_PARAMETER_AND_TOKEN = 6.0

NATS_PER_TOKEN = "nats per token"
"""The unit of losses where a table does not say another."""

UNKNOWN_LOSS_UNIT = "units of the table"
"""The unit of losses of which nobody knows the unit, such as those read from a figure."""

_NATS = re.compile(r"\bnats\b( per token)?")

QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
"""Median and central 90 % interval: of every quantity that is summarised."""

QUANTILES_AND_QUARTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
"""The same with the quartiles: of predicted losses."""

QUANTILES_TO_SCORE = {
    "q025": 0.025,
    "q05": 0.05,
    "q10": 0.1,
    "q25": 0.25,
    "q50": 0.5,
    "q75": 0.75,
    "q90": 0.9,
    "q95": 0.95,
    "q975": 0.975,
}
"""Median and ends of the central 50, 80, 90 and 95 % intervals: of forecasts to score."""

STATISTICS = ("mean", "sd", *QUANTILES)
"""Columns of a summary of draws."""

# Runs of one budget differ by the rounding of sizes and steps, a few per cent, and budgets by half
# or more.
BUDGET_GAP = 1.10
WIDEST_BUDGET = 1.5
_RUNS_OF_A_BUDGET = 2


def six_nd(n_params: Numbers, n_tokens: Numbers) -> Numbers:
    """Training compute C = 6·N·D, FLOPs.

    >>> six_nd(70e9, 1.4e12)
    5.88e+23
    """
    return FLOPS_PER_PARAMETER_AND_TOKEN * n_params * n_tokens


def tokens_for(compute: Numbers, n_params: Numbers) -> Numbers:
    """Training tokens D = C/(6·N) that a budget pays for."""
    return compute / (FLOPS_PER_PARAMETER_AND_TOKEN * n_params)


def params_for(compute: Numbers, n_tokens: Numbers) -> Numbers:
    """Parameters N = C/(6·D) that a budget pays for."""
    return compute / (FLOPS_PER_PARAMETER_AND_TOKEN * n_tokens)


def log_tokens_for(compute: Numbers, log_n_params: Numbers) -> Numbers:
    """Natural logarithm of the training tokens that a budget pays for."""
    return np.log(compute / FLOPS_PER_PARAMETER_AND_TOKEN) - log_n_params


def params_at_ratio(compute: Numbers, tokens_per_param: Numbers) -> Numbers:
    """Parameters N = √(C/(6·r)) of the run that spends a budget at r tokens per parameter."""
    return np.sqrt(compute / (FLOPS_PER_PARAMETER_AND_TOKEN * tokens_per_param))


def budgets(compute: np.ndarray) -> np.ndarray:
    """Compute budget of each run, counted from the smallest.

    Runs are sorted by compute, and a new budget begins wherever two neighbours are more than 10 %
    apart. This is the only definition of a sweep's budgets: isoFLOP parabolas, sensitivity,
    approaches, figures and the default noise model all use it.

    Parameters
    ----------
    compute : array, shape (runs,)
        FLOPs.

    Returns
    -------
    array of int, shape (runs,)

    Raises
    ------
    InputError
        Where the runs are in no budgets: a budget would span more than a factor of 1.5, there would
        be only one, or budgets would have fewer than two runs on average.

    Examples
    --------
    >>> budgets(np.array([1e18, 1.02e18, 1e19, 0.98e19])).tolist()
    [0, 0, 1, 1]
    """
    order = np.argsort(compute)
    steps = np.diff(np.log(compute[order]))
    is_first = np.append(False, steps > np.log(BUDGET_GAP))
    labels = np.empty(len(compute), dtype=int)
    labels[order] = np.cumsum(is_first)
    count = int(labels.max()) + 1
    for label in range(count):
        runs = compute[labels == label]
        if runs.max() > WIDEST_BUDGET * runs.min():
            raise InputError(
                f"{len(runs)} runs lie between {runs.min():.3g} and {runs.max():.3g} FLOPs with no "
                f"gap of {BUDGET_GAP - 1:.0%} among them, so they are of no one budget"
            )
    if count == 1:
        raise InputError(
            f"all {len(compute)} runs have one amount of compute; there must be two budgets or more"
        )
    if len(compute) < _RUNS_OF_A_BUDGET * count:
        raise InputError(
            f"{len(compute)} runs have {count} amounts of compute, and budgets have "
            f"{_RUNS_OF_A_BUDGET} runs or more each on average"
        )
    return labels


def budgets_or_none(compute: np.ndarray) -> np.ndarray | None:
    """Compute budget of each run as `budgets` finds it; None where the runs are in no budgets."""
    try:
        return budgets(compute)
    except InputError:
        return None


def nearest_budget(compute: np.ndarray, nominal: np.ndarray) -> np.ndarray:
    """Compute budget of each run, the nearest in logarithm of those given, counted from the
    smallest that has a run; shape (runs,).
    """
    distance = np.abs(np.log(compute)[:, None] - np.log(np.unique(nominal)))
    return np.unique(distance.argmin(axis=1), return_inverse=True)[1]


def nominal_budgets(labels: np.ndarray, compute: np.ndarray) -> np.ndarray:
    """Geometric mean of the compute of each budget's runs, FLOPs, shape (budgets,)."""
    log_compute = np.log10(compute)
    means = [log_compute[labels == label].mean() for label in range(int(labels.max()) + 1)]
    return np.asarray(10 ** np.array(means))


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two labellings divide the runs alike."""
    pairs = len(set(zip(one.tolist(), other.tolist(), strict=True)))
    return pairs == len(np.unique(one)) == len(np.unique(other))


SHARE = "share_"
"""Beginning of the names of columns that hold shares, between zero and one, as of a mixture."""

# What stands for a share of nothing, since laws read inputs on their logarithm.
_LEAST_SHARE = 1e-12


def without_shares(inputs: Sequence[str]) -> list[str]:
    """Return the inputs that are counts, and so no shares."""
    return [name for name in inputs if not name.startswith(SHARE)]


def with_logarithm(name: str, numbers: np.ndarray) -> np.ndarray:
    """Return the numbers of a column such that each has a logarithm: a share of nothing is one of
    1e-12, and all others stay.
    """
    nothing = numbers == 0
    return np.where(nothing, _LEAST_SHARE, numbers) if name.startswith(SHARE) else numbers


def quantiles(
    draws: np.ndarray,
    levels: Mapping[str, float] = QUANTILES,
    *,
    method: Literal["linear", "inverted_cdf"] = "linear",
) -> dict[str, np.ndarray]:
    """Named quantiles over the first axis of draws.

    Parameters
    ----------
    draws : array, shape (draws, ...)
    levels : mapping of str to float
    method : {"linear", "inverted_cdf"}
        ``"inverted_cdf"`` takes a draw instead of a number between two, which may be infinite.
    """
    values = np.quantile(draws, list(levels.values()), axis=0, method=method)
    return dict(zip(levels, values, strict=True))


def summarise(draws: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and quantiles of draws, shape (draws,).

    Where some draws are infinite the mean is too, and quantiles are draws.
    """
    if np.isinf(draws).any():
        among_draws = quantiles(draws, method="inverted_cdf")
        return {"mean": math.inf, "sd": math.nan, **as_floats(among_draws)}
    sd = float(np.std(draws, ddof=1)) if len(draws) > 1 else 0.0
    return {"mean": float(np.mean(draws)), "sd": sd, **as_floats(quantiles(draws))}


def as_floats(values: Mapping[str, SupportsFloat]) -> dict[str, float]:
    """Return named numbers as Python's own."""
    return {name: float(value) for name, value in values.items()}


def number(value: float, digits: int = 4) -> str:
    """Return a number with four significant digits, or as many as asked.

    Powers of ten stand in for many zeros. Infinity is ∞, and a value that is not a number is -.

    >>> number(0.34781), number(482), number(2085), number(12_040_000), number(-math.inf)
    ('0.3478', '482.0', '2,085', '1.204e+07', '-∞')
    """
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    scientific = f"{value:.{digits - 1}e}"
    # The exponent after rounding: 9.9999 with four digits is 10.00.
    exponent = int(scientific.partition("e")[2])
    if not -4 <= exponent < 6:
        return scientific
    decimals = max(digits - 1 - exponent, 0)
    return f"{value:,.{decimals}f}"


def rounded(value: float) -> str:
    """Return three significant digits without trailing zeros, for labels and sentences.

    >>> rounded(1868.2), rounded(0.08404), rounded(math.inf)
    ('1,870', '0.084', '∞')
    """
    if not math.isfinite(value):
        return number(value)
    return f"{_to_three_digits(value):,g}"


def in_loss_unit(text: str, unit: str) -> str:
    """Return a text about losses in nats, with another unit in the place of nats.

    >>> in_loss_unit("E, nats per token: 0.01 nats less", "bits per byte")
    'E, bits per byte: 0.01 bits per byte less'
    >>> in_loss_unit("0.01 nats less", "nats per token")
    '0.01 nats less'
    """
    return text if unit == NATS_PER_TOKEN else _NATS.sub(unit, text)


def count(value: float) -> str:
    """Return a count with three significant digits and K, M, B or T.

    >>> count(70.1e9), count(1.4e12), count(999.96e6), count(math.inf)
    ('70.1B', '1.40T', '1.00B', '∞')
    """
    if not math.isfinite(value):
        return number(value)
    # Rounded first: 999.96 million is 1.00 billion.
    value = _to_three_digits(value)
    for suffix, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if value >= size:
            return f"{number(value / size, 3)}{suffix}"
    return number(value, 3)


def count_in_words(value: float) -> str:
    """Return a count with three significant digits and thousand, million, billion or trillion.

    >>> count_in_words(7.12e10), count_in_words(1.905e5), count_in_words(999.96e6)
    ('71.2 billion', '190 thousand', '1 billion')
    """
    if not math.isfinite(value):
        return number(value)
    value = _to_three_digits(value)
    words = {1e12: "trillion", 1e9: "billion", 1e6: "million", 1e3: "thousand"}
    for size, word in words.items():
        if size <= value < 1e3 * size:
            return f"{value / size:.3g} {word}"
    return f"{value:.3g}"


def _to_three_digits(value: float) -> float:
    return float(f"{value:.3g}")


def as_typed(value: float) -> str:
    """Return two significant digits, as one types them.

    >>> as_typed(1.44e24), as_typed(2e13)
    ('1.4e24', '2e13')
    """
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def as_power_of_ten(value: float) -> str:
    """Return two significant digits, as mathematical text of matplotlib.

    >>> as_power_of_ten(6e18), as_power_of_ten(1e21)
    ('$6\\\\times10^{18}$', '$10^{21}$')
    """
    mantissa, exponent = f"{value:.1e}".split("e")
    mantissa = mantissa.removesuffix(".0")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if mantissa == "1" else rf"${mantissa}\times{power}$"


def plus_minus(mean: float, sd: float) -> str:
    """Mean and standard deviation, to two significant digits of the latter.

    >>> plus_minus(0.34712, 0.0213), plus_minus(1.5, 0.0)
    ('0.347 ± 0.021', '1.5')
    """
    if math.isnan(mean):
        return ""
    if not (0 < sd < math.inf):
        return f"{mean:.4g}"
    if not 1e-4 <= abs(mean) < 1e6:
        return f"{mean:.3g} ± {sd:.2g}"
    decimals = max(1 - math.floor(math.log10(sd)), 0)
    return f"{mean:,.{decimals}f} ± {sd:,.{decimals}f}"


def percentage(share: float) -> str:
    """Return a share in whole per cent; no line breaks before the sign.

    >>> percentage(0.1) == "10\N{NO-BREAK SPACE}%"
    True
    """
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"
