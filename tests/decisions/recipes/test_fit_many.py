"""Groups that are fitted together: what each is told of the others, and what they are asked."""

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from bayescale.decisions.recipes.group_fits import GroupFits
from bayescale.errors import InputError
from bayescale.inference._programs import programs_compiled
from bayescale.posterior.predictive import some_draws

METHOD = bs.Importance(draws=400)
RECIPES = {"old": 1.0, "new": 2**0.34, "between": 1.1}


def table(runs: int = 12) -> pd.DataFrame:
    """Three recipes, of which ``new`` needs half the parameters of ``old``."""
    frames = []
    for seed, (name, factor) in enumerate(RECIPES.items()):
        simulated = bs.datasets.simulate(seed, noise=0.002, sizes_per_budget=3, A=406.4 / factor)
        frame = simulated.frame.drop(columns="group")
        frames.append(frame.iloc[:runs].assign(recipe=name))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def fits() -> GroupFits:
    return bs.fit_many(table(), by="recipe", method=METHOD)


def test_each_group_has_a_posterior_of_its_own_runs(fits: GroupFits) -> None:
    assert set(fits.posteriors) == set(RECIPES)
    assert {len(posterior.runs) for posterior in fits.posteriors.values()} == {12}


def test_the_prior_of_a_group_is_narrower_than_the_librarys(fits: GroupFits) -> None:
    frame = fits.frame.xs("alpha", level="quantity")
    library = np.log(frame["library_q95"] / frame["library_q05"])
    others = np.log(frame["others_q95"] / frame["others_q05"])
    assert (others < 0.9 * library).all()


def test_a_group_is_narrower_with_the_others_than_alone(fits: GroupFits) -> None:
    frame = fits.frame.xs("alpha", level="quantity")
    alone = np.log(frame["alone_q95"] / frame["alone_q05"])
    together = np.log(frame["q95"] / frame["q05"])
    assert together.mean() < alone.mean()


def test_draws_of_one_number_belong_together(fits: GroupFits) -> None:
    alpha = fits.draws("alpha")
    assert alpha.dims == ("draw", "recipe")
    assert np.corrcoef(alpha.sel(recipe="old"), alpha.sel(recipe="new"))[0, 1] > 0.3


def test_what_groups_share_cancels_in_the_difference_of_their_losses(fits: GroupFits) -> None:
    losses = fits.losses(n_params=1e10, n_tokens=[2e11, 4e11])
    assert losses.dims == ("draw", "recipe", "run")
    logs = np.log(losses)
    gap = (logs.sel(recipe="new") - logs.sel(recipe="old")).std("draw")
    independent = np.sqrt((logs.var("draw").sel(recipe=["new", "old"])).sum("recipe"))
    assert (gap < 0.8 * independent).all()


def test_a_loss_of_a_group_is_spread_as_its_forecast(fits: GroupFits) -> None:
    at = {"n_params": 1e10, "n_tokens": 2e11}
    joint = np.log(fits.losses(**at).sel(recipe="new").to_numpy())
    alone = np.log(bs.forecast(fits["new"], **at).draws)
    np.testing.assert_allclose(joint.mean(), alone.mean(), atol=0.1 * alone.std())
    np.testing.assert_allclose(joint.std(), alone.std(), rtol=0.1)


def test_a_group_is_saved_and_loaded_as_any_posterior(fits: GroupFits, tmp_path) -> None:
    fits["new"].save(tmp_path / "new.nc")
    loaded = bs.load(tmp_path / "new.nc")
    assert loaded.law == fits["new"].law
    np.testing.assert_array_equal(loaded.draws("alpha"), fits["new"].draws("alpha"))


def test_the_ranking_says_how_probable_it_is_that_a_group_is_the_best(fits: GroupFits) -> None:
    ranking = fits.ranking(1e23)
    assert ranking["probability_best"].sum() == pytest.approx(1.0)
    assert ranking.index[0] == "new"
    assert ranking["probability_best"].iloc[0] > 0.5
    assert (ranking["expected_regret"] >= 0).all()


