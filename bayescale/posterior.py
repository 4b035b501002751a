"""What a fit returns: draws of the parameters with all that is needed to use, check and reproduce them.

The only file that knows ArviZ. Draws have dimensions (chain, draw) whatever the method; a point fit is one draw.
"""

import json
import os
import platform
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import arviz_base
import arviz_stats
import jax
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats
from scipy.special import logsumexp

from bayescale.discovery import describe, parse
from bayescale.errors import InputError
from bayescale.laws.base import Law
from bayescale.noise.base import Conditions, Noise, is_likelihood
from bayescale.precision import float64
from bayescale.processes.base import Basis, bases, departure, filled_up, places
from bayescale.runs import OPTIONAL_NUMBERS, REQUIRED, Runs

QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}

_RHAT_LIMIT, _ESS_LIMIT = 1.01, 400
_FORMAT = "bayescale posterior 1"


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws, and where they come from.

    Attributes
    ----------
    law, noise, method
        What was fitted, and how.
    runs : Runs
    constants : dict of str to array, shape (chain, draw)
        Parameters of the law, in counts and nats per token, and of the noise.
    coefficients : array, shape (chain, draw, functions)
        Of the functions of the noise model's processes, those of each filled up with some that are zero everywhere.
    sample_stats : dict of str to array, shape (chain, draw)
        What the sampler says of each draw, under ArviZ's names.
    diagnostics : dict of str to float
    problems : tuple of str
        Diagnostics that failed, each a sentence that says what to do. Empty where all is well.
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
    constants: dict[str, np.ndarray]
    coefficients: np.ndarray = field(default_factory=lambda: np.zeros((1, 1, 0)), repr=False)
    sample_stats: dict[str, np.ndarray] = field(default_factory=dict)
    diagnostics: dict[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    objective: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)

    @property
    def n_draws(self) -> int:
        """All chains together."""
        return int(next(iter(self.constants.values())).size)

    def draws(self, name: str) -> np.ndarray:
        """One parameter, shape (draws,), chains one after the other."""
        return self.constants[name].reshape(-1)

    def summary(self) -> pd.DataFrame:
        """Mean, standard deviation and quantiles of each parameter, with R-hat and effective sample sizes where there are
        chains.

        Returns
        -------
        DataFrame, one row per parameter
        """
        table = pd.DataFrame({name: summarise(values.reshape(-1)) for name, values in self.constants.items()}).T
        if self.sample_stats:
            table = table.join(self._convergence)
        return table.rename_axis(index="parameter")

    @cached_property
    def _convergence(self) -> pd.DataFrame:
        return convergence(self.constants)

    @float64
    def to_arviz(self, seed: int = 0) -> xr.DataTree:
        """The draws as ArviZ takes them.

        Groups ``posterior``, ``sample_stats``, ``observed_data`` (loss), ``constant_data`` (the other columns) and, for a
        likelihood, ``log_likelihood`` and ``posterior_predictive`` of each run's loss.

        Parameters
        ----------
        seed : int
            Of the predictive draws.

        Returns
        -------
        DataTree
        """
        frame = self.runs.frame
        groups: dict[str, dict[str, Any]] = {
            "posterior": dict(self.constants) | ({"coefficients": self.coefficients} if self.coefficients.size else {}),
            "observed_data": {"loss": frame["loss"].to_numpy()},
            "constant_data": {c: frame[c].to_numpy() for c in _columns(self.law, frame) if c != "loss"},
        }
        if "group" in frame:
            groups["constant_data"]["group"] = frame["group"].astype(str).to_numpy()
        if self.sample_stats:
            groups["sample_stats"] = dict(self.sample_stats)
        if is_likelihood(self.noise):
            density = self.density(self.log_law() + self.log_departure())
            log_loss = np.log(frame["loss"].to_numpy())
            groups["log_likelihood"] = {"loss": np.asarray(density.log_prob(log_loss)) - log_loss}
            predicted = density.sample(jax.random.key(seed))
            with np.errstate(over="ignore"):  # heavy tails: see `forecast`
                groups["posterior_predictive"] = {"loss": np.exp(np.asarray(predicted))}
        per_run = {name: ["run"] for group in ("observed_data", "constant_data") for name in groups[group]}
        tree: xr.DataTree = arviz_base.from_dict(
            groups, coords={"run": frame.index.astype(str).to_numpy()}, dims=per_run, attrs={"/": self._attributes()}
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
        if not path.parent.is_dir():
            raise InputError(f"There is no folder {path.parent} to write {path.name} to; make it first.")
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            self.to_arviz().to_netcdf(unfinished, engine="h5netcdf")
            # The temporary file is private; the finished one is as open as any file that its owner makes.
            umask = os.umask(0)
            os.umask(umask)
            Path(unfinished).chmod(0o666 & ~umask)
            Path(unfinished).replace(path)
        finally:
            Path(unfinished).unlink(missing_ok=True)
        return path

    def _repr_html_(self) -> str:
        complaints = "".join(f"<p>⚠ {problem}</p>" for problem in self.problems)
        table = self.summary().to_html(float_format="{:.4g}".format)
        return f"<p><b>{self.law.formula}</b>, {self.runs.name}</p>{complaints}{table}"

    @cached_property
    def bases(self) -> tuple[Basis, ...]:
        """The functions of each process of the noise model."""
        return bases(self.noise.shared, places(self.runs, self.law.inputs))

    def log_law(self, inputs: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """The law's log loss at counts, each of shape (runs,), or at the fitted runs; shape (chain, draw, runs)."""
        table = {name: self.runs.column(name) if inputs is None else inputs[name] for name in self.law.inputs}
        constants = {name: values[..., None] for name, values in self.constants.items()}
        return np.asarray(self.law.log_loss(constants, {name: np.log(values) for name, values in table.items()}))

    def log_departure(self, inputs: Mapping[str, np.ndarray] | None = None, seed: int = 0) -> np.ndarray:
        """What the processes add to it, shape (chain, draw, runs); zeros of shape (1, 1, 1) where there are none.

        What the fitted runs leave open is drawn, jointly for all new runs.
        """
        if not self.noise.shared:
            return np.zeros((1, 1, 1))
        at = places(self.runs, self.law.inputs, inputs)
        features = [basis.features(at) for basis in self.bases]
        held = [np.pad(f, ((0, 0), (0, filled_up(f.shape[1]) - f.shape[1]))) for f in features]
        total = np.asarray(departure(self.noise.shared, self.constants, self.coefficients, held))
        if inputs is None:
            return total
        rng = np.random.default_rng(seed)
        for basis in self.bases:
            amplitude = self.constants[basis.process.amplitude.name][..., None]
            total = total + amplitude * (rng.standard_normal(total.shape) @ basis.root_of_remainder(at).T)
        return total

    def density(self, log_prediction: np.ndarray, inputs: Mapping[str, np.ndarray] | None = None) -> Any:
        """Of log loss, given a prediction of shape (chain, draw, runs)."""
        assert is_likelihood(self.noise)
        constants = {name: values[..., None] for name, values in self.constants.items()}
        se = self.runs.relative_loss_se if inputs is None else 0.0
        decades = known = places(self.runs, self.law.inputs).compute_decades
        if inputs is not None:
            # How scatter changes with compute is not extrapolated: it would be nil a few decades on.
            decades = np.clip(places(self.runs, self.law.inputs, inputs).compute_decades, known.min(), known.max())
        return self.noise.distribution(log_prediction, constants, Conditions(se, decades))

    def _attributes(self) -> dict[str, str]:
        return {
            "format": _FORMAT,
            "law": describe(self.law),
            "noise": describe(self.noise),
            "method": describe(self.method),
            "runs": json.dumps({"name": self.runs.name, "source": self.runs.source, "notes": self.runs.notes}),
            "results": json.dumps(
                {
                    "diagnostics": self.diagnostics,
                    "problems": self.problems,
                    "objective": self.objective,
                    "seconds": self.seconds,
                    "provenance": self.provenance,
                }
            ),
        }


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
        raise InputError(f"{path} is not a netCDF file ({error}); give what `bayescale fit --out` wrote.") from None
    if tree.attrs.get("format") != _FORMAT:
        raise InputError(f"{path} is no posterior of this version of bayescale; write it anew with `bayescale fit --out`.")
    try:
        return _from_tree(tree)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error!r}); write it anew with `bayescale fit --out`.") from None


