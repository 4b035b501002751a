"""Markov chains by the No-U-Turn sampler: one chain as a program, many chains side by side.

Whoever samples, the posterior of a law or of a distribution of success rates, brings a potential
and where chains start; `walk` is the chain, `sample` runs chains in threads, and `Redraw` says when
they are drawn again. A chain on a CPU is one sequential program, and XLA releases the interpreter,
so threads suffice.

M. D. Hoffman and A. Gelman, "The No-U-Turn Sampler", 2014 (arXiv:1111.4246).
"""

import sys
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
from jax import Array
from jax.typing import ArrayLike
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo
from numpyro.util import fori_collect
from rich.console import Console
from rich.progress import Progress

from bayescale._internal.precision import float64
from bayescale.inference._programs import Fields

Lane = TypeVar("Lane", bound=Hashable)
"""A chain's name among those that run side by side: a number, or a group and a number."""

DEFAULT_WARMUP = 500
# What is kept of NumPyro's state after each draw.
_FIELDS = ("z", "diverging", "num_steps", "accept_prob", "energy")


@dataclass(frozen=True)
class Schedule:
    """Lengths of a chain.

    Attributes
    ----------
    warmup : int
        Draws that adapt the step and the mass matrix, and are thrown away.
    draws : int
        Draws kept.
    """

    warmup: int
    draws: int


@dataclass(frozen=True)
class Redraw:
    """The policy of drawing chains again until their diagnostics are good.

    Attributes
    ----------
    acceptances : tuple of float
        Target acceptance of each attempt; the higher, the shorter the steps.
    fewest_draws : int
        Of all chains together, below which there is one attempt: whoever asks for fewer does not
        mean to trust them.
    """

    acceptances: tuple[float, ...]
    fewest_draws: int = 0

    def attempts(self, draws: int) -> tuple[float, ...]:
        """Return the target acceptance of each attempt for a number of draws of all chains."""
        return self.acceptances if draws >= self.fewest_draws else self.acceptances[:1]


def walk(
    potential: Callable[[Any], Array],
    start: ParamInfo,
    schedule: Schedule,
    key: Array,
    acceptance: ArrayLike,
    **mass_matrix: Any,
) -> dict[str, Any]:
    """Trace one chain.

    Parameters
    ----------
    potential : callable
        Negative log density at a point: an array, or an array for each block of the mass matrix.
    start : ParamInfo
        The first point, the potential there and its gradient.
    schedule : Schedule
    key : Array
        PRNG key.
    acceptance : Array, shape ()
        Target acceptance.
    **mass_matrix
        NumPyro's ``dense_mass`` and ``inverse_mass_matrix``.

    Returns
    -------
    dict of arrays with leading axis draws
        ``z``, the points, in the form in which the potential takes them; ``diverging``,
        ``num_steps``, ``accept_prob``, ``energy``.
    """
    initialise, advance = hmc(potential, algo="NUTS")
    state = initialise(
        start,
        num_warmup=schedule.warmup,
        adapt_mass_matrix=True,
        target_accept_prob=acceptance,
        rng_key=key,
        **mass_matrix,
    )
    kept: dict[str, Any] = fori_collect(
        schedule.warmup,
        schedule.warmup + schedule.draws,
        advance,
        state,
        transform=lambda state: {field: getattr(state, field) for field in _FIELDS},
        progbar=False,
    )
    return kept


def sample(
    chains: Mapping[Lane, Callable[..., Fields]], arguments: Callable[[Lane], tuple[Any, ...]]
) -> dict[Lane, Fields]:
    """Run compiled chains side by side, each in a thread, with a progress bar on a terminal.

    Parameters
    ----------
    chains : mapping
        The compiled program of each chain, by its name.
    arguments : callable
        From a chain's name to the arguments of its program; called in the chain's thread.
    """

    def run(lane: Lane) -> Fields:
        return jax.block_until_ready(chains[lane](*arguments(lane)))

    terminal = Console(stderr=True)
    with (
        ThreadPoolExecutor() as pool,
        Progress(console=terminal, transient=True, disable=not sys.stderr.isatty()) as progress,
    ):
        running = {lane: pool.submit(float64(run), lane) for lane in chains}
        bar = progress.add_task(f"Sampling {len(running)} chains", total=len(running))
        for finished in as_completed(running.values()):
            finished.result()
            progress.advance(bar)
    return {lane: finished.result() for lane, finished in running.items()}
