"""Every method either fits a law with a noise model, or refuses them with a message that says what
to do.

All laws, noise models and methods together are 658 fits. A design of 188 of them, drawn once, meets
every pair of a law and a noise model, of a law and a method, and of a noise model and a method. It
is written down below. Fits in capitals run by default, the rest of the design with ``-m slow``, and
all other fits with ``-m exhaustive``.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.discovery import describe, entry, name_of, names
from bayescale._internal.precision import float64
from bayescale.inference._mode import find_mode
from bayescale.inference.base import Problem
from bayescale.noise.base import is_likelihood, is_of_counts
from bayescale.responses import RESPONSES
from tests.conftest import with_every_column
from tests.inference.conftest import small_methods

# Rows are laws, columns are noise models, and a cell holds the methods that fit the two: bootstrap,
# grid, importance, multistart, nuts. To add a law, add a row with b, i, m and n somewhere; to add a
# noise model, add a column with each of its methods somewhere.
DESIGN = """
accuracy_from_loss n     i     m     b     n     m     m     m     -     -     -
accuracy_in_tokens i     m     m     n     m     n     m     b     biMn  -     -
batch_size         b     m     n     M     n     i     m     m     -     -     -
broken_power_law   m     n     m     n     i     m     b     b     -     -     -
chinchilla         nGI   mg    ng    i     m     b     M     mB    -     nI    ni
coupled            m     n     i     m     m     n     i     b     -     -     -
data_constrained   n     i     b     m     n     m     m     m     -     -     -
error_from_loss    i     m     m     n     m     n     m     b     -     -     -
experts_floor      i     m     m     n     m     n     m     b     -     -     -
farseer            m     b     n     m     n     i     m     m     -     -     -
fine_tuning        m     n     m     n     i     m     m     b     -     -     -
kaplan             N     m     n     i     b     M     n     m     -     -     -
learning_rate      m     n     i     m     m     n     m     b     -     -     -
m4                 n     i     m     b     n     m     m     m     -     -     -
majority_vote      i     m     m     n     m     n     m     b     m     -     -
mixture            n     i     b     m     n     m     m     m     -     -     -
overtrained        b     m     n     m     n     i     m     m     -     -     -
parallel_streams   m     b     n     m     n     i     m     m     -     -     -
pass_at_k          m     n     m     n     i     m     m     b     -     -     -
power_law          n     M     n     ig    Mg    bg    g     m     -     -     nI
precision          n     i     b     m     n     m     m     m     -     -     -
precision_penalty  m     n     m     n     i     m     m     b     -     -     -
rectified_sft      m     n     i     m     m     n     m     bM    -     -     -
routed_experts     n     i     b     m     n     m     m     m     -     -     -
settings_valley    n     i     b     m     n     m     m     m     -     -     -
sigmoid            i     m     M     n     m     n     m     b     -     -     -
vocabulary         m     b     n     m     n     i     m     m     -     -     -
"""
NOISES = (
    "normal",
    "student_t",
    "laplace",
    "asymmetric_student_t",
    "known_error",
    "compute_scale",
    "frontier_scale",
    "huber",
    "binomial",
    "discrepancy",
    "group_effects",
)
METHODS = {"b": "bootstrap", "g": "grid", "i": "importance", "m": "multistart", "n": "nuts"}

POSTERIOR_METHODS = (bs.NUTS, bs.Grid, bs.Importance)
# By name once, and not for each of the cases: a name is looked up in its folder.
DEFAULT, OF_ONE_INPUT = bs.laws.Chinchilla(), bs.laws.PowerLaw()
BINOMIAL, GROUP_EFFECTS = bs.noise.Binomial(), bs.noise.GroupEffects()
GRID, WITH_PROCESSES = bs.Grid, (bs.Importance, bs.NUTS)
SCATTER = 0.01


def refusal(law: Any, noise: Any, method: Any) -> str | None:
    """Return the message of a method that cannot take a law and a noise model, or None."""
    if noise == BINOMIAL and law.response != "accuracy":
        return r"binomial counts right answers.*predicts .*use StudentT"
    if any(not set(process.inputs) <= set(law.inputs) for process in noise.shared):
        return r"looks at .*, which .* does not have; leave the process out"
    if isinstance(method, POSTERIOR_METHODS) and not is_likelihood(noise):
        return r"needs a likelihood.*huber.*Use StudentT"
    if noise.shared and not isinstance(method, WITH_PROCESSES):
        return r"takes runs to scatter independently of each other.*share departures.*Use NUTS"
    if isinstance(method, GRID) and not law.terms:
        return r"grid handles laws that are a constant and one or two powers.*is none. Use NUTS"
    return None


def fitted(law: Any, noise: Any) -> bool:
    """Return whether the product of all options fits a law with a noise model.

    Processes know nothing of the law, and their sampler takes long to compile: they meet one law of
    two inputs and one of one.
    """
    if not noise.shared:
        return True
    return law == DEFAULT or (law == OF_ONE_INPUT and noise == GROUP_EFFECTS)


def named(case: tuple[Any, Any, Any]) -> tuple[str, str, str]:
    law, noise, method = map(name_of, case)
    return law, noise, method


@cache
def designed() -> dict[tuple[str, str, str], bool]:
    """The names of law, noise model and method of each fit of the design, and whether it runs by
    default.
    """
    found = {}
    for row in DESIGN.strip().splitlines():
        law, *cells = row.split()
        for noise, letters in zip(NOISES, cells, strict=True):
            for letter in letters.strip("-"):
                found[law, noise, METHODS[letter.lower()]] = letter.isupper()
    return found


def instances(kind: str) -> list[Any]:
    package = f"bayescale.{kind}"
    return [entry(package, name)() for name in names(package)]


EVERY = list(product(instances("laws"), instances("noise"), small_methods()))
FITTED = [case for case in EVERY if refusal(*case) is None and fitted(*case[:2])]
REFUSED = [case for case in EVERY if refusal(*case) is not None]


def marked(case: tuple[Any, Any, Any]) -> Any:
    """The case as a parameter of tests, with the mark of the runs in which it is tried."""
    by_default = designed().get(named(case))
    marks = {True: (), False: pytest.mark.slow, None: pytest.mark.exhaustive}[by_default]
    return pytest.param(case, id="-".join(map(describe, case)), marks=marks)


def test_the_design_meets_every_pair_of_options_that_are_fitted_together() -> None:
    possible, design = {named(case) for case in FITTED}, set(designed())
    assert design <= possible, f"no fits, to be taken out of DESIGN: {design - possible}"
    for one, other in combinations(range(3), 2):
        wanted, met = ({(c[one], c[other]) for c in cases} for cases in (possible, design))
        assert wanted == met, f"pairs that DESIGN lacks: {wanted - met}"


def test_fits_that_run_by_default_meet_every_noise_model_and_every_method() -> None:
    by_default = [case for case, runs in designed().items() if runs]
    assert {noise for _, noise, _ in by_default} == set(NOISES)
    assert {method for *_, method in by_default} == set(METHODS.values())


@pytest.fixture(scope="module", params=map(marked, FITTED))
def case(
    request: pytest.FixtureRequest, forget_programs: Callable[[], None]
) -> Iterator[tuple[Any, Any, Any]]:
    """A law, a noise model and a method that go together."""
    yield request.param
    # No two cases run the same programs, and all together would be too many for one process.
    forget_programs()


@pytest.fixture(scope="module")
def complete(sweep: bs.Runs) -> bs.Runs:
    return with_every_column(sweep)


@pytest.mark.filterwarnings(
    "ignore::bayescale.errors.FitWarning"
)  # a law in one variable does not describe this sweep
def test_a_fit_gives_finite_draws_of_every_parameter(
    case: tuple[Any, Any, Any], complete: bs.Runs
) -> None:
    law, noise, method = case
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
    in_data_units = problem.target.constrain(middle, problem.data.sweep)
    own = {name: np.asarray(value) for name, value in in_data_units.items()}
    true = predicted(law, law.rescale(own, problem.units), runs)
    response = RESPONSES[law.response]
    if is_of_counts(noise):
        n_samples = runs.frame["n_samples"].astype(int)
        return bs.Runs(
            runs.frame.assign(n_correct=rng.binomial(n_samples, response.from_scale(true)))
        ), true
    measured = response.from_scale(true + SCATTER * rng.standard_normal(len(runs)))
    counts = ["n_correct", "n_samples"] if law.response == "accuracy" else []
    made = runs.frame.drop(columns=counts).assign(**{response.column: measured})
    return bs.Runs(made.assign(loss_se=SCATTER * made["loss"])), true


def predicted(law: Any, params: dict[str, Any], runs: bs.Runs) -> np.ndarray:
    """Return the law's prediction of each run, shape (…, runs)."""
    log_inputs = {name: np.log(runs.column(name)) for name in law.inputs}
    return np.asarray(
        law.predict(
            {name: np.asarray(values)[..., None] for name, values in params.items()}, log_inputs
        )
    )


