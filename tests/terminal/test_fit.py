"""The page of a fit."""

import numpy as np

import bayescale as bs
from bayescale.posterior.posterior import Posterior
from bayescale.terminal import style
from bayescale.terminal.fit import print_beside_prior

AT = {"E": 1.7, "A": 400.0, "B": 410.0, "alpha": 0.34, "beta": 0.28, "gamma": 1.0, "sigma": 0.01}


def posterior(law, draws):
    """Return a posterior that is certain of its law."""
    params = {name: np.full((1, draws), value) for name, value in AT.items()}
    runs = bs.datasets.simulate(seed=0)
    return Posterior(law, bs.noise.Normal(), bs.NUTS(), runs, params)


def test_what_the_library_says_is_beside_what_the_runs_leave(capsys):
    print_beside_prior(style.console(), posterior(bs.laws.Coupled(), draws=50))
    page = capsys.readouterr().out
    assert "the library says" in page and "with your runs" in page
    assert "0.34 to 0.34" in page


def test_a_point_fit_has_no_such_table(capsys):
    print_beside_prior(style.console(), posterior(bs.laws.Coupled(), draws=1))
    assert capsys.readouterr().out == ""
