"""`Importance`: the posterior that a Markov chain finds, many problems in one call, and NUTS where
it cannot be trusted.
"""

import warnings

import jax
import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.inference import _conditional_modes, _population, _weighing
from bayescale.inference._conditional import Weighable
from bayescale.inference._conditional_modes import Conditional, End, Mode, Programs
from bayescale.inference._coordinates import decorrelate_points
from bayescale.inference._mixture import Mixture
from bayescale.inference._pool import Pool
from bayescale.inference.base import Problem
from bayescale.inference.importance import _resampled, _whitened
from tests.inference.conftest import TRUTH, discrepancies

FEW = bs.Importance(draws=500)


def simulated(seed: int) -> bs.Runs:
    return bs.datasets.simulate(seed=seed, noise=0.01)


def problem(runs: bs.Runs) -> Problem:
    return Problem.build(runs, bs.laws.Chinchilla(), bs.noise.Normal())


@pytest.fixture(scope="module")
def weighed(sweep: bs.Runs) -> bs.Posterior:
    return bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Importance())


def assert_within_a_tenth_of_a_standard_deviation(
    weighed: bs.Posterior, chains: bs.Posterior
) -> None:
    assert weighed.diagnostics["pareto_k"] < 0.7
    for name in chains.params:
        theirs, ours = (np.log(posterior.draws(name)) for posterior in (chains, weighed))
        assert ours.mean() == pytest.approx(theirs.mean(), abs=0.1 * theirs.std())
        assert ours.std() == pytest.approx(theirs.std(), rel=0.1)


def test_it_agrees_with_nuts_within_a_tenth_of_a_standard_deviation(
    weighed: bs.Posterior, chains: bs.Posterior
) -> None:
    assert_within_a_tenth_of_a_standard_deviation(weighed, chains)


@pytest.mark.slow
def test_it_agrees_with_nuts_under_heavy_tails_too(sweep: bs.Runs) -> None:
    noise = bs.noise.StudentT()
    chains, weighed = (
        bs.fit(sweep, law=bs.laws.Chinchilla(), noise=noise, method=method)
        for method in (bs.NUTS(), bs.Importance())
    )
    assert_within_a_tenth_of_a_standard_deviation(weighed, chains)


def test_it_agrees_with_nuts_within_monte_carlo_error_where_the_posterior_is_nearly_normal(
    weighed: bs.Posterior, chains: bs.Posterior
) -> None:
    assert max(map(abs, discrepancies(chains, weighed).values())) < 4


@pytest.mark.slow
def test_a_law_in_one_variable_is_drawn_too(sweep: bs.Runs) -> None:
    law, noise = bs.laws.PowerLaw(input="n_tokens", floor=False), bs.noise.Normal()
    chains, weighed = (
        bs.fit(sweep, law=law, noise=noise, method=method)
        for method in (bs.NUTS(), bs.Importance())
    )
    assert max(map(abs, discrepancies(chains, weighed).values())) < 4


@pytest.mark.slow
def test_the_truth_lies_within_the_intervals_of_simulated_sweeps_about_as_often_as_they_say() -> (
    None
):
    with jax.enable_x64(True):
        problems = [problem(simulated(seed)) for seed in range(40)]
        posteriors = bs.Importance(draws=1000).run_all(problems)
    for name, truth in TRUTH.items():
        inside = [
            np.quantile(p.draws(name), 0.05) < truth < np.quantile(p.draws(name), 0.95)
            for p in posteriors
        ]
        # Of 40 intervals of 90 %, fewer than 29 hold the truth once in some thousand times.
        assert sum(inside) >= 29


@pytest.fixture(scope="module")
def problems(sweep: bs.Runs) -> list[Problem]:
    """Two sweeps with known standard errors, and the first again without."""
    known = [
        bs.Runs.from_frame(runs.frame.assign(loss_se=0.005 * runs.frame["loss"]))
        for runs in (sweep, simulated(4))
    ]
    return float64(lambda: [problem(runs) for runs in (*known, sweep)])()


@pytest.fixture(scope="module")
def together(problems: list[Problem]) -> list[bs.Posterior]:
    """Their posteriors, of one call."""
    return float64(FEW.run_all)(problems)


