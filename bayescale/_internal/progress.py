"""Progress of long work on standard error: a bar at a terminal, and lines anywhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def bar() -> Progress:
    """Return a progress bar that counts steps.

    Only a step refreshes it, since the work between steps may draw another bar.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
        disable=not sys.stderr.isatty(),
    )


Tell = Callable[[str], None]
"""Takes what is being done now, in a few words."""

_SECONDS_AT_A_TERMINAL, _SECONDS_ELSEWHERE = 2.0, 10.0
_CLEAR_LINE = "\r\x1b[2K"


def tell_nobody(_step: str) -> None:
    """Say nothing."""


@contextmanager
def told(work: str) -> Iterator[Tell]:
    """Tell people what long work is doing: one line that changes at a terminal, or else a line
    every ten seconds. Work that is done sooner says nothing.

    Parameters
    ----------
    work : str
        Such as ``"Fitting my_sweep"``.
    """
    begun = last = time.monotonic()
    at_terminal = sys.stderr.isatty()
    interval = _SECONDS_AT_A_TERMINAL if at_terminal else _SECONDS_ELSEWHERE
    before, after = (_CLEAR_LINE, "") if at_terminal else ("", "\n")

    def tell(step: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= interval:
            last = now
            line = f"{before}{work}: {step}, {now - begun:.0f} s{after}"
            sys.stderr.write(line)
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if at_terminal and last > begun:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()
