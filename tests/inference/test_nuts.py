"""`NUTS`: the right posterior, and honest about itself."""

import jax
import numpy as np
import pytest
from numpyro.handlers import seed, trace
from numpyro.infer import MCMC
from numpyro.infer import NUTS as StockNUTS

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.inference import _mode, _programs
from bayescale.inference.base import Problem
from bayescale.inference.multistart import MultiStart
from tests.conftest import with_every_column
from tests.inference.test_contract import made_by


def test_it_agrees_with_numpyros_own_sampler_on_the_same_model(
    sweep: bs.Runs, chains: bs.Posterior
) -> None:
    with jax.enable_x64(True):
        problem = Problem.build(sweep, bs.laws.Chinchilla(), bs.noise.Normal())
        mcmc = MCMC(StockNUTS(_mode.model), num_warmup=1000, num_samples=2000, progress_bar=False)
        mcmc.run(jax.random.key(1), problem.target, problem.data, problem.weights)
        stock = problem.target.law.rescale(mcmc.get_samples(), problem.units)
    for name in ("E", "alpha", "beta", "sigma"):
        ours, theirs = chains.draws(name), np.asarray(stock[name])
        assert ours.mean() == pytest.approx(theirs.mean(), abs=0.2 * theirs.std())
        assert ours.std() == pytest.approx(theirs.std(), rel=0.15)


@pytest.mark.slow
def test_it_agrees_with_least_squares_where_data_are_many() -> None:
    runs = bs.datasets.simulate(seed=5, noise=0.003, sizes_per_budget=60)
    post = bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.Normal())
    point = bs.fit(
        runs, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.MultiStart(starts=300)
    )
    for name in post.params:
        assert post.draws(name).mean() == pytest.approx(
            point.draws(name).item(), abs=0.5 * post.draws(name).std()
        )


@pytest.mark.slow
def test_the_mode_is_the_one_that_multistart_finds_by_other_means(sweep: bs.Runs) -> None:
    with jax.enable_x64(True):
        for noise in (bs.noise.Normal(), bs.noise.StudentT()):
            problem = Problem.build(sweep, bs.laws.Chinchilla(), noise)
            mode = _mode.find_mode(problem, seed=0)
            energy = _mode.potential(problem.target, mode.coordinates, mode.setting)
            assert float(energy) == pytest.approx(
                MultiStart(starts=500).search(problem).value, abs=1e-6
            )


@float64
def test_a_search_that_steps_to_where_the_density_is_zero_comes_back_without_a_warning(
    sweep: bs.Runs,
) -> None:
    problem = Problem.build(with_every_column(sweep), bs.laws.Vocabulary(), bs.noise.Normal())
    setting, (centre, width) = _mode.without_processes(problem), problem.target.prior_location_scale
    own = centre + 2 * width * np.random.default_rng(48).standard_normal(len(centre))
    far = np.stack(problem.target.decorrelate(list(own)))
    mode = _mode.find_mode(problem, seed=0)
    least, _ = _mode.value_and_gradient(problem.target, mode.coordinates, setting)
    assert _mode._descended(problem.target, far, setting)[1] == pytest.approx(least, abs=1e-6)


@float64
def test_a_mode_where_slopes_jump_has_a_spread_though_the_density_ends_nearby(
    sweep: bs.Runs,
) -> None:
    law, noise = bs.laws.Farseer(), bs.noise.Laplace()
    runs, _ = made_by(law, noise, with_every_column(sweep))
    mode = _mode.find_mode(Problem.build(runs, law, noise), seed=0)
    assert (np.linalg.eigvalsh(mode.inverse_hessian) > 0).all()


def test_its_diagnostics_are_good_and_said(chains: bs.Posterior) -> None:
    assert chains.problems == ()
    assert chains.diagnostics["rhat_max"] <= 1.01
    assert min(chains.diagnostics["ess_bulk_min"], chains.diagnostics["ess_tail_min"]) >= 400
    assert chains.diagnostics["divergences"] == 0


def test_too_few_draws_are_a_problem_that_is_named_and_warned_of(sweep: bs.Runs) -> None:
    with pytest.warns(bs.FitWarning) as warned:
        rough = bs.fit(
            sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.NUTS(draws=50)
        )
    assert any(
        "below 400" in str(problem) and "Use more draws" in str(problem)
        for problem in rough.problems
    )
    assert [f"{sweep.name}: {problem}" for problem in rough.problems] == [
        str(one.message) for one in warned
    ]


def test_the_model_has_one_named_site_a_parameter_and_the_observed_losses(sweep: bs.Runs) -> None:
    with jax.enable_x64(True):
        problem = Problem.build(sweep, bs.laws.Chinchilla(), bs.noise.StudentT())
        sites = trace(seed(_mode.model, 0)).get_trace(problem.target, problem.data, problem.weights)
    sampled = [
        name for name, site in sites.items() if site["type"] == "sample" and not site["is_observed"]
    ]
    assert sampled == ["E", "A", "B", "alpha", "beta", "sigma", "nu"]
    assert sites["observed"]["is_observed"]


def test_a_second_fit_of_the_same_shape_compiles_nothing(sweep: bs.Runs) -> None:
    other = bs.datasets.simulate(seed=11, noise=0.01)
    bs.fit(other, law=bs.laws.Chinchilla(), noise=bs.noise.Normal())
    before = _programs.programs_compiled()
    bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Normal())
    assert _programs.programs_compiled() == before


def test_chains_have_their_own_draws_and_statistics(chains: bs.Posterior) -> None:
    assert chains.params["alpha"].shape == (4, 1000)
    assert len({chain.tobytes() for chain in chains.params["alpha"]}) == 4
    assert set(chains.sample_stats) == {"diverging", "n_steps", "acceptance_rate", "energy"}
    assert all(values.shape == (4, 1000) for values in chains.sample_stats.values())


def test_no_draws_are_bad_input(sweep: bs.Runs) -> None:
    with pytest.raises(bs.InputError, match="draws=0 and warmup=500 must be at least 1"):
        bs.fit(sweep, law=bs.laws.Chinchilla(), method=bs.NUTS(draws=0))


def test_under_laplace_noise_whose_slopes_jump_at_the_mode_chains_walk_as_well(
    sweep: bs.Runs,
) -> None:
    posterior = bs.fit(sweep, law=bs.laws.Chinchilla(), noise=bs.noise.Laplace(), method=bs.NUTS())
    assert posterior.problems == ()
    assert posterior.diagnostics["ess_bulk_min"] > 1000
