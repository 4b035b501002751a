"""The page of devices: what JAX sees, and what runs where."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayescale.terminal import style

_ON_HOST = "samplers, searches for modes, plans: each step waits for the one before"
_WIDE = "grids, starts, replicates, predictive surfaces: thousands at a time"


def print_devices(version: str, devices: Sequence[Mapping[str, Any]]) -> None:
    """Print the version of JAX and a line for each device."""
    console = style.console()
    console.print(f"JAX {version}, platform {devices[0]['platform']}")
    table = style.table(["device", "kind", "process", "memory"], left=["kind"])
    for row in devices:
        memory = f"{row['memory'] / 2**30:.1f}\N{NO-BREAK SPACE}GiB" if row["memory"] else "-"
        table.add_row(str(row["id"]), row["kind"], str(row["process"]), memory)
    style.print_table(console, table)
    for sentence in _where(devices):
        console.print(sentence)


def _where(devices: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what runs where, and how to have it elsewhere."""
    platform, count = devices[0]["platform"], len(devices)
    if platform == "cpu":
        if count == 1:
            return ["Everything runs on this device."]
        return [
            f"Starts, replicates, chains, grids and batches are shared out among all {count} "
            f"devices."
        ]
    here = "this device" if count == 1 else f"these {count} devices"
    sentences = [f"On the CPU of this machine: {_ON_HOST}.", f"On {here}: {_WIDE}."]
    if platform == "tpu":
        sentences.append(
            "A TPU has no double precision, so only kernels that are called in float32 run on it."
        )
    sentences.append(
        f'bs.fit(..., device="{platform}") or jax.default_device has all work done in one place.'
    )
    return sentences
