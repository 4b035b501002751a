"""Map the predicted loss over a grid of inputs: mean, sd and quantiles of the posterior predictive.

For a forecast's own draws, ask `forecast`; a map of many cells keeps none, so that a fine grid
costs time and no memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayescale._internal.precision import float64
from bayescale.decisions.checks.forecasters import require_loss
from bayescale.decisions.forecasts.forecast import as_arrays, forecast, require_positive
from bayescale.errors import InputError
from bayescale.kernels import predictive_surface
from bayescale.noise.base import is_likelihood, sample_responses
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.units import NATS_PER_TOKEN, QUANTILES_AND_QUARTILES

# Cells of one forecast: draws × cells in a few megabytes.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Surface:
    """Predicted losses on a grid.

    Attributes
    ----------
    data : Dataset with the law's inputs as dimensions, in counts
        ``loss_mean``, ``loss_sd`` and quantiles ``loss_q05``, ``loss_q25``, ``loss_q50``,
        ``loss_q75``, ``loss_q95``: of a new run, with scatter where the noise model is a
        likelihood. ``law_mean`` … ``law_q95``: without scatter, with the departures from the law
        that runs share.
    loss_unit : str
        Unit of the losses.
    """

    data: xr.Dataset
    loss_unit: str = NATS_PER_TOKEN

    @property
    def frame(self) -> pd.DataFrame:
        """Tidy: one row per cell, the inputs first, the last of them running fastest."""
        return self.data.to_dataframe(dim_order=list(self.data.dims)).reset_index()

    def summary(self) -> pd.DataFrame:
        """Loss of a new run in each cell: inputs, mean, sd and quantiles, one row per cell."""
        frame = self.frame
        of_runs = frame.loc[:, ~frame.columns.str.startswith("law_")]
        return of_runs.rename(columns=lambda name: name.removeprefix("loss_"))

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        axes = " × ".join(f"{size} {name}" for name, size in self.data.sizes.items())
        return f"loss on a grid of {axes}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The lowest and the highest median."""
        median = self.data["loss_q50"].to_numpy()
        return (f"Median losses are {median.min():.4g} to {median.max():.4g} {self.loss_unit}.",)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The frame, a row a cell."""
        return {"cells": records(self.frame)}

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def surface(
    posterior: Posterior, *, seed: int = 0, **inputs: float | Sequence[float] | np.ndarray
) -> Surface:
    """Predict the loss in every cell of a grid of inputs.

    In each cell, over the draws θ_s of the posterior: the law's loss L(N, D; θ_s), and that of a
    new run, L(N, D; θ_s)·e^{ε_s}, with ε_s drawn from the noise of the draw, once for all cells.
    Each cell's predictive distribution is what it would be with deviates of its own, and maps are
    smooth; they do not show how runs vary together.

    Parameters
    ----------
    posterior : Posterior
    seed : int
        Of the scatter of runs.
    **inputs : float or sequence
        An axis for each input of the law, in counts: ``n_params=np.geomspace(1e8, 1e11, 50),
        n_tokens=[1e10, 1e11, 1e12]``. The grid is every combination of their values.

    Returns
    -------
    Surface

    Raises
    ------
    InputError
        Where an input of the law is lacking, is not one of its inputs, is not an axis, or is not
        positive.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> bs.surface(post, n_params=[1e9, 2e9, 4e9], n_tokens=[2e10, 2e11]).data["loss_q95"].shape
    (3, 2)
    """
    require_loss("surface", posterior.law)
    axes = _checked(posterior, inputs)
    grids = np.meshgrid(*axes.values(), indexing="ij")
    cells = dict(zip(axes, map(np.ravel, grids), strict=True))
    table = summarise_cells(posterior, cells, seed=seed)
    dimensions, shape = tuple(axes), grids[0].shape
    columns = {name: (dimensions, table[name].to_numpy().reshape(shape)) for name in table}
    return Surface(xr.Dataset(columns, coords=axes), posterior.runs.loss_unit)


@float64
def summarise_cells(
    posterior: Posterior, cells: Mapping[str, np.ndarray], seed: int = 0
) -> pd.DataFrame:
    """The statistics of a `Surface` in any list of cells, such as the points of a curve; all meet
    the same scatter.

    Parameters
    ----------
    posterior : Posterior
    cells : mapping of arrays, shape (cells,)
        The law's inputs, in counts.
    seed : int

    Returns
    -------
    DataFrame, one row per cell
        ``loss_mean``, ``loss_sd``, ``loss_q05`` … ``loss_q95``, then ``law_mean`` … ``law_q95``.
    """
    scatter = _scatter(posterior, cells, seed)
    if scatter is None:
        return _forecast_in_blocks(posterior, cells, seed)
    statistics = predictive_surface(
        posterior.law,
        {name: values.reshape(-1) for name, values in posterior.params.items()},
        {name: np.log(values) for name, values in cells.items()},
        scatter,
        quantiles=tuple(QUANTILES_AND_QUARTILES.values()),
    )
    tables = []
    for prefix, kind in (("loss", -1), ("law", 0)):
        mean, sd, levels = statistics.mean[kind], statistics.sd[kind], statistics.quantiles[kind]
        rows = np.vstack([mean, sd, levels])
        table = pd.DataFrame(rows.T, columns=["mean", "sd", *QUANTILES_AND_QUARTILES])
        tables.append(table.add_prefix(f"{prefix}_"))
    return pd.concat(tables, axis=1)


def _scatter(posterior: Posterior, cells: Mapping[str, np.ndarray], seed: int) -> np.ndarray | None:
    """Return the addition of each draw to log loss, shape (kinds, draws): zero for the law, and a
    deviate where noise has a density.

    None where what it adds depends on the cell.
    """
    nothing = np.zeros(posterior.n_draws)
    if not is_likelihood(posterior.noise):
        return nothing[None]
    if posterior.noise.shared:
        return None
    smallest = {name: values.min(keepdims=True) for name, values in cells.items()}
    largest = {name: values.max(keepdims=True) for name, values in cells.items()}
    low = _deviates(posterior, smallest, seed)
    high = _deviates(posterior, largest, seed)
    return np.stack([nothing, low]) if np.array_equal(low, high) else None


def _deviates(posterior: Posterior, at: Mapping[str, np.ndarray], seed: int) -> np.ndarray:
    """Return the scatter of a run at one cell, a deviate of each draw, shape (draws,)."""
    one_of_each_draw = np.zeros_like(next(iter(posterior.params.values())))[..., None]
    return sample_responses(posterior.density(one_of_each_draw, at), seed).reshape(-1)


def _forecast_in_blocks(
    posterior: Posterior, cells: Mapping[str, np.ndarray], seed: int
) -> pd.DataFrame:
    count = len(next(iter(cells.values())))
    frames = []
    for begin in range(0, count, _BLOCK):
        block = {name: values[begin : begin + _BLOCK] for name, values in cells.items()}
        predicted = forecast(posterior, seed=seed, **block)
        frames.append(predicted.frame.drop(columns=list(cells)))
    return pd.concat(frames, ignore_index=True)


def _checked(
    posterior: Posterior, inputs: Mapping[str, float | Sequence[float] | np.ndarray]
) -> dict[str, np.ndarray]:
    axes = as_arrays(posterior.law.formula, posterior.law.inputs, inputs)
    for name, values in axes.items():
        if values.ndim > 1 or not values.size:
            raise InputError(
                f"{name} has the shape {values.shape}; an axis is one number or a sequence of them."
            )
        require_positive(name, values)
    return axes
