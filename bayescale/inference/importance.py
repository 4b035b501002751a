"""Importance sampling about the posterior's modes: draws in a fraction of the time of a Markov
chain, and a number that says whether to believe them.

Given the noise's parameters, law and departures are nearly Normal, and `_conditional` makes them
so: what is left is a density of a few parameters close to a Normal of unit scale. A mixture of
multivariate t distributions about its modes is the first proposal. Its weighted draws fit the
mixture of the next round, and so on until the weights are even enough; then one larger round is
drawn. That round alone is the result, Pareto-smoothed: a mixture weighs draws fairly only where it
was fitted to others. Coefficients of departures are drawn along, and the weights are exact for
parameters and coefficients together. Where the tail of the weights stays too heavy for means to be
trusted, or too few proposals bear nearly all weight, chains start from the weighted proposals
(`_population`); where they do not mix, NUTS samples instead. The result says which.

Many problems share compiled programs and are fitted side by side.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, NamedTuple

import jax
import numpy as np
from jax import Array
from scipy.linalg import block_diag
from threadpoolctl import threadpool_limits

from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.devices import hosted
from bayescale._internal.precision import float64
from bayescale._internal.progress import told
from bayescale.errors import InputError
from bayescale.inference._conditional import Linearisation, Weighable, joined
from bayescale.inference._conditional_modes import Conditional, Mode, Programs, cores
from bayescale.inference._coordinates import ParamsInDataUnits, decorrelate_points
from bayescale.inference._mixture import Mixture
from bayescale.inference._pool import Pool, first_proposal
from bayescale.inference._population import Population, n_chains, populated
from bayescale.inference._weighing import LARGEST_K, Weighed
from bayescale.inference.base import BatchMethod, Problem, Target
from bayescale.posterior.importance_weights import ESS_LIMIT
from bayescale.posterior.posterior import Posterior
from bayescale.sweep import Sweep

Round = Callable[[Mixture, int], tuple[np.ndarray, np.ndarray, Weighable]]
"""From a proposal and a number of draws to points, their log densities and all that was found."""

# Proposals of a round that adapts, and the fewest of each part of a last round.
_ADAPTING, _PART = 768, 1024
_MOST_ROUNDS, _MOST_LAST_ROUNDS = 12, 2
_FEWEST_PARTS, _MOST_PARTS = 2, 16
# Of 4,000 draws a thousand: a 5 % quantile of a Normal is then known to 0.07 standard deviations.
_AMPLE_SHARE = 0.25


@dataclass(frozen=True)
class Importance(BatchMethod):
    """Draws from the posterior by importance resampling.

    Parameters
    ----------
    draws : int
        Kept. Up to twelve rounds of 768 proposals adapt the proposal. The last round has half as
        many proposals as draws, 2,048 at least, and becomes up to eight times as large until its
        effective draws are a quarter of the draws. Where its weights are not to be trusted, it is
        drawn once more from a better proposal, and then chains are run.
    seed : int

    Notes
    -----
    Diagnostics of the result: ``pareto_k``; ``ess_importance``, the effective number of independent
    draws among the proposals; ``log_evidence``, the log marginal likelihood of log loss, comparable
    between laws and noise models of the same runs. Where Pareto k was above 0.7, or fewer than 400
    proposals were effective, the draws are of chains, and ``ess_chains`` says how many of those
    were effective; where these were fewer than 400 too, the draws and diagnostics are those of
    `NUTS`, beside the others.
    """

    draws: int = 4000
    seed: int = 0

    paper: ClassVar[str] = (
        "Vehtari et al. 2024, Pareto Smoothed Importance Sampling, arXiv:1507.02646"
    )
    takes_departures: ClassVar[bool] = True

    def run(self, problem: Problem) -> Posterior:
        """Draw from the posterior of one problem."""
        return self.run_all([problem])[0]

    @hosted
    def run_all(self, problems: Sequence[Problem]) -> list[Posterior]:
        """Draw from the posteriors of problems of one law and noise model."""
        self._check(problems)
        programs = [Programs.of(problem) for problem in problems]
        # Small factorisations in several BLAS threads spend their time waiting for each other.
        with threadpool_limits(1, "blas"):
            if len(problems) == 1:
                drawn = [self._drawn_alone(problems[0], programs[0])]
            else:
                conditionals = map(Conditional, problems, programs)
                with ThreadPoolExecutor(cores()) as pool:
                    drawn = list(pool.map(float64(self._drawn), conditionals))
        return [self._posterior(*pair) for pair in zip(problems, drawn, strict=True)]

    def _drawn_alone(self, problem: Problem, programs: Programs) -> "Drawn":
        """Draw for one problem, whose tiles several threads share, and tell of each step."""
        with told(f"Fitting {problem.runs.name}") as tell:
            return self._drawn(Conditional(problem, programs, cores(), tell))

    def _check(self, problems: Sequence[Problem]) -> None:
        if self.draws < 1:
            raise InputError(f"importance: draws={self.draws} must be at least 1.")
        for problem in problems:
            problem.require_likelihood(self)

    def _drawn(self, conditional: Conditional) -> "Drawn":
        """Adapt the proposal to one problem, draw the last round and resample it by weight."""
        begun = time.perf_counter()
        generator = np.random.default_rng(self.seed)
        modes = conditional.modes(self.seed)
        round_of = partial(_proposed, conditional, modes[0].linearisation, generator)
        pool = Pool(_about(conditional, modes))
        while len(pool.used) < _MOST_ROUNDS and not (pool.used and pool.settled):
            conditional.tell(f"round {len(pool.used) + 1} of at most {_MOST_ROUNDS}")
            pool = pool.after(*round_of(pool.proposal, _ADAPTING)[:2])
        for _ in range(_MOST_LAST_ROUNDS):
            conditional.tell("last round")
            pool, parts = self._last_round(pool, round_of)
            if pool.weighed.reliable:
                break
        diagnostics, reliable = pool.weighed.diagnostics, pool.weighed.reliable
        if reliable:
            chosen = pool.weighed.chosen(self.draws, generator)
            whole = joined(parts)
        else:
            conditional.tell("chains, since weights are uneven")
            population = _chains(conditional, modes[0].linearisation, pool, generator)
            diagnostics = diagnostics | {"ess_chains": population.ess}
            reliable, whole = population.reliable(ESS_LIMIT), population.found
            kept = whole.unconstrained.shape[1]
            chosen = generator.choice(kept, self.draws, replace=self.draws > kept)
        parameters, coefficients = _resampled(whole, chosen, generator)
        seconds = time.perf_counter() - begun
        return Drawn(diagnostics, reliable, parameters, coefficients, seconds)

    def _last_round(self, pool: Pool, round_of: Round) -> tuple[Pool, list[Weighable]]:
        """Return the pool with a large round, made larger while too few of its proposals are
        effective; and all that was found of that round.
        """
        proposal, size = pool.proposal, max(_PART, self.draws // 4)
        points, log_target, found = round_of(proposal, _FEWEST_PARTS * size)
        pool, parts = pool.after(points, log_target), [found]
        while len(parts) < _MOST_PARTS and self._worth_more(pool.weighed):
            points, log_target, found = round_of(proposal, size)
            pool = pool.extended(points, log_target)
            parts.append(found)
        return pool, parts

    def _worth_more(self, weighed: Weighed) -> bool:
        """Return whether more proposals of the round would help: its weights can be trusted."""
        ample = max(ESS_LIMIT, _AMPLE_SHARE * self.draws)
        few = weighed.diagnostics["ess_importance"] < ample
        return few and weighed.diagnostics["pareto_k"] <= LARGEST_K

    def _posterior(self, problem: Problem, drawn: "Drawn") -> Posterior:
        """Return the posterior of a problem, by `NUTS` where its draws are not reliable."""
        diagnostics = drawn.diagnostics
        if not drawn.reliable:
            from bayescale.inference.nuts import NUTS

            sampled = NUTS(seed=self.seed).run(problem)
            reasons = {name: value for name, value in diagnostics.items() if name != "log_evidence"}
            return replace(sampled, diagnostics=sampled.diagnostics | reasons)
        sweep = problem.data.sweep
        params = jax.device_get(_in_data_units(problem.target, drawn.unconstrained, sweep))
        posterior = problem.posterior(
            {name: values[None] for name, values in params.items()},
            self,
            diagnostics=diagnostics,
            seconds={"fit": drawn.seconds},
        )
        if not problem.target.noise.shared:
            return posterior
        return replace(posterior, coefficients=drawn.coefficients[None])


def _proposed(
    conditional: Conditional,
    linearisation: Linearisation,
    generator: np.random.Generator,
    proposal: Mixture,
    size: int,
) -> tuple[np.ndarray, np.ndarray, Weighable]:
    """Draw points from a proposal; return them, their log densities and all that was found."""
    points = proposal.draw(size, generator)
    standard = generator.standard_normal((conditional.problem.n_functions, size))
    found = conditional.weigh(linearisation, points, standard)
    return points, found.log_estimate, found


def _chains(
    conditional: Conditional, linearisation: Linearisation, pool: Pool, rng: np.random.Generator
) -> Population:
    """Run chains from the last round's draws, chosen by weight."""
    last = pool.draws[:, -pool.last :]
    start = last[:, pool.weighed.chosen(n_chains(), rng)]
    weigh = partial(conditional.weigh, linearisation)
    n_functions = conditional.problem.n_functions
    return populated(weigh, start, n_functions, pool.proposal, rng, ESS_LIMIT)


