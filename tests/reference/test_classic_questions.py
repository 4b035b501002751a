"""Published plans, and the questions that everyone asks of the Chinchilla runs, as the page answers
them.
"""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import bayescale as bs

DOCS = Path(__file__).parents[2] / "docs"
# N. Sardana et al. 2023, arXiv:2401.00448: Hoffmann's law with these exponents.
SARDANA = {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.336, "beta": 0.283}


@pytest.fixture
def point(made_posterior):
    return lambda params: made_posterior(bs.laws.Chinchilla(), bs.noise.Huber(), params)


def test_serving_two_trillion_tokens_asks_for_a_smaller_model_trained_longer_as_recomputed(point):
    post = point(SARDANA)
    served = bs.Constraints(inference_tokens=2e12)
    plan = bs.allocate(post, target_loss=1.947, constraints=served).draws.squeeze()
    chinchilla = bs.allocate(post, target_loss=1.947).draws.squeeze()
    assert plan["n_params"].item() == pytest.approx(2.418e10, rel=5e-4)
    assert plan["n_tokens"].item() == pytest.approx(2.657e12, rel=5e-4)
    assert (plan["n_params"] / chinchilla["n_params"]).item() == pytest.approx(0.7096, abs=5e-5)
    assert (plan["n_tokens"] / chinchilla["n_tokens"]).item() == pytest.approx(1.4677, abs=5e-5)
    both = 6 * chinchilla["n_params"] * chinchilla["n_tokens"] + 2 * chinchilla["n_params"] * 2e12
    assert (plan["lifetime_flops"] / both).item() == pytest.approx(0.9522, abs=5e-5)


def test_the_law_of_the_paper_on_serving_has_the_loss_that_was_recomputed(point):
    assert bs.regret(point(SARDANA), {"70B": (70e9, 1e12)}).draws["loss"].item() == pytest.approx(
        1.94727, abs=5e-6
    )


# Hoffmann et al. 2022: the rounded parameters, and those in the paper's source.
@pytest.mark.parametrize(
    ("params", "ratio"),
    [
        ({"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28}, 92.6),
        (
            {
                "E": float(np.exp(0.5267228)),
                "A": float(np.exp(6.0073404)),
                "B": float(np.exp(6.0179186)),
                "alpha": 0.33917084,
                "beta": 0.2849083,
            },
            58.9,
        ),
    ],
    ids=["rounded", "unrounded"],
)
def test_hoffmanns_parameters_prefer_chinchilla_and_rounding_them_is_not_harmless(
    point, params, ratio
):
    post = point(params)
    assert bs.allocate(post, 5.76e23).draws["tokens_per_param"].item() == pytest.approx(
        ratio, abs=0.05
    )
    assert (
        bs.regret(post, {"Gopher": (280e9, 300e9), "Chinchilla": (70e9, 1.4e12)}).best
        == "Chinchilla"
    )


# N. Muennighoff et al. 2023, figure 1, recomputed from the printed coefficients: 2.2256440890 and
# 2.2269634075.
def test_with_25_billion_unique_tokens_the_smaller_model_read_longer_is_better(made_posterior):
    law = bs.laws.DataConstrained()
    post = made_posterior(law, bs.noise.Huber(), dict(law.published[0].params))
    plans = {"6.34B": (6.34e9, 242e9), "8.67B": (8.67e9, 178e9)}
    found = bs.regret(post, plans, constraints=bs.Constraints(unique_tokens=25e9))
    np.testing.assert_allclose(
        found.draws["loss"].squeeze(), [2.2256440890, 2.2269634075], atol=1e-10
    )
    assert found.best == "6.34B"


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("make_classic_questions")


@pytest.mark.usefixtures("originals")
def test_the_page_says_what_the_240_runs_answer(maker):
    page = maker.PAGE.read_text(encoding="utf-8")
    found = maker.answers(maker.textbook_fit())
    for name, (text, _) in maker.QUESTIONS.items():
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {text} |")]
        told = float(line.split("|")[2].split()[0])
        middle, low, high = found[name]
        # Draws of another machine move a median by a fraction of its interval.
        assert told == pytest.approx(
            middle, abs=max(0.15 * (high - low), 0.03 * abs(middle), 0.02)
        ), text
    assert found["beats"][0] > 0.99
    assert found["a"][1] < 0.5 < found["a"][2]
    assert found["a"][0] == pytest.approx(0.511, abs=0.004)
    assert found["ratio"][1] < 20 < found["ratio"][2]
