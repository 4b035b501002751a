"""A prior about the dearest runs of a sweep, where losses are forecast from.

At the reference, the mean of the dearest runs (`bayescale.sweep.dearest_rows`), let L_f be the loss
there, c the decades of compute above 1e19 FLOP and d those of D/N above 20. Then

    loss at the reference        L = L_f exp(v),                      v ~ Normal(0, 0.1)
    share of it that is floor    logit φ ~ Normal(logit φ₀ + φ' c, s_φ),   E = φ L
    what is left                 X = (1 − φ) L
    share of parameters in it    logit ψ ~ Normal(logit ψ₀ + ψ' d, s_ψ)
    exponents                    α = e/√r, β = e √r,   log e and log r Normal
    coupling                     log γ ~ Normal

    A = X ψ^γ,   B = X (1 − ψ)^γ   in units of the reference's N and D.

A prior of E by itself is high for sweeps whose losses are high: a share of the loss at the frontier
is what sweeps have in common, and it grows with compute. Exponents of N and D that are nearly equal
say that the best N and D grow nearly alike. Losses in bits or nats give the same prior of the same
sweep; so do N and D in any unit where both slopes φ' and ψ' are zero, and otherwise N and D are
counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import distributions as dist

from bayescale.errors import InputError
from bayescale.parameters import FloatOrArray, Parameter, Values
from bayescale.priors.base import Prior
from bayescale.sweep import Sweep, dearest_rows

PARAMETERS = ("E", "A", "B", "alpha", "beta", "gamma")
"""Parameters of the laws that this prior is for."""

# No sweep that the prior was learnt from lies further from 1e19 FLOP and D/N = 20.
MOST_COMPUTE, MOST_RATIO = 3.75, 2.5


@dataclass(frozen=True)
class AtFrontier(Prior):
    """Joint prior of E, A, B, alpha, beta and gamma, stated at the dearest runs.

    Parameters
    ----------
    level_sd : float
        Of the log of the loss at the reference about what the runs there show.
    floor_share, floor_share_sd, floor_share_slope : float
        Median share of the loss at the reference that is irreducible, for a reference of 1e19 FLOP;
        standard deviation of its log odds, and by how much they rise in a decade of compute.
    params_share, params_share_sd, params_share_slope : float
        The same of the parameters' share in the excess, for 20 tokens a parameter; its log odds
        rise with decades of tokens per parameter.
    exponent, exponent_sd : float
        Median of √(αβ), and standard deviation of its log.
    exponent_ratio, exponent_ratio_sd : float
        Median of β/α, and standard deviation of its log.
    gamma, gamma_sd : float
        Median of γ, and standard deviation of its log.

    Examples
    --------
    >>> from bayescale.priors import AtFrontier
    >>> from bayescale.sweep import Sweep
    >>> usual = {row.name: float(row.prior.loc) for row in AtFrontier().coordinates(())}
    >>> params = AtFrontier().to_parameters(usual, Sweep(compute=0.0))
    >>> round(float(params["E"]), 3), round(float(params["alpha"]), 3)
    (0.5, 0.35)
    """

    level_sd: float = 0.1
    floor_share: float = 0.5
    floor_share_sd: float = 0.6
    floor_share_slope: float = 0.0
    params_share: float = 0.5
    params_share_sd: float = 1.5
    params_share_slope: float = 0.0
    exponent: float = 0.35
    exponent_sd: float = 0.25
    exponent_ratio: float = 1.0
    exponent_ratio_sd: float = 0.2
    gamma: float = 0.74
    gamma_sd: float = 0.5

    title: ClassVar[str] = "Floor, exponents and coupling as they are at the dearest runs"

    def __post_init__(self) -> None:
        for name in ("level_sd", "floor_share_sd", "params_share_sd", "exponent", "exponent_sd"):
            _require_positive(name, getattr(self, name))
        for name in ("exponent_ratio", "exponent_ratio_sd", "gamma", "gamma_sd"):
            _require_positive(name, getattr(self, name))
        for name in ("floor_share", "params_share"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"at_frontier: {name}={getattr(self, name)} must be within 0..1.")

    def coordinates(self, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        """Return six rows with Normal priors; a slope's part is added by `to_parameters`.

        Raises
        ------
        InputError
            Where the law has other parameters than E, A, B, alpha, beta and gamma.
        """
        names = tuple(parameter.name for parameter in parameters)
        if parameters and names != PARAMETERS:
            raise InputError(
                f"at_frontier is a prior of {', '.join(PARAMETERS)}, and this law has "
                f"{', '.join(names)}; use Separate()."
            )

        def row(name: str, mean: float, sd: float, doc: str) -> Parameter:
            return Parameter(name, dist.Normal(mean, sd), doc)

        log = np.log
        return (
            row("log_level", 0.0, self.level_sd, "log of the loss at the reference"),
            row(
                "floor_log_odds",
                _log_odds(self.floor_share),
                self.floor_share_sd,
                "log odds of the floor's share of that loss",
            ),
            row(
                "params_log_odds",
                _log_odds(self.params_share),
                self.params_share_sd,
                "log odds of the parameters' share of the excess",
            ),
            row("log_exponent", log(self.exponent), self.exponent_sd, "mean log of α and β"),
            row("log_exponent_ratio", log(self.exponent_ratio), self.exponent_ratio_sd, "log β/α"),
            row("log_gamma", log(self.gamma), self.gamma_sd, "log of the coupling"),
        )

    def to_parameters(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return E, A, B, alpha, beta and gamma in units of the reference; other values stay."""
        c = {name: jnp.asarray(value) for name, value in coordinates.items()}
        of_floor, of_share = self.log_odds_at(sweep)
        floor = c.pop("floor_log_odds") + of_floor
        share = c.pop("params_log_odds") + of_share
        level, log_gamma = c.pop("log_level"), c.pop("log_gamma")
        half_ratio = jnp.exp(c.pop("log_exponent_ratio") / 2)
        exponent, gamma = jnp.exp(c.pop("log_exponent")), jnp.exp(log_gamma)
        log_excess = level + jax.nn.log_sigmoid(-floor)
        return {
            **c,
            "E": jnp.exp(level + jax.nn.log_sigmoid(floor)),
            "A": jnp.exp(log_excess + gamma * jax.nn.log_sigmoid(share)),
            "B": jnp.exp(log_excess + gamma * jax.nn.log_sigmoid(-share)),
            "alpha": exponent / half_ratio,
            "beta": exponent * half_ratio,
            "gamma": gamma,
        }

    def log_odds_at(self, sweep: Sweep) -> tuple[FloatOrArray, FloatOrArray]:
        """Return what compute and shape of a sweep add to the log odds of the floor's share and of
        the parameters'.
        """
        compute = _clipped(sweep.compute, MOST_COMPUTE)
        ratio = _clipped(sweep.tokens_per_param, MOST_RATIO)
        return self.floor_share_slope * compute, self.params_share_slope * ratio

    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return the dearest runs, as `dearest_rows` has them."""
        return dearest_rows(log_compute)


def at_reference(params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the coordinates of parameters in units of the reference, slopes included.

    Parameters
    ----------
    params : mapping of arrays, each of shape (draws,)
        E, A, B, alpha, beta and gamma, as `AtFrontier.to_parameters` returns them.

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.priors.at_frontier import at_reference
    >>> half = {"E": 0.5, "A": 0.25, "B": 0.25, "alpha": 0.4, "beta": 0.4, "gamma": 1.0}
    >>> found = at_reference({name: np.array([value]) for name, value in half.items()})
    >>> float(found["floor_log_odds"][0]), float(found["params_log_odds"][0])
    (0.0, 0.0)
    """
    logs = {name: np.log(params[name]) for name in PARAMETERS}
    gamma = params["gamma"]
    of_params, of_tokens = logs["A"] / gamma, logs["B"] / gamma
    log_excess = gamma * np.logaddexp(of_params, of_tokens)
    return {
        "log_level": np.logaddexp(logs["E"], log_excess),
        "floor_log_odds": logs["E"] - log_excess,
        "params_log_odds": of_params - of_tokens,
        "log_exponent": (logs["alpha"] + logs["beta"]) / 2,
        "log_exponent_ratio": logs["beta"] - logs["alpha"],
        "log_gamma": logs["gamma"],
    }


