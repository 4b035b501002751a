"""The law of vocabularies: constants printed by its authors come back from their runs, with tokens
as their fit counts them.

C. Tao et al., "Scaling Laws with Vocabulary: Larger Models Deserve Larger Vocabularies", 2024
(arXiv:2407.13623), approach 3 and its code: N and V in millions, D in billions, one exponent for N
and D, Huber(1e-3) on the loss itself.
"""

import re
import runpy
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import OptimizeResult, least_squares

import bayescale as bs
from bayescale._internal.precision import float64
from tests.pages import DOCS, code_of

FIT = bs.datasets.describe("tao2024_vocab").published_fits["tao2024"]
PRINTED = {name: FIT[name.replace("_", "")] for name in ("E", "A_1", "A_2", "B", "alpha_2", "beta")}
# No source prints these.
RECOMPUTED = {"E": 5.537, "A_1": 1.903, "A_2": 0.1287, "B": 1.331, "alpha_2": 1.059, "beta": 0.4398}
LAW = bs.laws.Vocabulary()


def tokens_per_char(vocab_size: pd.Series) -> pd.Series:
    """The polynomial in the logarithm of the vocabulary that its authors fitted to their
    tokenizers.
    """
    log_size = np.log(vocab_size)
    return 0.00639222 * log_size**2 - 0.15811069 * log_size + 1.20470122


@pytest.fixture(scope="module")
def checkpoints(originals: None) -> pd.DataFrame:
    """The checkpoints that the authors fitted."""
    frame = bs.datasets.frame("tao2024_vocab")
    return frame[frame["flops"] >= 2.18e17]


@pytest.fixture(scope="module")
def refitted(checkpoints: pd.DataFrame) -> Callable[[pd.Series], tuple[float, OptimizeResult]]:
    """The objective at the printed constants, and its minimum nearby, for tokens counted in one way
    or another.
    """

    @float64
    def at_tokens(n_tokens: pd.Series) -> tuple[float, OptimizeResult]:
        vocab_params = checkpoints["vocab_size"] * checkpoints["embed_dim"]
        counts = (checkpoints["n_params_no_embed"] / 1e6, vocab_params / 1e6, n_tokens / 1e9)
        log_inputs = {
            name: np.log(count.to_numpy()) for name, count in zip(LAW.inputs, counts, strict=True)
        }

        def residuals(values: np.ndarray) -> np.ndarray:
            params = dict(zip(PRINTED, values, strict=True))
            loss = LAW.predict(params | {"alpha_1": params["beta"]}, log_inputs)
            return np.asarray(loss) - checkpoints["loss"].to_numpy()

        start = np.array(list(PRINTED.values()))
        huber = {"loss": "huber", "f_scale": 1e-3, "x_scale": start}
        there = least_squares(residuals, start, max_nfev=1, **huber).cost
        return there, least_squares(residuals, start, xtol=1e-10, ftol=1e-12, gtol=1e-12, **huber)

    return at_tokens


def test_the_printed_constants_are_the_minimum_where_vocabularies_are_counted_in_thousands(
    checkpoints, refitted
) -> None:
    printed, end = refitted(
        checkpoints["n_chars"] * tokens_per_char(checkpoints["vocab_size"] / 1000)
    )
    assert end.cost <= printed < end.cost * (1 + 1e-5)
    np.testing.assert_allclose(end.x, list(PRINTED.values()), rtol=0.03)


def test_that_is_nearly_three_times_the_tokens_that_the_runs_saw(checkpoints) -> None:
    seen = checkpoints["n_tokens"] / checkpoints["n_chars"]
    np.testing.assert_allclose(seen, tokens_per_char(checkpoints["vocab_size"]), rtol=1e-6)
    ratio = tokens_per_char(checkpoints["vocab_size"] / 1000) / seen
    assert (ratio.min(), ratio.max()) == pytest.approx((2.654, 3.011), abs=0.001)


def test_with_the_tokens_that_runs_saw_loss_falls_faster_with_the_vocabulary(
    checkpoints, refitted
) -> None:
    printed, end = refitted(checkpoints["n_tokens"])
    assert end.cost < 0.15 * printed
    assert dict(zip(PRINTED, end.x, strict=True)) == pytest.approx(RECOMPUTED, rel=0.001)


@pytest.mark.parametrize(
    ("params", "thousands"), [(PRINTED, 218), (RECOMPUTED, 66)], ids=["printed", "recomputed"]
)
def test_the_best_vocabulary_of_70b_depends_on_how_tokens_were_counted(params, thousands) -> None:
    sizes = np.geomspace(1e4, 1e6, 20_000)
    n_tokens = 7.1e23 / 6 / (70e9 + sizes * 8192)
    counts = (np.full_like(sizes, 70e9) / 1e6, sizes * 8192 / 1e6, n_tokens / 1e9)
    log_inputs = dict(zip(LAW.inputs, np.log(counts), strict=True))
    loss = np.asarray(float64(LAW.predict)(params | {"alpha_1": params["beta"]}, log_inputs))
    assert sizes[loss.argmin()] / 1e3 == pytest.approx(thousands, abs=1)


def test_the_page_on_vocabularies_prints_what_its_code_finds(originals, tmp_path) -> None:
    page = (DOCS / "vocabulary.md").read_text(encoding="utf-8")
    (tmp_path / "page.py").write_text(code_of(page), encoding="utf-8")
    found = runpy.run_path(str(tmp_path / "page.py"))
    assert found["post"].problems == ()
    rows = re.findall(r"^\| \d+B on .*$", page, flags=re.MULTILINE)
    for printed, row in zip(rows, found["answer"].to_numpy(), strict=True):
        numbers = [
            float(number.replace(",", ""))
            for number in re.findall(r"[\d,.]*\d", printed.partition("FLOPs")[2])
        ]
        np.testing.assert_allclose(row[:3] / 1e3, numbers[:3], rtol=0.25)
        np.testing.assert_allclose(row[3:], numbers[3:], atol=0.003)
