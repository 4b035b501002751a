"""Kinds of bounds of a plan, in one table.

A bound limits the parameters of a model, its training tokens, or a cost. A cost grows with the
FLOPs of training and of serving, each at a rate. The search, the names of bounds that bind, error
messages, printed tables and the options of the command line all follow from the table. A new kind
is a new entry here, and a field of `Constraints` with the same name.

This module imports nothing heavy, so that the command line can print its help quickly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayescale.decisions.plans.constraints import Constraints

_SECONDS_PER_DAY = 86400.0


class Count(Enum):
    """A count of a plan that a bound limits."""

    PARAMS = "n_params"
    TOKENS = "n_tokens"


@dataclass(frozen=True)
class Budget:
    """An amount that a verb plans for.

    Attributes
    ----------
    name : str
        Argument of the verbs; with hyphens, the option of the command line.
    unit, example : str
        For error messages.
    help : str
        Text of the option.
    title : str
        Title of a printed plan, to be formatted with the amount.
    """

    name: str
    unit: str
    example: str
    help: str
    title: str


@dataclass(frozen=True)
class Cost:
    """A cost of a plan: FLOPs, money or time.

    Attributes
    ----------
    name : str
        The name of its budget, where it has one.
    quantity, unit, label : str
        The quantity of a plan that holds the cost, its unit, and its row in a printed table.
    rates : callable
        Returns what a FLOP of training and a FLOP of serving add to the cost under the constraints.
    told_by : str, optional
        Field of `Constraints` without which plans do not list this cost.
    needs : str, optional
        What that field says, where the cost cannot be counted without it.
    budget : Budget, optional
    """

    name: str
    quantity: str
    unit: str
    label: str
    rates: Callable[["Constraints"], tuple[float, float]]
    told_by: str | None = None
    needs: str | None = None
    budget: Budget | None = None

    def is_told_by(self, constraints: "Constraints | None") -> bool:
        """Return whether the constraints say what plans cost of this kind."""
        if self.told_by is None:
            return True
        return constraints is not None and getattr(constraints, self.told_by) is not None


@dataclass(frozen=True)
class BoundKind:
    """A kind of bound.

    Attributes
    ----------
    name : str
        Field of `Constraints`; with hyphens, the option of the command line.
    on : Count or Cost
        What the bound limits.
    help : str
        Text of the option.
    remedy : str
        What to do about a plan that breaks the bound.
    """

    name: str
    on: Count | Cost
    help: str
    remedy: str = "loosen it"


def _prices(constraints: "Constraints") -> tuple[float, float]:
    """Return the price of a FLOP in training and in serving; ones where there are no prices."""
    return constraints.prices or (1.0, 1.0)


def _days(constraints: "Constraints") -> tuple[float, float]:
    """Return the days that a FLOP of training takes; serving takes none of the time."""
    flops_per_day = (constraints.flops_per_second or 1.0) * _SECONDS_PER_DAY
    return 1.0 / flops_per_day, 0.0


_COMPUTE = Cost(
    name="compute",
    quantity="train_flops",
    unit="FLOPs",
    label="training, FLOPs",
    rates=lambda constraints: (1.0, 0.0),
    budget=Budget(
        name="compute",
        unit="FLOPs",
        example="5.76e23",
        help="Training FLOPs; may be given several times.",
        title="Best plan for {:.3g} FLOPs of training",
    ),
)
_LIFETIME_COMPUTE = Cost(
    name="lifetime_compute",
    quantity="lifetime_flops",
    unit="FLOPs",
    label="training and serving, FLOPs",
    rates=lambda constraints: (1.0, 1.0),
    told_by="inference_tokens",
    budget=Budget(
        name="lifetime_compute",
        unit="FLOPs",
        example="1e24",
        help="Training and serving FLOPs.",
        title="Best plan for {:.3g} FLOPs of training and serving",
    ),
)
_MONEY = Cost(
    name="cost",
    quantity="total_cost",
    unit="money",
    label="cost",
    rates=_prices,
    told_by="train_price",
    needs="the price of a FLOP",
    budget=Budget(
        name="cost",
        unit="units of money",
        example="1e7",
        help="Money for training and serving.",
        title="Best plan for a cost of {:,.4g}",
    ),
)
_TIME = Cost(
    name="days",
    quantity="days",
    unit="days",
    label="days of training",
    rates=_days,
    told_by="flops_per_second",
    needs="how fast training goes",
)

TARGET_LOSS = Budget(
    name="target_loss",
    unit="nats per token",
    example="1.95",
    help="Loss to reach at the least cost, nats per token, in place of a budget.",
    title="Cheapest plan for a loss of {:.4g}",
)
"""A loss to reach in place of a budget."""

MAX_PARAMS = BoundKind("max_params", Count.PARAMS, "Largest number of parameters.")
MAX_TOKENS = BoundKind(
    "max_tokens", Count.TOKENS, "Largest number of training tokens, repeats included."
)

BOUNDS = (
    MAX_PARAMS,
    MAX_TOKENS,
    BoundKind("max_compute", _COMPUTE, "Largest training FLOPs."),
    BoundKind("max_lifetime_compute", _LIFETIME_COMPUTE, "Largest training and serving FLOPs."),
    BoundKind("max_cost", _MONEY, "Most money for training and serving."),
    BoundKind("max_days", _TIME, "Days of training; needs --peak-flops and --utilisation."),
)
"""The bounds that are one number each."""

UNIQUE_TOKENS = BoundKind(
    "unique_tokens",
    Count.TOKENS,
    "Number of different tokens that exist: 300e12, or lognormal:300e12,0.5 (median, standard "
    "deviation of the logarithm).",
    remedy="say what repeats are worth by repeats=Repeats()",
)
"""The bound on tokens that may be uncertain, and that repeats with a worth go beyond."""

COSTS = tuple(kind.on for kind in BOUNDS if isinstance(kind.on, Cost))
"""The costs, in the order in which searches hold them."""

BUDGETS = {cost.name: cost.budget for cost in COSTS if cost.budget is not None}
"""The costs that verbs take a budget of, by name."""

AMOUNTS = {**BUDGETS, TARGET_LOSS.name: TARGET_LOSS}
"""All that an allocation can be asked for, by name."""
