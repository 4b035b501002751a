"""Progress of long work, on a terminal or not."""

import pytest

from bayescale._internal import progress
from bayescale._internal.progress import told


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when the test says so."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_work_of_some_seconds_says_nothing(clock, capsys):
    with told("Fitting runs") as tell:
        clock[0] += 9
        tell("round 1")
    assert capsys.readouterr().err == ""


def test_longer_work_prints_a_line_every_ten_seconds(clock, capsys):
    with told("Fitting runs") as tell:
        for second in range(25):
            clock[0] = 100.0 + second
            tell(f"round {second}")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["Fitting runs: round 10, 10 s", "Fitting runs: round 20, 20 s"]


def test_a_terminal_has_one_line_that_is_gone_in_the_end(clock, capsys, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    with told("Fitting runs") as tell:
        for second in range(6):
            clock[0] = 100.0 + second
            tell(f"round {second}")
    assert capsys.readouterr().err == (
        "\r\x1b[2KFitting runs: round 2, 2 s\r\x1b[2KFitting runs: round 4, 4 s\r\x1b[2K"
    )
