"""The end of a run that is training now: its final loss under the plan and under other decays."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bayescale.curves.curves import Curves
from bayescale.curves.points import points_of
from bayescale.curves.posterior import Ask, fit_curves
from bayescale.curves.schedule import Schedule
from bayescale.errors import InputError
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.units import QUANTILES_AND_QUARTILES, quantiles

_PATH_POINTS = 25
_FEWEST_EFFECTIVE = 50
_SEEN_DROP = 0.3
PLANNED = "planned"


@dataclass(frozen=True, eq=False)
class Finish:
    """Final losses of a running run.

    Attributes
    ----------
    run : str
    step, loss : float
        Where the run stands: the last logged step and loss.
    futures : DataFrame
        A row for each schedule: ``future``, its name; ``end_step``, where it ends; ``decay_step``,
        where its learning rate starts to fall (missing where it does not).
    draws : array, shape (draws, futures)
        Final loss, without the scatter of a single logged loss.
    logged_draws : array, shape (draws, futures)
        The final loss as a log would show it, with its scatter.
    path : DataFrame
        Steps of the planned schedule, with quantiles of the loss.
    logged : DataFrame
        Steps and losses of the run so far.
    effective : float
        Effective number of the weighted proposals behind the draws.
    decay_seen : bool
        Whether a run of the curves has decayed its learning rate.
    """

    run: str
    step: float
    loss: float
    futures: pd.DataFrame
    draws: np.ndarray = field(repr=False)
    logged_draws: np.ndarray = field(repr=False)
    path: pd.DataFrame = field(repr=False)
    logged: pd.DataFrame = field(repr=False)
    effective: float
    decay_seen: bool

    @property
    def frame(self) -> pd.DataFrame:
        """Futures with mean, standard deviation and quantiles of the final loss, and
        ``gain_q05`` … ``gain_q95``: how much lower it is than under the plan.
        """
        statistics = {"mean": self.draws.mean(axis=0), "sd": self.draws.std(axis=0, ddof=1)}
        statistics |= quantiles(self.draws, QUANTILES_AND_QUARTILES)
        gains = quantiles(self.draws[:, :1] - self.draws, QUANTILES_AND_QUARTILES)
        of_gains = pd.DataFrame(gains).add_prefix("gain_")
        return self.futures.join([pd.DataFrame(statistics), of_gains])

    def summary(self) -> pd.DataFrame:
        """Final loss and its 90 % interval for each future, and the gain over the plan."""
        columns = ["future", "decay_step", "end_step", "q05", "q50", "q95"]
        columns += ["gain_q05", "gain_q50", "gain_q95"]
        return self.frame[columns]

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"the end of {self.run}, at step {self.step:.6g}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The end of the run under the plan, and under each other schedule."""
        rows = self.frame.to_dict("records")
        plan = rows[0]
        said = [
            f"As planned it ends at step {plan['end_step']:.6g} with loss {plan['q50']:.4f} "
            f"(90 %: {plan['q05']:.4f} to {plan['q95']:.4f}); it is at {self.loss:.4f} now."
        ]
        for row in rows[1:]:
            interval = f"{row['q05']:.4f} to {row['q95']:.4f}"
            said += [f"{row['future']}: {row['q50']:.4f} ({interval}) at {row['end_step']:.6g}."]
        return tuple(said)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Few effective draws; no decay among the curves."""
        found = []
        if self.effective < _FEWEST_EFFECTIVE:
            found.append(
                Complaint(
                    "few_effective_draws",
                    f"{self.effective:.0f} of the proposals were effective, fewer than "
                    f"{_FEWEST_EFFECTIVE}: the intervals are rough; try another seed.",
                    {"effective": self.effective},
                )
            )
        if not self.decay_seen:
            found.append(
                Complaint(
                    "no_decay_seen",
                    "No run of these curves has decayed its learning rate, so that what a decay "
                    "gives rests on the prior; add the curves of an earlier run that has.",
                )
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Json]:
        """The last logged step and loss, and the futures as a list."""
        return {
            "run": self.run,
            "step": self.step,
            "loss": self.loss,
            "futures": records(self.frame),
            "effective": self.effective,
            "problems": [problem.to_dict() for problem in self.problems],
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def finish(
    curves: Curves,
    schedule: Schedule,
    *,
    run: str | None = None,
    decay_fractions: Sequence[float] = (0.1, 0.2, 0.4),
    draws: int = 500,
    seed: int = 0,
) -> Finish:
    """Predict where a run that is training now will end.

    Parameters
    ----------
    curves : Curves
        The run so far, and earlier runs of the same model and data, if there are any.
    schedule : Schedule
        What is planned. What the run has logged takes its place up to the last logged step.
    run : str, optional
        Which of the runs is training; needed where there are several.
    decay_fractions : sequence of float
        Shares of a run that a linear decay to zero takes. Each is tried at the planned end, where
        such a decay has not begun yet, and from now on.
    draws : int
    seed : int

    Returns
    -------
    Finish

    Raises
    ------
    InputError
        Where the run is not named, has ended by the plan, or has too few losses.

    Examples
    --------
    >>> import bayescale as bs, numpy as np
    >>> step = np.arange(1000, 20_001, 1000)
    >>> loss = 2 + 30 * step**-0.5 + 0.003 * np.sin(step)
    >>> log = {"step": step, "lr": 0 * step + 1e-3, "loss": loss}
    >>> plan = bs.Schedule.wsd(peak=1e-3, total=40_000, decay_fraction=0.2)
    >>> bs.finish(bs.Curves.read(log), plan, draws=50).draws.shape
    (50, 7)
    """
    running = _running(curves, run)
    rows = curves.of(running)
    rows = rows[rows["loss"].notna()]
    history = curves.schedule(running)
    planned = schedule.after(history)
    if not len(rows) or planned.total <= rows["step"].max():
        raise InputError(
            f"Run {running!r} has logged step {history.total:g}, and the schedule ends at "
            f"{schedule.total:g}; give the schedule of the whole run."
        )
    points = points_of(curves)
    futures = _futures(history, planned, decay_fractions)
    posterior = fit_curves(points, list(futures.values()), draws=draws, seed=seed)
    path = np.linspace(float(rows["step"].iloc[-1]), planned.total, _PATH_POINTS)[1:]
    asked = [Ask(running, planned, path)]
    # A name after the zero byte tells futures of one run apart.
    for name, future in list(futures.items())[1:]:
        asked.append(Ask(f"{running}\0{name}", future, np.array([future.total])))
    losses = posterior.losses(asked, seed)
    table = pd.DataFrame(
        {
            "future": list(futures),
            "end_step": [future.total for future in futures.values()],
            "decay_step": [_decay_step(future) for future in futures.values()],
        }
    )
    return Finish(
        running,
        float(rows["step"].iloc[-1]),
        float(rows["loss"].iloc[-1]),
        table,
        np.stack([one[:, -1] for one in losses.underlying], axis=1),
        np.stack([one[:, -1] for one in losses.logged], axis=1),
        pd.DataFrame({"step": path, **quantiles(losses.underlying[0], QUANTILES_AND_QUARTILES)}),
        rows[["step", "loss"]].reset_index(drop=True),
        posterior.effective,
        any(_has_decayed(one.schedule) for one in points),
    )


def _running(curves: Curves, run: str | None) -> str:
    if run is not None:
        curves.of(run)
        return run
    if len(curves.runs) > 1:
        raise InputError(
            f"There are {len(curves.runs)} runs, {', '.join(curves.runs[:8])}; say which one is "
            f"training: run=..."
        )
    return curves.runs[0]


def _futures(
    history: Schedule, planned: Schedule, decay_fractions: Sequence[float]
) -> dict[str, Schedule]:
    """Return schedules by name, the planned one first."""
    now = history.total
    found = {PLANNED: planned}
    if history.rates[-1] <= _SEEN_DROP * history.peak:
        return found
    for fraction in decay_fractions:
        if not 0 < fraction < 1:
            raise InputError(f"decay_fractions holds {fraction:g}, which is not between 0 and 1.")
        held = Schedule(
            np.append(history.steps, planned.total), np.append(history.rates, history.rates[-1])
        )
        start = planned.total * (1 - fraction)
        if start >= now:
            found[f"Decay over the last {fraction:.0%}"] = held.decayed(start, planned.total)
        found[f"Decay from now over {fraction:.0%}"] = history.decayed(now, now / (1 - fraction))
    return found


def _decay_step(schedule: Schedule) -> float:
    """Return the last step at the peak; missing where the rate does not fall."""
    at_peak = np.flatnonzero(schedule.rates >= 0.999 * schedule.peak)[-1]
    fell = at_peak < len(schedule.rates) - 1
    return float(schedule.steps[at_peak]) if fell else float("nan")


def _has_decayed(schedule: Schedule) -> bool:
    return bool(schedule.rates[-1] < _SEEN_DROP * schedule.peak)
