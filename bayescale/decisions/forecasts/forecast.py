"""Forecast the loss of a run, or another response: the posterior predictive at any inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TypeAlias

import numpy as np
import pandas as pd

from bayescale._internal.precision import float64
from bayescale.decisions.checks._stacked import Stack
from bayescale.errors import InputError
from bayescale.noise.base import is_likelihood, sample_responses
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.units import QUANTILES_AND_QUARTILES, SHARE, quantiles, with_logarithm

_Inputs: TypeAlias = Mapping[str, float | Sequence[float] | np.ndarray]


@dataclass(frozen=True, eq=False)
class Forecast:
    """Predicted losses.

    Attributes
    ----------
    inputs : DataFrame, one row per predicted run
    response : str
        What is predicted: ``loss``, or what else the law is of, which then stands wherever this
        page says loss.
    law_draws : array, shape (draws, runs)
        The law's loss, with the departures that runs share and without the scatter
        of each.
    draws : array, shape (draws, runs)
        Loss of a new run: with scatter, where the noise model is a likelihood;
        otherwise the law. Drawn when first asked for.
    """

    inputs: pd.DataFrame
    response: str
    law_draws: np.ndarray = field(repr=False)
    _scatter: Callable[[], np.ndarray] = field(repr=False)

    @cached_property
    def draws(self) -> np.ndarray:
        return self._scatter()

    @property
    def frame(self) -> pd.DataFrame:
        """Inputs, then ``loss_mean``, ``loss_sd`` and quantiles ``loss_q05`` … ``loss_q95``, and of
        the law ``law_q05`` … ``law_q95``.
        """
        return self.inputs.join(
            [_columns(self.response, self.draws), _columns("law", self.law_draws)]
        )

    def summary(self) -> pd.DataFrame:
        """Loss of each predicted run: mean, sd and quantiles, one row per run."""
        return self.inputs.join(_columns("", self.draws))

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{self.response} of {len(self.inputs)} runs"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Median and 90 % interval of each run."""
        said = []
        for row in self.summary().to_dict("records"):
            at = ", ".join(f"{name} = {row[name]:.4g}" for name in self.inputs)
            interval = f"{row['q05']:.4g} to {row['q95']:.4g}"
            said.append(f"At {at}: {self.response} {row['q50']:.4g} (90 %: {interval}).")
        return tuple(said)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """Statistics of one run under the name of what is predicted; of several, ``runs``, a list
        of inputs and statistics.
        """
        names = ("mean", "sd", *QUANTILES_AND_QUARTILES)
        runs = records(self.summary())
        if len(runs) == 1:
            return {self.response: {name: runs[0][name] for name in names}}
        return {"response": self.response, "runs": runs}

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def forecast(
    posterior: Posterior | Stack, *, seed: int = 0, **inputs: float | Sequence[float] | np.ndarray
) -> Forecast:
    """Predict the loss of runs that have not been made.

    Parameters
    ----------
    posterior : Posterior or Stack
        Of a stack, draws of its posteriors are mixed by their weights, as many as the largest of
        them has.
    seed : int
        Of the scatter of runs, and of the mixing.
    **inputs : float or sequence
        One for each input of the law, in counts: ``n_params=70e9, n_tokens=1.4e12``; sequences are
        of one length, or length one. Of a stack, one for each input of any of its laws.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        Where an input of the law is lacking, is not one of its inputs, or is not positive.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.MultiStart(starts=100))
    >>> bs.forecast(post, n_params=[1e9, 2e9], n_tokens=20e9).draws.shape
    (1, 2)
    """
    if isinstance(posterior, Stack):
        return _mixed(posterior, seed, inputs)
    table = _checked(posterior.law.formula, posterior.law.inputs, inputs)
    return _predicted(posterior, seed, table)


