"""Where the work of a fit goes on a machine whose default is an accelerator."""

from typing import Any

import jax
import pytest

import bayescale as bs
from bayescale._internal import compiling
from bayescale._internal.devices import target_platform
from bayescale.inference import _programs
from bayescale.inference._programs import Program
from bayescale.inference.base import Method

LAW, NOISE = bs.laws.Chinchilla(), bs.noise.Normal()


@pytest.fixture
def platforms(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the platforms for which programs are called, where JAX's default is a GPU."""
    asked: set[str] = set()
    kept = _programs._kept_program

    def watched_platform() -> str:
        asked.add(target_platform())
        return target_platform()

    def watched_program(*arguments: Any) -> Program:
        watched_platform()
        return kept(*arguments)

    monkeypatch.setattr(compiling, "target_platform", watched_platform)
    monkeypatch.setattr(_programs, "_kept_program", watched_program)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    return asked


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (bs.Importance(draws=100), {"cpu"}),
        (bs.NUTS(chains=2, warmup=50, draws=50), {"cpu"}),
        (bs.MultiStart(starts=64), {"gpu"}),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore::bayescale.errors.FitWarning")
def test_samplers_stay_on_the_host_and_searches_go_to_the_accelerator(
    method: Method, expected: set[str], platforms: set[str]
) -> None:
    runs = bs.datasets.simulate(seed=3, noise=0.01)
    bs.fit(runs, law=LAW, noise=NOISE, method=method)
    assert platforms == expected


def test_a_device_that_is_given_takes_all_work(platforms: set[str]) -> None:
    runs = bs.datasets.simulate(seed=3, noise=0.01)
    bs.fit(runs, law=LAW, noise=NOISE, method=bs.MultiStart(starts=64), device="cpu")
    assert platforms == {"cpu"}
