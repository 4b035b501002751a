"""Several devices, in one process or in two, find what one device finds; the work itself is in
``work.py``.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WORK = Path(__file__).with_name("work.py")
TIMEOUT = 500


def start(devices: int, *arguments: Any) -> subprocess.Popen[str]:
    # Compiling takes most of the time, and optimising most of that.
    flags = f"--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0"
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    command = [sys.executable, WORK, *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(*processes: subprocess.Popen[str]) -> None:
    try:
        for process in processes:
            output, _ = process.communicate(timeout=TIMEOUT)
            assert process.returncode == 0, output
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def one_process(tmp_path_factory):
    """The results of one process with eight devices."""
    file = tmp_path_factory.mktemp("devices") / "one.npz"
    finish(start(8, file))
    return dict(np.load(file))


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """The results of two processes at once with two devices each."""
    folder = tmp_path_factory.mktemp("devices")
    files = [folder / f"{name}.npz" for name in ("first", "second")]
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listening.getsockname()[1]}"
    finish(start(2, files[0], address, 0), start(2, files[1], address, 1))
    return [dict(np.load(file)) for file in files]


def assert_as_alone(alone, spread, prefix, **tolerance):
    names = [name.removeprefix("alone/") for name in alone if name.startswith(f"alone/{prefix}")]
    names = [name for name in names if not name.endswith("/parts")]
    assert names
    for name in names:
        np.testing.assert_allclose(
            spread[f"spread/{name}"], alone[f"alone/{name}"], err_msg=name, **tolerance
        )


# Rounding depends on how many members are worked on together; a search stops where the last steps
# change F by 1e-9 of itself.
kinds = pytest.mark.parametrize(
    ("prefix", "tolerance"),
    [
        ("search", {"rtol": 1e-9}),
        ("evidence", {"rtol": 1e-12, "atol": 1e-11}),
        ("objective", {"rtol": 1e-13}),
        ("cell", {"rtol": 1e-13}),
        ("surface", {"rtol": 1e-13, "atol": 1e-15}),
        ("multistart", {"rtol": 1e-9}),
        ("bootstrap", {"rtol": 1e-9}),
    ],
)


@kinds
def test_eight_devices_find_what_one_finds(one_process, prefix, tolerance):
    assert_as_alone(one_process, one_process, prefix, **tolerance)


def test_a_chain_draws_the_same_wherever_it_runs(one_process):
    assert_as_alone(one_process, one_process, "nuts", rtol=0)
    assert one_process["alone/seen/devices"].tolist() == [0]
    assert one_process["spread/seen/devices"].tolist() == [0, 1, 2]


def test_members_are_shared_out_in_order(one_process):
    assert one_process["spread/shares"].tolist() == [
        device for device in range(8) for _ in range(2)
    ]


@pytest.mark.parametrize(
    "name",
    ["search/common/16", "search/own/16", "surface/16/mean", "surface/16/quantiles", "objective/8"],
)
def test_each_of_eight_devices_has_its_own_part_of_the_result(one_process, name):
    assert one_process[f"spread/{name}/parts"].tolist() == [8, 8]
    assert one_process[f"alone/{name}/parts"].tolist() == [1, 1]


def test_the_rows_of_a_grid_are_shared_out(one_process):
    assert one_process["spread/program/shared"]
    assert not one_process["alone/program/shared"]


@pytest.mark.slow
@kinds
def test_two_processes_find_what_one_finds(one_process, two_processes, prefix, tolerance):
    for process in two_processes:
        assert_as_alone(one_process, process, prefix, **tolerance)


@pytest.mark.slow
def test_two_processes_run_the_chains_of_their_own_devices_and_have_all(one_process, two_processes):
    for process in two_processes:
        assert_as_alone(one_process, process, "nuts", rtol=0)
    first, second = ({*process["spread/seen/devices"].tolist()} for process in two_processes)
    assert (len(first), len(second)) == (2, 1)
    assert not first & second


@pytest.mark.slow
def test_each_process_has_the_same_numbers_to_the_last_bit(two_processes):
    first, second = two_processes
    assert first.keys() == second.keys()
    for name in first:
        if not name.endswith("seen/devices"):
            np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert first["spread/shares"].tolist() == [device for device in range(4) for _ in range(3)]