def test_many_problems_in_one_call_have_the_draws_of_each_alone(
    problems: list[Problem], together: list[bs.Posterior]
) -> None:
    alone = [float64(FEW.run)(one) for one in problems[:2]]
    for many, one in zip(together, alone, strict=False):
        assert many.diagnostics == pytest.approx(one.diagnostics, rel=1e-4)
        for name in one.params:
            # A draw that rounding moves across a boundary of the choice is another draw; all others
            # are equal.
            equal = np.isclose(np.sort(many.draws(name)), np.sort(one.draws(name)), rtol=1e-5)
            assert equal.mean() > 0.98


def test_the_posterior_of_each_problem_comes_in_its_place(
    problems: list[Problem], together: list[bs.Posterior]
) -> None:
    assert [p.provenance["data_sha256"] for p in together] == [one.runs.sha256 for one in problems]


def test_runs_with_and_without_standard_errors_share_a_call(
    together: list[bs.Posterior],
) -> None:
    with_errors, _, without = together
    assert np.hypot(np.median(with_errors.draws("sigma")), 0.005) == pytest.approx(
        np.median(without.draws("sigma")), rel=0.05
    )


def test_the_same_seed_gives_the_same_draws_whatever_the_order_of_the_rows(sweep: bs.Runs) -> None:
    shuffled = bs.Runs.from_frame(sweep.frame.sample(frac=1, random_state=1))
    one, two = (
        bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=FEW)
        for runs in (sweep, shuffled)
    )
    for name in one.params:
        np.testing.assert_array_equal(one.params[name], two.params[name])


@pytest.mark.slow
def test_another_seed_gives_other_draws_and_nearly_the_same_evidence(sweep: bs.Runs) -> None:
    one, two = (
        bs.fit(
            sweep,
            law=bs.laws.Chinchilla(),
            noise=bs.noise.Normal(),
            method=bs.Importance(seed=seed),
        )
        for seed in (0, 1)
    )
    assert not np.intersect1d(one.draws("alpha"), two.draws("alpha")).size
    assert one.diagnostics["log_evidence"] == pytest.approx(
        two.diagnostics["log_evidence"], abs=0.05
    )


@pytest.mark.parametrize(("limit", "value"), [("LARGEST_K", -np.inf), ("ESS_LIMIT", np.inf)])
def test_where_its_weights_cannot_be_trusted_chains_draw_and_the_diagnostics_say_so(
    sweep: bs.Runs,
    weighed: bs.Posterior,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: float,
) -> None:
    monkeypatch.setattr(_weighing, limit, value)
    sampled = bs.fit(
        sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Importance()
    )
    assert sampled.diagnostics["ess_chains"] > 400
    assert_within_a_tenth_of_a_standard_deviation(weighed, sampled)


def test_where_chains_cannot_be_trusted_either_nuts_samples_and_the_diagnostics_say_so(
    sweep: bs.Runs, chains: bs.Posterior, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_weighing, "ESS_LIMIT", np.inf)
    monkeypatch.setattr(_population.Population, "reliable", lambda population, fewest: False)
    sampled = bs.fit(
        sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Importance()
    )
    why = {"pareto_k", "ess_importance", "ess_chains"}
    assert set(sampled.diagnostics) == why | {
        "rhat_max",
        "ess_bulk_min",
        "ess_tail_min",
        "divergences",
    }
    assert all(np.isfinite(sampled.diagnostics[name]) for name in why)
    np.testing.assert_array_equal(sampled.params["alpha"], chains.params["alpha"])


def test_runs_that_say_nothing_of_one_term_are_drawn_or_sampled_and_never_fail(
    sweep: bs.Runs,
) -> None:
    one_size = bs.Runs(sweep.frame.assign(n_params=1e9))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", bs.FitWarning
        )  # chains may complain of so loose a posterior
        posterior = bs.fit(
            one_size, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Importance()
        )
    # The prior of the exponent's logarithm has an sd of 0.4.
    assert np.log(posterior.draws("alpha")).std() == pytest.approx(0.4, rel=0.2)


