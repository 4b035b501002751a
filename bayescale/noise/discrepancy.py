"""Departures from the law that runs share, on top of the scatter of each.

    log L_i = log L(x_i) + Σ δ(x_i) + ε_i

No law of two exponents is the truth, so residuals are not independent: what the law misses at one
scale it misses nearby, and more beyond. Processes δ say so, and let intervals widen with the
distance from the runs. The base says how ε scatters.

M. C. Kennedy and A. O'Hagan, "Bayesian calibration of computer models", 2001.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from jax import Array
from numpyro import distributions as dist

from bayescale._internal.discovery import name_of
from bayescale.errors import InputError
from bayescale.laws.base import FloatOrArray, Parameter, Values
from bayescale.noise.base import Conditions, Likelihood, is_likelihood
from bayescale.noise.frontier_scale import FrontierScale
from bayescale.processes.base import Process
from bayescale.processes.integrated_wiener import IntegratedWiener
from bayescale.processes.matern import Matern
from bayescale.processes.optimum_drift import OptimumDrift
from bayescale.processes.size_effect import SizeEffect


@dataclass(frozen=True)
class Discrepancy(Likelihood):
    """Processes added to a likelihood.

    Parameters
    ----------
    base : Likelihood
        How runs scatter about law and processes.
    processes : tuple of Process

    Examples
    --------
    >>> from bayescale.noise import Discrepancy, Normal
    >>> from bayescale.processes import Matern
    >>> [row.name for row in Discrepancy(Normal(), (Matern(length=1.2),)).parameters]
    ['sigma', 'matern_sd']
    """

    base: Likelihood = field(default=FrontierScale())
    processes: tuple[Process, ...] = (
        IntegratedWiener(scale=0.005, functions=6),
        Matern(scale=0.03, growth=0.35, functions=12),
        SizeEffect(),
        OptimumDrift(),
    )

    title: ClassVar[str] = "Departures from the law that runs share, and the scatter of each"
    paper: ClassVar[str] = "Kennedy and O'Hagan 2001, Bayesian calibration of computer models"

    def __post_init__(self) -> None:
        if not is_likelihood(self.base):
            raise InputError(
                f"{name_of(self.base)} is an objective without a density; give a likelihood, such "
                f"as StudentT(), as the base."
            )
        if not self.processes:
            raise InputError(
                "discrepancy: give at least one process, such as Matern(), or use the base by "
                "itself."
            )
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) < len(names):
            raise InputError(
                f"discrepancy: its parameters are {', '.join(names)}; give each process and the "
                f"base once."
            )

    @property
    def formula(self) -> str:
        scatter = self.base.formula.replace("log L(x_i)", "log L(x_i) + δ(x_i)")
        departures = "; ".join(process.formula for process in self.processes)
        return f"{scatter}; {departures}"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        amplitudes = tuple(process.amplitude for process in self.processes)
        return (*self.base.parameters, *amplitudes)

    @property
    def shared(self) -> tuple[Process, ...]:
        return (*self.base.shared, *self.processes)

    @property
    def columns(self) -> tuple[str, ...]:
        wanted = list(self.base.columns)
        for process in self.processes:
            wanted += process.columns
        return tuple(dict.fromkeys(wanted))

    def distribution(
        self, log_prediction: FloatOrArray, params: Values, conditions: Conditions
    ) -> dist.Distribution:
        """Return the base's distribution of log loss, given the prediction of law and processes."""
        return self.base.distribution(log_prediction, params, conditions)

    def rho(self, residual: FloatOrArray, params: Values, conditions: Conditions) -> Array:
        """Return the negative log density of each residual."""
        return self.base.rho(residual, params, conditions)
