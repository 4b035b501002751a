"""Law and coefficients given the noise: where scatter is Normal the density is that of one Normal
of all runs, elsewhere its average over draws is, and what comes of it is what is true of it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from scipy.stats import t as student_t

import bayescale as bs
from bayescale._internal.compiling import Use
from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.inference._conditional import Linearisation, Weighable, linearise, weighable
from bayescale.inference._conditional import _expansion as expanded_runs
from bayescale.inference._conditional_modes import Conditional, Programs
from bayescale.inference._coordinates import scored
from bayescale.inference.base import Problem
from bayescale.noise import (
    ComputeScale,
    Discrepancy,
    GroupEffects,
    KnownError,
    Normal,
    StudentT,
)
from bayescale.processes import IntegratedWiener, Matern, SharedEffect
from bayescale.processes.base import Locations
from tests.inference.conftest import discrepancies
from tests.inference.test_processes import bent_sweep

LAW = bs.laws.PowerLaw(input="n_tokens")
DRIFT = Discrepancy(Normal(), (IntegratedWiener(scale=0.1),))
NOISES = (
    DRIFT,
    Discrepancy(ComputeScale(Normal()), (IntegratedWiener(), Matern())),
    Discrepancy(KnownError(), (Matern(),)),
    Discrepancy(Normal(), (IntegratedWiener(), SharedEffect())),
)
TRUE = {"E": 1.0, "A": 30.0, "alpha": 0.2}
TOKENS = np.geomspace(1e8, 4e10, 40)
AHEAD = np.array([8e10, 1.6e11, 4e11])


def curve(seed: int, amplitude: float | None = None) -> tuple[bs.Runs, np.ndarray]:
    """A curve of known law that drifts, by an amplitude from its prior unless given; and the log
    losses that lie ahead.
    """
    rng = np.random.default_rng(seed)
    tokens = np.append(TOKENS, AHEAD)
    decades = np.log10(tokens) - np.log10(TOKENS).mean()
    nothing = np.array([""] * len(tokens))
    none = np.zeros(len(tokens))
    indices = Locations(decades[:, None], decades, nothing, log_size=none, shape_decades=none)
    covariance = IntegratedWiener().covariance(indices, indices)
    drift = (
        abs(0.1 * rng.standard_normal()) if amplitude is None else amplitude
    ) * rng.multivariate_normal(np.zeros(len(tokens)), covariance, method="svd")
    log_loss = (
        np.log(TRUE["E"] + TRUE["A"] * tokens ** -TRUE["alpha"])
        + drift
        + 0.005 * rng.standard_normal(len(tokens))
    )
    seen = pd.DataFrame({"n_tokens": TOKENS, "loss": np.exp(log_loss[: len(TOKENS)])})
    return bs.Runs.from_frame(seen, required=("n_tokens", "loss"), name=f"curve {seed}"), log_loss[
        len(TOKENS) :
    ]


def covariance_of(problem: Problem, params: dict[str, Any], rows: np.ndarray) -> np.ndarray:
    """Return the covariance of log losses of some runs, each with a scatter of its own."""
    noise, data = problem.target.noise, problem.data
    shared = sum(
        float(params[p.amplitude.name][0]) ** 2 * np.asarray(f)[rows] @ np.asarray(f)[rows].T
        for p, f in zip(noise.shared, data.features, strict=True)
    )
    scale = np.broadcast_to(
        noise.distribution(0.0, params, data.conditions).scale, (problem.padded_size, 1)
    )[rows, 0]
    return shared + np.diag(scale**2)


@pytest.fixture(scope="module")
def sweep() -> bs.Runs:
    """Thirty runs with errors, groups and weights, which are whole numbers."""
    runs = bent_sweep()
    more = {
        "loss_se": 0.004 * runs.frame["loss"],
        "group": [f"g{i % 5}" for i in range(len(runs))],
        "weight": np.arange(len(runs)) % 3 + 1.0,
    }
    return bs.Runs.from_frame(runs.frame.assign(**more))


def expanded(problem: Problem, unconstrained: np.ndarray) -> Linearisation:
    """Expand a problem about parameters, and coefficients of zero."""
    nothing = np.zeros(problem.n_functions)
    return linearise(problem.target, unconstrained, nothing, problem.data, problem.weights)


def weighed(
    problem: Problem, unconstrained: np.ndarray, points: np.ndarray, seed: int = 0
) -> Weighable:
    """Weigh points (η, φ), about parameters and coefficients of zero."""
    target, functions = problem.target, problem.n_functions
    expansion = expanded(problem, unconstrained)
    standard = np.random.default_rng(seed).standard_normal((functions, points.shape[1]))
    run = jax.jit(weighable, static_argnums=0, compiler_options=Use.BRIEF.options)
    return run(target, points, standard, problem.data, problem.weights, expansion)


def about_the_middle(problem: Problem, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Parameters near the middle of the priors, and points (η, φ) of that noise."""
    centre, width = problem.target.prior_location_scale
    rng, p = np.random.default_rng(seed), problem.target.n_predictive
    unconstrained = centre + 0.5 * width * rng.standard_normal(len(centre))
    noise = scored(problem.target.noise.parameters, unconstrained[p:])
    whitened = rng.standard_normal((p, count))
    return unconstrained, np.concatenate([whitened, np.repeat(noise[:, None], count, axis=1)])


