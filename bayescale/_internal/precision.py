"""Double precision in a context.

Inference needs float64 on every back end; an import does not change the user's JAX configuration.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


def float64(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with JAX in double precision during its calls.

    The caller's setting is unchanged.

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
