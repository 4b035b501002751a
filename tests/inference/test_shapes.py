"""Shapes that kernels and inference say they take are checked while tests run."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.inference._coordinates import Decorrelated, Parametrisation, Unconstrained
from bayescale.kernels import centre_response, power_columns
from bayescale.kernels.elimination import logdet_and_quadratic

PARAMETRISATION = Parametrisation(bs.laws.Chinchilla(), bs.noise.Normal())


def test_runs_of_two_numbers_are_refused() -> None:
    with pytest.raises(TypeCheckError, match="weights"):
        centre_response(jnp.ones(5), jnp.ones(4))


def test_exponents_in_a_table_are_refused() -> None:
    response = centre_response(jnp.arange(5.0), jnp.ones(5))
    with pytest.raises(TypeCheckError, match="exponents"):
        power_columns(jnp.ones((3, 2)), jnp.ones(5), jnp.ones(3), response)


def test_a_batch_that_is_not_the_last_axis_is_refused() -> None:
    with pytest.raises(TypeCheckError, match="right"):
        logdet_and_quadratic(jnp.ones((2, 2, 7)), jnp.ones((7, 2)))


def test_many_points_are_refused_where_one_is_meant() -> None:
    points = Unconstrained(jnp.zeros((10, 6)))
    with pytest.raises(TypeCheckError, match="point"):
        PARAMETRISATION.decorrelate(points)


@float64
def test_every_map_between_coordinates_has_its_inverse() -> None:
    points = np.random.default_rng(0).standard_normal((5, 6))
    for point in points:
        unconstrained = Unconstrained(jnp.asarray(point))
        there = PARAMETRISATION.decorrelate(unconstrained)
        np.testing.assert_allclose(PARAMETRISATION.recorrelate(Decorrelated(there)), point)
        params = PARAMETRISATION.constrain(unconstrained)
        np.testing.assert_allclose(PARAMETRISATION.unconstrain(params), point, atol=1e-12)
