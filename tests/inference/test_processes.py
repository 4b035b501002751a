"""Posteriors of noise models with processes, held against other ways to the same numbers."""

import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from numpyro.infer import MCMC
from numpyro.infer import NUTS as StockNUTS

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.inference import _programs
from bayescale.inference.base import Problem
from bayescale.noise import ComputeScale, Discrepancy, GroupEffects, Normal
from bayescale.processes import IntegratedWiener, Matern
from bayescale.processes.base import locate
from tests.inference.conftest import PROBABILITIES

NOISE = Discrepancy(Normal(), (IntegratedWiener(scale=0.005), Matern(scale=0.02)))
TWO_CHAINS = bs.NUTS(chains=2, seed=1)


def bent_sweep(seed: int = 3) -> bs.Runs:
    """30 runs whose loss departs from the law by two per cent at the ends of the sweep and less
    between.
    """
    sweep = bs.datasets.simulate(seed, noise=0.004, sizes_per_budget=6)
    decades = np.log10(sweep.column("flops"))
    decades -= decades.mean()
    return bs.Runs.from_frame(
        sweep.frame.assign(loss=sweep.frame["loss"] * np.exp(0.02 * np.cos(1.5 * decades)))
    )


def marginal_model(target: Any, data: Any, count: int) -> None:
    """Declare the same model with the processes integrated out, as one Normal of all runs."""
    params = {p.name: numpyro.sample(p.name, p.prior) for p in target.parameters}
    prediction = target.law.predict(params, data.log_inputs)[:count, 0]
    covariance = params["sigma"] ** 2 * jnp.eye(count)
    for process, functions in zip(target.noise.shared, data.features, strict=True):
        covariance = (
            covariance
            + params[process.amplitude.name] ** 2 * functions[:count] @ functions[:count].T
        )
    numpyro.sample(
        "observed", dist.MultivariateNormal(prediction, covariance), obs=data.observed[:count, 0]
    )


@pytest.mark.slow
def test_sampling_functions_gives_the_posterior_that_integrating_them_out_gives() -> None:
    runs = bent_sweep()
    with warnings.catch_warnings(
        action="ignore", category=bs.FitWarning
    ):  # a divergence or two in 4,000 is no matter here
        ours = bs.fit(runs, law=bs.laws.Chinchilla(), noise=NOISE)
    assert ours.diagnostics["rhat_max"] < 1.01
    with jax.enable_x64(True):
        problem = Problem.build(runs, bs.laws.Chinchilla(), NOISE)
        mcmc = MCMC(
            StockNUTS(marginal_model, target_accept_prob=0.95),
            num_warmup=1000,
            num_samples=3000,
            progress_bar=False,
        )
        mcmc.run(jax.random.key(2), problem.target, problem.data, len(runs))
        theirs = problem.target.law.rescale(mcmc.get_samples(), problem.units)
    for name, values in ours.params.items():
        other = np.asarray(theirs[name])[None]
        for p in PROBABILITIES:
            below = [draws <= np.quantile(other, p) for draws in (values, other)]
            error = np.sqrt(
                p * (1 - p) * sum(1 / float(array_stats.ess(one, method="mean")) for one in below)
            )
            assert below[0].mean() == pytest.approx(p, abs=4 * error), (name, p)


@pytest.mark.slow
@float64
def test_departures_drawn_are_those_that_a_gaussian_process_has_given_the_parameters() -> None:
    runs = bent_sweep()
    posterior = bs.fit(
        runs, law=bs.laws.Chinchilla(), noise=NOISE, method=bs.NUTS(draws=2000, seed=1)
    )
    at = posterior.bases
    residual = np.log(runs.column("loss")) - posterior.log_law().reshape(-1, len(runs))
    drawn = posterior.log_departure().reshape(-1, len(runs))
    expected = np.zeros_like(drawn)
    features = [basis.features(locate(runs, ("n_params", "n_tokens"))) for basis in at]
    for draw in range(0, len(drawn), 8):
        shared = sum(
            posterior.draws(basis.process.amplitude.name)[draw] ** 2 * f @ f.T
            for basis, f in zip(at, features, strict=True)
        )
        whole = shared + posterior.draws("sigma")[draw] ** 2 * np.eye(len(runs))
        expected[draw] = shared @ np.linalg.solve(whole, residual[draw])
    gaps = (drawn - expected)[::8]
    # The draws' own scatter about what is expected of them averages out over 1,000 of them.
    np.testing.assert_allclose(
        gaps.mean(axis=0), 0.0, atol=5 * gaps.std(axis=0).max() / np.sqrt(len(gaps) / 3)
    )


