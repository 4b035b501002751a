"""Functions that run one program on all devices, each with its part of the work.

Work is cut along an axis. Members of a batch and tiles of a grid are independent, so that devices
do not communicate while they work. With a single device nothing is cut, and the compiled program is
the same as without this module.

With several hosts every process runs the same script on the same data after
``jax.distributed.initialize(...)``; the devices are then those of all processes, and each process
gets the full result.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import jax
import numpy as np
from jax import Array
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from bayescale._internal.devices import pinned_device

_AXIS = "devices"

Tree = TypeVar("Tree")
Leaf: TypeAlias = Array | np.ndarray | jax.ShapeDtypeStruct


def devices() -> list[jax.Device]:
    """Return the devices that share the work.

    These are all devices of all processes, or the single one that ``jax.default_device`` pins work
    to.
    """
    pinned = pinned_device()
    return jax.devices() if pinned is None else [pinned]


def padded_count(count: int) -> int:
    """Return the smallest multiple of the number of devices that is at least ``count``."""
    return -(-count // len(devices())) * len(devices())


def over_devices(work: Callable[..., Tree], *parts: object) -> Tree:
    """Apply ``work(*parts)`` on each device to its part.

    Parameters
    ----------
    work : callable
        Takes parts and returns a pytree of arrays with leading axes, which are joined. Values in
        its closure are available on every device.
    *parts : pytrees of arrays
        The length of their leading axis is a `padded_count`.

    Returns
    -------
    pytree of arrays
        May lie on several devices, also of other processes: see `in_every_process`.
    """
    if len(devices()) == 1:
        return work(*parts)
    cut = PartitionSpec(_AXIS)
    # There are no collectives, so nothing has to be checked about values that vary by device.
    sharded = jax.shard_map(work, mesh=_mesh(), in_specs=cut, out_specs=cut, check_vma=False)
    return sharded(*parts)


def in_every_process(results: Tree) -> Tree:
    """Return the same pytree of arrays, readable by NumPy in every process.

    Where there are several processes, each gets the full arrays. Call it last in a program, since
    later operations may distribute arrays again.
    """
    if not _has_several_processes():
        return results
    return jax.lax.with_sharding_constraint(results, NamedSharding(_mesh(), PartitionSpec()))


def stacked(own: Mapping[int, Tree], owners: Sequence[jax.Device], like: Tree) -> Tree:
    """Gather the results that processes computed separately.

    Parameters
    ----------
    own : mapping
        Pytrees of arrays that this process computed, by number.
    owners : sequence of devices
        The device that computed each number, in all processes.
    like : pytree of shapes and dtypes
        Structure of the result for one number.

    Returns
    -------
    pytree of NumPy arrays, shape (numbers, ...)
        The same in every process.
    """

    def stack(leaf: Leaf, *computed: Leaf) -> np.ndarray:
        rows = np.zeros((len(owners), *leaf.shape), leaf.dtype)
        for number, result in zip(own, computed, strict=True):
            rows[number] = result
        return rows

    local = jax.tree.map(stack, like, *own.values())
    if not _has_several_processes():
        return local
    processes = [owner.process_index for owner in owners]
    numbers = np.arange(len(owners))
    gathered = multihost_utils.process_allgather(local)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[processes, numbers], gathered)


def described() -> list[dict[str, str | int | None]]:
    """Return one row a device: its ``id``, ``kind``, ``platform``, ``process`` and ``memory``.

    Memory is in bytes; it is None where it is unknown.
    """
    rows: list[dict[str, str | int | None]] = []
    for device in jax.devices():
        row: dict[str, str | int | None] = {
            "id": device.id,
            "kind": device.device_kind,
            "platform": device.platform,
            "process": device.process_index,
            "memory": _memory_in_bytes(device),
        }
        rows.append(row)
    return rows


def _memory_in_bytes(device: jax.Device) -> int | None:
    # Only the process of a device can read its statistics.
    if device.process_index != jax.process_index():
        return None
    statistics = device.memory_stats() or {}
    return statistics.get("bytes_limit")


def _mesh() -> Mesh:
    return Mesh(np.array(devices()), (_AXIS,))


def _has_several_processes() -> bool:
    # A process that is pinned to one of its devices works alone.
    return len(devices()) > 1 and jax.process_count() > 1
