"""`Target`: where starting points are drawn, and that searches can go on from there."""

import jax
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions.transforms import biject_to

import bayescale as bs
from bayescale._internal.compiling import Use
from bayescale._internal.precision import float64
from bayescale.inference._coordinates import unconstrained_moments
from bayescale.inference.base import Problem, Target
from bayescale.kernels import objective
from tests.conftest import with_every_column


@pytest.mark.parametrize(
    "prior",
    [dist.LogNormal(-0.5, 0.7), dist.Gamma(2.0, 0.1), dist.Normal(1.0, 2.0), dist.HalfNormal(0.3)],
    ids=lambda prior: type(prior).__name__,
)
def test_starts_spread_as_the_prior_does_in_unconstrained_coordinates(
    prior: dist.Distribution,
) -> None:
    coordinates = np.asarray(
        biject_to(prior.support).inv(prior.sample(jax.random.key(0), (20_000,))), dtype=float
    )
    centre, width = unconstrained_moments(prior)
    assert centre == pytest.approx(coordinates.mean(), abs=0.3 * float(coordinates.std()))
    assert 0.6 * coordinates.std() < width < 1.5 * coordinates.std()


def test_equal_targets_are_one_target() -> None:
    one, two = (Target(bs.laws.Chinchilla(tied=True), bs.noise.Huber(0.01)) for _ in range(2))
    assert one == two and hash(one) == hash(two)
    assert one != Target(bs.laws.Chinchilla(), bs.noise.Huber(0.01))


@float64
def test_the_objective_and_its_slopes_are_finite_over_the_prior(
    any_law, any_noise, sweep: bs.Runs
) -> None:
    problem = Problem.build(with_every_column(sweep), any_law, any_noise)
    centre, width = problem.target.prior_location_scale
    starts = list((centre + width * np.random.default_rng(0).standard_normal((300, len(centre)))).T)

    def total(coordinates: list[jax.Array]) -> jax.Array:
        return objective.value(problem.target, coordinates, problem.data, problem.weights).sum()

    of_all = jax.jit(jax.value_and_grad(total), compiler_options=Use.BRIEF.options)
    found, slopes = of_all(starts)
    assert np.isfinite(found)
    assert np.isfinite(slopes).all()
