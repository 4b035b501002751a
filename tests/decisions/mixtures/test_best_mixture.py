"""The best mixture: found again where it is known, within bounds, refused where there is none."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import dirichlet

import bayescale as bs
from bayescale.decisions.mixtures._simplex import minimise
from bayescale.decisions.mixtures.best_mixture import BestMixture

EFFECTS = {"prose": [-2.0, 0.2, -0.6], "programs": [0.1, -2.5, -0.2]}


def loss_of(shares: np.ndarray, effects: list[float]) -> np.ndarray:
    """A loss of the law with c = 2, k = .4 and p = .6."""
    return np.asarray(2 + 0.4 * np.exp((shares**0.6 - 3**-0.6) @ np.array(effects)))


def sum_of_losses(shares: np.ndarray) -> np.ndarray:
    return sum((loss_of(shares, effects) for effects in EFFECTS.values()), start=np.zeros(()))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    shares = dirichlet.rvs(np.ones(3), size=45, random_state=2)
    columns = {f"share_{name}": shares[:, row] for row, name in enumerate(("web", "code", "books"))}
    for name, effects in EFFECTS.items():
        columns[name] = loss_of(shares, effects) * np.exp(0.002 * rng.standard_normal(45))
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def best(table: pd.DataFrame) -> BestMixture:
    return bs.best_mixture(table, list(EFFECTS), method=bs.Importance(draws=400))


def test_the_best_mixture_of_known_losses_is_found_within_its_intervals(best: BestMixture) -> None:
    sums = {"type": "eq", "fun": lambda shares: shares.sum() - 1}
    true = minimize(sum_of_losses, np.full(3, 1 / 3), bounds=[(1e-6, 1)] * 3, constraints=sums).x
    assert sum_of_losses(best.shares) < sum_of_losses(true) + 0.002
    assert (best.frame["q05"] - 0.02 <= true).all() and (true <= best.frame["q95"] + 0.02).all()
    assert best.shares.sum() == pytest.approx(1.0)


def test_losses_at_the_mixture_are_known(best: BestMixture) -> None:
    for name, effects in EFFECTS.items():
        row, true = best.loss_frame.loc[name], loss_of(best.shares, effects)
        assert row["q05"] - 0.005 < true < row["q95"] + 0.005


def test_shares_keep_their_bounds() -> None:
    def value(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return -shares[:, 0], np.tile([-1.0, 0.0, 0.0], (len(shares), 1))

    low, high = np.array([0.0, 0.1, 0.2]), np.array([0.5, 1.0, 1.0])
    found = minimise(value, np.full((4, 3), 1 / 3), low, high)
    np.testing.assert_allclose(found[:, 0], 0.5, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert (found >= low - 1e-12).all() and (found <= high + 1e-12).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bounds": {"web": (0.6, 0.7), "code": (0.5, 1.0)}}, "leave no mixture"),
        ({"bounds": {"wiki": (0.0, 0.1)}}, "the domains are"),
        ({"importance": {"maths": 1.0}}, "positive numbers of losses"),
        ({"importance": {"prose": -1.0}}, "positive numbers of losses"),
    ],
)
def test_what_cannot_be_is_refused(
    table: pd.DataFrame, options: dict[str, dict[str, object]], message: str
) -> None:
    with pytest.raises(bs.InputError, match=message):
        bs.best_mixture(table, list(EFFECTS), **options)


def test_shares_that_do_not_sum_to_one_are_refused(table: pd.DataFrame) -> None:
    with pytest.raises(bs.InputError, match="shares sum to"):
        bs.best_mixture(table.assign(share_web=0.9), ["prose"])