def from_reference(coordinates: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return parameters in units of the reference from coordinates, slopes included: the inverse
    of `at_reference`.

    Parameters
    ----------
    coordinates : mapping of arrays, each of shape (draws,)

    Examples
    --------
    >>> import numpy as np
    >>> from bayescale.priors.at_frontier import at_reference, from_reference
    >>> half = {"E": 0.5, "A": 0.25, "B": 0.25, "alpha": 0.4, "beta": 0.4, "gamma": 1.0}
    >>> params = {name: np.array([value]) for name, value in half.items()}
    >>> {name: float(value[0]) for name, value in from_reference(at_reference(params)).items()}
    {'E': 0.5, 'A': 0.25, 'B': 0.25, 'alpha': 0.4, 'beta': 0.4, 'gamma': 1.0}
    """
    floor, share = coordinates["floor_log_odds"], coordinates["params_log_odds"]
    gamma = np.exp(coordinates["log_gamma"])
    exponent = np.exp(coordinates["log_exponent"])
    half_ratio = np.exp(coordinates["log_exponent_ratio"] / 2)
    # −log(1 + e^−x) is the log of the share whose log odds are x.
    log_excess = coordinates["log_level"] - np.logaddexp(0, floor)
    return {
        "E": np.exp(coordinates["log_level"] - np.logaddexp(0, -floor)),
        "A": np.exp(log_excess - gamma * np.logaddexp(0, -share)),
        "B": np.exp(log_excess - gamma * np.logaddexp(0, share)),
        "alpha": exponent / half_ratio,
        "beta": exponent * half_ratio,
        "gamma": gamma,
    }


def _clipped(value: FloatOrArray, most: float) -> FloatOrArray:
    """Return a value no further from zero than ``most``."""
    # JAX would compile a program for one number.
    return jnp.clip(value, -most, most) if isinstance(value, Array) else np.clip(value, -most, most)


def _log_odds(share: float) -> float:
    return float(np.log(share) - np.log1p(-share))


def _require_positive(name: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise InputError(f"at_frontier: {name}={value} must be a positive number.")
