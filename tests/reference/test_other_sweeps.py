"""Fits of the other public sweeps, as published or recomputed from the public data with independent
code.
"""

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.precision import float64

GEMSTONES = {
    "constant_lr": {"E": 1.951, "A": 134.4, "B": 3.81e5, "alpha": 0.259, "beta": 0.597},
    "cooldown_end": {"E": 2.075, "A": 226.0, "B": 2.72e5, "alpha": 0.300, "beta": 0.580},
}


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
@pytest.mark.usefixtures("originals")
@pytest.mark.parametrize("group", GEMSTONES)
def test_gemstones_constants_are_those_published(group: str) -> None:
    # McLeish et al. 2025, arXiv:2502.06857.
    frame = bs.datasets.frame("gemstones2025")
    runs = bs.Runs.from_frame(frame[frame["group"] == group], name=group)
    point = bs.fit(
        runs, law=bs.laws.Chinchilla(), noise=bs.noise.Huber(1e-3), method=bs.MultiStart()
    )
    for name, value in GEMSTONES[group].items():
        assert point.draws(name).item() == pytest.approx(value, rel=0.003)


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
@pytest.mark.usefixtures("originals")
def test_the_llama_3_sweep_as_recomputed() -> None:
    # All 133 points, those that the curators doubt included, under a Normal likelihood.
    posterior = bs.fit(
        bs.datasets.load("llama3_isoflop", keep_suspect=True),
        law=bs.laws.Chinchilla(),
        noise=bs.noise.Normal(),
    )
    exponent = posterior.draws("beta") / (posterior.draws("alpha") + posterior.draws("beta"))
    for draws, mean, sd in (
        (posterior.draws("alpha"), 0.309, 0.014),
        (posterior.draws("beta"), 0.313, 0.013),
        (exponent, 0.503, 0.015),
    ):
        assert draws.mean() == pytest.approx(mean, abs=0.25 * sd)
        assert draws.std() == pytest.approx(sd, rel=0.1)


def test_without_embeddings_the_exponent_of_compute_is_higher_and_the_scatter_half() -> None:
    textbook = {"law": bs.laws.Chinchilla(), "noise": bs.noise.StudentT()}
    fits = [
        bs.fit(bs.datasets.load("dey2023_pile", n_params=n), **textbook)
        for n in ("n_params", "n_params_non_embedding")
    ]
    total, without = (
        np.median(post.draws("beta") / (post.draws("alpha") + post.draws("beta"))) for post in fits
    )
    assert without > total
    scatter = [np.median(post.draws("sigma")) for post in fits]
    assert scatter == pytest.approx([0.014, 0.007], abs=0.0015)


# N. Muennighoff et al. 2023: R² of the printed coefficients on their 182 runs, with repeats that
# decay and without.
@pytest.mark.usefixtures("originals")
@pytest.mark.parametrize(
    ("decay", "published"),
    [({}, 0.7722), ({"R_D": 1e12, "R_N": 1e12}, 0.4452)],
    ids=["decay", "none"],
)
@float64
def test_the_data_constrained_law_explains_as_much_of_182_runs_as_published(
    decay: dict[str, float], published: float
) -> None:
    runs, law = bs.datasets.load("muennighoff2023_datablations"), bs.laws.DataConstrained()
    log_inputs = {name: np.log(runs.column(name)) for name in law.inputs}
    loss, found = (
        runs.column("loss"),
        np.exp(np.asarray(law.predict(law.published[0].params | decay, log_inputs))),
    )
    left = np.sum((loss - found) ** 2) / np.sum((loss - loss.mean()) ** 2)
    assert 1 - left == pytest.approx(published, abs=5e-5)


# S. Y. Gadre et al. 2024 print no error of their law; ours is of all their runs, of which five made
# each fit.
@pytest.mark.usefixtures("originals")
@pytest.mark.parametrize("group", ["c4_original", "rpj", "rw_original"])
@float64
def test_the_published_laws_of_over_training_describe_the_authors_own_runs(group: str) -> None:
    law, order = bs.laws.Overtrained(), ["c4_original", "rpj", "rw_original"]
    rows = bs.datasets.frame("gadre2024").query("group == @group")
    log_inputs = {name: np.log(rows[name].to_numpy(dtype=float)) for name in law.inputs}
    error = law.predict(law.published[order.index(group)].params, log_inputs) - np.log(
        rows["loss"].to_numpy()
    )
    assert np.sqrt(np.mean(np.square(error))) < 0.035
    assert abs(np.mean(error)) < 0.01
