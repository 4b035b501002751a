"""The page of a forecast: the response of one run that has not been made."""

from typing import TYPE_CHECKING

from bayescale.posterior.extrapolation import Extrapolation
from bayescale.terminal import style
from bayescale.units import number

if TYPE_CHECKING:
    import pandas as pd

    from bayescale.decisions.forecasts.forecast import Forecast
    from bayescale.posterior.posterior import Posterior

_HEADINGS = {
    "mean": "mean",
    "sd": "sd",
    "q05": "5 %",
    "q25": "25 %",
    "q50": "50 %",
    "q75": "75 %",
    "q95": "95 %",
}


def print_forecast(posterior: "Posterior", prediction: "Forecast") -> None:
    """Print the predicted response of a new run, and the law's value without the noise of a run."""
    from bayescale.noise.base import is_likelihood

    console = style.console()
    row = prediction.frame.iloc[0]
    inputs = ", ".join(f"{name} = {row[name]:.4g}" for name in posterior.law.inputs)
    console.print(f"{posterior.runs.name}, {posterior.law.formula}, at {inputs}")
    response = f"{prediction.response}, {posterior.response_unit}"
    table = style.table([response, *_HEADINGS.values()])
    if is_likelihood(posterior.noise):
        style.add_row(table, _cells("of a new run", row, prediction.response))
    style.add_row(table, _cells("without its scatter", row, "law"))
    style.print_table(console, table)
    inputs_of_run = {name: float(row[name]) for name in posterior.law.inputs}
    place = Extrapolation.of(posterior, inputs_of_run)
    if place.sentence:
        console.print(f"This is {place.sentence}", style="bold red" if place.is_far else "")


def _cells(heading: str, row: "pd.Series", prefix: str) -> list[str]:
    columns = [f"{prefix}_{statistic}" for statistic in _HEADINGS]
    return [heading, *row[columns].map(number)]
