"""The place of a program and its compiler options, by what it is used for.

A program of many small operations, such as a sampler's, waits for each before the next. An
accelerator takes ten times as long as its host for that, so such programs run on the host's CPU
unless work is pinned to a device (`jax.default_device`, or ``device`` of `bayescale.fit`); what
works on many numbers at once goes to the accelerator.

A fit waits for its compiler longer than for its draws. XLA's newer way of making code for fused
operations takes as long as all else in compiling a sampler, and gains nothing in it; its default
order of operations keeps many ready for several threads at once, and where each takes a
microsecond, handing them over takes longer. What is run a thousand times need not be optimised.
Kernels over large grids (`bayescale.kernels`) are compiled as XLA would have it, and its searches
by these options.

Options belong to the device that a program runs on, which may be another than JAX's default.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import jax

from bayescale._internal.devices import on_doubles, on_host, target_platform

P = ParamSpec("P")
R = TypeVar("R")

Options = dict[str, Any]
"""Compiler options of XLA by name."""

_SMALL = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
    # LLVM's higher levels take a seventh longer and gain nothing in what has no long loops.
    "xla_backend_optimization_level": 1,
}
_HASTY = {"xla_backend_optimization_level": 0}


class Use(Enum):
    """The use of a program.

    ``OFTEN`` runs hundreds of thousands of small operations one after another, ``BRIEF`` fewer.
    ``SEARCH`` has many small operations too, each on a whole batch, and ``WIDE`` works on a large
    grid.
    """

    OFTEN = "often"
    BRIEF = "brief"
    SEARCH = "search"
    WIDE = "wide"

    @property
    def place(self) -> AbstractContextManager[object]:
        """The context in which a program of this use runs."""
        return on_host() if self in (Use.OFTEN, Use.BRIEF) else on_doubles()

    @property
    def options(self) -> Options:
        """Compiler options for the device that a program runs on when called now.

        ``jax.jit`` and ``lower(...).compile`` take them as ``compiler_options``.

        Examples
        --------
        >>> import jax
        >>> from bayescale._internal.compiling import Use
        >>> float(jax.jit(lambda x: 2 * x, compiler_options=Use.BRIEF.options)(3.0))
        6.0
        """
        return self.options_on(target_platform())

    def options_on(self, platform: str) -> Options:
        """Return the compiler options for a platform: those that this JAX knows, for a CPU."""
        if platform != "cpu" or self is Use.WIDE:
            return {}
        wanted = _SMALL | _HASTY if self is Use.BRIEF else dict(_SMALL)
        if _known(**wanted):
            return wanted
        return {name: value for name, value in wanted.items() if _known(**{name: value})}


def jit_for(use: Use, *static: str) -> Callable[[Callable[P, R]], Callable[..., R]]:
    """Decorate a function as ``jax.jit`` does, with the place and the compiler options of a use.

    Both are found at the call.

    Parameters
    ----------
    use : Use
    *static : str
        Names of arguments that are part of the program.

    Examples
    --------
    >>> from bayescale._internal.compiling import Use, jit_for
    >>> @jit_for(Use.BRIEF, "times")
    ... def multiplied(x, times):
    ...     return times * x
    >>> float(multiplied(3.0, times=2))
    6.0
    """

    # The decorated function takes NumPy's arrays where the function itself is given JAX's.
    def decorate(function: Callable[P, R]) -> Callable[..., R]:
        @cache
        def program(platform: str) -> Callable[P, R]:
            # JAX keeps what it has traced by function, and sizes may depend on the platform.
            @wraps(function)
            def traced(*args: P.args, **kwargs: P.kwargs) -> R:
                return function(*args, **kwargs)

            options = use.options_on(platform)
            return jax.jit(traced, static_argnames=static, compiler_options=options)

        @wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            # JAX compiles a program within another as part of that one, by its options, and takes
            # none here.
            leaves = jax.tree.leaves((args, kwargs))
            within = any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
            if within:
                return function(*args, **kwargs)
            with use.place:
                return program(target_platform())(*args, **kwargs)

        return called

    return decorate


@cache
def _known(**options: bool | int | str) -> bool:
    """Return whether this JAX compiles for a CPU with options."""
    try:
        with jax.default_device(jax.local_devices(backend="cpu")[0]):
            jax.jit(lambda: 0, compiler_options=options)()
    except RuntimeError:
        return False
    return True
