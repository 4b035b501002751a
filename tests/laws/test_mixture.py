"""The law of mixtures: its published special case, shares of nothing, and public runs."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import dirichlet

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.laws import Mixture
from bayescale.posterior.posterior import Posterior

SHARES = {"share_web": [0.5, 1.0, 0.0], "share_code": [0.5, 0.0, 1.0], "loss": [3.0, 2.9, 3.4]}


@float64
def test_with_power_one_it_is_the_published_law() -> None:
    law = Mixture(domains="a+b+c")
    c, k, effects = 1.8, 0.9, np.array([-1.5, 0.3, 0.8])
    shares = np.array([0.2, 0.5, 0.3])
    published = c + k * np.exp(effects @ shares)
    constants = {"c": c, "k": k * np.exp(effects.mean()), "p": 1.0}
    constants |= {f"t_{name}": value for name, value in zip("abc", effects, strict=True)}
    log_inputs = dict(zip(law.inputs, np.log(shares), strict=True))
    assert float(np.exp(law.predict(constants, log_inputs))) == pytest.approx(published, rel=1e-12)


def test_a_share_may_be_nothing() -> None:
    runs = bs.Runs.from_frame(pd.DataFrame(SHARES), required=("loss",))
    assert np.isfinite(np.log(runs.column("share_web"))).all()
    assert runs.column("share_web").min() < 1e-11


def test_a_forecast_may_ask_for_a_share_of_nothing() -> None:
    draws = {"c": 2.0, "k": 0.5, "t_web": -1.0, "t_code": 0.0, "p": 0.5, "sigma": 0.01}
    params = {name: np.full((1, 2), value) for name, value in draws.items()}
    runs = bs.Runs.from_frame(pd.DataFrame(SHARES), required=("loss",))
    law = Mixture(domains="web+code")
    posterior = Posterior(law, bs.noise.Normal(), bs.NUTS(), runs, params)
    found = bs.forecast(posterior, share_web=[0.0], share_code=[1.0])
    without = 2.0 + 0.5 * np.exp(0.5**0.5)
    np.testing.assert_allclose(found.law_draws, without, rtol=1e-5)


@pytest.mark.parametrize("share", [-0.1, 1.2])
def test_a_share_outside_of_nought_to_one_is_refused(share: float) -> None:
    runs = bs.Runs.from_frame(pd.DataFrame(SHARES).assign(share_web=share), required=("loss",))
    with pytest.raises(bs.InputError, match=r"share_web.*is no share.*from 0 to 1"):
        runs.column("share_web")


@pytest.mark.parametrize("domains", ["web", "web+web", "web+"])
def test_domains_are_two_or_more_and_each_named_once(domains: str) -> None:
    with pytest.raises(bs.InputError, match="two domains or more"):
        Mixture(domains=domains)


def test_most_losses_of_the_prior_lie_within_a_factor_of_two_of_their_mean() -> None:
    law, rng = Mixture(), np.random.default_rng(0)
    drawn = {p.name: p.draw_prior(rng, (400,))[:, None] for p in law.parameters}
    shares = dirichlet.rvs(np.ones(3), size=50, random_state=1)
    log_inputs = {name: np.log(shares[:, row]) for row, name in enumerate(law.inputs)}
    log_loss = np.asarray(law.predict(drawn, log_inputs))
    spread = np.ptp(log_loss, axis=1)
    assert np.quantile(spread, 0.9) < np.log(4)
    assert np.median(spread) > 0.02
