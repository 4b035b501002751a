"""The lines of ``bayescale --version``, for a report of an error or the methods of a paper."""

import platform
from importlib.metadata import version

import typer


def print_version() -> None:
    """Print the versions of bayescale, Python, JAX and NumPyro, a line each, and the device.

    JAX is loaded last, since where its device is broken the versions are needed most.
    """
    typer.echo(f"bayescale {version('bayescale')}")
    typer.echo(f"Python {platform.python_version()}")
    typer.echo(f"JAX {version('jax')}")
    typer.echo(f"NumPyro {version('numpyro')}")
    import jax

    devices = jax.devices()
    count = f", {len(devices)} of them" if len(devices) > 1 else ""
    typer.echo(f"device {devices[0].platform} ({devices[0].device_kind}{count})")
