"""Workers of a Dask cluster, for commands that share work out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bayescale.errors import InputError

if TYPE_CHECKING:
    from concurrent.futures import Executor

_SECONDS_TO_ANSWER = 10


@contextmanager
def executor_at(address: str | None) -> "Iterator[Executor | None]":
    """Connect to the scheduler at an address, and yield its workers; None without an address."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "--dask needs Dask, which is not installed; pip install 'bayescale[cluster]'."
        ) from None
    try:
        client = Client(address, timeout=_SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there ({error}); start one with `dask "
            f"scheduler`, and give the address that it prints."
        ) from None
    with client:
        yield client.get_executor()