def log_density_of_one_normal(problem: Problem, unconstrained: np.ndarray) -> float:
    """The log posterior of parameters with all runs jointly Normal, not normalised."""
    target, runs = problem.target, problem.runs
    rows = np.repeat(np.arange(len(runs)), runs.weights.astype(int))
    own = [jnp.array([c]) for c in unconstrained]
    params = target.constrain(own, problem.data.sweep)
    residual = np.asarray(target.residual(own, problem.data))[rows, 0]
    joint = multivariate_normal(cov=covariance_of(problem, params, rows))
    return float(joint.logpdf(residual) - sum(target.penalty(own))[0])


@pytest.mark.parametrize("noise", NOISES, ids=describe)
@float64
def test_under_normal_scatter_densities_differ_as_those_of_one_normal_of_all_runs(
    noise: Any, sweep: bs.Runs
) -> None:
    problem = Problem.build(sweep, bs.laws.Chinchilla(), noise)
    unconstrained, points = about_the_middle(problem, seed=0, count=3)
    found = weighed(problem, unconstrained, points)
    # Either coefficients of a pair give the density, without error.
    np.testing.assert_allclose(found.log_density[0], found.log_density[1], rtol=1e-9)
    # One noise for all points: the volume of the map from η, and of scores, is the same.
    ours = np.diff(found.log_density[0])
    expected = np.diff([log_density_of_one_normal(problem, u) for u in found.unconstrained.T])
    np.testing.assert_allclose(ours, expected, rtol=1e-7, atol=1e-7)


@float64
def test_the_volume_of_the_map_from_whitened_points_is_that_of_its_slopes(sweep: bs.Runs) -> None:
    problem = Problem.build(sweep, bs.laws.Chinchilla(), NOISES[1])
    target, p = problem.target, problem.target.n_predictive
    unconstrained, points = about_the_middle(problem, seed=1, count=1)
    expansion = expanded(problem, unconstrained)
    standard = np.zeros((problem.n_functions, 1))

    def parameters(point: Any) -> Any:
        found = weighable(
            target, point[:, None], standard, problem.data, problem.weights, expansion
        )
        there = found.unconstrained[:, 0]
        return there, (there, found.log_density[0, 0])

    # One program for the slopes and for what they are the slopes of.
    with_slopes = jax.jit(jax.jacfwd(parameters, has_aux=True), compiler_options=Use.BRIEF.options)
    slopes, (there, log_density) = with_slopes(points[:, 0])
    _, volume = np.linalg.slogdet(slopes)
    assert p < len(points)
    expected = log_density_of_one_normal(problem, np.asarray(there)) + volume
    assert float(log_density) == pytest.approx(expected, rel=1e-8)


@float64
def test_coefficients_have_the_mean_and_the_covariance_that_they_have_given_the_losses(
    sweep: bs.Runs,
) -> None:
    problem, count = Problem.build(sweep, bs.laws.Chinchilla(), NOISES[1]), 20_000
    target = problem.target
    unconstrained, points = about_the_middle(problem, seed=2, count=1)
    found = weighed(problem, unconstrained, np.repeat(points, count, axis=1))
    drawn = np.asarray(found.coefficients[0]).T
    own = [jnp.array([c]) for c in found.unconstrained[:, 0]]
    params, rows = (
        target.constrain(own, problem.data.sweep),
        np.repeat(np.arange(len(sweep)), sweep.weights.astype(int)),
    )
    functions = np.concatenate(
        [
            float(params[p.amplitude.name][0]) * np.asarray(f)[rows]
            for p, f in zip(target.noise.shared, problem.data.features, strict=True)
        ],
        axis=1,
    )
    gain = np.linalg.solve(covariance_of(problem, params, rows), functions).T
    residual = np.asarray(target.residual(own, problem.data))[rows, 0]
    np.testing.assert_allclose(drawn.mean(axis=0), gain @ residual, atol=5 / np.sqrt(count))
    np.testing.assert_allclose(
        np.cov(drawn.T), np.eye(functions.shape[1]) - gain @ functions, atol=0.05
    )


@dataclass(frozen=True)
class Doubled(SharedEffect):
    """Effects of groups, twice as large, and so functions that are two or zero."""

    def covariance(self, a: Locations, b: Locations) -> np.ndarray:
        return 4 * super().covariance(a, b)


