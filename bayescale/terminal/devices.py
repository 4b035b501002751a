"""The page of devices: what JAX sees, and what runs where."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayescale.terminal import style


def print_devices(version: str, devices: Sequence[Mapping[str, Any]]) -> None:
    """Print the version of JAX and a line for each device."""
    console = style.console()
    console.print(f"JAX {version}, platform {devices[0]['platform']}")
    table = style.table(["device", "kind", "process", "memory"], left=["kind"])
    for row in devices:
        memory = f"{row['memory'] / 2**30:.1f}\N{NO-BREAK SPACE}GiB" if row["memory"] else "-"
        table.add_row(str(row["id"]), row["kind"], str(row["process"]), memory)
    style.print_table(console, table)
    if len(devices) == 1:
        console.print("Everything runs on this device.")
    else:
        console.print(
            f"Starts, replicates, chains, grids and batches are shared out among all "
            f"{len(devices)} devices."
        )
