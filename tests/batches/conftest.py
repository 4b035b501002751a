"""Simulated sweeps of one size, so that a test compiles once, and options that make a fit quick."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.inference.base import Method, Problem


def simulated(seed: int) -> bs.Runs:
    """Twenty runs."""
    return bs.datasets.simulate(seed=seed, budgets=(1e18, 1e19, 1e20, 1e21), sizes_per_budget=5)


@dataclass(frozen=True)
class AtOnce(Method):
    """A method that fits nothing: each parameter is the mean loss. It fails on a data set called
    ``poison``.
    """

    seed: int = 0

    def run(self, problem: Problem) -> bs.Posterior:
        if problem.runs.name == "poison":
            raise np.linalg.LinAlgError("singular\nmatrix")
        return problem.posterior(
            {p.name: np.full((1, 1), problem.units["loss"]) for p in problem.target.parameters},
            self,
        )


@pytest.fixture
def at_once() -> AtOnce:
    """A method that fits at once, for tests in which no number matters."""
    return AtOnce()


@pytest.fixture
def quick() -> dict[str, Any]:
    """A point fit of few starts."""
    return {"noises": [bs.noise.Normal()], "method": bs.MultiStart(starts=100)}


@pytest.fixture
def sweeps() -> list[bs.Runs]:
    """Three sweeps."""
    return [simulated(seed) for seed in range(3)]


@pytest.fixture
def files(tmp_path: Path) -> Callable[[int], list[str]]:
    """Write as many sweeps as CSV files."""

    def write(count: int) -> list[str]:
        paths = [tmp_path / f"sweep_{seed}.csv" for seed in range(count)]
        for seed, path in enumerate(paths):
            simulated(seed).frame[["n_params", "n_tokens", "loss"]].to_csv(path, index=False)
        return [str(path) for path in paths]

    return write


@pytest.fixture
def same() -> Callable[[pd.DataFrame, pd.DataFrame], None]:
    """Two frames agree bit for bit."""

    def compare(one: pd.DataFrame, two: pd.DataFrame) -> None:
        pd.testing.assert_frame_equal(one, two, check_exact=True)

    return compare


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that are fitted in this process, in order."""
    names: list[str] = []
    run = bs.MultiStart.run

    def counted(self: bs.MultiStart, problem: Any) -> bs.Posterior:
        names.append(problem.runs.name)
        return run(self, problem)

    monkeypatch.setattr(bs.MultiStart, "run", counted)
    return names