@pytest.fixture(scope="module")
def bent() -> bs.Posterior:
    """The posterior of the bent sweep."""
    return bs.fit(bent_sweep(), law=bs.laws.Chinchilla(), noise=NOISE, method=TWO_CHAINS)


class Second(NamedTuple):
    """The posterior of a sweep without a bend, fitted after the bent one, and how many samplers
    that compiled.
    """

    posterior: bs.Posterior
    compiled: int


@pytest.fixture(scope="module")
def second(bent: bs.Posterior) -> Second:
    straight = bs.datasets.simulate(3, noise=0.004, sizes_per_budget=6)
    before = _programs.programs_compiled()
    posterior = bs.fit(straight, law=bs.laws.Chinchilla(), noise=NOISE, method=TWO_CHAINS)
    return Second(posterior, _programs.programs_compiled() - before)


def test_a_second_fit_with_processes_compiles_nothing(second: Second) -> None:
    assert second.compiled == 0


def test_a_discrepancy_sees_the_bend_that_is_there_and_none_where_there_is_none(
    bent: bs.Posterior, second: Second
) -> None:
    plain = second.posterior
    assert np.median(bent.draws("drift_sd")) > 2 * np.median(plain.draws("drift_sd"))
    of_bent, of_plain = (fit.log_departure().reshape(-1, 30) for fit in (bent, plain))
    assert np.abs(of_bent.mean(axis=0) / of_bent.std(axis=0)).max() > 1.5
    assert np.abs(of_plain.mean(axis=0) / of_plain.std(axis=0)).max() < 0.5
    seen = bent.log_departure().mean(axis=(0, 1)) + bent.log_law().mean(axis=(0, 1))
    truth = np.log(bent_sweep().column("loss"))
    assert np.std(truth - seen) < 0.005


def test_intervals_widen_with_the_distance_from_the_runs_as_the_law_alone_does_not(
    bent: bs.Posterior,
) -> None:
    near, far = (
        bs.forecast(bent, n_params=n, n_tokens=20 * n).summary().eval("q95 / q05").item() - 1
        for n in (2e9, 2e12)
    )
    assert far > 2 * near


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayescale.errors.FitWarning")  # few draws are enough to see it
def test_group_effects_find_the_groups_their_spread_and_the_scatter_within() -> None:
    rng = np.random.default_rng(0)
    sweep = bs.datasets.simulate(
        5, noise=0.004, budgets=np.geomspace(1e18, 1e22, 12), sizes_per_budget=8
    )
    group = rng.permutation(np.repeat(np.arange(24), 4))
    effects = 0.02 * rng.standard_normal(24)
    frame = sweep.frame.assign(
        group=[f"g{g}" for g in group], loss=sweep.frame["loss"] * np.exp(effects[group])
    )
    runs = bs.Runs.from_frame(pd.DataFrame(frame))
    posterior = bs.fit(
        runs,
        law=bs.laws.Chinchilla(),
        noise=GroupEffects(Normal()),
        method=bs.NUTS(chains=2, draws=500),
    )
    low, high = np.quantile(posterior.draws("group_sd"), [0.01, 0.99])
    assert low < effects.std() < high
    assert np.median(posterior.draws("sigma")) == pytest.approx(0.004, rel=0.3)
    found = posterior.log_departure().mean(axis=(0, 1))
    true = effects[[int(label[1:]) for label in runs.frame["group"]]]
    assert np.corrcoef(found, true)[0, 1] > 0.97


@pytest.mark.slow
def test_a_scale_that_falls_with_compute_is_found() -> None:
    sweep = bs.datasets.simulate(5, noise=0.0, sizes_per_budget=20)
    decades = np.log10(sweep.column("flops"))
    scatter = 0.01 * 10 ** (-0.3 * (decades - decades.mean()))
    noisy = sweep.frame["loss"] * np.exp(
        scatter * np.random.default_rng(2).standard_normal(len(sweep))
    )
    posterior = bs.fit(
        bs.Runs.from_frame(sweep.frame.assign(loss=noisy)),
        law=bs.laws.Chinchilla(),
        noise=ComputeScale(Normal()),
    )
    low, high = np.quantile(posterior.draws("scale_slope"), [0.005, 0.995])
    assert low < 0.3 < high
    assert high - low < 0.4