class Drawn(NamedTuple):
    """Draws of one problem, resampled by weight.

    Attributes
    ----------
    diagnostics : dict
    reliable : bool
        Whether weights, or chains where weights were uneven, can be trusted.
    unconstrained : array, shape (k, draws)
    coefficients : array, shape (draws, functions)
    seconds : float
    """

    diagnostics: dict[str, float]
    reliable: bool
    unconstrained: np.ndarray
    coefficients: np.ndarray
    seconds: float


def _about(conditional: Conditional, modes: Sequence[Mode]) -> Mixture:
    """Return the first proposal: components at the modes, in coordinates of the highest."""
    p = conditional.n_law
    ends = [_whitened(conditional, modes[0], mode) for mode in modes]
    hessians = [block_diag(np.eye(p), mode.hessian) for mode in modes]
    values = [mode.value for mode in modes]
    return first_proposal(np.stack(ends), np.array(values), np.stack(hessians))


def _whitened(conditional: Conditional, highest: Mode, mode: Mode) -> np.ndarray:
    """Return another mode in the coordinates (η, φ) of the highest, shape (k,)."""
    p = conditional.n_law
    if mode is highest:
        return np.concatenate([np.zeros(p), mode.noise])
    whitened = np.concatenate([np.zeros((p, 1)), np.eye(p)], axis=1)
    noise = np.repeat(mode.noise[:, None], p + 1, axis=1)
    standard = np.zeros((conditional.problem.n_functions, p + 1))
    points = np.concatenate([whitened, noise])
    found = conditional.weigh(highest.linearisation, points, standard)
    parametrisation = conditional.problem.target.parametrisation
    law = np.asarray(decorrelate_points(parametrisation, found.unconstrained.T))[:, :p]
    axes = (law[1:] - law[0]).T
    there = np.asarray(mode.linearisation.law)
    return np.concatenate([np.linalg.solve(axes, there - law[0]), mode.noise])


def _resampled(
    found: Weighable, chosen: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return parameters, (k, draws), and coefficients, (draws, functions), of chosen points.

    Each point has a pair of coefficients, of which one is taken by its weight.
    """
    plus, minus = found.log_density[:, chosen]
    second = generator.uniform(size=len(chosen)) > 1 / (1 + np.exp(minus - plus))
    coefficients = np.asarray(found.coefficients)[second.astype(int), :, chosen]
    return np.asarray(found.unconstrained)[:, chosen], coefficients


@jit_for(Use.BRIEF, "target")
def _in_data_units(target: Target, unconstrained: Array, sweep: Sweep) -> ParamsInDataUnits:
    """Return named parameters, each of shape (draws,), from shape (k, draws)."""
    return target.constrain(list(unconstrained), sweep)
