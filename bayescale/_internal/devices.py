"""The device that work is pinned to, and the platform that a program is compiled for."""

import jax


def pinned_device() -> jax.Device | None:
    """Return the device that ``jax.default_device`` pins work to, or None where none is pinned."""
    # Only JAX from 0.12 on declares the type of this option.
    pinned = jax.config.jax_default_device  # type: ignore[attr-defined, unused-ignore]
    return jax.local_devices(backend=pinned)[0] if isinstance(pinned, str) else pinned


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
