"""The best mixture of training domains under bounds, from runs of many mixtures.

Every validation loss has its own law of the shares (`bayescale.laws.Mixture`). The user says how
much each loss matters. One mixture has the least mean over the posterior; the best mixtures of the
draws say how well the runs know it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bayescale._internal.precision import float64
from bayescale.decisions.mixtures._simplex import minimise
from bayescale.errors import InputError
from bayescale.inference import fit
from bayescale.inference.importance import Importance
from bayescale.laws.mixture import Mixture
from bayescale.noise.student_t import StudentT
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, as_json, complaints_about, records, to_html, to_text
from bayescale.runs import Runs
from bayescale.units import SHARE, quantiles, rounded

_DRAWS = 200
_TOLERANCE = 0.02
_LEVELS = ("c", "k", "p")


@dataclass(frozen=True, eq=False)
class BestMixture:
    """A mixture of least expected loss, and how well it is known.

    Attributes
    ----------
    name : str
        Of the runs.
    domains : tuple of str
    importance : dict of str to float
        Share of each loss in what is minimised; they sum to one.
    shares : array, shape (domains,)
        Mixture of the least mean over the draws.
    best_of_draws : array, shape (draws, domains)
        Best mixture of each draw.
    best_run : array, shape (domains,)
        The mixture of the runs whose measured losses are best.
    losses, losses_of_run : array, shape (draws, losses)
        Losses at ``shares`` and at ``best_run``, by the law.
    posteriors : dict of str to Posterior
        One for each loss.
    """

    name: str
    domains: tuple[str, ...]
    importance: Mapping[str, float]
    shares: np.ndarray
    best_of_draws: np.ndarray
    best_run: np.ndarray
    losses: np.ndarray
    losses_of_run: np.ndarray
    posteriors: Mapping[str, Posterior]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per domain: ``share``, the mixture to train on; ``q05``, ``q50``, ``q95`` of the
        share in the best mixtures of the draws; ``best_run``, the share in the best run.
        """
        columns = {"share": self.shares, **quantiles(self.best_of_draws)}
        index = pd.Index(self.domains, name="domain")
        return pd.DataFrame(columns, index=index).assign(best_run=self.best_run)

    @property
    def loss_frame(self) -> pd.DataFrame:
        """One row per loss: its importance, and quantiles at the mixture and at the best run's."""
        columns = {"importance": list(self.importance.values()), **quantiles(self.losses)}
        for level, values in quantiles(self.losses_of_run).items():
            columns[f"best_run_{level}"] = values
        return pd.DataFrame(columns, index=pd.Index(list(self.importance), name="loss"))

    def summary(self) -> pd.DataFrame:
        """The mixture, and how well each share is known."""
        return self.frame

    @cached_property
    def gain(self) -> np.ndarray:
        """Distance of the weighted loss below that of the best run, shape (draws,)."""
        importance = np.array(list(self.importance.values()))
        return np.asarray((self.losses_of_run - self.losses) @ importance)

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"Best mixture of {len(self.domains)} domains for {self.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say the largest shares, and what is gained over the best run."""
        largest = self.frame["share"].nlargest(3)
        listed = ", ".join(f"{domain} {share:.1%}" for domain, share in largest.items())
        low, middle, high = np.quantile(self.gain, [0.05, 0.5, 0.95])
        return (
            f"The mixture has {listed} as its largest shares.",
            f"Its weighted loss is {rounded(float(middle))} below that of the best run's mixture "
            f"(90 % interval {rounded(float(low))} to {rounded(float(high))}).",
        )

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Complaints about the fits, each with the name of its loss."""
        found: list[Complaint] = []
        for loss, posterior in self.posteriors.items():
            found += complaints_about(loss, posterior.problems)
        return tuple(found)

    def to_dict(self) -> dict[str, Json]:
        """The mixture, and the losses there."""
        domains, losses = records(self.frame.reset_index()), records(self.loss_frame.reset_index())
        return dict(as_json({"name": self.name, "domains": domains, "losses": losses}))

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def best_mixture(
    runs: Runs | pd.DataFrame,
    losses: Sequence[str] = ("loss",),
    *,
    importance: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    method: Importance | None = None,
) -> BestMixture:
    """Return the mixture of least expected loss, and how well it is known.

    Parameters
    ----------
    runs : Runs or DataFrame
        One row per run, all of one size and length, with a column ``share_<domain>`` for each
        domain and a column for each validation loss. Shares of a run sum to one; they may be zero.
    losses : sequence of str
        Columns of validation losses.
    importance : mapping of str to float, optional
        How much each loss matters; by default all alike. What is not named does not matter.
    bounds : mapping of str to (float, float), optional
        Least and largest share of a domain, such as what there is of its data.
    method : Importance, default `Importance()`

    Returns
    -------
    BestMixture

    Raises
    ------
    InputError
        Where shares are lacking or do not sum to one, or no mixture is within the bounds.

    Examples
    --------
    >>> import bayescale as bs
    >>> import numpy as np
    >>> import pandas as pd
    >>> code = np.linspace(0.0, 1.0, 12)
    >>> text = 2.5 + 0.5 * np.exp(-2 * np.sqrt(1 - code))
    >>> programs = 1.5 + 0.8 * np.exp(-3 * np.sqrt(code))
    >>> table = {"share_code": code, "share_web": 1 - code, "text": text, "programs": programs}
    >>> method = bs.Importance(draws=400)
    >>> best = bs.best_mixture(pd.DataFrame(table), ["text", "programs"], method=method)
    >>> bool(0.2 < best.frame.loc["code", "share"] < 0.8)
    True
    """
    whole = _read(runs, losses)
    domains = _domains(whole)
    weights = _importance(losses, importance)
    low, high = _bounds(domains, bounds or {})
    posteriors = {
        loss: _fit_loss(whole, loss, domains, Importance() if method is None else method)
        for loss in weights
    }
    draws = [_some_constants(posterior, domains) for posterior in posteriors.values()]
    matter = np.array(list(weights.values()))
    tried = np.stack([whole.column(SHARE + domain) for domain in domains], axis=1)
    measured = np.stack([whole.column(loss) for loss in weights], axis=1) @ matter
    best_run = tried[int(measured.argmin())]

    def of_draws(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _weighted(draws, matter, shares)

    def of_mean(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = of_draws(np.broadcast_to(shares, (_DRAWS, len(domains))))
        return value.mean(keepdims=True), slope.mean(axis=0, keepdims=True)

    start = np.full((1, len(domains)), 1 / len(domains))
    chosen = minimise(of_mean, start, low, high)
    every = minimise(of_draws, np.repeat(chosen, _DRAWS, axis=0), low, high)
    return BestMixture(
        whole.name,
        domains,
        weights,
        chosen[0],
        every,
        best_run,
        _losses(draws, chosen),
        _losses(draws, best_run[None]),
        posteriors,
    )


def _read(runs: Runs | pd.DataFrame, losses: Sequence[str]) -> Runs:
    if isinstance(runs, Runs):
        return runs
    return Runs.from_frame(runs, required=tuple(losses))


def _domains(runs: Runs) -> tuple[str, ...]:
    columns = [name for name in map(str, runs.frame) if name.startswith(SHARE)]
    if len(columns) < 2:
        raise InputError(
            f"{runs.name} needs two columns of shares or more, such as share_web and share_code."
        )
    total = np.sum([runs.column(name) for name in columns], axis=0)
    off = np.abs(total - 1) > _TOLERANCE
    if off.any():
        row = int(off.argmax())
        raise InputError(
            f"{runs.name}, run {runs.frame.index[row]}: its shares sum to {total[row]:.4g}; give "
            f"shares that sum to one."
        )
    return tuple(name.removeprefix(SHARE) for name in columns)


def _importance(losses: Sequence[str], given: Mapping[str, float] | None) -> dict[str, float]:
    weights = dict.fromkeys(losses, 1.0) if given is None else dict(given)
    unknown = [name for name in weights if name not in losses]
    values = np.array(list(weights.values()), dtype=np.float64)
    if unknown or not len(values) or not (values > 0).all() or not np.isfinite(values).all():
        raise InputError(
            f"importance = {weights} must be positive numbers of losses among {', '.join(losses)}."
        )
    return dict(zip(weights, (values / values.sum()).tolist(), strict=True))


def _bounds(
    domains: Sequence[str], given: Mapping[str, tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray]:
    unknown = [name for name in given if name not in domains]
    if unknown:
        raise InputError(f"bounds name {unknown[0]}; the domains are {', '.join(domains)}.")
    pairs = np.array([given.get(name, (0.0, 1.0)) for name in domains], dtype=np.float64)
    low, high = pairs.T
    valid = ((low >= 0) & (low <= high) & (high <= 1)).all()
    if not valid or low.sum() > 1 or high.sum() < 1:
        raise InputError(
            f"bounds = {dict(given)} leave no mixture; least shares must sum to at most one, "
            f"largest to at least one, each from 0 to 1."
        )
    return low, high


def _fit_loss(runs: Runs, loss: str, domains: Sequence[str], method: Importance) -> Posterior:
    law = Mixture(domains="+".join(domains))
    columns = dict(runs.columns(law.inputs), loss=runs.column(loss))
    own = Runs.from_frame(
        pd.DataFrame(columns), name=f"{runs.name}, {loss}", required=(*law.inputs, "loss")
    )
    return fit(own, law=law, noise=StudentT(), method=method)


def _some_constants(posterior: Posterior, domains: Sequence[str]) -> dict[str, np.ndarray]:
    """Return constants of evenly spaced draws: c, k and p, shape (draws, 1), and t, shape (draws,
    domains).
    """
    count = len(posterior.draws("c"))
    chosen = np.linspace(0, count - 1, _DRAWS).astype(int)
    constants = {name: posterior.draws(name)[chosen, None] for name in _LEVELS}
    effects = [posterior.draws(f"t_{name}")[chosen] for name in domains]
    return {**constants, "t": np.stack(effects, axis=1)}


def _loss_and_slope(
    constants: Mapping[str, np.ndarray], shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss, shape (draws,), and its slopes in the shares, shape (draws, domains)."""
    power, effect = constants["p"], constants["t"]
    equal = shares.shape[1] ** -power
    exponent = (effect * (shares**power - equal)).sum(axis=1, keepdims=True)
    excess = constants["k"] * np.exp(exponent)
    slope = excess * effect * power * shares ** (power - 1)
    return (constants["c"] + excess)[:, 0], slope


def _weighted(
    draws: Sequence[Mapping[str, np.ndarray]], matter: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    value, slope = np.zeros(_DRAWS), np.zeros(shares.shape)
    for constants, weight in zip(draws, matter, strict=True):
        loss, change = _loss_and_slope(constants, shares)
        value, slope = value + weight * loss, slope + weight * change
    return value, slope


def _losses(draws: Sequence[Mapping[str, np.ndarray]], shares: np.ndarray) -> np.ndarray:
    there = np.repeat(shares, _DRAWS, axis=0)
    return np.stack([_loss_and_slope(constants, there)[0] for constants in draws], axis=1)
