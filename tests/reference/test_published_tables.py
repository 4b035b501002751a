"""Published figures against what the laws and the data sets make of them."""

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.precision import float64

ROUNDED, UNROUNDED, BESIROGLU = (published.params for published in bs.laws.Chinchilla.published)
SIZES = bs.datasets.published_table("published_llm_sizes").set_index("model")
FITS = bs.datasets.published_table("published_parametric_fits").set_index("fit")
EXPONENTS = bs.datasets.published_table("published_allocation_exponents").set_index("fit")
KAPLAN = bs.datasets.published_table("kaplan2020_laws").set_index(["law", "quantity"])


@float64
def loss_of(model: str, params: dict[str, float]) -> float:
    log_inputs = {name: np.log(SIZES.loc[model, name]) for name in ("n_params", "n_tokens")}
    return float(np.exp(bs.laws.Chinchilla().predict(params, log_inputs)))


# J. Hoffmann et al. 2022.


@pytest.mark.parametrize("params", [ROUNDED, UNROUNDED], ids=["rounded", "unrounded"])
def test_chinchilla_beats_every_model_of_its_papers_table(params: dict[str, float]) -> None:
    table = SIZES.index[SIZES["source"] == "arXiv:2203.15556 Table 1"].drop("Chinchilla")
    assert len(table) == 4
    best = loss_of("Chinchilla", params)
    assert all(best < loss_of(model, params) for model in [*table, "GPT-3-175B"])


@pytest.mark.parametrize(
    ("model", "compute"),
    [("Chinchilla", 5.76e23), ("Llama-3-405B", 3.8e25), ("GPT-3-175B", 3.14e23)],
)
def test_printed_compute_is_six_n_d(model: str, compute: float) -> None:
    # Gopher's budget, 5.76e23, is spent by Chinchilla to 2 %: the paper counts FLOPs of attention
    # too.
    n_params, n_tokens = SIZES.loc[model, ["n_params", "n_tokens"]]
    assert 6 * n_params * n_tokens == pytest.approx(compute, rel=0.025)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("A", 6.0073404),
        ("B", 6.0179186),
        ("E", 0.5267228),
        ("alpha", 0.33917084),
        ("beta", 0.2849083),
    ],
)
def test_hoffmanns_unrounded_constants_are_those_of_the_papers_source(
    name: str, printed: float
) -> None:
    value = UNROUNDED[name]
    assert (value if name in ("alpha", "beta") else np.log(value)) == pytest.approx(
        printed, abs=1e-12
    )


@pytest.mark.parametrize(
    ("fit", "params", "digits"),
    [
        ("chinchilla_approach3", ROUNDED, 1e-12),
        ("chinchilla_approach3_unrounded", UNROUNDED, 2e-4),
        ("besiroglu2024", BESIROGLU, 1e-5),
        ("muennighoff2023", bs.laws.DataConstrained.published[0].params, 5e-6),
    ],
)
def test_constants_that_laws_carry_are_those_of_the_published_table(
    fit: str, params: dict[str, float], digits: float
) -> None:
    for name in ("E", "A", "B", "alpha", "beta"):
        assert params[name] == pytest.approx(FITS.loc[fit, name], rel=digits)


@pytest.mark.parametrize("fit", FITS.index)
@float64
def test_the_exponent_of_a_published_fit_is_that_of_its_optimum(fit: str) -> None:
    params = FITS.loc[fit, ["E", "A", "B", "alpha", "beta"]].astype(float).to_dict()
    low, high = (
        float(bs.laws.Chinchilla().optimal_n_params(params, compute)) for compute in (1e20, 1e24)
    )
    assert np.log(high / low) / np.log(1e4) == pytest.approx(FITS.loc[fit, "a"], abs=5e-5)
    assert FITS.loc[fit, "a"] + FITS.loc[fit, "b"] == pytest.approx(1, abs=1e-12)


def test_approach_3_has_the_exponents_of_hoffmanns_table() -> None:
    assert FITS.loc["chinchilla_approach3_unrounded", ["a", "b"]].tolist() == pytest.approx(
        EXPONENTS.loc["chinchilla_approach3", ["a", "b"]].tolist(), abs=0.005
    )


# N. Muennighoff et al. 2023.


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("A", 6.255414),
        ("B", 7.3049974),
        ("E", 0.6254804),
        ("alpha", 0.3526596),
        ("R_D", 15.387756),
        ("R_N", 5.309743),
    ],
)
def test_muennighoffs_constants_are_as_printed(name: str, printed: float) -> None:
    value = bs.laws.DataConstrained.published[0].params[name]
    assert (np.log(value) if name in ("A", "B", "E") else value) == pytest.approx(
        printed, abs=1e-12
    )


# S. Y. Gadre et al. 2024: the error over 17 tasks as it follows from the loss.
@pytest.mark.usefixtures("originals")
@pytest.mark.parametrize(
    ("group", "printed"),
    [
        ("c4_original", (2.079, 0.756, 0.850)),
        ("rpj", (2.2065, 0.7146, 0.8570)),
        ("rw_original", (2.215, 0.707, 0.865)),
    ],
)
def test_the_published_error_law_describes_the_authors_own_evaluations(
    group: str, printed: tuple[float, float, float]
) -> None:
    fit = bs.datasets.describe("gadre2024").published_fits[group]
    k, gamma, epsilon = (fit[name] for name in ("k", "gamma", "epsilon"))
    assert (k, gamma, epsilon) == printed
    models = bs.datasets.frame("gadre2024").query("group == @group")
    difference = models["err_avg17"] - (epsilon - k * np.exp(-gamma * models["loss"]))
    assert np.sqrt(np.mean(difference**2)) < 0.014
    assert abs(np.mean(difference)) < 0.0015