@dataclass(frozen=True)
class DoubledOverlapping(Doubled):
    """The effects again, eliminated like those of any other process."""

    of_identity: ClassVar[bool] = False


@float64
def test_a_process_of_one_function_a_run_is_weighed_as_any_other_is(sweep: bs.Runs) -> None:
    found = []
    for effects in (Doubled(), DoubledOverlapping()):
        noise = Discrepancy(StudentT(nu=4.0), (effects, IntegratedWiener()))
        problem = Problem.build(sweep, bs.laws.Chinchilla(), noise)
        unconstrained, points = about_the_middle(problem, seed=0, count=3)
        found.append(weighed(problem, unconstrained, points))
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=1e-10)


@float64
def test_under_heavy_tails_the_average_over_draws_is_the_density_with_coefficients_integrated() -> (
    None
):
    # One group of its own for each of five runs, so that each coefficient is a one-dimensional
    # integral, done by quadrature.
    tokens = np.geomspace(1e8, 1e10, 5)
    loss = 2.0 + 100 * tokens**-0.25 * np.array([1.0, 1.02, 0.97, 1.0, 1.01])
    frame = pd.DataFrame({"n_tokens": tokens, "loss": loss, "group": list("abcde")})
    runs = bs.Runs.from_frame(frame, required=("n_tokens", "loss"))
    problem = Problem.build(runs, LAW, GroupEffects(StudentT(nu=4.0)))
    target = problem.target
    conditional = Conditional(problem, Programs.of(problem))
    mode, count, p = conditional.modes(0)[0], 20_000, target.n_predictive
    rng = np.random.default_rng(0)
    both = [np.concatenate([rng.standard_normal(p), mode.noise]) for _ in range(2)]
    points = np.repeat(np.stack(both, axis=1), count, axis=1)
    standard = rng.standard_normal((problem.n_functions, 2 * count))
    found = conditional.weigh(mode.linearisation, points, standard)
    ours = logsumexp(found.log_density.reshape(2, 2, count), axis=(0, 2))

    def integrated(point: np.ndarray) -> float:
        own = [jnp.array([c]) for c in point]
        params = {
            name: float(value[0])
            for name, value in target.constrain(own, problem.data.sweep).items()
        }
        residual = np.asarray(target.residual(own, problem.data))[: len(runs), 0]
        z = np.linspace(-8, 8, 4001)
        weight = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
        t = student_t(4.0, scale=params["sigma"])
        likelihood = t.pdf(residual[:, None] - params["group_sd"] * z) @ weight
        return float(np.log(likelihood).sum() - sum(target.penalty(own))[0])

    expected = np.diff([integrated(u) for u in found.unconstrained[:, [0, count]].T])
    np.testing.assert_allclose(np.diff(ours), expected, atol=0.08)


@float64
def test_runs_scattered_with_tails_are_expanded_by_their_mean_slope_and_curvature() -> None:
    runs, _ = curve(3)
    problem = Problem.build(runs, LAW, Discrepancy(StudentT(nu=4.0), (IntegratedWiener(),)))
    target = problem.target
    centre, _ = target.prior_location_scale
    columns = list(centre[:, None])
    sigma = float(target.constrain(columns, problem.data.sweep)["sigma"][0])
    size = problem.padded_size
    e = sigma * np.linspace(-1.5, 1.5, size)[:, None]
    expansion = expanded(problem, centre)._replace(unexplained=e, leverage=np.full((size, 1), 0.3))
    # A leverage of nearly nothing leaves the curvature at e itself.
    at_point = expansion._replace(leverage=np.zeros((size, 1)))
    whole = np.ones((size, 1))
    slope, curvature = expanded_runs(target, columns, problem.data, whole, expansion)
    _, local = expanded_runs(target, columns, problem.data, whole, at_point)

    nodes, shares = np.polynomial.hermite_e.hermegauss(41)
    deviation = np.sqrt(0.3 / np.asarray(local))
    u = e + deviation * nodes
    slopes = 5 * u / (4 * sigma**2 + u**2)
    mean = slopes @ shares / shares.sum()
    bent = slopes @ (shares * nodes) / shares.sum() / deviation[:, 0]
    np.testing.assert_allclose(slope[:, 0], mean, rtol=0.03, atol=0.01 / sigma)
    np.testing.assert_allclose(curvature[:, 0], bent, rtol=0.03, atol=0.04 / sigma**2)


@float64
def test_a_damped_prior_is_as_much_more_precise_and_pulls_as_it_did() -> None:
    rng, none = np.random.default_rng(0), np.zeros((1, 1))
    slopes, residual = rng.standard_normal((3, 3)), rng.standard_normal(3)
    plain = Linearisation(np.zeros(3), none, none, none, slopes, residual, none)
    found = plain.damped(3.0)
    precision = found.prior_slopes.T @ found.prior_slopes
    np.testing.assert_allclose(precision, 4 * slopes.T @ slopes)
    np.testing.assert_allclose(found.prior_slopes.T @ found.prior_residual, slopes.T @ residual)


