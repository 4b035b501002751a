"""Programs that are compiled ahead, in threads, and kept for the next fit of the same shape."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import jax
from jax.sharding import SingleDeviceSharding
from jax.stages import Compiled
from jax.tree_util import PyTreeDef

from bayescale._internal.compiling import Use
from bayescale._internal.exporting import reused
from bayescale._internal.precision import float64

Fields = dict[str, jax.Array]
"""Named arrays that a chain returns."""
Shapes = tuple[jax.ShapeDtypeStruct, ...]
"""Shape and dtype of each leaf of a program's arguments."""


class Program(NamedTuple):
    """One program, being compiled for some devices.

    Attributes
    ----------
    compiling : dict of Future
        The compiled program by device.
    result : pytree of ShapeDtypeStruct
        Shapes and dtypes of what it returns.
    """

    compiling: dict[jax.Device, Future[Compiled]]
    result: dict[str, jax.ShapeDtypeStruct]

    def on(self, device: jax.Device) -> Callable[..., Fields]:
        """Return the program for a device, as soon as it is compiled."""
        compiled = self.compiling[device].result()

        def called(*arguments: Any) -> Fields:
            return compiled(*jax.tree.leaves(arguments))

        return called

    def wait(self) -> None:
        """Return when the program is compiled for every device."""
        for future in self.compiling.values():
            future.result()


def compile_ahead(
    function: Callable[..., Fields], devices: tuple[jax.Device, ...], arguments: Any
) -> Program:
    """Compile a function for arguments of some shapes on each of the devices, in threads.

    Parameters
    ----------
    function : callable
        Equal functions share their programs, as frozen dataclasses do that have a ``__call__``.
    devices : tuple of Device
        Devices of this process.
    arguments : tuple of pytrees
        Arrays, or their shapes and dtypes.
    """
    leaves, structure = jax.tree.flatten(arguments)
    shapes = tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves)
    return _kept_program(function, devices, structure, shapes)


@lru_cache(maxsize=96)
def _kept_program(
    function: Callable[..., Fields],
    devices: tuple[jax.Device, ...],
    structure: PyTreeDef,
    shapes: Shapes,
) -> Program:
    # Tracing stays in the caller's thread, since NumPyro's stack of handlers is one for all
    # threads.
    def of_leaves(*leaves: jax.Array) -> Fields:
        return function(*jax.tree.unflatten(structure, leaves))

    program = jax.jit(reused(of_leaves, (function, str(structure)), shapes))
    background, compiling = ThreadPoolExecutor(), {}
    for device in devices:
        sharding = SingleDeviceSharding(device)
        on_device = [shape.update(sharding=sharding) for shape in shapes]
        lowered = program.lower(*on_device)
        options = Use.OFTEN.options_on(device.platform)
        compiling[device] = background.submit(float64(lowered.compile), options)
    background.shutdown(wait=False)
    return Program(compiling, jax.eval_shape(program, *shapes))


def programs_compiled() -> int:
    """Return how many programs were traced and compiled since `forget_programs` or the start."""
    return _kept_program.cache_info().misses


def forget_programs() -> None:
    """Let kept programs leave memory."""
    _kept_program.cache_clear()
