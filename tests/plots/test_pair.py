from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh

import bayescale as bs
from bayescale.posterior.posterior import Posterior


def bottom(figure) -> list:
    """The lowest row of panels, from left to right."""
    return [axes for axes in figure.axes if axes.get_xlabel()]


def test_labels_carry_units(posterior: Posterior) -> None:
    labels = [axes.get_xlabel() for axes in bottom(bs.plots.pair(posterior))]
    assert labels == [
        "E (nats per token)",
        "A (nats per token)",
        "B (nats per token)",
        "α (no unit)",
        "β (no unit)",
    ]


def test_there_is_one_panel_a_pair_and_one_a_parameter(posterior: Posterior) -> None:
    assert len(bs.plots.pair(posterior).axes) == 10 + 5


def test_multipliers_have_logarithmic_axes_and_the_rest_have_not(posterior: Posterior) -> None:
    scales = [axes.get_xscale() for axes in bottom(bs.plots.pair(posterior))]
    assert scales == ["linear", "log", "log", "linear", "linear"]


def test_the_diagonal_bears_median_and_interval(posterior: Posterior) -> None:
    row = posterior.summary().loc["alpha"]
    titles = [axes.get_title("left") for axes in bs.plots.pair(posterior).axes]
    assert f"α = {row['q50']:.3g}\n{row['q05']:.3g} to {row['q95']:.3g}" in titles


def test_few_draws_are_drawn_one_by_one(posterior: Posterior) -> None:
    panel = bottom(bs.plots.pair(posterior))[0]
    drawn = next(c for c in panel.collections if isinstance(c, PathCollection)).get_offsets()
    np.testing.assert_allclose(np.asarray(drawn)[:, 0], posterior.draws("E"))


def test_many_draws_are_drawn_as_density_that_counts_them_all(posterior: Posterior) -> None:
    many = replace(
        posterior,
        params={name: np.tile(draws, (1, 5)) for name, draws in posterior.params.items()},
    )
    panel = bottom(bs.plots.pair(many))[1]
    assert next(c for c in panel.collections if isinstance(c, QuadMesh)).get_array().sum() == 600


def test_a_point_fit_is_one_point_and_says_so(point: Posterior) -> None:
    figure = bs.plots.pair(point)
    assert len(bottom(figure)[0].collections[0].get_offsets()) == 1
    assert "a point fit" in figure.get_suptitle()


@pytest.mark.parametrize(
    "law", [bs.laws.PowerLaw(floor=False), bs.laws.Chinchilla(tied=True)], ids=["power", "tied"]
)
def test_any_law_has_its_own_parameters(made_posterior, law) -> None:
    posterior = made_posterior(law, bs.noise.Normal())
    assert len(bottom(bs.plots.pair(posterior))) == len(law.parameters)