def test_a_run_that_alone_says_what_its_group_is_has_all_leverage() -> None:
    frame = curve(4)[0].frame.head(6).assign(group=list("aaaaab"))
    runs = bs.Runs.from_frame(frame, required=("n_tokens", "loss"))
    problem = Problem.build(runs, LAW, GroupEffects(Normal()))
    unconstrained, _ = problem.target.prior_location_scale
    parameters = problem.target.noise.parameters
    wide = [parameter.name == "group_sd" for parameter in parameters]
    unconstrained[problem.target.n_predictive :] += 8.0 * np.array(wide)
    leverage = np.asarray(expanded(problem, unconstrained).leverage)[: len(runs), 0]
    alone = runs.frame["group"].to_numpy() == "b"
    assert leverage[alone] == pytest.approx(1.0, abs=0.02)
    assert (leverage[~alone] < 0.9).all()


@pytest.mark.slow
def test_curves_of_one_call_have_the_draws_of_each_alone_though_they_have_other_sizes() -> None:
    long, _ = curve(1)
    short = bs.Runs(long.frame.iloc[::4], name="short")
    method = bs.Importance(draws=500)
    with jax.enable_x64(True):
        problems = [Problem.build(runs, LAW, DRIFT) for runs in (long, short)]
        together = method.run_all(problems)
        alone = [method.run(one) for one in problems]
    for many, one in zip(together, alone, strict=True):
        assert many.diagnostics == pytest.approx(one.diagnostics, rel=1e-4)
        assert many.coefficients.shape == one.coefficients.shape
        # A draw that rounding moves across a boundary of the choice is another draw; all others are
        # equal.
        assert (
            np.isclose(
                np.sort(many.draws("drift_sd")), np.sort(one.draws("drift_sd")), rtol=1e-5
            ).mean()
            > 0.98
        )


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_a_fit_with_departures_that_is_saved_and_loaded_forecasts_the_same(tmp_path: Any) -> None:
    posterior = bs.fit(curve(2)[0], law=LAW, noise=DRIFT, method=bs.Importance(draws=500))
    again = bs.load(posterior.save(tmp_path / "fit.nc"))
    forecasts = [bs.forecast(one, n_tokens=AHEAD).draws for one in (posterior, again)]
    np.testing.assert_array_equal(*forecasts)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_it_agrees_with_nuts_within_monte_carlo_error() -> None:
    runs, _ = curve(3, amplitude=0.1)
    chains, weighed = (
        bs.fit(runs, law=LAW, noise=DRIFT, method=method)
        for method in (bs.NUTS(draws=2000), bs.Importance())
    )
    assert weighed.diagnostics["pareto_k"] < 0.7
    assert max(map(abs, discrepancies(chains, weighed).values())) < 4
    theirs, ours = (
        posterior.log_departure().reshape(-1, len(runs)) for posterior in (chains, weighed)
    )
    np.testing.assert_allclose(
        ours.mean(axis=0), theirs.mean(axis=0), atol=0.1 * theirs.std(axis=0).max()
    )
    np.testing.assert_allclose(ours.std(axis=0), theirs.std(axis=0), rtol=0.15)


@pytest.mark.slow
def test_what_lies_ahead_of_curves_that_drift_is_in_its_intervals_about_as_often_as_they_say() -> (
    None
):
    # Amplitudes come from their prior; the law is fixed, so coverage need not be exact.
    seen, ahead = zip(*map(curve, range(120)), strict=True)
    batch = bs.batch(seen, laws=[LAW], noises=[DRIFT], method=bs.Importance(draws=1000))
    inside: dict[float, list[np.ndarray]] = {0.5: [], 0.9: []}
    exponent = []
    for posterior, log_loss in zip(batch.posteriors.values(), ahead, strict=True):
        draws = np.log(bs.forecast(posterior, n_tokens=AHEAD).draws)
        for share, found in inside.items():
            low, high = np.quantile(draws, [(1 - share) / 2, (1 + share) / 2], axis=0)
            found.append((low < log_loss) & (log_loss < high))
        low, high = np.quantile(posterior.draws("alpha"), [0.05, 0.95])
        exponent.append(low < TRUE["alpha"] < high)
    # Of 120, four standard deviations of the share are 0.18 at a half and 0.11 at nine in ten.
    assert np.mean(inside[0.5], axis=0) == pytest.approx(0.5, abs=0.18)
    assert np.mean(inside[0.9], axis=0) == pytest.approx(0.9, abs=0.11)
    assert np.mean(exponent) >= 0.8
