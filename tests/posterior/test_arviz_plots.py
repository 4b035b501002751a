"""What `to_arviz` returns opens in ArviZ's own plots."""

import re
import warnings

import matplotlib.pyplot as plt
import pytest

import bayescale as bs
from bayescale.posterior.posterior import Posterior
from tests.known_posteriors import known_posterior

LAW = {"E", "A", "B", "alpha", "beta"}
# ArviZ 1 calls the plot of the marginals plot_dist, where older releases had plot_posterior.
PLOTS = ("plot_trace", "plot_forest", "plot_pair", "plot_dist")


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return known_posterior(bs.datasets.simulate(seed=1))


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_of_arviz_draws_each_parameter_of_the_law(posterior, name):
    import arviz_plots

    plt.switch_backend("Agg")
    with warnings.catch_warnings():
        # Of ArviZ and its dependencies, about themselves.
        warnings.simplefilter("ignore")
        drawn = getattr(arviz_plots, name)(
            posterior.to_arviz(), var_names=sorted(LAW), backend="matplotlib"
        )
    texts = " ".join(text.get_text() for text in plt.gcf().findobj(match=plt.Text))
    plt.close("all")
    assert drawn is not None
    assert set(re.findall(r"\w+", texts)) >= LAW
