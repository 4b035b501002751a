"""Two training sets of Gadre et al. 2024, judged on C4: RedPajama in units of C4."""

import numpy as np
import pytest

import bayescale as bs
from bayescale.decisions.recipes.recipes import Recipes


@pytest.fixture(scope="module")
def found(originals: None) -> Recipes:
    runs = bs.datasets.load("gadre2024")
    return bs.recipes(runs, "c4_original", "rpj", method=bs.Importance(draws=2000))


def test_what_is_trained_on_other_text_has_a_higher_floor(found):
    # The paper's own fits say so too: E of 1.837 for RedPajama and of 1.508 for C4.
    assert found.summary().loc["floor_ratio", "q05"].item() > 1.0


def test_effective_compute_is_below_compute(found):
    assert (found.frame.set_index("quantity").loc["compute_multiplier", "q95"] < 0.5).all()


def test_the_joint_law_predicts_differences_of_runs_alike_but_for_the_data(found):
    frame = found.runs.frame
    groups = {
        name: rows.set_index(["n_params", "n_tokens"])["loss"]
        for name, rows in frame.groupby("group")
    }
    pairs = np.log(groups["rpj"]).sub(np.log(groups["c4_original"])).dropna()
    assert len(pairs) >= 30
    at = {
        name: np.log(pairs.index.get_level_values(name).to_numpy())
        for name in ("n_params", "n_tokens")
    }
    params = {name: np.median(values) for name, values in found.params.items()}
    predicted = np.subtract(
        *(np.asarray(found.law.predict(params, {**at, "recipe": r})) for r in (1.0, 0.0))
    )
    assert np.median(np.abs(pairs - predicted)) < 0.015