def test_pairs_say_which_of_two_is_better_and_by_how_much(fits: GroupFits) -> None:
    pairs = fits.pairs(1e23)
    assert len(pairs) == 3
    first = pairs.iloc[0]
    assert first["better"] == "new"
    assert first["probability"] >= 0.5
    assert first["q05"] < first["q50"] < first["q95"]


def test_groups_with_other_numbers_of_draws_are_given_equally_many(monkeypatch) -> None:
    drawn = bs.Importance.run_all
    counts = iter([400, 250, 400])

    def uneven(self, problems):
        return [some_draws(one, np.arange(next(counts))) for one in drawn(self, problems)]

    monkeypatch.setattr(bs.Importance, "run_all", uneven)
    found = bs.fit_many(table(), by="recipe", method=METHOD)
    assert {one.n_draws for one in found.posteriors.values()} == {250}


def test_a_budget_that_is_not_positive_is_refused(fits: GroupFits) -> None:
    with pytest.raises(InputError, match="not a positive number of FLOPs"):
        fits.ranking(0.0)


def test_groups_and_both_fits_share_programs(fits: GroupFits) -> None:
    before = programs_compiled()
    bs.fit_many(table().assign(recipe=lambda t: t["recipe"] + "'"), by="recipe", method=METHOD)
    assert programs_compiled() == before


@pytest.mark.parametrize(
    ("change", "by", "complaint"),
    [
        (lambda t: t, "mixture", "mixture"),
        (lambda t: t[t["recipe"] == "new"], "recipe", "has one group"),
        (lambda t: t.drop(t.index[t["recipe"] == "new"][2:]), "recipe", "new by recipe has fewer"),
    ],
)
def test_groups_that_cannot_be_fitted_together_are_refused(change, by, complaint) -> None:
    with pytest.raises(InputError, match=complaint):
        bs.fit_many(change(table()), by=by, method=METHOD)


def test_a_column_of_recipes_is_recognised_as_the_groups() -> None:
    with pytest.raises(InputError, match="between, new, old by group have fewer than 3 runs"):
        bs.fit_many(table(runs=2), method=METHOD)


def test_a_table_without_groups_is_refused_by_what_it_has() -> None:
    with pytest.raises(InputError, match="has no column group; it has n_params, n_tokens, loss"):
        bs.fit_many(table().drop(columns="recipe"), method=METHOD)


def test_runs_take_any_of_their_columns_for_the_group() -> None:
    runs = bs.Runs.read(table(), group="recipe")
    with pytest.raises(InputError, match="has no column mixture"):
        bs.fit_many(runs, by="mixture", method=METHOD)


def test_several_losses_of_the_same_runs_are_groups() -> None:
    runs = table()[lambda t: t["recipe"] == "old"].drop(columns="recipe")
    runs = runs.rename(columns={"loss": "loss_c4"}).assign(loss_code=lambda t: t["loss_c4"] * 0.6)
    found = bs.fit_many(runs, losses=["loss_c4", "loss_code"], method=METHOD)
    assert found.by == "score"
    assert list(found.posteriors) == ["loss_c4", "loss_code"]
    medians = np.median(found.losses(n_params=1e10, n_tokens=2e11).isel(run=0), axis=0)
    np.testing.assert_allclose(medians[1] / medians[0], 0.6, rtol=0.02)


def test_a_run_that_was_made_again_is_another_run() -> None:
    runs = table()[lambda t: t["recipe"] == "old"].drop(columns="recipe")
    again = pd.concat([runs, runs.assign(loss=lambda t: t["loss"] * 1.001)], ignore_index=True)
    texts = again.rename(columns={"loss": "loss_c4"}).assign(loss_code=lambda t: 0.6 * t["loss_c4"])
    found = bs.fit_many(texts, losses=["loss_c4", "loss_code"], method=METHOD)
    assert np.isfinite(found.losses(n_params=1e10, n_tokens=2e11)).all()


def test_a_column_of_groups_and_several_losses_are_not_given_together() -> None:
    with pytest.raises(InputError, match="Give one of by"):
        bs.fit_many(table(), by="recipe", losses=["loss"], method=METHOD)
