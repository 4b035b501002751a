"""Losses that are unlike those of language models of the same N and D, or compute."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bayescale.findings._sweep import Sweep
from bayescale.findings.base import NOTE, Finding, Rule
from bayescale.units import params_at_ratio

# Besiroglu et al. 2024, table 1, of the runs of Hoffmann et al. 2022.
_E, _A, _B, _ALPHA, _BETA = 1.8172, 482.01, 2085.43, 0.3478, 0.3658
# Where a table has one of N, D and compute, a run of so many tokens per parameter stands beside it.
_TOKENS_PER_PARAM = 20.0


@dataclass(frozen=True)
class UnusualScale(Rule):
    """Find losses far from those of Chinchilla's runs at the same N and D.

    Parameters
    ----------
    least, most : float
        Median ratio to the loss that the published law gives.
    least_of_one : float
        The least of them where the table has one of N, D and compute. A run of this N, D or compute
        would hardly be better.
    """

    least: float = 0.4
    most: float = 1.4
    least_of_one: float = 0.65

    severity: ClassVar[str] = NOTE
    meaning: ClassVar[str] = (
        "At the same N and D, or compute, a language model of general text has quite another "
        "loss. Right for bytes, code, simple text or tiny models; but units that are off by a "
        "thousand look the same."
    )
    remedy: ClassVar[str] = "Check that N, D and FLOPs are counts, and not thousands or millions."

    def find(self, sweep: Sweep) -> Iterable[Finding]:
        """Return one finding, or none."""
        counts = _counts(sweep) if sweep.has_loss else None
        if counts is None:
            return
        n_params, n_tokens = counts
        published = _E + _A / n_params**_ALPHA + _B / n_tokens**_BETA
        ratio = float(np.median(sweep.column("loss") / published))
        has_both = sweep.has("n_params", "n_tokens")
        least = self.least if has_both else self.least_of_one
        if least <= ratio <= self.most:
            return
        many = "parameters and tokens" if has_both else _OF_ONE[sweep.inputs[0]]
        yield self.finding(
            sweep,
            f"The losses are {ratio:.2g} times those of language models of general text with as "
            f"{'much' if many == 'compute' else 'many'} {many} (median).",
            ratio=ratio,
        )


_OF_ONE = {"n_params": "parameters", "n_tokens": "tokens", "flops": "compute"}


def _counts(sweep: Sweep) -> tuple[np.ndarray, np.ndarray] | None:
    """Return N and D of each run, at 20 tokens per parameter where the table has one input; None
    where it has others.
    """
    if sweep.has("n_params", "n_tokens"):
        return sweep.column("n_params"), sweep.column("n_tokens")
    if sweep.inputs == ("n_params",):
        n_params = sweep.column("n_params")
    elif sweep.inputs == ("n_tokens",):
        n_params = sweep.column("n_tokens") / _TOKENS_PER_PARAM
    elif sweep.inputs == ("flops",):
        n_params = np.asarray(params_at_ratio(sweep.column("flops"), _TOKENS_PER_PARAM))
    else:
        return None
    return n_params, _TOKENS_PER_PARAM * n_params
