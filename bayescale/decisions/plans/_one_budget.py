"""The best size of a sweep of one budget, read from the losses themselves.

All runs cost the same compute, so they show which size is best at it, and nothing about more. A
parabola in log D goes through the losses (`isoflop`), and its vertex is the best D. Draws of the
vertex come from refits to losses that scatter about the parabola: the posterior under a flat prior
of its coefficients. The scatter has a scaled inverse χ² prior of two degrees of freedom at half a
per cent of the loss, as runs of other seeds scatter, so that three runs have an answer too.
"""

from dataclasses import dataclass

import numpy as np

from bayescale.decisions.approaches.isoflop import parabolas
from bayescale.errors import InputError
from bayescale.findings._sweep import Sweep
from bayescale.posterior.posterior import Posterior
from bayescale.runs import Runs
from bayescale.units import BUDGET_GAP, count_in_words, quantiles

_DRAWS = 4000
_PRIOR_SCATTER = 0.005
_PRIOR_FREEDOM = 2
_COEFFICIENTS = 3
# A vertex farther beyond the sizes tried is none that the runs show.
_REACH = np.log10(10.0)
_FEWEST = 0.5

_REMEDY = "for other compute, repeat the sweep at two or more other budgets"


@dataclass(frozen=True, eq=False)
class Vertex:
    """The least loss of a budget, and where it lies.

    Attributes
    ----------
    compute : float
        Geometric mean over the runs, FLOPs, as they are reported, or else 6·N·D.
    line : array, shape (2,)
        Slope and intercept of log₁₀ N against log₁₀ D: where compute is 6·N·D, the slope is −1.
    log_tokens, loss, curvature : array, shape (draws,)
        log₁₀ D and loss at the vertex, and d²L/d(log₁₀ D)²; not a number where the curve of a draw
        has no minimum within ten times the sizes tried.
    n_runs : int
    """

    compute: float
    line: np.ndarray
    log_tokens: np.ndarray
    loss: np.ndarray
    curvature: np.ndarray
    n_runs: int

    @property
    def feasible(self) -> np.ndarray:
        """Mask of the draws that have a minimum, shape (draws,)."""
        return np.isfinite(self.log_tokens)

    def at(self, compute: np.ndarray) -> dict[str, np.ndarray]:
        """Return the plans of budgets that are this one but for rounding, each of shape (draws,
        budgets).
        """
        # Both grow with the root of the rounding, so that their product is that of the budget.
        rounding = np.sqrt(compute / self.compute)
        slope, intercept = self.line
        n_tokens = rounding * 10 ** self.log_tokens[:, None]
        n_params = rounding * 10 ** (intercept + slope * self.log_tokens[:, None])
        return {
            "n_params": n_params,
            "n_tokens": n_tokens,
            "tokens_per_param": n_tokens / n_params,
            "loss": np.broadcast_to(self.loss[:, None], n_tokens.shape),
        }

    def losses(self, log_tokens: np.ndarray) -> np.ndarray:
        """Return the curves of the draws that have a minimum, shape (draws, points)."""
        distance = log_tokens - self.log_tokens[self.feasible, None]
        bowl = self.curvature[self.feasible, None] / 2 * distance**2
        return np.asarray(self.loss[self.feasible, None] + bowl)

    @property
    def sentence(self) -> str:
        """The best size and tokens at the budget, with 90 % intervals."""
        plan = self.at(np.array([self.compute]))
        said = []
        for name, what in (("n_params", "parameters"), ("n_tokens", "tokens")):
            low, middle, high = map(float, quantiles(plan[name][self.feasible, 0]).values())
            interval = f"90 %: {count_in_words(low)} to {count_in_words(high)}"
            said.append(f"{count_in_words(middle)} {what} ({interval})")
        return f"At {self.compute:.3g} FLOPs the best is {' on '.join(said)}."

    @property
    def note(self) -> str:
        """The plan, and what it does not say."""
        lacking = 1 - self.feasible.mean()
        doubt = f" In {lacking:.0%} of the draws they show no least loss." if lacking else ""
        return (
            f"All {self.n_runs} runs have one budget, {self.compute:.3g} FLOPs: the plan is the "
            f"vertex of a parabola through their losses, and says nothing of other compute; "
            f"{_REMEDY}.{doubt}"
        )


def is_of_one_budget(posterior: Posterior) -> bool:
    """Return whether all runs of a posterior cost the same compute, as the finding one_budget
    says.
    """
    return runs_are_of_one_budget(posterior.runs, posterior.law.inputs, posterior.law.response)


