"""`plots.profile`: what is in the figure."""

import pytest

import bayescale as bs
from tests.plots.examples import fitted


def test_the_exponents_are_the_axes_and_draws_lie_over_the_regions():
    (axes,) = bs.plots.profile(fitted()).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("α (no unit)", "β (no unit)")
    dots = axes.collections[0].get_offsets()
    low, high = axes.get_xlim()
    assert (
        len(dots) == 1000 and (low < dots[:, 0]).mean() > 0.95 and (dots[:, 0] < high).mean() > 0.95
    )


@pytest.mark.parametrize(
    ("law", "noise"),
    [
        (bs.laws.PowerLaw(), bs.noise.Normal()),
        (bs.laws.Kaplan(), bs.noise.Normal()),
        (bs.laws.Chinchilla(), bs.noise.Huber()),
    ],
    ids=["one exponent", "no sum of powers", "an objective"],
)
def test_what_has_not_two_exponents_of_a_likelihood_is_refused(made_posterior, law, noise):
    with pytest.raises(bs.InputError, match="two exponents of a likelihood"):
        bs.plots.profile(made_posterior(law, noise))
