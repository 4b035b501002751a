"""Jit-compiled JAX kernels on arrays.

They depend on JAX and NumPy alone: they know no law, no table and no posterior.

Every kernel works on *columns*: a batch of coordinate vectors is an array of shape (coordinates,
batch), and per-run quantities have shape (runs, batch) or (runs, 1). Reductions run over the
leading axis, so that vector units work along the batch.
"""

from bayescale.kernels.additive_grid import (
    centre_response,
    evaluate_grid,
    evaluate_pairs,
    power_columns,
)
from bayescale.kernels.grid_evidence import grid_evidence
from bayescale.kernels.levenberg_marquardt import levenberg_marquardt
from bayescale.kernels.newton import newton
from bayescale.kernels.objective import Objective, Search
from bayescale.kernels.objective_grid import best_cell, objective_grid
from bayescale.kernels.predictive_surface import predictive_surface

__all__ = [
    "Objective",
    "Search",
    "best_cell",
    "centre_response",
    "evaluate_grid",
    "evaluate_pairs",
    "grid_evidence",
    "levenberg_marquardt",
    "newton",
    "objective_grid",
    "power_columns",
    "predictive_surface",
]