def _mixed(stack: Stack, seed: int, inputs: _Inputs) -> Forecast:
    each = [posterior.law.inputs for posterior in stack.posteriors]
    wanted = tuple(dict.fromkeys(chain.from_iterable(each)))
    table = _checked("The stack of " + ", ".join(stack.models), wanted, inputs)
    parts = [_predicted(posterior, seed, table) for posterior in stack.posteriors]
    indices = stack.draw_indices(seed)
    law_draws = np.concatenate([part.law_draws for part in parts])[indices]
    return Forecast(
        table,
        parts[0].response,
        law_draws,
        lambda: np.concatenate([part.draws for part in parts])[indices],
    )


def _predicted(posterior: Posterior, seed: int, table: pd.DataFrame) -> Forecast:
    at = {name: table[name].to_numpy() for name in posterior.law.inputs}
    log_law = posterior.log_law(at)
    return scattered(posterior, log_law, at, table, seed)


def scattered(
    posterior: Posterior,
    log_law: np.ndarray,
    at: Mapping[str, np.ndarray],
    table: pd.DataFrame,
    seed: int,
) -> Forecast:
    """A forecast from the law's own, of shape (chain, draw, runs), at inputs ``at``; the table is
    what people read of these.
    """
    response = posterior.response
    log_prediction = log_law + posterior.log_departure(at, seed)
    law_draws = response.from_scale(log_prediction).reshape(posterior.n_draws, -1)
    if not is_likelihood(posterior.noise):
        return Forecast(table, response.column, law_draws, lambda: law_draws)
    density = posterior.density(log_prediction, at)

    @float64
    def scatter() -> np.ndarray:
        # A log loss of heavy tails has draws whose exponential no number holds: those are infinite,
        # as the mean truly is.
        with np.errstate(over="ignore"):
            return response.from_scale(sample_responses(density, seed)).reshape(law_draws.shape)

    return Forecast(table, response.column, law_draws, scatter)


def _checked(what: str, wanted: Sequence[str], inputs: _Inputs) -> pd.DataFrame:
    arrays = as_arrays(what, wanted, inputs)
    try:
        columns = dict(zip(arrays, np.broadcast_arrays(*arrays.values()), strict=True))
    except ValueError:
        lengths = ", ".join(f"{name} {len(values)}" for name, values in arrays.items())
        raise InputError(
            f"Inputs must be of one length, or of length one; here: {lengths}."
        ) from None
    for name, values in columns.items():
        require_positive(name, values)
    return pd.DataFrame(columns)


def as_arrays(what: str, wanted: Sequence[str], inputs: _Inputs) -> dict[str, np.ndarray]:
    """Return inputs as arrays of one dimension or more, in the order of ``wanted``.

    Raises
    ------
    InputError
        Where the names of the inputs are not those that ``what``, a law or a stack, takes.
    """
    if set(inputs) != set(wanted):
        given = ", ".join(inputs) or "nothing"
        raise InputError(f"{what} takes {', '.join(wanted)}; {given} was given.")
    arrays = {}
    for name in wanted:
        values = np.atleast_1d(np.asarray(inputs[name], dtype=np.float64))
        arrays[name] = with_logarithm(name, values)
    return arrays


def require_positive(name: str, values: np.ndarray) -> None:
    """Raise InputError where a value is not a positive finite number, or a share is above one."""
    if name.startswith(SHARE) and (values > 1).any():
        raise InputError(
            f"{name} = {values.max():g} is no share; give shares of one, from 0 to 1, such as 0.25."
        )
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise InputError(
            f"{name} = {values[bad][0]:g} is not a positive number; it is a count, such as 70e9."
        )


def _columns(prefix: str, draws: np.ndarray) -> pd.DataFrame:
    with np.errstate(invalid="ignore", over="ignore"):
        statistics = {
            "mean": draws.mean(axis=0),
            "sd": draws.std(axis=0, ddof=1) if len(draws) > 1 else np.zeros(draws.shape[1]),
            **quantiles(draws, QUANTILES_AND_QUARTILES),
        }
    table = pd.DataFrame(statistics)
    return table.add_prefix(f"{prefix}_") if prefix else table
