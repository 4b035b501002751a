"""Design the next runs: those that tell most of the loss and of the best size on the way to a
target budget.

A forecast along the frontier, from the dearest run to the target, has two quantities at each
budget: the size N* of least loss, and that loss. A set of runs leaves a share of the variance of
each. The set is chosen whose mean logarithm of these shares is least: the geometric mean of what is
left, which has no unit and weighs loss and size alike. `_preposterior` says how the variances are
found without imagining outcomes one by one. Each draw is a surface of law and departures: it gives
the losses of candidate runs, the least loss and N* alike, so that a run tells of the target no more
than a posterior that doubts its law believes. Between several posteriors, of laws that differ in
form, the variance between forms counts too, so that runs which tell the forms apart are worth
something.

Where a FLOP has a price, runs must save loss in nats. Who trains a model of N parameters with C
FLOPs, where N* would have been best, regrets L(N) − L(N*), nearly ½ h (log N − log N*)² with h the
curvature of loss in log N along 6·N·D = C. So the regret to expect falls with the variance of
log N*, and only runs that lower it by more than their price are chosen.

D. V. Lindley, "On a Measure of the Information Provided by an Experiment", 1956, and K. Chaloner
and I. Verdinelli, "Bayesian Experimental Design: A Review", 1995, for designs chosen by expected
utility, and for those that make the determinant of a covariance least.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale._internal.precision import float64
from bayescale.decisions.checks._stacked import Stack
from bayescale.decisions.plans._candidates import noise_variance
from bayescale.decisions.plans._frontier_draws import (
    FrontierDraws,
    frontier_draws,
    regret_at_target,
)
from bayescale.decisions.plans._one_budget import refuse_other_budgets
from bayescale.decisions.plans._preposterior import Preposterior
from bayescale.decisions.plans._search import Aim, LeastLeft, LeastRegret, best_set
from bayescale.errors import InputError
from bayescale.laws.base import AllocatesCompute
from bayescale.noise.base import is_likelihood
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.runs import Runs
from bayescale.units import NATS_PER_TOKEN, in_loss_unit, params_at_ratio, six_nd

_FEWEST_DRAWS = 100
_TO_THE_TARGET = 100.0
# Candidates: compute from the cheapest run to the budget, and tokens per parameter as known, or so
# far about their centre.
_BUDGETS, _SIZES, _ASIDE = 16, 17, 4.0
# Forecasts are valued at so many budgets beyond the dearest run, evenly spaced in their logarithm;
# the last is the target. Runs that tell of the whole way show whether the law bends.
_ON_THE_WAY = 3
# A quantity beyond these shares of the draws counts as at the quantile: no few draws decide.
_TAIL = 0.005
# A run must explain more of a variance than so many times what chance does in as many draws: the
# best of many candidates that tell nothing seems to explain some six times as much. Of one variance
# chance explains as a chi-square variable with one degree of freedom, of two together with two; 8.5
# is as rare for the sum as 6 is for one.
_CHANCE_OF_ONE, _CHANCE_OF_TWO = 6.0, 8.5


@dataclass(frozen=True, eq=False)
class Design:
    """Runs to make next.

    Attributes
    ----------
    name : str
        Of the runs known so far.
    compute : float
        Of the model to be trained in the end, FLOPs.
    frame : DataFrame, one row per run, the most telling for its cost first
        ``n_params``, ``n_tokens``, ``flops`` (6·N·D); ``loss_left`` and ``n_params_left``, the
        width of the interval of log loss and of the logarithm of the best size at the target that
        this run and those above leave on average, as a share of what it is now; ``regret_before``
        and ``regret_after``, to expect there without and with this run, given those above;
        ``worth_per_flop``, the difference over its FLOPs; ``cumulative_flops``.
    regret : float
        To expect at the target with no more runs.
    target_slope : float
        By how much one more FLOP of training would lower the loss of the model itself.
    price : float
        The loss at the target that a FLOP is taken to be worth; zero where none was given.
    loss_unit : str
        Unit of the losses.
    """

    name: str
    compute: float
    frame: pd.DataFrame
    regret: float
    target_slope: float
    price: float = 0.0
    loss_unit: str = NATS_PER_TOKEN

    def summary(self) -> pd.DataFrame:
        """The frame, by place in the order, from 1."""
        return self.frame.set_axis(pd.RangeIndex(1, len(self.frame) + 1, name="run"))

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{len(self.frame)} runs to make after {self.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say what the runs are worth, and when to stop."""
        begin = (
            f"With what is known, the size chosen at {self.compute:.3g} FLOPs is expected to cost "
            f"{self.regret:.2g} {in_loss_unit('nats', self.loss_unit)}"
        )
        if self.frame.empty:
            none = "no run in the budget tells enough of the loss there or of the best size"
            why = "no run is worth its price" if self.price > 0 else none
            return (f"{begin}; {why}.",)
        last = self.frame.iloc[-1]
        alone = len(self.frame) == 1
        runs, they = ("this run", "It") if alone else (f"these {len(self.frame)} runs", "They")
        regret = (
            f"{begin}; after {runs} of {last['cumulative_flops']:.3g} FLOPs "
            f"{last['regret_after']:.2g}."
        )
        narrowed = (
            f"{they} would leave {last['loss_left']:.0%} of the width of the interval of the loss "
            f"there, and {last['n_params_left']:.0%} of that of the best size."
        )
        return regret, narrowed, self._when_to_stop()

    def _when_to_stop(self) -> str:
        """Return the sentence on where to stop."""
        if self.price > 0:
            return "Stop there: no other is worth its price."
        # Were the FLOPs of each run given to the model itself instead, its loss would be lower by
        # the slope times those.
        net = self.frame["regret_after"] + self.target_slope * self.frame["cumulative_flops"]
        best = int(np.argmin([self.regret, *net]))
        if best == len(self.frame):
            return (
                "Even the last lowers loss more than its FLOPs would in the training of the model "
                "itself."
            )
        when = f"after run {best}" if best else "at once"
        return (
            f"For the choice of the size alone, stop {when}: from there on a FLOP lowers loss more "
            f"in the training of the model itself."
        )

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: what is wrong with the fit, the posterior says."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The target, regret to expect there, each run, and when to stop."""
        return {
            "compute": self.compute,
            "regret": self.regret,
            "target_slope": self.target_slope,
            "price": self.price,
            "runs": records(self.frame),
            "when_to_stop": " ".join(self.sentences),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


@float64
def design(
    posterior: Posterior | Stack,
    budget: float,
    *,
    compute: float | None = None,
    candidates: pd.DataFrame | None = None,
    n_runs: int = 12,
    price_per_flop: float | None = None,
    value_per_nat: float | None = None,
    seed: int = 0,
) -> Design:
    """Choose runs within a budget of FLOPs that tell most of the loss and of the best size on the
    way to a target budget.

    Runs are chosen as a batch, greedily and then by exchange; they are of use together. They make
    the geometric mean of the shares of variance that they leave least: of log loss and of the
    logarithm of the best size, at three budgets beyond the dearest run so far, the last of them the
    target. A run that would tell no more than chance is not chosen. Where runs can follow each
    other, make the first few, fit again, and ask again.

    Parameters
    ----------
    posterior : Posterior or Stack
        Of runs made so far, under a likelihood and a law with a best split of compute, with 100
        draws at least. Posteriors of a stack count by their weights, and runs that tell them apart
        are worth more.
    budget : float
        For all new runs together, FLOPs.
    compute : float, optional
        Of the model to be trained in the end, FLOPs; 100 times the largest 6·N·D of the runs unless
        given.
    candidates : DataFrame, optional
        Runs that could be made: ``n_params`` and ``n_tokens``, counts. Unless given, 16 budgets
        from the cheapest run's to what may be spent, with 17 sizes each, of as many tokens per
        parameter as the runs have had, or of a factor 4 about their centre where that is wider:
        further out, nobody knows that the law holds.
    n_runs : int
        At most so many.
    price_per_flop, value_per_nat : float, optional
        What a FLOP costs, and what a nat per token at the target is worth, in one currency. With
        both, runs are chosen that lower the expected regret of the size chosen there, by more than
        their price.
    seed : int
        Of the scatter of runs.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        Where the law has no best split of compute, the noise is no likelihood, there are too few
        draws, a number is not positive, the budget pays for no candidate, or only one of price and
        value is given.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.Importance(draws=500))
    >>> plan = bs.design(post, budget=1e22, n_runs=4)
    >>> len(plan.frame), bool(plan.frame["flops"].sum() <= 1e22)
    (4, True)
    """
    posteriors, shares = _parts(posterior)
    runs = posteriors[0].runs
    _check(
        posteriors,
        {"budget": budget, "n_runs": n_runs, **({} if compute is None else {"compute": compute})},
    )
    for one in posteriors:
        refuse_other_budgets("design", one, None if compute is None else np.array([compute]))
    largest = float(runs.six_nd.max())
    target = _TO_THE_TARGET * largest if compute is None else float(compute)
    price = _price(price_per_flop, value_per_nat)
    table = _grid(runs, float(budget)) if candidates is None else _checked_candidates(candidates)
    flops = six_nd(table["n_params"].to_numpy(), table["n_tokens"].to_numpy())
    if not (flops <= budget).any():
        raise InputError(
            f"The cheapest candidate costs {flops.min():.3g} FLOPs, more than the budget of "
            f"{budget:.3g}."
        )
    weights = np.concatenate(
        [np.full(p.n_draws, share / p.n_draws) for p, share in zip(posteriors, shares, strict=True)]
    )
    budgets = np.geomspace(min(largest, target), target, _ON_THE_WAY + 1)[1:]
    draws = frontier_draws(posteriors, table, budgets, seed)
    low, high = (_weighted_quantile(draws.scatter, weights, q) for q in (0.25, 0.75))
    noise = noise_variance(low, high)
    regret = regret_at_target(posteriors, weights, draws.log_n[:, -1], target, seed)
    of_size = _decision(draws, weights, noise, regret, price * flops)
    of_forecasts = _forecasts(draws, weights, noise)
    aim: Aim = of_size if price_per_flop is not None else of_forecasts
    chosen = best_set(aim, flops, float(budget), int(n_runs))
    frame = _frame(table.assign(flops=flops), chosen, of_size, of_forecasts.outlook)
    target_slope = float(weights @ draws.slope)
    return Design(runs.name, target, frame, regret, target_slope, price, runs.loss_unit)


def _decision(
    draws: FrontierDraws, weights: np.ndarray, noise: np.ndarray, regret: float, price: np.ndarray
) -> LeastRegret:
    """Return the aim of the best size at the target, whose runs pay their price.

    Its regret before any run is known more exactly than by the variance of log N*: where that may
    be far off, loss is no parabola.
    """
    counts = weights * draws.curvature / float(weights @ draws.curvature)
    outlook = Preposterior.of(draws.log_losses, draws.log_n[:, -1:], counts, noise)
    toll = _CHANCE_OF_ONE * float(np.sum(weights**2)) * regret
    return LeastRegret(outlook, regret, price + toll)


def _forecasts(draws: FrontierDraws, weights: np.ndarray, noise: np.ndarray) -> LeastLeft:
    """Return the aim of losses and best sizes on the way to the target, each of the two with the
    target last.
    """
    quantities = np.hstack([draws.log_loss, draws.log_n])
    ends = [_weighted_quantile(quantities, weights, q) for q in (_TAIL, 1 - _TAIL)]
    outlook = Preposterior.of(draws.log_losses, np.clip(quantities, *ends), weights, noise)
    shares = np.full(quantities.shape[1], 1 / _ON_THE_WAY)
    return LeastLeft(outlook, shares, _CHANCE_OF_TWO * float(np.sum(weights**2)))


def _frame(
    table: pd.DataFrame, chosen: list[int], of_size: LeastRegret, forecasts: Preposterior
) -> pd.DataFrame:
    """Return the chosen runs, and what is left after each."""
    sets = [chosen[:count] for count in range(len(chosen) + 1)]
    regrets = np.array([of_size.left(each) for each in sets])
    left = np.array([forecasts.left(each) for each in sets])
    # A quantity that is known has nothing left to lose.
    shares = np.sqrt(np.divide(left, left[0], out=np.ones_like(left), where=left[0] > 0))
    frame = table.iloc[chosen][["n_params", "n_tokens", "flops"]].reset_index(drop=True)
    flops = frame["flops"].to_numpy()
    return frame.assign(
        loss_left=shares[1:, _ON_THE_WAY - 1],
        n_params_left=shares[1:, -1],
        regret_before=regrets[:-1],
        regret_after=regrets[1:],
        worth_per_flop=-np.diff(regrets) / flops,
        cumulative_flops=np.cumsum(flops),
    )


def _parts(posterior: Posterior | Stack) -> tuple[tuple[Posterior, ...], np.ndarray]:
    if isinstance(posterior, Stack):
        counts = posterior.weights > 0
        return tuple(
            p for p, some in zip(posterior.posteriors, counts, strict=True) if some
        ), posterior.weights[counts]
    return (posterior,), np.ones(1)


def _check(posteriors: tuple[Posterior, ...], numbers: dict[str, float]) -> None:
    for name, value in numbers.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(
                f"{name} = {value:g} is not a positive "
                f"number{'' if name == 'n_runs' else ' of FLOPs'}."
            )
    for posterior in posteriors:
        if not is_likelihood(posterior.noise):
            raise InputError(
                f"design needs to know how new runs scatter, and {posterior.noise.title} does not "
                f"say; use a likelihood."
            )
        if not isinstance(posterior.law, AllocatesCompute):
            raise InputError(
                f"{posterior.law.formula} knows no best size for a budget; fit Chinchilla() to "
                f"design runs for one."
            )
        if posterior.n_draws < _FEWEST_DRAWS:
            raise InputError(
                f"design needs {_FEWEST_DRAWS} draws and has {posterior.n_draws}; fit with NUTS(), "
                f"Grid() or Importance()."
            )


def _price(per_flop: float | None, per_nat: float | None) -> float:
    if per_flop is None and per_nat is None:
        return 0.0
    if per_flop is None or per_nat is None:
        raise InputError(
            "price_per_flop and value_per_nat go together, in one currency; give both or neither."
        )
    if not (0 <= per_flop < np.inf and 0 < per_nat < np.inf):
        raise InputError(
            f"price_per_flop = {per_flop:g} and value_per_nat = {per_nat:g} must be positive "
            f"numbers."
        )
    return per_flop / per_nat


def _checked_candidates(candidates: pd.DataFrame) -> pd.DataFrame:
    lacking = [name for name in ("n_params", "n_tokens") if name not in candidates]
    if lacking:
        raise InputError(
            f"The candidates have no column {', '.join(lacking)}; they have "
            f"{', '.join(map(str, candidates))}."
        )
    table = candidates[["n_params", "n_tokens"]].astype(np.float64).reset_index(drop=True)
    if not (len(table) and bool(((table > 0) & (table < np.inf)).to_numpy().all())):
        raise InputError(
            "The candidates need one row at least, of positive counts n_params and n_tokens."
        )
    return table


def _grid(runs: Runs, budget: float) -> pd.DataFrame:
    n_params, n_tokens = runs.column("n_params"), runs.column("n_tokens")
    budgets = np.geomspace(min(float(runs.six_nd.min()), budget), budget, _BUDGETS)
    least, most = float((n_tokens / n_params).min()), float((n_tokens / n_params).max())
    centre = np.sqrt(least * most)
    ratios = np.geomspace(min(least, centre / _ASIDE), max(most, centre * _ASIDE), _SIZES)
    compute, tokens_per_param = (
        values.ravel() for values in np.meshgrid(budgets, ratios, indexing="ij")
    )
    size = params_at_ratio(compute, tokens_per_param)
    return pd.DataFrame({"n_params": size, "n_tokens": size * tokens_per_param})


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, q: float) -> np.ndarray:
    """Return the weighted quantile of each column of values, shape (draws, columns)."""
    order = np.argsort(values, axis=0)
    reached = np.cumsum(weights[order], axis=0) >= q
    return np.take_along_axis(
        values, np.take_along_axis(order, reached.argmax(axis=0)[None], axis=0), axis=0
    )[0]
