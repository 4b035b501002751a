"""The command ``devices``: what JAX sees, and what runs where."""

from bayescale.cli._command import Command, Section


def devices() -> None:
    """List the devices that JAX sees, and say what runs where."""
    from bayescale.terminal.reporting import reporting

    with reporting():
        import jax

        from bayescale.kernels.mesh import described
        from bayescale.terminal.devices import print_devices

        print_devices(jax.__version__, described())


COMMAND = Command(devices, Section.LOOK_UP, order=3)
