"""Figures of a posterior, one a module; no other folder imports matplotlib."""

from bayescale.plots.backtest_bands import backtest_bands
from bayescale.plots.beside_prior import beside_prior
from bayescale.plots.calibration import calibration
from bayescale.plots.finish import finish
from bayescale.plots.flat_set import flat_set
from bayescale.plots.isoflop import isoflop
from bayescale.plots.loss_along_compute import loss_along_compute
from bayescale.plots.outliers import outliers
from bayescale.plots.pair import pair
from bayescale.plots.profile import profile
from bayescale.plots.sensitivity import sensitivity
from bayescale.plots.surface import surface

__all__ = [
    "backtest_bands",
    "beside_prior",
    "calibration",
    "finish",
    "flat_set",
    "isoflop",
    "loss_along_compute",
    "outliers",
    "pair",
    "profile",
    "sensitivity",
    "surface",
]
