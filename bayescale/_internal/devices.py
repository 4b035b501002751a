"""Devices that programs run on: the one that work is pinned to, the host's CPU for programs of
small operations, and the platform that a program is compiled for.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp

from bayescale.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")


def pinned_device() -> jax.Device | None:
    """Return the device that ``jax.default_device`` pins work to, or None where none is pinned."""
    # Only JAX from 0.12 on declares the type of this option.
    pinned = jax.config.jax_default_device  # type: ignore[attr-defined, unused-ignore]
    return jax.local_devices(backend=pinned)[0] if isinstance(pinned, str) else pinned


def on_host() -> AbstractContextManager[object]:
    """Return a context in which work is pinned to the host's CPU.

    It changes nothing where work is pinned already, where JAX's own devices are CPUs, or where JAX
    was started without any.
    """
    if pinned_device() is not None or jax.default_backend() == "cpu":
        return nullcontext()
    try:
        host = jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return nullcontext()
    return jax.default_device(host)


def hosted(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` with its work `on_host`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from bayescale._internal.devices import hosted
    >>> hosted(jnp.ones)(1).devices().pop().platform
    'cpu'
    """

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with on_host():
            return function(*args, **kwargs)

    return wrapped


def pinned_to(name: str | None) -> AbstractContextManager[object]:
    """Return a context in which all work is pinned to a device.

    Parameters
    ----------
    name : str or None
        A platform, such as ``cpu`` or ``gpu``, or one of its devices, such as ``gpu:1``; None
        changes nothing.

    Raises
    ------
    InputError
        Where JAX sees no such device.
    """
    if name is None:
        return nullcontext()
    platform, _, number = name.partition(":")
    try:
        return jax.default_device(jax.local_devices(backend=platform)[int(number or 0)])
    except (RuntimeError, ValueError, IndexError):
        seen = ", ".join(f"{device.platform}:{device.id}" for device in jax.local_devices())
        raise InputError(
            f"JAX sees no device {name}; it sees {seen}, and the CPU of the host is cpu. "
            f"`bayescale devices` lists them."
        ) from None


def on_doubles() -> AbstractContextManager[object]:
    """Return a context in which work in double precision runs where doubles are doubles.

    That is on the host's CPU where JAX's own devices are TPUs: a TPU makes a double of two floats,
    with some 48 bits and the range of a float, so that the smallest positive double is zero there.

    Raises
    ------
    InputError
        Where work in double precision is pinned to a TPU.
    """
    if target_platform() != "tpu" or jnp.result_type(float) != jnp.float64:
        return nullcontext()
    if pinned_device() is not None:
        raise InputError(
            "A TPU has no double precision: its numbers have some 48 bits and the range of single "
            "precision, and results would be wrong without a word. Leave out the device, so that "
            "this runs on the CPU of the host, or call a kernel of bayescale.kernels in float32."
        )
    return on_host()


def target_platform() -> str:
    """Return the platform that a program runs on when called now: the pinned device's or JAX's.

    Examples
    --------
    >>> import jax
    >>> from bayescale._internal.devices import target_platform
    >>> with jax.default_device(jax.local_devices(backend="cpu")[0]):
    ...     target_platform()
    'cpu'
    """
    pinned = pinned_device()
    return jax.default_backend() if pinned is None else pinned.platform
