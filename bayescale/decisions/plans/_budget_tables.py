"""Tables of results that hold a few quantities at each of several budgets."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import xarray as xr


def kind_of_budget(draws: "xr.Dataset") -> str:
    """Return the dimension of the draws that holds budgets, such as ``compute``."""
    kinds = [str(name) for name in draws.dims if name != "draw"]
    return kinds[0]


def by_budget_and_quantity(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a tidy frame, whose first column is the budget, indexed by budget and quantity."""
    return frame.set_index([frame.columns[0], "quantity"])
