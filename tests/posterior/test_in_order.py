"""Distributions pass compiled programs in one order, so that later processes find the programs."""

import jax
import numpy as np
import pytest
from numpyro import distributions as dist

from bayescale.posterior._in_order import InOrder

NAMES = tuple(sorted(dist.StudentT.gather_pytree_data_fields()))


def student():
    return dist.StudentT(4.0, loc=np.arange(3.0), scale=0.5)


def shifted():
    return dist.TransformedDistribution(student(), dist.transforms.AffineTransform(1.0, 2.0))


@pytest.mark.parametrize("make", [student, shifted])
def test_arrays_are_in_the_order_of_their_names_whatever_order_numpyro_has(make, monkeypatch):
    flattened = []
    for names in (NAMES, NAMES[::-1]):
        monkeypatch.setattr(dist.StudentT, "gather_pytree_data_fields", lambda names=names: names)
        flattened.append([np.asarray(leaf).tolist() for leaf in jax.tree.leaves(InOrder(make()))])
    assert flattened[0] == flattened[1]


@pytest.mark.parametrize("make", [student, shifted])
def test_a_distribution_comes_back_as_it_was(make):
    arrays, structure = jax.tree.flatten(InOrder(make()))
    again = jax.tree.unflatten(structure, arrays).distribution
    at = np.linspace(-1.0, 5.0, 3)
    np.testing.assert_array_equal(again.log_prob(at), make().log_prob(at))