@pytest.mark.filterwarnings("ignore::bayescale.errors.FitWarning")  # chains are short
@float64
def test_a_fit_of_runs_that_the_law_made_finds_it_again(
    case: tuple[Any, Any, Any], complete: bs.Runs
) -> None:
    law, noise, method = case
    runs, true = made_by(law, noise, complete)
    posterior = bs.fit(runs, law=law, noise=noise, method=method)
    found = np.median(
        predicted(law, {p.name: posterior.draws(p.name) for p in law.parameters}, runs), axis=0
    )
    # Counts of 30 answers scatter by 2/√30 and more on log odds; a fit of few parameters is nearer
    # than single runs.
    scatter = 2 / np.sqrt(30) if is_of_counts(noise) else SCATTER
    assert np.sqrt(np.mean((found - true) ** 2)) < scatter


@pytest.mark.parametrize("law", instances("laws"), ids=describe)
@float64
def test_the_mode_of_runs_that_a_law_made_finds_the_law_again(law: Any, complete: bs.Runs) -> None:
    runs, true = made_by(law, bs.noise.Normal(), complete)
    problem = Problem.build(runs, law, bs.noise.Normal())
    mode = find_mode(problem, seed=0)
    unconstrained = problem.target.recorrelate(list(mode.coordinates))
    in_data_units = problem.target.constrain(unconstrained, problem.data.sweep)
    own = {name: np.asarray(value) for name, value in in_data_units.items()}
    found = predicted(law, law.rescale(own, problem.units), runs)
    assert np.sqrt(np.mean((found - true) ** 2)) < SCATTER
    assert (np.linalg.eigvalsh(mode.inverse_hessian) > 0).all()


def refusals() -> list[Any]:
    """Every refused case as a parameter of tests: by default those that are the first in which a
    message meets a law, a noise model or a method, the others with ``-m slow``.
    """
    met: set[tuple[str | None, str]] = set()
    found = []
    for case in REFUSED:
        message = refusal(*case)
        pairs = {(message, name) for name in named(case)}
        marks = pytest.mark.slow if pairs <= met else ()
        met |= pairs
        found.append(pytest.param(*case, id="-".join(map(describe, case)), marks=marks))
    return found


@pytest.mark.parametrize(("law", "noise", "method"), refusals())
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
