"""Whitened coordinates: the density is that of the plain model, and walking in them is easy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array
from scipy.stats import halfnorm, lognorm, multivariate_normal, norm

import bayescale as bs
from bayescale._internal.compiling import Use, jit_for
from bayescale._internal.precision import float64
from bayescale.inference._coordinates import Whitening
from bayescale.inference._mode import (
    Mode,
    Setting,
    find_mode,
    potential_and_gradient,
    unwhitened,
)
from bayescale.inference.base import Problem, Target
from bayescale.noise import (
    AsymmetricStudentT,
    ComputeScale,
    Discrepancy,
    GroupEffects,
    KnownError,
    Normal,
)
from bayescale.processes import IntegratedWiener, Matern

CASES = {
    "normal": (bs.laws.Chinchilla(), Discrepancy(Normal(), (IntegratedWiener(), Matern()))),
    "student_t": (bs.laws.Coupled(), Discrepancy()),
    "skewed": (bs.laws.Chinchilla(tied=True), GroupEffects(ComputeScale(AsymmetricStudentT()))),
    "known errors": (
        bs.laws.PowerLaw(floor=False),
        Discrepancy(KnownError(), (Matern(length=1.5),)),
    ),
}


@pytest.fixture(scope="module")
def runs(sweep: bs.Runs) -> bs.Runs:
    return bs.Runs.from_frame(sweep.frame.assign(loss_se=0.02 * sweep.frame["loss"]).iloc[::2])


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def found(request: pytest.FixtureRequest, runs: bs.Runs) -> tuple[Problem, Mode]:
    problem = float64(Problem.build)(runs, *request.param)
    return problem, float64(find_mode)(problem, seed=0)


def points(problem: Problem, mode: Mode, count: int) -> np.ndarray:
    """About the mode, where chains walk; shape (count, parameters and functions)."""
    functions = problem.n_functions
    whole = np.pad(mode.coordinates, (0, functions))
    return whole + np.random.default_rng(0).standard_normal((count, len(whole))) * 0.7


def plain(problem: Problem) -> Setting:
    """Straight coordinates and coefficients as they are, with the processes on."""
    return Setting(
        problem.data,
        problem.weights,
        Whitening.identity(problem.target.law, problem.padded_size, problem.n_functions),
    )


@jit_for(Use.BRIEF, "target")
def undone(target: Target, at: Array, setting: Setting) -> tuple[Array, Array | float]:
    """Map whitened coordinates to decorrelated ones of the law, those of the noise and
    coefficients, shape (k,); return them with the log volume.
    """
    own, coefficients, log_volume = unwhitened(target, at, setting)
    return jnp.concatenate([jnp.stack(target.decorrelate(own)), coefficients]), log_volume


@jit_for(Use.BRIEF, "target")
def slopes(target: Target, at: Array, setting: Setting) -> Array:
    """The Jacobian of that map, shape (k, k)."""
    return jax.jacfwd(lambda whitened: undone(target, whitened, setting)[0])(at)


def hessian_of(problem: Problem, at: np.ndarray, setting: Setting) -> np.ndarray:
    """Return the Hessian by differences of slopes, since a compiled one of so many coordinates
    costs a minute.
    """
    steps = 1e-5 * np.eye(len(at))
    ends = [
        [
            np.asarray(potential_and_gradient(problem.target, at + sign * step, setting)[1])
            for sign in (1, -1)
        ]
        for step in steps
    ]
    return np.array([above - below for above, below in ends]) / 2e-5


@float64
def test_the_density_is_that_of_the_plain_model_times_the_volume(
    found: tuple[Problem, Mode],
) -> None:
    problem, mode = found
    for at in points(problem, mode, 5):
        place, log_volume = undone(problem.target, at, mode.setting)
        whitened, _ = potential_and_gradient(problem.target, at, mode.setting)
        expected, _ = potential_and_gradient(problem.target, place, plain(problem))
        assert float(whitened) == pytest.approx(
            float(expected) - float(log_volume), rel=1e-9, abs=1e-7
        )


@float64
def test_the_log_volume_is_that_of_the_map(found: tuple[Problem, Mode]) -> None:
    problem, mode = found
    for at in points(problem, mode, 3):
        _, log_volume = undone(problem.target, at, mode.setting)
        sign, expected = np.linalg.slogdet(slopes(problem.target, at, mode.setting))
        assert sign == 1.0
        assert float(log_volume) == pytest.approx(float(expected), abs=1e-8)


@float64
def test_without_whitening_coordinates_are_straight_ones_and_coefficients_themselves(
    found: tuple[Problem, Mode],
) -> None:
    problem, _ = found
    at = np.random.default_rng(0).standard_normal(
        len(problem.target.parameters) + problem.n_functions
    )
    place, log_volume = undone(problem.target, at, plain(problem))
    np.testing.assert_allclose(place, at, rtol=1e-9, atol=1e-9)
    assert float(log_volume) == 0.0


@float64
def test_coefficients_of_functions_that_fill_up_are_standard_normal_and_touch_nothing_else(
    found: tuple[Problem, Mode],
) -> None:
    problem, mode = found
    k = len(problem.target.parameters)
    filled = np.flatnonzero(
        np.concatenate([np.abs(f).max(axis=0) == 0 for f in problem.data.features])
    )
    at = points(problem, mode, 1)[0]
    value, gradient = potential_and_gradient(problem.target, at, mode.setting)
    np.testing.assert_allclose(np.asarray(gradient)[k + filled], at[k + filled], atol=1e-9)
    assert np.isfinite(value)


@float64
def test_the_model_is_law_prior_and_functions_as_scipy_computes_them(runs: bs.Runs) -> None:
    law, noise = CASES["normal"]
    problem = Problem.build(runs, law, noise)
    rng, count, k = np.random.default_rng(1), len(runs), len(problem.target.parameters)
    features = [np.asarray(f)[:count] for f in problem.data.features]
    log_loss = np.asarray(problem.data.observed)[:count, 0]
    log_inputs = {
        name: np.asarray(values)[:count, 0] for name, values in problem.data.log_inputs.items()
    }
    priors = {
        "E": lognorm(0.7, scale=np.exp(-0.5)),
        "A": lognorm(1.5, scale=np.exp(-2.0)),
        "B": lognorm(1.5, scale=np.exp(-2.0)),
        "alpha": lognorm(0.4, scale=0.35),
        "beta": lognorm(0.4, scale=0.35),
        "sigma": lognorm(1.5, scale=0.01),
        "drift_sd": halfnorm(scale=0.01),
        "matern_sd": halfnorm(scale=0.035),
    }
    ours, theirs = [], []
    for _ in range(4):
        logs = np.concatenate(
            [
                rng.normal([-0.5, -2, -2, -1, -1], 0.3),
                np.log([0.03, 0.01, 0.02]) + rng.normal(size=3),
            ]
        )
        own = dict(zip([p.name for p in problem.target.parameters], np.exp(logs), strict=True))
        coefficients = rng.standard_normal(problem.n_functions)
        decorrelated = np.concatenate([problem.target.decorrelate(list(logs)), coefficients])
        value, _ = potential_and_gradient(problem.target, decorrelated, plain(problem))
        ours.append(-float(value))
        weighted = np.concatenate(
            [
                own[process.amplitude.name] * f
                for process, f in zip(noise.shared, features, strict=True)
            ],
            axis=1,
        )
        prior = sum(priors[name].logpdf(value) + np.log(value) for name, value in own.items())
        prediction = np.asarray(law.predict(own, log_inputs))
        # Exactly marginal over coefficients, and back by what they are given everything else.
        scale = np.hypot(own["sigma"], runs.relative_loss_se)
        covariance = np.diag(scale**2) + weighted @ weighted.T
        gain = np.linalg.solve(covariance, weighted).T
        rest = np.eye(len(coefficients)) - gain @ weighted
        given = multivariate_normal(gain @ (log_loss - prediction), (rest + rest.T) / 2)
        marginal = multivariate_normal(prediction, covariance).logpdf(log_loss)
        theirs.append(prior + marginal + given.logpdf(coefficients))
        joint = norm(prediction + weighted @ coefficients, scale).logpdf(log_loss).sum()
        assert marginal + given.logpdf(coefficients) == pytest.approx(
            joint + norm.logpdf(coefficients).sum(), rel=1e-6
        )
    assert k == len(priors)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-4)


@float64
def test_at_the_mode_law_and_coefficients_are_nearly_independent_with_variances_near_one(
    runs: bs.Runs,
) -> None:
    problem = Problem.build(runs, *CASES["normal"])
    mode = find_mode(problem, seed=0)
    p, k = problem.target.n_predictive, len(problem.target.parameters)
    at = np.pad(mode.coordinates, (0, problem.n_functions))
    hessian = hessian_of(problem, at, mode.setting)
    white = np.r_[0:p, k : len(at)]
    eigenvalues = np.linalg.eigvalsh(hessian[np.ix_(white, white)])
    assert eigenvalues.min() > 0.5
    assert eigenvalues.max() < 2.0
    # In straight coordinates and coefficients as they are, the same density is a thin needle.
    decorrelated, _ = undone(problem.target, at, mode.setting)
    needle = hessian_of(problem, np.asarray(decorrelated), plain(problem))
    assert (
        np.linalg.cond(needle[np.ix_(white, white)]) > 100 * eigenvalues.max() / eigenvalues.min()
    )


@float64
def test_the_mode_has_coefficients_at_their_mean_and_slopes_of_zero(
    found: tuple[Problem, Mode],
) -> None:
    problem, mode = found
    _, gradient = potential_and_gradient(
        problem.target, np.pad(mode.coordinates, (0, problem.n_functions)), mode.setting
    )
    np.testing.assert_allclose(np.asarray(gradient)[: len(mode.coordinates)], 0.0, atol=1e-3)
