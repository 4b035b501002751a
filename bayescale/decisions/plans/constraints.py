"""Bounds of a plan besides its budget: model size, tokens, how many of them are unique, serving,
money and time.

All combine, and each that is left out is no bound. Whatever they are, a plan has one optimum: in
log N and log D the loss of every law of N and D here is convex, and so are all costs; bounds that
are straight stay straight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpyro.distributions import Distribution

from bayescale.decisions.plans.bounds import BOUNDS, Cost
from bayescale.decisions.plans.flop_models import FlopModel, SixND
from bayescale.errors import InputError

UncertainCount: TypeAlias = float | Sequence[float] | np.ndarray | Distribution
"""A count, draws of it, or a prior on it."""


@dataclass(frozen=True)
class Repeats:
    """Worth of tokens that are read again, where the law does not say: that of Muennighoff et al.
    2023, with their constants.

    Tokens D and parameters N enter the law as effective counts d and n (their equations 5 and 6;
    see `DataConstrained`):

        d = U·(1 + R_D·(1 − exp((1 − D/U)/R_D)))   where D > U
        n = m·(1 + R_N·(1 − exp((1 − N/m)/R_N)))   where N > m, the size whose best D is U

    The constants come from 182 runs on C4 of up to 9e9 parameters and 900e9 tokens. A fit of
    `DataConstrained` to runs with repeats has its own, with intervals, and needs no `Repeats`.

    Parameters
    ----------
    R_D, R_N : float
        Repeats until a token, or a parameter beyond m, has lost all but 1/e of its worth.

    Raises
    ------
    InputError
        Where one is not positive.
    """

    R_D: float = 15.387756
    R_N: float = 5.309743

    def __post_init__(self) -> None:
        for name in ("R_D", "R_N"):
            _require_positive(f"Repeats: {name}", getattr(self, name))


@dataclass(frozen=True, eq=False)
class Constraints:
    """Bounds and prices that plans keep to; all combine.

    Parameters
    ----------
    max_params : float
        Largest model, such as what memory holds; a count.
    max_tokens : float
        Most tokens of training, repeats included.
    unique_tokens : float, array or NumPyro distribution
        How many different tokens there are. An array holds draws of that number, and a distribution
        is a prior on it, such as ``LogNormal(np.log(300e12), 0.5)``: each posterior draw meets a
        draw of its own.
    repeats : Repeats
        What a token read again is worth, where the fitted law does not say. Without it no token is
        read twice.
    inference_tokens : float, array or NumPyro distribution
        Tokens served over the model's life, each a forward pass: 2N FLOPs (Sardana et al. 2023,
        arXiv:2401.00448).
    train_price, serve_price : float
        Of one FLOP; `Hardware.price_per_flop` makes it of an hour's price and a utilisation.
        ``serve_price`` is ``train_price`` unless given.
    flops_per_second : float
        How fast training goes, all devices together; `Hardware.flops_per_second`.
    max_compute : float
        Training FLOPs.
    max_lifetime_compute : float
        Training and serving FLOPs together.
    max_cost : float
        Money for both, in the currency of the prices.
    max_days : float
        Wall-clock time of training; needs ``flops_per_second``.
    flops : FlopModel
        FLOPs of a token: `SixND`, or `TransformerFlops` with attention and logits.

    Raises
    ------
    InputError
        Where a number is not positive, or a bound lacks what it is counted with.

    Examples
    --------
    >>> import bayescale as bs
    >>> h100s = bs.Hardware(peak_flops=989e12, utilisation=0.4, devices=1024, price_per_hour=2.5)
    >>> limits = bs.Constraints(
    ...     max_params=70e9, inference_tokens=2e12, train_price=h100s.price_per_flop,
    ...     flops_per_second=h100s.flops_per_second, max_days=60,
    ... )
    >>> limits.bounds
    {'max_params': 70000000000.0, 'max_days': 60}
    """

    max_params: float | None = None
    max_tokens: float | None = None
    unique_tokens: UncertainCount | None = None
    repeats: Repeats | None = None
    inference_tokens: UncertainCount | None = None
    train_price: float | None = None
    serve_price: float | None = None
    flops_per_second: float | None = None
    max_compute: float | None = None
    max_lifetime_compute: float | None = None
    max_cost: float | None = None
    max_days: float | None = None
    flops: FlopModel = field(default_factory=SixND)

    def __post_init__(self) -> None:
        for name in (*_BOUND_NAMES, "train_price", "serve_price", "flops_per_second"):
            if getattr(self, name) is not None:
                _require_positive(f"constraints: {name}", getattr(self, name))
        for name, needed, what in _needs():
            if getattr(self, name) is not None and getattr(self, needed) is None:
                raise InputError(f"constraints: {name} needs {needed}, {what}.")

    @property
    def bounds(self) -> dict[str, float]:
        """The fixed bounds that are set, by name."""
        bounds = {}
        for name in _BOUND_NAMES:
            value = getattr(self, name)
            if value is not None:
                bounds[name] = value
        return bounds

    @property
    def prices(self) -> tuple[float, float] | None:
        """Price of a FLOP in training and in serving; None where there are no prices."""
        if self.train_price is None:
            return None
        if self.serve_price is None:
            return self.train_price, self.train_price
        return self.train_price, self.serve_price


_BOUND_NAMES = tuple(kind.name for kind in BOUNDS)


def _needs() -> Iterator[tuple[str, str, str]]:
    """Yield each field that needs another, that other one, and what it says."""
    yield "repeats", "unique_tokens", "how many tokens there are to repeat"
    yield "serve_price", "train_price", "the price of a FLOP in training"
    for kind in BOUNDS:
        if isinstance(kind.on, Cost) and kind.on.told_by and kind.on.needs:
            yield kind.name, kind.on.told_by, kind.on.needs


def is_uncertain(count: UncertainCount | None) -> bool:
    """Return whether a count is a prior or several draws."""
    return count is not None and (isinstance(count, Distribution) or np.ndim(count) > 0)


def draws_of(what: str, value: UncertainCount, n_draws: int, seed: int) -> np.ndarray:
    """Return one draw of an uncertain count for each posterior draw.

    Parameters
    ----------
    what : str
        Its name, for errors.
    value : float, array or NumPyro distribution
        An array that has not one entry a posterior draw is drawn from with replacement.
    n_draws : int
    seed : int

    Returns
    -------
    array, shape (n_draws,)

    Raises
    ------
    InputError
        Where a draw is not positive.
    """
    import jax

    if isinstance(value, Distribution):
        values = np.asarray(value.sample(jax.random.key(seed), (n_draws,)), dtype=np.float64)
    else:
        values = np.asarray(value, dtype=np.float64)
        if values.ndim and values.shape != (n_draws,):
            values = np.random.default_rng(seed).choice(values.ravel(), n_draws)
        values = np.broadcast_to(values, (n_draws,))
    bad = ~(np.isfinite(values) & (values > 0))
    if values.ndim != 1 or bad.any():
        raise InputError(
            f"constraints: {what} = {values[bad][0]:g} is not a positive number; it is a count, "
            f"such as 15e12."
        )
    return values


def _require_positive(what: str, value: float) -> None:
    if not (np.ndim(value) == 0 and 0 < value < float("inf")):
        raise InputError(f"{what}={value} must be a positive number.")