def runs_are_of_one_budget(runs: Runs, inputs: tuple[str, ...], response: str = "loss") -> bool:
    """Return whether all runs cost the same compute, where a law takes N and D."""
    sweep = Sweep.of(runs.frame, inputs, response)
    return sweep.has("n_params", "n_tokens") and sweep.has_loss and sweep.is_one_budget


def vertex(runs: Runs, seed: int = 0) -> Vertex:
    """Return the vertex of runs of one budget.

    Raises
    ------
    InputError
        Where there are fewer than three sizes, or the losses show no minimum.
    """
    log_tokens, losses = np.log10(runs.column("n_tokens")), runs.column("loss")
    sizes = len(np.unique(log_tokens))
    compute = float(np.exp(np.log(runs.column("flops")).mean()))
    if sizes < _COEFFICIENTS:
        raise InputError(
            f"{runs.name}: all runs have one budget, {compute:.3g} FLOPs, and {sizes} sizes; the "
            f"best size needs three or more. Add runs of other sizes at this budget."
        )
    table = _scattered(log_tokens, losses, np.random.default_rng(seed))
    one = np.zeros(len(runs), dtype=int)
    least, curvature, bottom = np.stack(parabolas(log_tokens, table, one))[..., 0]
    low, high = log_tokens.min() - _REACH, log_tokens.max() + _REACH
    # Not a number compares as false.
    there = (least >= low) & (least <= high)
    if there.mean() < _FEWEST:
        raise InputError(
            f"{runs.name}: all runs have one budget, {compute:.3g} FLOPs, and their losses show no "
            f"least one within ten times the sizes tried. Add smaller and larger sizes at this "
            f"budget."
        )
    line = np.polyfit(log_tokens, np.log10(runs.column("n_params")), 1)
    least, bottom, curvature = np.where(there, [least, bottom, curvature], np.nan)
    return Vertex(compute, line, least, bottom, curvature, len(runs))


def same_budget(runs: Runs, compute: np.ndarray) -> np.ndarray:
    """Return a mask of the budgets that are that of the runs, but for rounding."""
    spent = runs.column("flops")
    return (compute >= spent.min() / BUDGET_GAP) & (compute <= spent.max() * BUDGET_GAP)


def refusal(verb: str, runs: Runs, found: Vertex) -> InputError:
    """Return the error of a verb that would have to go beyond the one budget of the runs."""
    return InputError(
        f"{verb}: all {found.n_runs} runs of {runs.name} have one budget (finding one_budget), so "
        f"nothing is known of other compute. {found.sentence} Ask allocate for "
        f"compute={found.compute:.3g} alone; {_REMEDY}."
    )


def refuse_other_budgets(verb: str, posterior: Posterior, compute: np.ndarray | None) -> None:
    """Refuse what a sweep of one budget cannot say.

    Parameters
    ----------
    verb : str
        The function that was called, for the message.
    posterior : Posterior
    compute : array, shape (budgets,), or None
        Budgets asked for; None where the question is about other budgets in any case.

    Raises
    ------
    InputError
        Where all runs have one budget and another is asked for.
    """
    if is_of_one_budget(posterior):
        refuse_other_budgets_of_runs(verb, posterior.runs, compute)


def refuse_other_budgets_of_runs(verb: str, runs: Runs, compute: np.ndarray | None) -> None:
    """Refuse as `refuse_other_budgets`, for runs that are known to have one budget."""
    found = vertex(runs)
    if compute is None or not same_budget(runs, compute).all():
        raise refusal(verb, runs, found)


def has_vertex(runs: Runs) -> bool:
    """Return whether runs of one budget show which size is best at it."""
    try:
        vertex(runs)
    except InputError:
        return False
    return True


def _scattered(log_tokens: np.ndarray, losses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return tables of losses that scatter about their parabola, shape (draws, runs)."""
    terms = np.vander(log_tokens - log_tokens.mean(), _COEFFICIENTS)
    fitted = terms @ np.linalg.lstsq(terms, losses)[0]
    freedom = len(losses) - _COEFFICIENTS + _PRIOR_FREEDOM
    expected = _PRIOR_FREEDOM * (_PRIOR_SCATTER * losses.mean()) ** 2
    squares = float(((losses - fitted) ** 2).sum()) + expected
    scatter = np.sqrt(squares / rng.chisquare(freedom, size=(_DRAWS, 1)))
    return np.asarray(fitted + scatter * rng.standard_normal((_DRAWS, len(losses))))
