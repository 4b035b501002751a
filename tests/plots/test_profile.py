"""`plots.profile`: what is in the figure."""

import pytest

import bayescale as bs


def test_the_exponents_are_the_axes_and_draws_lie_over_the_regions():
    runs = bs.datasets.simulate(seed=3, noise=0.01)
    posterior = bs.fit(runs, law=bs.laws.Chinchilla(), noise=bs.noise.Normal(), method=bs.Grid())
    (axes,) = bs.plots.profile(posterior).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("α", "β")
    dots = axes.collections[0].get_offsets()
    low, high = axes.get_xlim()
    assert (
        len(dots) == 1000 and (low < dots[:, 0]).mean() > 0.95 and (dots[:, 0] < high).mean() > 0.95
    )


def test_a_law_with_one_exponent_is_refused():
    runs = bs.datasets.simulate(seed=3, noise=0.01)
    posterior = bs.fit(runs, law=bs.laws.PowerLaw(), noise=bs.noise.Normal(), method=bs.Grid())
    with pytest.raises(bs.InputError, match="two exponents of a likelihood"):
        bs.plots.profile(posterior)
