"""Design the next runs: those that lower the regret of the size chosen at a target budget most for
their cost.

Who trains a model of N parameters with C FLOPs, where N* would have been best, regrets L(N) −
L(N*), nearly ½ h (log N − log N*)² with h the curvature of loss in log N along 6·N·D = C. So the
regret to expect falls with the variance of log N*, and a design is as good as the variance that it
will leave; `_preposterior` says how that is found without imagining outcomes one by one. Each draw
is a surface of law and departures: it gives the losses of candidate runs and N* alike, so that a
run tells of the target no more than a posterior that doubts its law believes. Between several
posteriors, of laws that differ in form, the variance of log N* between forms counts too, so that
runs which tell the forms apart are worth something.

D. V. Lindley, "On a Measure of the Information Provided by an Experiment", 1956, and K. Chaloner
and I. Verdinelli, "Bayesian Experimental Design: A Review", 1995, for designs chosen by expected
utility.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale._internal.precision import float64
from bayescale.decisions.checks._stacked import Stack
from bayescale.decisions.plans._candidates import (
    INPUTS,
    effects_of_identity,
    noise_variance,
    scatter_of,
)
from bayescale.decisions.plans._one_budget import refuse_other_budgets
from bayescale.decisions.plans._planning import Planner
from bayescale.decisions.plans._preposterior import Preposterior
from bayescale.errors import InputError
from bayescale.laws.base import AllocatesCompute
from bayescale.noise.base import is_likelihood
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.runs import Runs
from bayescale.units import NATS_PER_TOKEN, in_loss_unit, log_tokens_for, params_at_ratio, six_nd

_FEWEST_DRAWS = 100
_TO_THE_TARGET = 100.0
# Candidates: compute from the cheapest run to the budget, and tokens per parameter as known, or so
# far about their centre.
_BUDGETS, _SIZES, _ASIDE = 16, 17, 4.0
# A step in log N or log C over which curvature and slope of loss are taken.
_STEP = 0.1
# Sizes at the target between which the best is sought, and the share of draws beyond them.
_TARGET_SIZES, _TAIL = 101, 0.005
# A run must explain more of the variance than so many times what chance does in as many draws: the
# best of many candidates that tell nothing seems to explain some six times as much.
_CHANCE = 6.0


@dataclass(frozen=True, eq=False)
class Design:
    """Runs to make next.

    Attributes
    ----------
    name : str
        Of the runs known so far.
    compute : float
        Of the model to be trained in the end, FLOPs.
    frame : DataFrame, one row per run, the most worth for its cost first
        ``n_params``, ``n_tokens``, ``flops`` (6·N·D); ``regret_before`` and ``regret_after``, to
        expect at the target without and with this run, given those above;
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
            why = "is worth its price" if self.price > 0 else "in the budget tells enough of it"
            return (f"{begin}; no run {why}.",)
        last = self.frame.iloc[-1]
        runs = "this run" if len(self.frame) == 1 else f"these {len(self.frame)} runs"
        sentences = [
            f"{begin}; after {runs} of {last['cumulative_flops']:.3g} FLOPs "
            f"{last['regret_after']:.2g}."
        ]
        if self.price > 0:
            sentences.append("Stop there: no other is worth its price.")
            return tuple(sentences)
        # Were the FLOPs of each run given to the model itself instead, its loss would be lower by
        # the slope times those.
        net = self.frame["regret_after"] + self.target_slope * self.frame["cumulative_flops"]
        best = int(np.argmin([self.regret, *net]))
        if best == len(self.frame):
            sentences.append(
                "Even the last lowers loss more than its FLOPs would in the training of the model "
                "itself."
            )
        else:
            when = f"after run {best}" if best else "at once"
            sentences.append(
                f"Stop {when}: from there on a FLOP lowers loss more in the training of the model "
                f"itself."
            )
        return tuple(sentences)

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
    """Choose runs within a budget of FLOPs that lower the expected regret at a target budget most.

    Runs are chosen as a batch, greedily and then by exchange; they are of use together. Where runs
    can follow each other, make the first few, fit again, and ask again.

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
        both, only runs that are worth their price are chosen.
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
    parts = [_draws(part, table, target, seed) for part in posteriors]
    log_losses, scatter, optimum, curvature, slope = (
        np.concatenate(each) for each in zip(*parts, strict=True)
    )
    low, high = (_weighted_quantile(scatter, weights, q) for q in (0.25, 0.75))
    noise = noise_variance(low, high)
    outlook = Preposterior.of(log_losses, optimum, curvature, weights, noise)
    outlook = outlook.beginning_at(_regret(posteriors, weights, optimum, target, seed))
    toll = _CHANCE * float(np.sum(weights**2)) * outlook.regret()
    chosen = outlook.best(flops, float(budget), int(n_runs), price, toll)
    regrets = np.array([outlook.regret(chosen[:n]) for n in range(len(chosen) + 1)])
    frame = table.iloc[chosen][["n_params", "n_tokens"]].reset_index(drop=True)
    flops_of_chosen = flops[chosen]
    frame = frame.assign(
        flops=flops_of_chosen,
        regret_before=regrets[:-1],
        regret_after=regrets[1:],
        worth_per_flop=-np.diff(regrets) / flops_of_chosen,
        cumulative_flops=np.cumsum(flops_of_chosen),
    )
    regret, target_slope = float(regrets[0]), float(weights @ slope)
    return Design(runs.name, target, frame, regret, target_slope, price, runs.loss_unit)


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


def _draws(
    posterior: Posterior, table: pd.DataFrame, target: float, seed: int
) -> tuple[np.ndarray, ...]:
    """Log losses of candidates and their scatter, (draws, candidates); log N* at the target,
    curvature and slope, (draws,).

    Losses and N* of a draw are of one surface, law and departures. What depends on the identity of
    a run comes on top of its loss.
    """
    planner = Planner.of(posterior, seed=seed)
    shape = planner.n_draws, len(table)
    log_n, log_d = (np.broadcast_to(np.log(table[name]), shape) for name in INPUTS)
    expected = planner.log_loss(log_n, log_d) + effects_of_identity(posterior, table, seed)
    optimum = np.asarray(planner.minimize_loss({"compute": np.array([target])}).log_n)

    def loss(log_n: np.ndarray, compute: float) -> np.ndarray:
        return np.exp(planner.log_loss(log_n, log_tokens_for(compute, log_n)))

    best = loss(optimum, target)
    curvature = (
        loss(optimum + _STEP, target) - 2 * best + loss(optimum - _STEP, target)
    ) / _STEP**2
    slope = (best - loss(optimum, target * np.exp(_STEP))) / (target * np.expm1(_STEP))
    return (
        expected,
        scatter_of(posterior, table, expected, seed),
        optimum[:, 0],
        np.maximum(curvature, 0.0)[:, 0],
        slope[:, 0],
    )


def _regret(
    posteriors: tuple[Posterior, ...],
    weights: np.ndarray,
    optimum: np.ndarray,
    target: float,
    seed: int,
) -> float:
    """Return the expected regret of the best size at the target, nats per token."""
    low, high = np.quantile(optimum, [_TAIL, 1 - _TAIL])
    sizes = np.linspace(low, high, _TARGET_SIZES)
    begin, regrets = 0, []
    for posterior in posteriors:
        planner = Planner.of(posterior, seed=seed)
        end = begin + planner.n_draws
        best = optimum[begin:end, None]
        log_n = np.hstack([best, np.broadcast_to(sizes, (len(best), len(sizes)))])
        losses = np.exp(planner.log_loss(log_n, log_tokens_for(target, log_n)))
        regrets.append(losses[:, 1:] - losses[:, :1])
        begin = end
    return float((weights @ np.concatenate(regrets)).min())


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, q: float) -> np.ndarray:
    """Return the weighted quantile of each column of values, shape (draws, columns)."""
    order = np.argsort(values, axis=0)
    reached = np.cumsum(weights[order], axis=0) >= q
    return np.take_along_axis(
        values, np.take_along_axis(order, reached.argmax(axis=0)[None], axis=0), axis=0
    )[0]
