"""The distance of an answer from the runs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayescale.posterior.posterior import Posterior
from bayescale.results import Json, as_json
from bayescale.units import rounded, six_nd

FAR = 1000.0
"""Times the compute of the dearest run, from which on no answer is supported by the runs."""

# Less is "1 times" in three digits.
_BEYOND = 1.005
_NAMES = {
    "compute": "the compute of the dearest run",
    "n_params": "the largest N",
    "n_tokens": "the largest D",
    "flops": "the compute of the dearest run",
}


@dataclass(frozen=True)
class Extrapolation:
    """The place of an answer among the runs.

    Attributes
    ----------
    factors : dict of str to float
        ``compute`` (6·N·D) and each input of the law, over the largest of the runs.
    below : dict of str to float
        Inputs that are smaller than in any run, over the smallest of the runs.
    """

    factors: Mapping[str, float]
    below: Mapping[str, float]

    @classmethod
    def of(cls, posterior: Posterior, inputs: Mapping[str, float]) -> "Extrapolation":
        """Return the place of an answer at these inputs of the law."""
        tried = posterior.runs.columns(posterior.law.inputs)
        at = {name: inputs[name] for name in tried if name in inputs}
        if {"n_params", "n_tokens"} <= set(at):
            at = {"compute": float(six_nd(at["n_params"], at["n_tokens"])), **at}
            tried["compute"] = posterior.runs.six_nd
        factors, below = {}, {}
        for name, value in at.items():
            least, largest = np.min(tried[name]), np.max(tried[name])
            factors[name] = float(value / largest)
            if value < least:
                below[name] = float(value / least)
        return cls(factors, below)

    @property
    def is_far(self) -> bool:
        """Return whether it is a thousand times beyond the runs in anything, or as far below."""
        largest = max(self.factors.values(), default=1.0)
        smallest = min(self.below.values(), default=1.0)
        return not (largest < FAR and smallest > 1 / FAR)

    @property
    def is_outside(self) -> bool:
        """Return whether an input of the law lies outside those of the runs."""
        inputs = [factor for name, factor in self.factors.items() if name != "compute"]
        return max(inputs, default=1.0) > _BEYOND or bool(self.below)

    @property
    def sentence(self) -> str:
        """The factors in words; empty where the answer lies among the runs."""
        parts = []
        for name, factor in self.factors.items():
            if factor > _BEYOND:
                largest = _NAMES.get(name, f"the largest {name}")
                parts.append(f"{rounded(factor)} times {largest}")
        for name, factor in self.below.items():
            parts.append(f"{rounded(1 / factor)} times smaller than the smallest {name} tried")
        if not parts:
            return ""
        end = "; the runs do not support an answer so far away." if self.is_far else "."
        return f"{', '.join(parts)}{end}"

    def to_dict(self) -> dict[str, Json]:
        """Factors beyond the largest and below the smallest of the runs, and whether it is far."""
        return {
            "times_largest": as_json(self.factors),
            "times_smallest": as_json(self.below),
            "far": self.is_far,
        }
