"""The units of the data and the facts that a noise model may use, as a fit and whatever is asked of
it later take them from the runs.
"""

from functools import lru_cache

import numpy as np

from bayescale.laws.base import Law, unit_of
from bayescale.noise.base import Conditions
from bayescale.processes.base import (
    Basis,
    Process,
    bases,
    decades_below,
    decades_of_compute,
    excess_of_best,
    locate,
)
from bayescale.responses import RESPONSES
from bayescale.runs import Runs


def centre_of(runs: Runs, law: Law) -> dict[str, float]:
    """Return the logarithms of the units of the data: means over the runs at which the law's prior
    is stated, of each input and of the response, where its scale is centred.
    """
    response = RESPONSES[law.response]
    logs = {name: np.log(runs.column(name)) for name in law.inputs}
    rows = law.reference_rows(-decades_below(runs, law.inputs))
    centre = {}
    for name in logs:
        unit = unit_of(name, law.inputs)
        centre[name] = 0.0 if name in law.unscaled_inputs else float(logs[unit][rows].mean())
    centre[law.response] = float(response.of(runs)[rows].mean()) if response.centred else 0.0
    return centre


def conditions_of(runs: Runs, law: Law) -> Conditions:
    """Return the facts about the fitted runs, each of shape (runs,), or (1,) where it is the same
    for all.
    """
    n_correct, n_samples = runs.counts
    excess = np.zeros(1)
    if law.response == "loss":
        excess = excess_of_best(runs, law.inputs, np.log(runs.column("loss")))
    return Conditions(
        runs.relative_loss_se,
        decades_of_compute(runs, law.inputs),
        n_correct,
        n_samples,
        decades_below(runs, law.inputs),
        excess,
    )


# A fit, its checks and its plans ask for those of the same runs one after the other.
@lru_cache(maxsize=4)
def bases_of(
    runs: Runs, inputs: tuple[str, ...], processes: tuple[Process, ...]
) -> tuple[Basis, ...]:
    """Return the functions of each process, chosen from the runs."""
    return bases(processes, locate(runs, inputs))
