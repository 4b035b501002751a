"""What holds for every method with every law and noise model: a fit, or a refusal that says what to
do.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.discovery import describe, entry, names
from bayescale._internal.precision import float64
from bayescale.inference._integrated import scatters_normally
from bayescale.inference.base import Problem
from bayescale.noise.base import is_likelihood, is_of_counts
from bayescale.responses import RESPONSES
from tests.conftest import with_every_column
from tests.inference.conftest import small_methods

POSTERIOR_METHODS = (bs.NUTS, bs.Grid, bs.Importance)
DEFAULT = bs.laws.Chinchilla()
SCATTER = 0.01


def refusal(law: Any, noise: Any, method: Any) -> str | None:
    """What a method says of a law and a noise model that it cannot take; None where it can."""
    if noise == bs.noise.Binomial() and law.response != "accuracy":
        return r"binomial counts right answers.*predicts .*use StudentT"
    if isinstance(method, POSTERIOR_METHODS) and not is_likelihood(noise):
        return r"needs a likelihood.*huber.*Use StudentT"
    if noise.shared and isinstance(method, bs.Importance):
        return (
            None
            if scatters_normally(noise)
            else r"integrates out what runs share.*scatter Normally.*Use Normal\(\) as its base"
        )
    if noise.shared and not isinstance(method, bs.NUTS):
        return r"takes runs to scatter independently of each other.*share departures.*Use NUTS"
    if isinstance(method, bs.Grid) and not law.terms:
        return r"grid handles laws that are a constant and one or two powers.*is none. Use NUTS"
    return None


def cases(refused: bool) -> list[Any]:
    """Every law, noise model and method that go together, or that do not.

    The textbook's pair meets every method, and every law and every noise model its other half by
    NUTS; the other cases are slow. The textbook's noise is Normal, which compiles soonest.
    Processes know nothing of the law, and their sampler takes long to compile: they meet one law of
    two inputs and one of one.
    """
    laws, noises = (
        [entry(f"bayescale.{kind}", name)() for name in names(f"bayescale.{kind}")]
        for kind in ("laws", "noise")
    )
    found = [
        case
        for case in product(laws, noises, small_methods())
        if (refusal(*case) is not None) == refused
    ]
    few = (DEFAULT, bs.laws.PowerLaw())
    return [
        pytest.param(
            *case,
            id="-".join(map(describe, case)),
            marks=() if refused or common(*case) else pytest.mark.slow,
        )
        for case in found
        if refused
        or not case[1].shared
        or (case[0] in few and (case[0] == DEFAULT or case[1] == bs.noise.Discrepancy()))
    ]


def common(law: Any, noise: Any, method: Any) -> bool:
    """Whether a case is tried in every run of the tests."""
    halves = (law == DEFAULT, noise == bs.noise.Normal())
    counted = law == bs.laws.AccuracyInTokens() and noise == bs.noise.Binomial()
    return all(halves) or ((any(halves) or counted) and isinstance(method, bs.NUTS))


@pytest.fixture(autouse=True)
def programs_of_a_test(forget_programs: Callable[[], None]) -> Iterator[None]:
    # No two tests here run the same programs, and all together would be too many for one process.
    yield
    forget_programs()


@pytest.fixture(scope="module")
def complete(sweep: bs.Runs) -> bs.Runs:
    return with_every_column(sweep)


@pytest.mark.filterwarnings(
    "ignore::bayescale.errors.FitWarning"
)  # a law in one variable does not describe this sweep
@pytest.mark.parametrize(("law", "noise", "method"), cases(refused=False))
def test_a_fit_gives_finite_draws_of_every_parameter(
    law: Any, noise: Any, method: Any, complete: bs.Runs
) -> None:
    posterior = bs.fit(complete, law=law, noise=noise, method=method)
    assert list(posterior.params) == [p.name for p in (*law.parameters, *noise.parameters)]
    shapes = {values.shape for values in posterior.params.values()}
    assert len(shapes) == 1 and len(shapes.pop()) == 2
    for parameter in (*law.parameters, *noise.parameters):
        values = posterior.params[parameter.name]
        assert np.isfinite(values).all() and parameter.prior.support(values).all(), parameter.name
    assert np.isfinite(posterior.log_departure()).all()
    # Where its weights are poor, importance sampling hands over to chains, and says so.
    handed_over = isinstance(method, bs.Importance) and posterior.method == bs.NUTS(
        seed=method.seed
    )
    assert (
        posterior.law == law
        and posterior.noise == noise
        and (posterior.method == method or handed_over)
    )
    assert posterior.provenance["data_sha256"] == complete.sha256


def made_by(law: Any, noise: Any, runs: bs.Runs) -> tuple[bs.Runs, np.ndarray]:
    """The runs with responses that a law gives at the middle of its priors, scattered, and what it
    gives unscattered, on the scale of the fit.
    """
    problem, rng = Problem.build(runs, law, noise), np.random.default_rng(7)
    middle, _ = problem.target.prior_location_scale
    own = {name: np.asarray(value) for name, value in problem.target.constrain(middle).items()}
    true = predicted(law, law.rescale(own, problem.units), runs)
    response = RESPONSES[law.response]
    if is_of_counts(noise):
        n_samples = runs.frame["n_samples"].astype(int)
        return bs.Runs(
            runs.frame.assign(n_correct=rng.binomial(n_samples, response.from_scale(true)))
        ), true
    measured = response.from_scale(true + SCATTER * rng.standard_normal(len(runs)))
    made = runs.frame.drop(columns=["n_correct", "n_samples"]).assign(**{response.column: measured})
    return bs.Runs(made.assign(loss_se=SCATTER * made["loss"])), true


def predicted(law: Any, params: dict[str, Any], runs: bs.Runs) -> np.ndarray:
    """What the law gives for each run, shape (…, runs)."""
    log_inputs = {name: np.log(runs.column(name)) for name in law.inputs}
    return np.asarray(
        law.predict(
            {name: np.asarray(values)[..., None] for name, values in params.items()}, log_inputs
        )
    )


@pytest.mark.filterwarnings("ignore::bayescale.errors.FitWarning")  # chains are short
@pytest.mark.parametrize(("law", "noise", "method"), cases(refused=False))
@float64
def test_a_fit_of_runs_that_the_law_made_finds_it_again(
    law: Any, noise: Any, method: Any, complete: bs.Runs
) -> None:
    runs, true = made_by(law, noise, complete)
    posterior = bs.fit(runs, law=law, noise=noise, method=method)
    found = np.median(
        predicted(law, {p.name: posterior.draws(p.name) for p in law.parameters}, runs), axis=0
    )
    # Counts of 30 answers scatter by 2/√30 and more on log odds; a fit of few parameters is nearer
    # than single runs.
    scatter = 2 / np.sqrt(30) if is_of_counts(noise) else SCATTER
    assert np.sqrt(np.mean((found - true) ** 2)) < scatter


@pytest.mark.parametrize(("law", "noise", "method"), cases(refused=True))
def test_what_a_method_cannot_take_it_refuses_with_what_to_do(
    law: Any, noise: Any, method: Any, complete: bs.Runs
) -> None:
    with pytest.raises(bs.InputError, match=refusal(law, noise, method)):
        bs.fit(complete, law=law, noise=noise, method=method)


@pytest.mark.parametrize(
    ("noise", "column"),
    [(bs.noise.KnownError(), "loss_se"), (bs.noise.GroupEffects(), "group")],
    ids=["known errors", "groups"],
)
def test_runs_without_a_column_that_the_noise_needs_are_refused(
    noise: Any, column: str, complete: bs.Runs
) -> None:
    lacking = bs.Runs(complete.frame.drop(columns=column), name="mine")
    with pytest.raises(
        bs.InputError,
        match=rf"mine has no column {column}, which \w+ needs; add it, or use another noise",
    ):
        bs.fit(lacking, law=bs.laws.Chinchilla(), noise=noise)


def test_more_groups_than_a_process_has_functions_are_refused() -> None:
    sweep = bs.datasets.simulate(seed=3, sizes_per_budget=15)
    own = bs.Runs(sweep.frame.assign(group=np.arange(len(sweep)).astype(str)))
    with pytest.raises(
        bs.InputError, match=r"these 75 runs need more than its 64 functions.*Use fewer groups"
    ):
        bs.fit(own, law=bs.laws.Chinchilla(), noise=bs.noise.GroupEffects())
