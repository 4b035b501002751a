"""What a fit returns: draws of the parameters with all that is needed to use, check and reproduce
them.

Draws have dimensions (chain, draw) whatever the method; a point fit is one draw. With
`bayescale.posterior.diagnostics` the only importer of ArviZ, which takes a second and so waits
until it is used.
"""

import json
import platform
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd
import xarray as xr
from jax import Array

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.discovery import describe, parse
from bayescale._internal.precision import float64
from bayescale._internal.whole_file import written_whole
from bayescale.errors import InputError
from bayescale.laws.base import Law
from bayescale.noise.base import (
    Conditions,
    Likelihood,
    Noise,
    is_likelihood,
    is_of_counts,
    sample_responses,
)
from bayescale.processes.base import Basis, bases, departure, locate, padded_size
from bayescale.responses import RESPONSES, Response
from bayescale.results import Complaint, Json, as_json, messages, to_html, to_text
from bayescale.runs import OPTIONAL_NUMBERS, REQUIRED, Runs
from bayescale.units import plus_minus, summarise

_FORMAT = "bayescale posterior 1"


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws, and where they come from.

    Attributes
    ----------
    law, noise, method
        What was fitted, and how.
    runs : Runs
    params : dict of str to array, shape (chain, draw)
        Parameters of the law, in counts and nats per token, and of the noise.
    coefficients : array, shape (chain, draw, functions)
        Of the functions of the noise model's processes, those of each filled up with some that are
        zero everywhere.
    sample_stats : dict of str to array, shape (chain, draw)
        What the sampler says of each draw, under ArviZ's names.
    diagnostics : dict of str to float
    problems : tuple of Complaint
        Diagnostics that failed; each says what to do. Empty where all is well.
    objective : float or None
        What a point fit minimised, at its minimum.
    seconds : dict of str to float
        Wall-clock time of the parts, compilation included.
    provenance : dict of str to str
        Versions, device, time and the hash of the data.
    """

    law: Law
    noise: Noise
    method: Any
    runs: Runs
    params: dict[str, np.ndarray]
    coefficients: np.ndarray = field(default_factory=lambda: np.zeros((1, 1, 0)), repr=False)
    sample_stats: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)
    problems: tuple[Complaint, ...] = ()
    objective: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)

    @property
    def n_draws(self) -> int:
        """All chains together."""
        return int(next(iter(self.params.values())).size)

    def draws(self, name: str) -> np.ndarray:
        """One parameter, shape (draws,), chains one after the other."""
        return self.params[name].reshape(-1)

    def summary(self) -> pd.DataFrame:
        """Mean, standard deviation and quantiles of each parameter, with R-hat and effective sample
        sizes where there are chains.

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
    def to_arviz(self, seed: int = 0) -> xr.DataTree:
        """The draws as ArviZ takes them.

        Groups ``posterior``, ``sample_stats``, ``observed_data`` (the loss), ``constant_data`` (the
        other columns) and, for a likelihood, ``log_likelihood`` and ``posterior_predictive`` of
        each run's loss.

        Parameters
        ----------
        seed : int
            Of the predictive draws.

        Returns
        -------
        DataTree
        """
        from arviz_base import from_dict

        frame = self.runs.frame
        groups: dict[str, dict[str, Any]] = {
            "posterior": dict(self.params)
            | ({"coefficients": self.coefficients} if self.coefficients.size else {}),
            "observed_data": {self.law.response: self.response.from_scale(self.observed)},
            "constant_data": {c: frame[c].to_numpy() for c in _constant(self.law, frame)},
        }
        if "group" in frame:
            groups["constant_data"]["group"] = frame["group"].astype(str).to_numpy()
        if self.sample_stats:
            groups["sample_stats"] = dict(self.sample_stats)
        if is_likelihood(self.noise):
            density = self.density(self.log_law() + self.log_departure())
            log_density = np.asarray(_log_density(density, self.observed)) + self.log_slope
            groups["log_likelihood"] = {self.law.response: log_density}
            predicted = sample_responses(density, seed)
            with np.errstate(over="ignore"):  # heavy tails: see `forecast`
                groups["posterior_predictive"] = {
                    self.law.response: self.response.from_scale(predicted)
                }
        per_run = {
            name: ["run"] for group in ("observed_data", "constant_data") for name in groups[group]
        }
        tree: xr.DataTree = from_dict(
            groups,
            coords={"run": frame.index.astype(str).to_numpy()},
            dims=per_run,
            attrs={"/": self._attributes()},
        )
        return tree

    def save(self, path: str | Path) -> Path:
        """Write everything to one netCDF file, which appears whole or not at all.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Path
        """
        path = Path(path)
        with written_whole(path) as unfinished:
            self.to_arviz().to_netcdf(unfinished, engine="h5netcdf")
        return path

    @property
    def title(self) -> str:
        """What was fitted to what."""
        return f"{self.law.formula}, {self.runs.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Number of runs and draws, and mean and standard deviation of each parameter."""
        about = f"{len(self.runs)} runs, {describe(self.noise)} noise, {describe(self.method)}"
        draws = "a point fit" if self.n_draws == 1 else f"{self.n_draws:,} draws"
        table = self._statistics
        parameters = [
            f"{name} {plus_minus(row['mean'], row['sd'])}" for name, row in table.iterrows()
        ]
        return (f"{about}: {draws}.", ", ".join(parameters) + ".")

    def to_dict(self) -> dict[str, Json]:
        """Parameters, diagnostics, problems, and what was fitted to what."""
        found: dict[str, Any] = {
            "parameters": {name: summarise(self.draws(name)) for name in self.params},
            "diagnostics": self.diagnostics,
            "problems": messages(self.problems),
        }
        if self.objective is not None:
            found["objective"] = self.objective
        found["seconds"] = self.seconds
        found["runs"] = {
            "name": self.runs.name,
            "source": self.runs.source,
            "n_runs": len(self.runs),
            "notes": self.runs.notes,
        }
        for kind, part in (("law", self.law), ("noise", self.noise), ("method", self.method)):
            found[kind] = describe(part)
        return dict(as_json(found))

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)

    @property
    def response(self) -> Response:
        """What the law predicts."""
        return RESPONSES[self.law.response]

    @cached_property
    def observed(self) -> np.ndarray:
        """The runs' responses on the scale of the fit, shape (runs,): of a loss, its logarithm."""
        return self.response.of(self.runs)

    @property
    def log_slope(self) -> np.ndarray | float:
        """What makes a log density on the scale of the fit one of the response; counts have
        probabilities.
        """
        return (
            0.0 if is_of_counts(self.noise) else np.asarray(self.response.log_slope(self.observed))
        )

    @cached_property
    def bases(self) -> tuple[Basis, ...]:
        """The functions of each process of the noise model."""
        return bases(self.noise.shared, locate(self.runs, self.law.inputs))

    @float64
    def log_law(self, inputs: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """The law's log loss at counts, each of shape (runs,), or at the fitted runs; shape (chain,
        draw, runs).
        """
        table = {
            name: self.runs.column(name) if inputs is None else inputs[name]
            for name in self.law.inputs
        }
        params = {name: values[..., None] for name, values in self.params.items()}
        return np.asarray(
            _log_law(self.law, params, {name: np.log(values) for name, values in table.items()})
        )

    def log_departure(
        self, inputs: Mapping[str, np.ndarray] | None = None, seed: int = 0
    ) -> np.ndarray:
        """What the processes add to it, shape (chain, draw, runs); zeros of shape (1, 1, 1) where
        there are none.

        What the fitted runs leave open is drawn, jointly for all new runs.
        """
        if not self.noise.shared:
            return np.zeros((1, 1, 1))
        at = locate(self.runs, self.law.inputs, inputs)
        features = [basis.features(at) for basis in self.bases]
        held = [np.pad(f, ((0, 0), (0, padded_size(f.shape[1]) - f.shape[1]))) for f in features]
        total = np.asarray(departure(self.noise.shared, self.params, self.coefficients, held))
        if inputs is None:
            return total
        rng = np.random.default_rng(seed)
        for basis in self.bases:
            amplitude = self.params[basis.process.amplitude.name][..., None]
            total = total + amplitude * (
                rng.standard_normal(total.shape) @ basis.root_of_remainder(at).T
            )
        return total

    def density(
        self, log_prediction: np.ndarray, inputs: Mapping[str, np.ndarray] | None = None
    ) -> Any:
        """Of log loss, given a prediction of shape (chain, draw, runs)."""
        assert is_likelihood(self.noise)
        params = {p.name: self.params[p.name][..., None] for p in self.noise.parameters}
        se = self.runs.relative_loss_se if inputs is None else 0.0
        decades = known = locate(self.runs, self.law.inputs).compute_decades
        if inputs is not None:
            # How scatter changes with compute is not extrapolated: it would be nil a few decades
            # on.
            decades = np.clip(
                locate(self.runs, self.law.inputs, inputs).compute_decades, known.min(), known.max()
            )
        # A share that is to be measured is of as many answers as those before.
        n_correct, n_samples = (
            self.runs.counts if inputs is None else (0.0, np.median(self.runs.counts[1]))
        )
        return _density(
            self.noise, log_prediction, params, Conditions(se, decades, n_correct, n_samples)
        )

    def _attributes(self) -> dict[str, str]:
        return {
            "format": _FORMAT,
            "law": describe(self.law),
            "noise": describe(self.noise),
            "method": describe(self.method),
            "runs": json.dumps(
                {"name": self.runs.name, "source": self.runs.source, "notes": self.runs.notes}
            ),
            "results": json.dumps(
                {
                    "diagnostics": self.diagnostics,
                    "problems": [Complaint.of(p).to_dict() for p in self.problems],
                    "objective": self.objective,
                    "seconds": self.seconds,
                    "provenance": self.provenance,
                }
            ),
        }


@jit_for(Use.OFTEN, "law")
def _log_law(law: Law, params: Mapping[str, Array], log_inputs: Mapping[str, Array]) -> Array:
    return law.predict(params, log_inputs)


@jit_for(Use.BRIEF, "noise")
def _density(
    noise: Likelihood, log_prediction: Array, params: Mapping[str, Array], conditions: Conditions
) -> Any:
    return noise.distribution(log_prediction, params, conditions)


@jit_for(Use.OFTEN)
def _log_density(density: Any, observed: Array) -> Array:
    return density.log_prob(observed)


def load(path: str | Path) -> Posterior:
    """Read a posterior that `Posterior.save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Posterior

    Raises
    ------
    InputError
        Where there is no such file, or it is not a posterior of this program.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; `bayescale fit --out {path.name}` writes one.")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            tree = tree.load()
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a netCDF file ({error}); give what `bayescale fit --out` wrote."
        ) from None
    if tree.attrs.get("format") != _FORMAT:
        raise InputError(
            f"{path} is no posterior of this version of bayescale; write it anew with `bayescale "
            f"fit --out`."
        )
    try:
        return _from_tree(tree)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is damaged ({error!r}); write it anew with `bayescale fit --out`."
        ) from None


def leave_one_out(posterior: Posterior) -> tuple[pd.DataFrame, dict[str, float]]:
    """Density of each run's loss given the others, by ArviZ's Pareto-smoothed importance sampling.

    Parameters
    ----------
    posterior : Posterior
        Of a likelihood.

    Returns
    -------
    table : DataFrame, one row per run
        ``elpd`` and ``pareto_k``.
    totals : dict
        ``elpd``, ``se``, ``p_loo``, and ``good_k``, up to which k is to be trusted with so many
        draws.
    """
    import arviz_stats

    from bayescale.posterior.diagnostics import pareto_smoothed

    tree = posterior.to_arviz()
    log_likelihood = tree["log_likelihood"].dataset[posterior.law.response]
    # Draws of importance sampling repeat, and a tail of ties has no shape: each is weighed once, by
    # how often it came.
    own = next(iter(posterior.params.values())).reshape(-1)
    _, first, place, times = np.unique(
        own, return_index=True, return_inverse=True, return_counts=True
    )
    # A run that counts w times is left out w times.
    ratios = (-log_likelihood.to_numpy() * posterior.runs.weights).reshape(posterior.n_draws, -1)[
        first
    ]
    smoothed, shapes = zip(*map(pareto_smoothed, (ratios + np.log(times)[:, None]).T), strict=True)
    log_weights = (np.stack(smoothed, axis=1) - np.log(times)[:, None])[place].reshape(
        log_likelihood.shape
    )
    weighed = {
        "log_weights": log_likelihood.copy(data=log_weights),
        "pareto_k": log_likelihood[0, 0].copy(data=np.array(shapes)),
    }
    # ArviZ warns of large k, of which the caller tells run by run.
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        found = arviz_stats.loo(tree, pointwise=True, **weighed)
    table = pd.DataFrame(
        {"elpd": found.elpd_i.to_numpy(), "pareto_k": found.pareto_k.to_numpy()},
        posterior.runs.frame.index,
    )
    totals = {"elpd": found.elpd, "se": found.se, "p_loo": found.p, "good_k": found.good_k}
    return table, {name: float(value) for name, value in totals.items()}


def provenance(runs: Runs, seed: int) -> dict[str, str]:
    """What is needed to make the same draws again."""
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
    wanted = dict.fromkeys((*REQUIRED, *OPTIONAL_NUMBERS, *law.inputs, law.response))
    return [c for c in wanted if c in frame and (c != law.response or counted)]


def _from_tree(tree: xr.DataTree) -> Posterior:
    law, noise, method = (
        parse(f"bayescale.{package}", tree.attrs[kind])
        for kind, package in (("law", "laws"), ("noise", "noise"), ("method", "inference"))
    )
    columns = {**tree["observed_data"].data_vars, **tree["constant_data"].data_vars}
    frame = pd.DataFrame(
        {str(name): values.to_numpy() for name, values in columns.items()},
        index=tree["observed_data"]["run"].to_numpy(),
    )
    if "n_samples" in frame and "accuracy" not in tree["constant_data"]:
        # What was observed is made of the counts again.
        frame = frame.drop(columns="accuracy", errors="ignore")
    about = json.loads(tree.attrs["runs"])
    results = json.loads(tree.attrs["results"])
    draws = {str(name): values.to_numpy() for name, values in tree["posterior"].data_vars.items()}
    return Posterior(
        law=law,
        noise=noise,
        method=method,
        runs=Runs(
            frame.rename_axis(index="run_id"), about["name"], about["source"], tuple(about["notes"])
        ),
        params={name: values for name, values in draws.items() if name != "coefficients"},
        coefficients=draws.get("coefficients", np.zeros((1, 1, 0))),
        sample_stats={str(n): v.to_numpy() for n, v in tree["sample_stats"].data_vars.items()}
        if "sample_stats" in tree
        else {},
        **{**results, "problems": tuple(map(Complaint.of, results["problems"]))},
    )
