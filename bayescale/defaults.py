"""The law, noise model and method that each verb takes where none is given, as the command line
takes them: the only place that names them.

Two pairs are in use.

`LAW` with `NOISE` is what `fit` and `backtest` take, and so all that is decided by a posterior
which `fit` made by itself. It was chosen by forecasts of hidden runs and of hidden optima, with the
scored family of sweeps left out (`benchmarks/frontier.py`, `benchmarks/allocation.py`). Giving a
noise model or a method to `fit` never changes the law.

`TEXTBOOK_LAW` with `TEXTBOOK_NOISE` is what the verbs take that compare with the literature:
`batch`, `compare`, `profile` and `recipes`. They fit many times, or need a law that is linear in
its levels. `TEXTBOOK_LAW` by a
Huber loss is also today's practice, beside which `backtest` scores a forecast.
"""

from typing import TYPE_CHECKING, cast

from bayescale._internal.discovery import parse

if TYPE_CHECKING:
    from bayescale.inference.base import Method
    from bayescale.laws.base import Law
    from bayescale.noise.base import Likelihood
    from bayescale.runs import Runs

LAW = "coupled"
"""The law of `fit` and `backtest` for runs with parameters and tokens."""

LAW_OF_ONE_INPUT = "power_law"
"""The law of `fit` for runs with parameters, tokens or compute alone."""

NOISE = "discrepancy"
"""The noise model of `fit` and `backtest` for losses, by a method that can fit it."""

METHOD = "importance"
"""The method of `fit`, `backtest`, `plan` and `recipes`."""

TEXTBOOK_LAW = "chinchilla"
"""The law of `batch`, `profile` and `recipes`, and of today's practice in `backtest`."""

TEXTBOOK_NOISE = "student_t"
"""The noise model of `batch`, `compare`, `profile` and `recipes`; and of `fit` where the method
needs runs that scatter independently, or the law predicts something else than a loss.
"""

TEXTBOOK_METHOD = "importance"
"""The method of `batch` and `compare`, which fit many runs at once."""


def law() -> "Law":
    """Return the law of `fit` for runs with parameters and tokens."""
    return cast("Law", parse("bayescale.laws", LAW))


def law_for(runs: "Runs") -> "Law":
    """Return the law of `fit`: `law`, or a power of the one input that runs have.

    Examples
    --------
    >>> from bayescale import defaults
    >>> from bayescale.runs import Runs
    >>> table = {"n_params": [1e8, 2e8, 4e8], "loss": [3.1, 2.9, 2.8]}
    >>> defaults.law_for(Runs.read(table)).inputs
    ('n_params',)
    """
    given = [name for name in ("n_params", "n_tokens") if name in runs.frame]
    if len(given) == 2:
        return law()
    only = given[0] if given else "flops"
    return cast("Law", parse("bayescale.laws", f"{LAW_OF_ONE_INPUT}:input={only}"))


def noise(law: "Law") -> "Likelihood":
    """Return the noise model of `fit` for a method that can fit runs which share departures.

    A loss has `Discrepancy`, with those of its processes whose inputs the law has. Sizes of
    departures are known for losses alone, so other responses have `TEXTBOOK_NOISE`, and so have
    losses in shares of a mixture alone.
    """
    from dataclasses import replace

    from bayescale.noise.discrepancy import Discrepancy

    if law.response != "loss" or set(law.inputs) <= set(law.unscaled_inputs):
        return textbook_noise()
    departures: Discrepancy = parse("bayescale.noise", NOISE)
    known = tuple(p for p in departures.processes if set(p.inputs) <= set(law.inputs))
    return departures if known == departures.processes else replace(departures, processes=known)


def method() -> "Method":
    """Return the method of `fit`."""
    return cast("Method", parse("bayescale.inference", METHOD))


def textbook_law() -> "Law":
    """Return the law of verbs that compare with the literature."""
    return cast("Law", parse("bayescale.laws", TEXTBOOK_LAW))


def textbook_noise() -> "Likelihood":
    """Return the noise model of verbs that compare with the literature."""
    return cast("Likelihood", parse("bayescale.noise", TEXTBOOK_NOISE))


def textbook_method() -> "Method":
    """Return the method of verbs that fit many runs at once."""
    return cast("Method", parse("bayescale.inference", TEXTBOOK_METHOD))