def summarise(draws: np.ndarray) -> dict[str, float]:
    """Mean, sd and quantiles of draws, shape (draws,)."""
    return {
        "mean": float(np.mean(draws)),
        "sd": float(np.std(draws, ddof=1)) if len(draws) > 1 else 0.0,
        **{name: float(np.quantile(draws, q)) for name, q in QUANTILES.items()},
    }


def convergence(constants: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """R-hat, bulk and tail effective sample size of each parameter, by ArviZ.

    Parameters
    ----------
    constants : mapping of arrays, shape (chain, draw)

    Returns
    -------
    DataFrame with columns ``rhat``, ``ess_bulk``, ``ess_tail``
    """
    draws = arviz_base.from_dict({"posterior": dict(constants)})
    # A chain that never moved divides by its zero variance; the infinite R-hat that comes of it is the right answer.
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.DataFrame(
            {
                "rhat": _scalars(arviz_stats.rhat(draws)),
                "ess_bulk": _scalars(arviz_stats.ess(draws, method="bulk")),
                "ess_tail": _scalars(arviz_stats.ess(draws, method="tail")),
            }
        )


def pareto_smoothed(log_ratios: np.ndarray) -> tuple[np.ndarray, float]:
    """Importance weights with their largest smoothed, by ArviZ.

    Parameters
    ----------
    log_ratios : array, shape (pool,)
        Log target less log proposal; minus infinity where the target is nil.

    Returns
    -------
    log_weights : array, shape (pool,)
        Their exponentials add up to one.
    k : float
        Shape of the generalised Pareto distribution of the largest; infinite where fewer than two proposals count.
    """
    possible = np.isfinite(log_ratios)
    smoothed = np.full(log_ratios.shape, -np.inf)
    if possible.sum() < 2:
        smoothed[np.argmax(log_ratios)] = 0.0
        return smoothed, float("inf")
    # Equal weights have no tail to fit.
    if np.ptp(log_ratios[possible]) == 0:
        smoothed[possible] = -np.log(possible.sum())
        return smoothed, float("-inf")
    # ArviZ takes the negative, since it weighs posteriors by their likelihoods to leave a run out. Where one ratio dwarfs all
    # others its tail is of zeros, and no distribution fits.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_weights, k = array_stats.psislw(-log_ratios[possible])
    if not np.isfinite(k) or np.isnan(log_weights).any():
        log_weights, k = log_ratios[possible], np.inf
    smoothed[possible] = np.asarray(log_weights) - logsumexp(np.asarray(log_weights))
    return smoothed, float(k)


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
        ``elpd``, ``se``, ``p_loo``, and ``good_k``, up to which k is to be trusted with so many draws.
    """
    tree = posterior.to_arviz()
    log_likelihood = tree["log_likelihood"].dataset["loss"]
    # Draws of importance sampling repeat, and a tail of ties has no shape: each is weighed once, by how often it came.
    own = next(iter(posterior.constants.values())).reshape(-1)
    _, first, place, times = np.unique(own, return_index=True, return_inverse=True, return_counts=True)
    # A run that counts w times is left out w times.
    ratios = (-log_likelihood.to_numpy() * posterior.runs.weights).reshape(posterior.n_draws, -1)[first]
    smoothed, shapes = zip(*map(pareto_smoothed, (ratios + np.log(times)[:, None]).T), strict=True)
    log_weights = (np.stack(smoothed, axis=1) - np.log(times)[:, None])[place].reshape(log_likelihood.shape)
    weighed = {
        "log_weights": log_likelihood.copy(data=log_weights),
        "pareto_k": log_likelihood[0, 0].copy(data=np.array(shapes)),
    }
    # ArviZ warns of large k, of which the caller tells run by run.
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        found = arviz_stats.loo(tree, pointwise=True, **weighed)
    table = pd.DataFrame({"elpd": found.elpd_i.to_numpy(), "pareto_k": found.pareto_k.to_numpy()}, posterior.runs.frame.index)
    totals = {"elpd": found.elpd, "se": found.se, "p_loo": found.p, "good_k": found.good_k}
    return table, {name: float(value) for name, value in totals.items()}


def stacking_weights(log_scores: np.ndarray) -> np.ndarray:
    """Weights of models whose mixture predicts best, max over w of Σ_i log Σ_k w_k exp(score_ik), by ArviZ.

    Y. Yao, A. Vehtari, D. Simpson and A. Gelman, "Using Stacking to Average Bayesian Predictive Distributions", 2018
    (arXiv:1704.02030), equation 4.

    Parameters
    ----------
    log_scores : array, shape (runs, models)

    Returns
    -------
    array, shape (models,), not negative and of sum one
    """
    # A number added to all scores of a run changes no weight, and keeps their exponentials within range.
    relative = log_scores - log_scores.max(axis=1, keepdims=True)
    unused: dict[str, Any] = {"se": 0.0, "p": 0.0, "n_samples": 1, "scale": "log", "warning": False, "good_k": np.inf}
    models = {
        str(k): arviz_stats.ELPDData("loo", elpd=own.sum(), elpd_i=xr.DataArray(own), n_data_points=len(own), **unused)
        for k, own in enumerate(relative.T)
    }
    # ArviZ warns that the best of many may be best by chance, which matters to those who choose one, and pandas of ArviZ.
    with warnings.catch_warnings(action="ignore"):
        found = arviz_stats.compare(models, method="stacking")["weight"]
    weights = np.maximum(found[list(models)].to_numpy(dtype=np.float64), 0.0)
    return np.asarray(weights / weights.sum())


def judge(table: pd.DataFrame, divergences: int) -> tuple[dict[str, float], tuple[str, ...]]:
    """The worst of the convergence table, and a sentence for each limit that it breaks.

    A. Vehtari et al., "Rank-Normalization, Folding, and Localization: An Improved R-hat", 2021, for the limits.

    Parameters
    ----------
    table : DataFrame
        From `convergence`.
    divergences : int
    """
    # A chain that never moved, or one too short to judge, has no R-hat and no effective draws.
    table = table.assign(
        rhat=table["rhat"].fillna(np.inf), ess_bulk=table["ess_bulk"].fillna(0), ess_tail=table["ess_tail"].fillna(0)
    )
    worst = {
        "rhat_max": float(table["rhat"].max()),
        "ess_bulk_min": float(table["ess_bulk"].min()),
        "ess_tail_min": float(table["ess_tail"].min()),
        "divergences": float(divergences),
    }
    found = []
    if not worst["rhat_max"] <= _RHAT_LIMIT:
        found.append(
            f"R-hat of {table['rhat'].idxmax()} is {worst['rhat_max']:.3f}, above {_RHAT_LIMIT}: the chains disagree. "
            "Use more warm-up (warmup=2000), or a law with fewer parameters."
        )
    found.extend(
        f"The effective {kind} sample size of {table[f'ess_{kind}'].idxmin()} is {least:.0f}, below {_ESS_LIMIT}: "
        "intervals are rough. Use more draws (draws=4000)."
        for kind in ("bulk", "tail")
        if not (least := worst[f"ess_{kind}_min"]) >= _ESS_LIMIT
    )
    if divergences:
        found.append(
            f"{divergences} divergent transitions: part of the posterior was not explored. "
            "Use more warm-up (warmup=2000), a simpler law, or more runs."
        )
    return worst, tuple(found)


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


def _scalars(dataset: Any) -> pd.Series:
    values = dataset["posterior"] if "posterior" in getattr(dataset, "children", {}) else dataset
    return pd.Series({str(name): float(value) for name, value in values.data_vars.items()})


def _columns(law: Law, frame: pd.DataFrame) -> list[str]:
    return [c for c in dict.fromkeys((*REQUIRED, *OPTIONAL_NUMBERS, *law.inputs)) if c in frame]


def _from_tree(tree: xr.DataTree) -> Posterior:
    law, noise, method = (
        parse(f"bayescale.{package}", tree.attrs[kind])
        for kind, package in (("law", "laws"), ("noise", "noise"), ("method", "inference"))
    )
    columns = {**tree["constant_data"].data_vars, **tree["observed_data"].data_vars}
    frame = pd.DataFrame(
        {str(name): values.to_numpy() for name, values in columns.items()}, index=tree["observed_data"]["run"].to_numpy()
    )
    about = json.loads(tree.attrs["runs"])
    results = json.loads(tree.attrs["results"])
    draws = {str(name): values.to_numpy() for name, values in tree["posterior"].data_vars.items()}
    return Posterior(
        law=law,
        noise=noise,
        method=method,
        runs=Runs(frame.rename_axis(index="run_id"), about["name"], about["source"], tuple(about["notes"])),
        constants={name: values for name, values in draws.items() if name != "coefficients"},
        coefficients=draws.get("coefficients", np.zeros((1, 1, 0))),
        sample_stats={str(n): v.to_numpy() for n, v in tree["sample_stats"].data_vars.items()}
        if "sample_stats" in tree
        else {},
        **{**results, "problems": tuple(results["problems"])},
    )