def test_the_last_round_grows_until_as_many_proposals_are_effective_as_an_answer_needs() -> None:
    rng, wide = np.random.default_rng(0), 9.0 * np.eye(3)[None]
    found = Weighable(np.zeros(()), np.zeros(()), np.zeros(()))

    def round_of(proposal: Mixture, size: int) -> tuple[np.ndarray, np.ndarray, Weighable]:
        points = proposal.draw(size, rng)
        return points, -np.sum(points**2, axis=0) / 2, found

    pool = Pool(Mixture.about(np.zeros((1, 3)), wide, np.ones(1)))
    grown, parts = FEW._last_round(pool, round_of)
    assert len(parts) > 1
    assert grown.weighed.reliable


@float64
def test_some_of_many_runs_weigh_what_all_of_them_do_and_hold_the_cheapest_and_the_dearest() -> (
    None
):
    whole = problem(bs.datasets.simulate(seed=0, sizes_per_budget=20))
    some = whole.thinned(24)
    assert some.weights.shape == some.data.observed.shape == (24, 1)
    assert float(some.weights.sum()) == pytest.approx(len(whole.runs))
    compute = np.asarray(whole.data.conditions.compute_decades)[: len(whole.runs)]
    kept = np.asarray(some.data.conditions.compute_decades)
    assert (kept.min(), kept.max()) == (compute.min(), compute.max())


@float64
def test_modes_of_many_rows_that_are_searched_on_a_sample_are_those_of_a_search_over_all(
    sweep: bs.Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    conditional = Conditional(problem(sweep), Programs.of(problem(sweep)))
    over_all = conditional.modes(0)[0]
    monkeypatch.setattr(_conditional_modes, "_MANY_ROWS", 16)
    monkeypatch.setattr(_conditional_modes, "_SAMPLE", 16)
    by_sample = conditional.modes(0)[0]
    assert by_sample.value == pytest.approx(over_all.value, abs=0.01)
    np.testing.assert_allclose(by_sample.noise, over_all.noise, atol=0.02)


@float64
def test_another_mode_keeps_its_place_in_the_coordinates_of_the_highest(sweep: bs.Runs) -> None:
    conditional = Conditional(problem(sweep), Programs.of(problem(sweep)))
    highest = conditional.modes(0)[0]
    moved = np.array([0.01, -0.02, 0.03, 0.01, -0.01])
    elsewhere = np.asarray(highest.linearisation.law) + moved
    other = highest._replace(linearisation=highest.linearisation._replace(law=elsewhere))
    point = _whitened(conditional, highest, other)[:, None]
    found = conditional.weigh(highest.linearisation, point, np.zeros((0, 1)))
    parametrisation = conditional.problem.target.parametrisation
    there = np.asarray(decorrelate_points(parametrisation, found.unconstrained.T))[0]
    np.testing.assert_allclose(there[:5], elsewhere, atol=1e-8)


@float64
def test_modes_are_the_highest_first(sweep: bs.Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [End(value, np.zeros(6), np.zeros(0)) for value in (3.0, 1.0, 2.0)]

    def settled(conditional: Conditional, end: End) -> Mode:
        return Mode(mode.linearisation, mode.noise, end.value, mode.hessian)

    conditional = Conditional(problem(sweep), Programs.of(problem(sweep)))
    mode = conditional.modes(0)[0]
    monkeypatch.setattr(Conditional, "_ends", lambda conditional, seed: ends)
    monkeypatch.setattr(Conditional, "_settled", settled)
    assert [mode.value for mode in conditional.modes(0)] == [1.0, 2.0, 3.0]


def test_of_a_pair_of_coefficients_the_one_of_higher_density_is_taken_as_often() -> None:
    coefficients = np.array([[[1.0, 1.0]], [[-1.0, -1.0]]])
    log_density = np.log([[3.0, 1e-30], [1.0, 1.0]])
    found = Weighable(np.zeros((1, 2)), coefficients, log_density)
    chosen = np.repeat([0, 1], 4000)
    _, taken = _resampled(found, chosen, np.random.default_rng(0))
    assert np.mean(taken[:4000] > 0) == pytest.approx(0.75, abs=0.03)
    assert np.all(taken[4000:] < 0)


def test_even_one_draw_may_be_asked_for(sweep: bs.Runs) -> None:
    assert (
        bs.fit(
            sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Importance(draws=1)
        ).n_draws
        == 1
    )


def test_no_draws_are_bad_input(sweep: bs.Runs) -> None:
    with pytest.raises(bs.InputError, match="importance: draws=0 must be at least 1"):
        bs.fit(
            sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Importance(draws=0)
        )
