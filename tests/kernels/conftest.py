"""A curve to fit, as the kernels see it and as a plain NumPy twin sees it.

The kernels know no law, so neither do their tests: the curve is y = a + exp(b - c x), and a fourth
coordinate is the logarithm of the scale of its errors, where there is one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

PRIOR_WIDTH = 10.0


@pytest.fixture
def compiled(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Return what has been compiled since the last time that it was asked."""

    def messages() -> list[str]:
        told = [message for message in caplog.messages if message.startswith("Compiling ")]
        caplog.clear()
        return told

    with jax.log_compiles():
        yield messages


@dataclass(frozen=True)
class Curve:
    """An objective of ``kind`` ``normal``, with a scale and a prior, or ``huber``, with neither."""

    kind: str
    delta: float = 0.05

    n_predictive = 3

    def residual(self, v, data):
        return data["y"] - (v[0] + jnp.exp(v[1] - v[2] * data["x"]))

    def rho(self, r, v, data):
        if self.kind == "normal":
            return 0.5 * jnp.square(r / jnp.exp(v[3])) + v[3]
        size = jnp.abs(r)
        return jnp.where(
            size <= self.delta, 0.5 * jnp.square(r), self.delta * (size - 0.5 * self.delta)
        )

    def penalty(self, v):
        return [
            0.5 * jnp.square(c / PRIOR_WIDTH) if self.kind == "normal" else jnp.zeros_like(c)
            for c in v
        ]


@dataclass(frozen=True)
class Case:
    """A curve with data, starts and its twin."""

    objective: Curve
    x: np.ndarray
    y: np.ndarray
    truth: np.ndarray

    @property
    def data(self) -> dict[str, Any]:
        return {"x": jnp.asarray(self.x)[:, None], "y": jnp.asarray(self.y)[:, None]}

    @property
    def weights(self) -> Any:
        return jnp.ones((len(self.x), 1))

    def starts(self, n: int, seed: int = 1, spread: float = 0.5) -> np.ndarray:
        return self.truth[:, None] + spread * np.random.default_rng(seed).standard_normal(
            (len(self.truth), n)
        )

    def twin(self, v: np.ndarray, weights: Any = 1.0) -> float:
        """F at one vector of coordinates, in NumPy."""
        r = self.y - (v[0] + np.exp(v[1] - v[2] * self.x))
        if self.objective.kind == "normal":
            return float(
                np.sum(weights * (0.5 * (r / np.exp(v[3])) ** 2 + v[3]))
                + 0.5 * np.sum((v / PRIOR_WIDTH) ** 2)
            )
        d = self.objective.delta
        return float(
            np.sum(weights * np.where(np.abs(r) <= d, 0.5 * r**2, d * (np.abs(r) - 0.5 * d)))
        )

    def cost_slope(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """r and dρ/dr at one vector of coordinates."""
        r = self.y - (v[0] + np.exp(v[1] - v[2] * self.x))
        return r, r / np.exp(2 * v[3]) if self.objective.kind == "normal" else np.clip(
            r, -self.objective.delta, self.objective.delta
        )

    def jacobian(self, v: np.ndarray) -> np.ndarray:
        """dr/dv of the predictive coordinates, shape (runs, 3)."""
        falling = np.exp(v[1] - v[2] * self.x)
        return np.stack([-np.ones_like(self.x), -falling, self.x * falling], axis=1)


@pytest.fixture(autouse=True)
def doubles():
    with jax.enable_x64(True):
        yield


@pytest.fixture(params=["normal", "huber"])
def case(request) -> Case:
    rng = np.random.default_rng(0)
    x = np.linspace(0.0, 3.0, 30)
    truth = np.array([1.0, 0.5, 0.8] + ([np.log(0.1)] if request.param == "normal" else []))
    y = truth[0] + np.exp(truth[1] - truth[2] * x) + 0.1 * rng.standard_t(4, size=30)
    return Case(Curve(request.param), x, y, truth)


@pytest.fixture
def numeric() -> Callable[..., np.ndarray]:
    """Gradient or Hessian of a function of a vector, by central differences."""

    def gradient(f: Callable[[np.ndarray], Any], v: np.ndarray, step: float = 1e-5) -> np.ndarray:
        steps = step * np.eye(len(v))
        return np.array([(np.asarray(f(v + s)) - np.asarray(f(v - s))) / (2 * step) for s in steps])

    return gradient
