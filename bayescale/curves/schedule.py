"""Schedules of learning rates, as straight lines between steps."""

from dataclasses import dataclass

import numpy as np

from bayescale.errors import InputError

SHAPES = ("linear", "cosine", "sqrt")
_KNOTS = 400


@dataclass(frozen=True, eq=False)
class Schedule:
    """The learning rate at each step: straight lines between knots.

    Attributes
    ----------
    steps : array, shape (knots,)
        Rising; steps or tokens, as the curves count.
    rates : array, shape (knots,)
        Learning rates, not negative.

    Examples
    --------
    >>> import bayescale as bs
    >>> plan = bs.Schedule.wsd(peak=1e-3, total=50_000, decay_fraction=0.2, warmup=300)
    >>> float(plan.at(45_000))
    0.0005
    """

    steps: np.ndarray
    rates: np.ndarray

    def __post_init__(self) -> None:
        steps = np.asarray(self.steps, dtype=np.float64)
        rates = np.asarray(self.rates, dtype=np.float64)
        if steps.ndim != 1 or steps.shape != rates.shape or len(steps) < 2:
            raise InputError("A schedule takes as many rates as steps, two of each or more.")
        if not (np.isfinite(steps).all() and np.isfinite(rates).all()):
            raise InputError("A schedule holds finite numbers alone.")
        if (np.diff(steps) <= 0).any():
            raise InputError("The steps of a schedule must rise; sort them, and give each once.")
        if (rates < 0).any() or not rates.any():
            raise InputError("Learning rates are not negative, and one of them is above zero.")
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "rates", rates)

    @property
    def total(self) -> float:
        """The last step."""
        return float(self.steps[-1])

    @property
    def peak(self) -> float:
        """The largest learning rate."""
        return float(self.rates.max())

    def at(self, steps: np.ndarray | float) -> np.ndarray:
        """Return the learning rate at steps."""
        return np.asarray(np.interp(steps, self.steps, self.rates))

    @classmethod
    def wsd(
        cls,
        peak: float,
        total: float,
        decay_fraction: float = 0.2,
        *,
        warmup: float = 0.0,
        final: float = 0.0,
        shape: str = "linear",
    ) -> "Schedule":
        """Return warm-up, a constant rate, and a decay over the last part of the run.

        Parameters
        ----------
        peak : float
        total : float
            Length of the run in steps.
        decay_fraction : float
            Share of the run that decays; 0 for none.
        warmup : float
            Length of the warm-up in steps.
        final : float
            Learning rate at the end.
        shape : "linear", "cosine" or "sqrt"
            ``sqrt`` is 1 − √(share of the decay that has passed).
        """
        if not 0 <= decay_fraction <= 1:
            raise InputError(f"decay_fraction = {decay_fraction:g} is not between 0 and 1.")
        start = max(total * (1 - decay_fraction), warmup)
        return _warmed(peak, start, warmup).decayed(start, total, final=final, shape=shape)

    @classmethod
    def cosine(
        cls, peak: float, total: float, *, warmup: float = 0.0, final: float = 0.0
    ) -> "Schedule":
        """Return warm-up and half a cosine down to the final rate."""
        start = _warmed(peak, warmup, warmup)
        return start.decayed(warmup, total, final=final, shape="cosine")

    def decayed(
        self, start: float, total: float, *, final: float = 0.0, shape: str = "linear"
    ) -> "Schedule":
        """Return the schedule up to a step, and from there a decay down to a final rate."""
        if shape not in SHAPES:
            raise InputError(f"shape = {shape!r} is none of {', '.join(SHAPES)}.")
        if total < start or total <= 0:
            raise InputError(f"The run ends at {total:g}, before its decay starts at {start:g}.")
        before = self.steps < start
        high = float(self.at(start))
        if total == start:
            steps = np.append(self.steps[before], start)
            return Schedule(steps, np.append(self.rates[before], high))
        passed = np.linspace(0.0, 1.0, _KNOTS)
        left = {
            "linear": 1 - passed,
            "cosine": (1 + np.cos(np.pi * passed)) / 2,
            "sqrt": 1 - np.sqrt(passed),
        }[shape]
        steps = np.append(self.steps[before], start + (total - start) * passed)
        return Schedule(steps, np.append(self.rates[before], final + (high - final) * left))

    def after(self, history: "Schedule") -> "Schedule":
        """Return a history, followed by what this schedule plans for later steps."""
        later = self.steps > history.total
        if not later.any():
            return history
        steps = np.append(history.steps, self.steps[later])
        return Schedule(steps, np.append(history.rates, self.rates[later]))


def _warmed(peak: float, until: float, warmup: float) -> Schedule:
    """Return a warm-up to the peak, which then holds."""
    if warmup <= 0:
        return Schedule(np.array([0.0, max(until, 1.0)]), np.array([peak, peak]))
    if until <= warmup:
        return Schedule(np.array([0.0, warmup]), np.array([0.0, peak]))
    return Schedule(np.array([0.0, warmup, until]), np.array([0.0, peak, peak]))
