"""Processes, one a file: departures of log loss that runs share, which `Discrepancy` adds to a
noise model.
"""

from typing import TYPE_CHECKING

from bayescale._internal.discovery import lazy_names

if TYPE_CHECKING:
    from bayescale.processes.integrated_wiener import IntegratedWiener as IntegratedWiener
    from bayescale.processes.matern import Matern as Matern
    from bayescale.processes.optimum_drift import OptimumDrift as OptimumDrift
    from bayescale.processes.shared_effect import SharedEffect as SharedEffect
    from bayescale.processes.size_effect import SizeEffect as SizeEffect
else:
    __getattr__, __dir__ = lazy_names(__name__)