# S. McLeish et al. 2025.
@pytest.mark.parametrize(
    ("fit", "printed"),
    [
        ("gemstones_constant_lr", (1.951, 134.4, 3.81e5, 0.259, 0.597)),
        ("gemstones_cooldown", (2.075, 226.0, 2.72e5, 0.300, 0.580)),
    ],
)
def test_the_constants_of_gemstones_are_as_printed(fit: str, printed: tuple[float, ...]) -> None:
    assert FITS.loc[fit, ["E", "A", "B", "alpha", "beta"]].tolist() == pytest.approx(
        printed, rel=0.003
    )


# Llama 3, section 3.2.1: the law of the optima read from the digitised runs, to the reading error
# of a figure.
@pytest.mark.usefixtures("originals")
def test_isoflop_parabolas_of_the_llama_3_runs_give_the_allocation_that_was_printed() -> None:
    optima = bs.isoflop(bs.datasets.load("llama3_isoflop", keep_suspect=True)).allocate(
        [3.8e21, 3.8e25]
    )
    exponent = np.diff(np.log(optima["n_tokens"])).item() / np.log(1e4)
    assert exponent == pytest.approx(EXPONENTS.loc["llama3", "b"], abs=0.01)
    assert optima["n_params"].iloc[1] == pytest.approx(402e9, rel=0.03)
    assert optima["n_tokens"].iloc[1] == pytest.approx(16.55e12, rel=0.03)


# T. Porian et al. 2024: from Kaplan's exponent to Chinchilla's in four steps.
STEPS = [
    "1_reproducing_kaplan",
    "2_count_last_layer",
    "3_correct_warmup",
    "4_cosine_decay",
    "5_optimizer_tuning",
]
PORIAN = {"owt2": (0.864, 0.699, 0.603, 0.574, 0.518), "rw": (0.835, 0.707, 0.602, 0.572, 0.497)}


@pytest.mark.parametrize("corpus", PORIAN)
def test_the_exponents_of_porians_corrections_are_as_printed_and_within_their_intervals(
    corpus: str,
) -> None:
    rows = EXPONENTS.loc[[f"porian2024_{corpus}/{step}" for step in STEPS]]
    assert rows["a"].tolist() == pytest.approx(PORIAN[corpus], abs=0.00051)
    assert ((rows["a_low"] < rows["a"]) & (rows["a"] < rows["a_high"])).all()


@pytest.mark.parametrize("corpus", PORIAN)
def test_after_all_corrections_porians_exponent_is_chinchillas_and_no_more_kaplans(
    corpus: str,
) -> None:
    first, last = (EXPONENTS.loc[f"porian2024_{corpus}/{step}"] for step in (STEPS[0], STEPS[-1]))
    assert first["a_low"] > EXPONENTS.loc["kaplan2020", "a"] > last["a_high"]
    assert (
        EXPONENTS.loc["chinchilla_approach2", "a_low"]
        < last["a"]
        < EXPONENTS.loc["chinchilla_approach2", "a_high"]
    )


# J. Kaplan et al. 2020.


@pytest.mark.parametrize(
    ("row", "printed"),
    [
        (("L(N)", "n_params"), (0.076, 8.8e13)),
        (("L(D)", "n_tokens"), (0.095, 5.4e13)),
        (("L(C_min)", "compute"), (0.050, 3.1e8)),
        (("L(N, D)", "n_params"), (0.076, 6.4e13)),
        (("L(N, D)", "n_tokens"), (0.103, 1.8e13)),
    ],
    ids=str,
)
def test_kaplans_constants_are_as_printed(
    row: tuple[str, str], printed: tuple[float, float]
) -> None:
    assert tuple(KAPLAN.loc[row, ["exponent", "scale"]]) == printed


def test_the_joint_law_carries_the_constants_of_the_published_table() -> None:
    c = bs.laws.Kaplan.published[0].params
    for variable, exponent, scale in (
        ("n_params", "alpha_N", "N_c"),
        ("n_tokens", "alpha_D", "D_c"),
    ):
        assert (c[exponent], c[scale]) == tuple(
            KAPLAN.loc[("L(N, D)", variable), ["exponent", "scale"]]
        )


@pytest.mark.parametrize(
    ("law", "variable"), [("L(N)", "n_params"), ("L(D)", "n_tokens"), ("L(C_min)", "compute")]
)
@float64
def test_kaplans_laws_of_one_variable_are_power_laws_without_a_floor(
    law: str, variable: str
) -> None:
    exponent, scale = KAPLAN.loc[(law, variable), ["exponent", "scale"]]
    power = bs.laws.PowerLaw(input=variable, floor=False)
    at = np.log(scale * np.array([1e-6, 1.0]))
    loss = np.exp(power.predict({"A": scale**exponent, "alpha": exponent}, {variable: at}))
    assert loss.tolist() == pytest.approx([10 ** (6 * exponent), 1.0], rel=1e-12)


@float64
def test_kaplans_exponent_of_compute_was_observed_and_does_not_follow_from_the_joint_law() -> None:
    assert EXPONENTS.loc["kaplan2020", ["a", "b"]].tolist() == [0.73, 0.27]
    params = bs.laws.Kaplan.published[0].params
    low, high = (
        float(bs.laws.Kaplan().optimal_n_params(params, compute)) for compute in (1e20, 1e24)
    )
    # α_D/(α_N + α_D), 0.575: the paper's own runs were stopped early and are no minima of the joint
    # law along 6ND.
    assert np.log(high / low) / np.log(1e4) == pytest.approx(0.103 / (0.076 + 0.103), abs=1e-9)
