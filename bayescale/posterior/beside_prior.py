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
    units = centre_of(posterior.runs, posterior.law)
    params = {}
    for parameter in posterior.law.parameters:
        logs = np.log(posterior.draws(parameter.name))
        if parameter.role == "level":
            logs = logs - units[posterior.law.response]
        for power in parameter.powers:
            logs = logs + power.sign * posterior.draws(power.exponent) * units[power.input]
        params[parameter.name] = np.exp(logs)
    return params


def params_of(posterior: Posterior, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return draws of the law's parameters from those where the reference is one."""
    units = centre_of(posterior.runs, posterior.law)
    found = {}
    for parameter in posterior.law.parameters:
        logs = np.log(params[parameter.name])
        if parameter.role == "level":
            logs = logs + units[posterior.law.response]
        for power in parameter.powers:
            logs = logs - power.sign * params[power.exponent] * units[power.input]
        found[parameter.name] = np.exp(logs)
    return found
