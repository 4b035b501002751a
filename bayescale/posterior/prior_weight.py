"""The weight of the prior: for each parameter, how much narrower the runs have made it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.precision import float64
from bayescale.laws.base import Law, Parameter, Values
from bayescale.posterior.of_runs import centre_of
from bayescale.posterior.posterior import Posterior
from bayescale.processes.base import sweep_of
from bayescale.sweep import Sweep
from bayescale.units import quantiles

RUNS, BOTH, PRIOR = "runs", "runs and prior", "prior"

_MOSTLY_RUNS = 0.7
_MOSTLY_PRIOR = 0.3
_PRIOR_DRAWS = 4000


@float64
def prior_weight(posterior: Posterior) -> pd.DataFrame:
    """Return how much narrower the central 90 % interval of each parameter is than its prior's.

    Intervals of positive parameters are of logarithms, and of levels in the units of the data,
    where the prior is stated, so the share depends on nobody's units.

    Parameters
    ----------
    posterior : Posterior
        Of more than one draw.

    Returns
    -------
    DataFrame, one row per parameter
        ``narrowed``, one less the ratio of the two widths, at least nought; ``set_by``: ``runs``
        from 0.7 on, ``prior`` below 0.3, and ``runs and prior`` between. Parameters whose units a
        law mixes in its own way are left out.
    """
    rows, prior = {}, prior_draws(posterior)
    units = centre_of(posterior.runs, posterior.law)
    for parameter in posterior.law.parameters + posterior.noise.parameters:
        if parameter.name in posterior.params and _is_comparable(posterior.law, parameter):
            before, after = prior[parameter.name], posterior.draws(parameter.name)
            if before.min() > 0 and after.min() > 0:
                before, after = np.log(before), _log_in_data_units(posterior, parameter, units)
            narrowed = max(1 - _width(after) / _width(before), 0.0)
            rows[parameter.name] = {"narrowed": narrowed, "set_by": _set_by(narrowed)}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["narrowed", "set_by"])
    return table.rename_axis(index="parameter")


@float64
def prior_draws(posterior: Posterior) -> dict[str, np.ndarray]:
    """Return draws of the prior in the units of the data, each of shape (draws,)."""
    law, noise = posterior.law, posterior.noise
    rng = np.random.default_rng(0)
    drawn = {}
    for row in law.coordinates + noise.parameters:
        drawn[row.name] = row.draw_prior(rng, (_PRIOR_DRAWS,))
    params = _params_of_law(law, drawn, sweep_of(posterior.runs, law.inputs))
    return {name: np.asarray(values) for name, values in params.items()}


# Not compiled, each of its operations would be compiled by itself.
@jit_for(Use.BRIEF, "law")
def _params_of_law(law: Law, coordinates: Values, sweep: Sweep) -> Values:
    return law.from_coordinates(coordinates, sweep)


def _is_comparable(law: Law, parameter: Parameter) -> bool:
    """Return whether the law changes the units of a parameter by its role alone."""
    return type(law).rescale is Law.rescale or parameter.role == "exponent"


def _log_in_data_units(
    posterior: Posterior, parameter: Parameter, units: Mapping[str, float]
) -> np.ndarray:
    """Return logarithms of the draws in the units of the data, but for a constant."""
    logs = np.log(posterior.draws(parameter.name))
    for power in parameter.powers:
        logs = logs + power.sign * posterior.draws(power.exponent) * units[power.input]
    return logs


def _width(draws: np.ndarray) -> float:
    low, _, high = quantiles(draws).values()
    return float(high - low)


def _set_by(narrowed: float) -> str:
    if narrowed >= _MOSTLY_RUNS:
        return RUNS
    return PRIOR if narrowed < _MOSTLY_PRIOR else BOTH
