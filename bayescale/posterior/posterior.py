"""The posterior that a fit returns: draws of the parameters with all that is needed to use, check
and reproduce them.

Draws have dimensions (chain, draw) whatever the method; a point fit is one draw. ArviZ takes a
second to import, and so waits until it is used.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd

from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.findings import examine
from bayescale.findings.base import Finding
from bayescale.laws.base import Law
from bayescale.noise.base import Noise, is_likelihood, is_of_counts
from bayescale.posterior import predictive
from bayescale.posterior.of_runs import bases_of
from bayescale.processes.base import Basis, Process
from bayescale.responses import RESPONSES, Response
from bayescale.results import Complaint, Json, as_json, messages, to_html, to_text
from bayescale.runs import OPTIONAL_NUMBERS, REQUIRED, Runs
from bayescale.units import in_loss_unit, plus_minus, summarise

if TYPE_CHECKING:
    import xarray as xr
    from numpyro.distributions import Distribution

    from bayescale.posterior.verdicts import Verdicts


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws, and where they come from.

    Attributes
    ----------
    law, noise, method
        What was fitted, and how.
    runs : Runs
    params : dict of str to array, shape (chain, draw)
        Parameters of the law, in counts and the unit of the runs' losses, and of the noise.
    coefficients : array, shape (chain, draw, functions)
        Coefficients of the functions of the noise model's processes; those of each are padded with
        functions that are zero everywhere.
    sample_stats : dict of str to array, shape (chain, draw)
        What the sampler says of each draw, under ArviZ's names.
    diagnostics : dict of str to float
    problems : tuple of Complaint
        Diagnostics that failed; each says what to do. Empty where all is well.
    findings : tuple of Finding, or None
        What was found about the runs before the fit; None where nobody has looked, and `verdicts`
        looks.
    objective : float or None
        What a point fit minimised, at its minimum.
    seconds : dict of str to float
        Wall-clock time of the parts, compilation included.
    provenance : dict of str to str
        Versions, device, time and the hash of the data.
    """

    law: Law
    noise: Noise
    method: Any  # a Method, whose module imports this one
    runs: Runs
    params: dict[str, np.ndarray]
    coefficients: np.ndarray = field(default_factory=lambda: np.zeros((1, 1, 0)), repr=False)
    sample_stats: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)
    problems: tuple[Complaint, ...] = ()
    findings: tuple[Finding, ...] | None = None
    objective: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)

    @property
    def n_draws(self) -> int:
        """Number of draws, all chains together."""
        return int(next(iter(self.params.values())).size)

    def draws(self, name: str) -> np.ndarray:
        """Return the draws of one parameter, shape (draws,), chains one after the other."""
        return self.params[name].reshape(-1)

    def summary(self) -> pd.DataFrame:
        """Return mean, standard deviation and quantiles of each parameter, with R-hat and effective
        sample sizes where there are chains.

        Returns
        -------
        DataFrame, one row per parameter
        """
        table = self._statistics
        if self.sample_stats:
            table = table.join(self._convergence)
        return table.rename_axis(index="parameter")

    @property
    def _statistics(self) -> pd.DataFrame:
        return pd.DataFrame({name: summarise(self.draws(name)) for name in self.params}).T

    @cached_property
    def _convergence(self) -> pd.DataFrame:
        from bayescale.posterior.diagnostics import convergence

        return convergence(self.params)

    @float64
    def to_arviz(self, seed: int = 0) -> "xr.DataTree":
        """Return the draws as ArviZ takes them.

        Groups ``posterior``, ``sample_stats``, ``observed_data`` (the loss), ``constant_data`` (the
        other columns) and, for a likelihood, ``log_likelihood`` and ``posterior_predictive`` of
        each run's loss.

        Parameters
        ----------
        seed : int
            Seed of the predictive draws.

        Returns
        -------
        DataTree
        """
        from arviz_base import from_dict

        groups = self.groups(seed)
        per_run = groups["observed_data"] | groups["constant_data"]
        tree: xr.DataTree = from_dict(
            groups,
            coords={"run": self.runs.frame.index.astype(str).to_numpy()},
            dims={name: ["run"] for name in per_run},
            attrs={"/": self._attributes()},
        )
        return tree

    @float64
    def groups(self, seed: int = 0) -> dict[str, dict[str, np.ndarray]]:
        """Return the arrays of each group of `to_arviz`, without what ArviZ takes to import.

        Arrays have shape (chain, draw, …), and (runs,) in ``observed_data`` and ``constant_data``.

        Parameters
        ----------
        seed : int
            Seed of the predictive draws.
        """
        frame = self.runs.frame
        groups: dict[str, dict[str, np.ndarray]] = {
            "posterior": dict(self.params),
            "observed_data": {self.law.response: self.response.from_scale(self.observed)},
            "constant_data": {c: frame[c].to_numpy() for c in _constant(self.law, frame)},
        }
        if self.coefficients.size:
            groups["posterior"]["coefficients"] = self.coefficients
        if "group" in frame:
            groups["constant_data"]["group"] = frame["group"].astype(str).to_numpy()
        if self.sample_stats:
            groups["sample_stats"] = dict(self.sample_stats)
        if is_likelihood(self.noise):
            log_density, predicted = predictive.at_fitted_runs(self, seed)
            groups["log_likelihood"] = {self.law.response: log_density + self.log_slope}
            with np.errstate(over="ignore"):  # heavy tails: see `forecast`
                groups["posterior_predictive"] = {
                    self.law.response: self.response.from_scale(predicted)
                }
        return groups

    def save(self, path: str | Path) -> Path:
        """Write everything to one netCDF file, which appears whole or not at all.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Path
        """
        from bayescale.posterior.storage import write

        return write(self, path)

    @cached_property
    def verdicts(self) -> "Verdicts":
        """Verdicts on the data, the model and the sampling; an answer is good where all three
        are.
        """
        from bayescale.posterior.misfits import misfits
        from bayescale.posterior.verdicts import Verdicts

        return Verdicts(self.data_findings, misfits(self), self.problems)

    @property
    def data_findings(self) -> tuple[Finding, ...]:
        """Findings about the runs, as far as the law takes their columns."""
        if self.findings is not None:
            return self.findings
        return examine(self.runs.frame, self.law.inputs, self.law.response)

    @property
    def title(self) -> str:
        """The formula that was fitted, and the name of the runs."""
        return f"{self.law.formula}, {self.runs.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Number of runs and draws, mean and standard deviation of each parameter, and what speaks
        against data and model.
        """
        about = f"{len(self.runs)} runs, {describe(self.noise)} noise, {describe(self.method)}"
        draws = "a point fit" if self.n_draws == 1 else f"{self.n_draws:,} draws"
        table = self._statistics
        parameters = [
            f"{name} {plus_minus(row['mean'], row['sd'])}" for name, row in table.iterrows()
        ]
        verdicts = replace(self.verdicts, sampling=())
        return (f"{about}: {draws}.", ", ".join(parameters) + ".", *verdicts.doubts)

    def to_dict(self) -> dict[str, Json]:
        """Parameters, diagnostics, problems, verdicts, how far the runs narrow each prior,
        intervals of the prior beside those that the runs leave, and what was fitted to what.
        """
        found: dict[str, object] = {
            "parameters": {name: summarise(self.draws(name)) for name in self.params},
            "diagnostics": self.diagnostics,
            "problems": messages(self.problems),
            "verdicts": self.verdicts.to_dict(),
        }
        if self.n_draws > 1:
            from bayescale.posterior.beside_prior import beside_prior
            from bayescale.posterior.prior_weight import prior_weight

            found["prior_weight"] = prior_weight(self).to_dict("index")
            found["beside_prior"] = beside_prior(self).to_dict("index")
        if self.objective is not None:
            found["objective"] = self.objective
        found["seconds"] = self.seconds
        found["runs"] = {
            "name": self.runs.name,
            "source": self.runs.source,
            "n_runs": len(self.runs),
            "loss_unit": self.runs.loss_unit,
            "notes": self.runs.notes,
        }
        return dict(as_json(found | self._attributes()))

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)

    @property
    def response(self) -> Response:
        """The quantity that the law predicts."""
        return RESPONSES[self.law.response]

    @property
    def response_unit(self) -> str:
        """The unit of what the law predicts: of losses, that of the runs."""
        return in_loss_unit(self.response.unit, self.runs.loss_unit)

    @cached_property
    def observed(self) -> np.ndarray:
        """The runs' responses on the scale of the fit, shape (runs,): of a loss, its logarithm."""
        return self.response.of(self.runs)

    @property
    def log_slope(self) -> np.ndarray | float:
        """The log slope that makes a log density on the scale of the fit one of the response; zero
        for counts, which have probabilities.
        """
        return (
            0.0 if is_of_counts(self.noise) else np.asarray(self.response.log_slope(self.observed))
        )

    @property
    def bases(self) -> tuple[Basis, ...]:
        """The functions of each process of the noise model."""
        return bases_of(self.runs, self.law.inputs, self.noise.shared)

    def log_law(self, inputs: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Return the law's log loss at counts, each of shape (runs,), or at the fitted runs; shape
        (chain, draw, runs).
        """
        return predictive.log_law(self, inputs)

    def log_departure(
        self,
        inputs: Mapping[str, np.ndarray] | None = None,
        seed: int = 0,
        *,
        processes: Sequence[Process] | None = None,
    ) -> np.ndarray:
        """Return what the processes add to log loss, shape (chain, draw, runs); zeros of shape (1,
        1, 1) where there are none.

        What the fitted runs leave open is drawn, jointly for all new runs. With ``processes``,
        those of the noise model alone count that are among them.
        """
        return predictive.log_departure(self, inputs, seed, processes=processes)

    def density(
        self, log_prediction: np.ndarray, inputs: Mapping[str, np.ndarray] | None = None
    ) -> "Distribution":
        """Return the distribution of log loss, given a prediction of shape (chain, draw, runs)."""
        return predictive.density(self, log_prediction, inputs)

    def _attributes(self) -> dict[str, str]:
        return {
            "law": describe(self.law),
            "noise": describe(self.noise),
            "method": describe(self.method),
        }


def provenance(runs: Runs, seed: int) -> dict[str, str]:
    """Return what is needed to make the same draws again."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_sha256": runs.sha256,
        "seed": str(seed),
        "device": str(jax.devices()[0].device_kind),
        "python": platform.python_version(),
        **_versions(),
    }


@cache
def _versions() -> dict[str, str]:
    return {package: version(package) for package in ("bayescale", "jax", "numpyro", "numpy")}


def _constant(law: Law, frame: pd.DataFrame) -> list[str]:
    # Where answers were counted, a share beside the counts is not what was observed.
    counted = {"n_correct", "n_samples", law.response} <= set(frame.columns)
    wanted = dict.fromkeys(REQUIRED + OPTIONAL_NUMBERS + law.inputs + (law.response,))
    return [c for c in wanted if c in frame and (c != law.response or counted)]
