"""Intervals of the prior beside those that the runs leave, of the law at its reference.

E, A and B hang on units, and on each other. At the runs where the prior is stated, the dearest
ones for `bayescale.priors.Library`, they are shares: of the loss that is floor, and of the rest
that more parameters would remove.
"""

import numpy as np
import pandas as pd
from scipy.special import expit

from bayescale.parameters import names_of
from bayescale.posterior.of_runs import centre_of
from bayescale.posterior.posterior import Posterior
from bayescale.posterior.prior_weight import prior_draws
from bayescale.priors.at_frontier import PARAMETERS, at_reference
from bayescale.units import quantiles

QUANTITIES = {
    "floor_share": "share of the loss that no run removes",
    "params_share": "share of the rest that is for lack of parameters",
    "alpha": "exponent of parameters",
    "beta": "exponent of tokens",
    "gamma": "coupling",
    "optimum_exponent": "exponent of the best N in compute, of the law alone",
}
"""Quantities of the table, with their meanings."""


def beside_prior(posterior: Posterior) -> pd.DataFrame:
    """Return central 90 % intervals of the prior beside those of the posterior.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    DataFrame, one row per quantity
        ``prior_q05``, ``prior_q50``, ``prior_q95``, ``q05``, ``q50``, ``q95``; no rows where the
        law has other parameters than E, A, B, alpha, beta and gamma.
    """
    columns = ["prior_q05", "prior_q50", "prior_q95", "q05", "q50", "q95"]
    table = pd.DataFrame(columns=columns, dtype=float)
    if set(PARAMETERS) <= set(names_of(posterior.law.parameters)):
        prior = quantities_of(prior_draws(posterior))
        found = quantities_of(_in_data_units(posterior))
        for name in QUANTITIES:
            before, after = quantiles(prior[name]), quantiles(found[name])
            table.loc[name] = np.array(list(before.values()) + list(after.values()))
    return table.rename_axis(index="quantity")


def coordinates_of(posterior: Posterior) -> dict[str, np.ndarray]:
    """Return draws of the coordinates of `bayescale.priors.AtFrontier`, each of shape (draws,)."""
    return at_reference(_in_data_units(posterior))


def quantities_of(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return draws of each quantity from parameters in the units of the data."""
    coordinates = at_reference(params)
    alpha, beta = params["alpha"], params["beta"]
    return {
        "floor_share": expit(coordinates["floor_log_odds"]),
        "params_share": expit(coordinates["params_log_odds"]),
        "alpha": alpha,
        "beta": beta,
        "gamma": params["gamma"],
        "optimum_exponent": beta / (alpha + beta),
    }


def _in_data_units(posterior: Posterior) -> dict[str, np.ndarray]:
    """Return draws of the law's parameters where the reference is one, each of shape (draws,)."""
    params = {
        parameter.name: posterior.draws(parameter.name) for parameter in posterior.law.parameters
    }
    units = _log_units(posterior, params)
    return {name: np.exp(np.log(values) - units[name]) for name, values in params.items()}


def params_of(posterior: Posterior, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return draws of the law's parameters from those where the reference is one."""
    units = _log_units(posterior, params)
    return {name: np.exp(np.log(params[name]) + unit) for name, unit in units.items()}


def _log_units(
    posterior: Posterior, params: dict[str, np.ndarray]
) -> dict[str, np.ndarray | float]:
    """Return the logarithm of each parameter's unit where the reference is one; exponents, which
    have none, are the same in both.
    """
    centre = centre_of(posterior.runs, posterior.law)
    units: dict[str, np.ndarray | float] = {}
    for parameter in posterior.law.parameters:
        is_level = parameter.role == "level"
        unit: np.ndarray | float = centre[posterior.law.response] if is_level else 0.0
        for power in parameter.powers:
            unit = unit - power.sign * params[power.exponent] * centre[power.input]
        units[parameter.name] = unit
    return units
