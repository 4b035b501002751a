"""Float64 by context: inference needs it on every back end, and nobody's JAX configuration is
changed by an import.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


def float64(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` with JAX in double precision, whatever the caller's setting, which is left
    as it was.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from bayescale._internal.precision import float64
    >>> float64(lambda: jnp.ones(1).dtype)()
    dtype('float64')
    """

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with jax.enable_x64(True):
            return function(*args, **kwargs)

    return wrapped
