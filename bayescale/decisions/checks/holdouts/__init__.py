"""Hold-outs: ways to choose the runs that a backtest hides, one a file."""

from typing import TYPE_CHECKING

from bayescale._internal.discovery import lazy_names

if TYPE_CHECKING:
    from bayescale.decisions.checks.holdouts.compute_below import ComputeBelow as ComputeBelow
    from bayescale.decisions.checks.holdouts.expanding_window import (
        ExpandingWindow as ExpandingWindow,
    )
    from bayescale.decisions.checks.holdouts.largest_compute import LargestCompute as LargestCompute
    from bayescale.decisions.checks.holdouts.leave_group_out import LeaveGroupOut as LeaveGroupOut
else:
    __getattr__, __dir__ = lazy_names(__name__)
