"""Sizes of the parts of a grid or a batch that are worked on at once, by platform.

On a CPU the arrays of one step stay in a core's second-level cache, of about a megabyte, so steps
are small and many. On a GPU each step is a dozen launches of 2 to 10 µs, whatever its size, and a
card of 132 multiprocessors is idle below some 10⁵ numbers a launch, so steps are few and as large
as a gigabyte of memory for intermediate arrays allows. A TPU has less memory beside its core, and
costs as little a step as a CPU: its sizes lie between.
"""

from typing import NamedTuple

from bayescale._internal.devices import target_platform


class Sizes(NamedTuple):
    """Numbers of what is worked on at once.

    Attributes
    ----------
    members : int
        Starts or replicates of a search; ten arrays of runs × members exist at a time.
    cells : int
        Cells of a grid of the objective; three arrays of that size.
    rows, columns : int
        Exponents of a tile of the evidence; about ten arrays of rows × columns.
    values : int
        Draws × cells of a predictive surface; six arrays of that size.
    slices : int
        Rows of a grid of exponents whose nodes are evaluated together.
    """

    members: int
    cells: int
    rows: int
    columns: int
    values: int
    slices: int


# Fastest of those measured on two CPUs: ten arrays of 240 runs × 500 members, 512 kB of cells, and
# a megabyte of nodes.
_CPU = Sizes(members=500, cells=2**16, rows=512, columns=256, values=2**16, slices=16)
# For 80 GB and 132 multiprocessors: 320 MB for 240 runs × 4,096 members, 100 MB of cells, 1.3 GB of
# nodes, 800 MB of values. Derived in docs/accelerators.md, not yet measured.
_GPU = Sizes(members=4096, cells=2**22, rows=4096, columns=4096, values=2**24, slices=256)
# For 16 GB, in float32.
_TPU = Sizes(members=2048, cells=2**20, rows=2048, columns=2048, values=2**22, slices=128)
BY_PLATFORM = {"cpu": _CPU, "gpu": _GPU, "tpu": _TPU}


def sizes() -> Sizes:
    """Return the sizes for the device that work called now runs on.

    Examples
    --------
    >>> import jax
    >>> from bayescale.kernels.sizes import sizes
    >>> with jax.default_device(jax.local_devices(backend="cpu")[0]):
    ...     sizes().members
    500
    """
    return BY_PLATFORM.get(target_platform(), _GPU)
