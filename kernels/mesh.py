"""All devices as one: independent work is cut along an axis, and each device runs the same program
on its part.

Members of a batch and tiles of a grid have nothing to say to each other, so that devices do not
communicate while they work. With one device nothing is cut, and a program is what it would be
without this file.

With several hosts every process runs the same script on the same data after
``jax.distributed.initialize(...)``; the devices are then those of all processes, and each process
gets the whole result.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from bayescale._internal.devices import pinned_device

_AXIS = "devices"


def devices() -> list[jax.Device]:
    """Return where work may go: every device of every process, or the one that
    ``jax.default_device`` pins it to.
    """
    pinned = pinned_device()
    return jax.devices() if pinned is None else [pinned]


def whole_shares(count: int) -> int:
    """The least number from ``count`` on that devices can share out equally."""
    return -(-count // len(devices())) * len(devices())


def over_devices(work: Callable[..., Any], *parts: Any) -> Any:
    """Apply ``work(*parts)`` on each device to its part.

    Parameters
    ----------
    work : callable
        Takes parts and returns a pytree of arrays with leading axes, which are joined. What it
        closes over, every device has.
    *parts : pytrees of arrays
        The length of their leading axis is one of `whole_shares`.

    Returns
    -------
    pytree of arrays
        May lie on several devices, also of other processes: see `in_every_process`.
    """
    if len(devices()) == 1:
        return work(*parts)
    cut = PartitionSpec(_AXIS)
    # Without collectives there is nothing to check about what varies from device to device.
    return jax.shard_map(work, mesh=_mesh(), in_specs=cut, out_specs=cut, check_vma=False)(*parts)


def in_every_process(results: Any) -> Any:
    """The same pytree of arrays, which NumPy may read: where there are several processes, each gets
    the whole.

    To be called last in a program, since what follows may distribute arrays again.
    """
    if not _of_several_processes():
        return results
    return jax.lax.with_sharding_constraint(results, NamedSharding(_mesh(), PartitionSpec()))


def stacked(own: Mapping[int, Any], owners: Sequence[jax.Device], like: Any) -> Any:
    """Join what processes found apart.

    Parameters
    ----------
    own : mapping
        Pytrees of arrays that this process found, by number.
    owners : sequence of devices
        Which device found each number, in all processes.
    like : pytree of shapes and dtypes
        What each number is.

    Returns
    -------
    pytree of NumPy arrays, shape (numbers, ...)
        The same in every process.
    """

    def stack(leaf: Any, *found: Any) -> np.ndarray:
        by_number = dict(zip(own, found, strict=True))
        return np.stack(
            [by_number.get(i, np.zeros(leaf.shape, leaf.dtype)) for i in range(len(owners))]
        )

    mine = jax.tree.map(stack, like, *own.values())
    if not _of_several_processes():
        return mine
    process, number = [owner.process_index for owner in owners], np.arange(len(owners))
    return jax.tree.map(
        lambda each: np.asarray(each)[process, number], multihost_utils.process_allgather(mine)
    )


def described() -> list[dict[str, Any]]:
    """One row a device: its ``id``, ``kind``, ``platform``, ``process``, and ``memory`` in bytes or
    None where unknown.
    """
    here = jax.process_index()
    return [
        {
            "id": device.id,
            "kind": device.device_kind,
            "platform": device.platform,
            "process": device.process_index,
            "memory": ((device.memory_stats() if device.process_index == here else None) or {}).get(
                "bytes_limit"
            ),
        }
        for device in jax.devices()
    ]


def _mesh() -> Mesh:
    return Mesh(np.array(devices()), (_AXIS,))


def _of_several_processes() -> bool:
    # A process that is pinned to a device of its own works for itself.
    return len(devices()) > 1 and jax.process_count() > 1
