"""Headings: their words, their units, and the roles that they name."""

import pytest

from bayescale.runs import OPTIONAL_NUMBERS
from bayescale.tables.headings import heading
from bayescale.tables.roles import (
    FLOPS,
    LOSS,
    N_PARAMS,
    N_TOKENS,
    OPTIONAL,
    SURE,
    names_an_accuracy,
)


@pytest.mark.parametrize(
    ("text", "words", "scale"),
    [
        ("N_params_B", ("n", "params"), 1e9),
        ("params (M)", ("params",), 1e6),
        ("tokens_in_billions", ("tokens", "in"), 1e9),
        ("Million params", ("params",), 1e6),
        ("tokens (×10^9)", ("tokens",), 1e9),
        ("FLOPs (1e18)", ("flops",), 1e18),
        ("total_gflops", ("total", "flops"), 1e9),
        ("PF-days", ("flops",), 8.64e19),
        ("compute (petaflop/s-days)", ("compute", "flops"), 8.64e19),
        ("Data (B tokens)", ("data", "tokens"), 1e9),
        ("nParams", ("n", "params"), 1),
        ("totalFLOPs", ("total", "flops"), 1),
        ("config.model.n_params", ("config", "model", "n", "params"), 1),
        ("# params", ("n", "params"), 1),
        ("Val BPB", ("val", "bits", "per", "byte"), 1),
        ("D", ("d",), 1),
    ],
)
def test_a_heading_has_words_and_a_unit(text, words, scale):
    assert heading(text)[1:3] == (words, scale)


ROLES = {"n_params": N_PARAMS, "n_tokens": N_TOKENS, "loss": LOSS, "flops": FLOPS}


@pytest.mark.parametrize(
    ("role", "text"),
    [
        *(("n_params", text) for text in ("N", "Model Params", "parameter_count", "Eff Params")),
        *(("n_params", text) for text in ("N (non-embedding)", "Params, millions", "#params")),
        *(("n_tokens", text) for text in ("Data (B tokens)", "D (tokens)", "n_train_tokens")),
        *(("loss", text) for text in ("L (nats)", "valid_ce", "dev_loss", "loss (nats/token)")),
        *(("n_params", text) for text in ("num_parameters", "config.n_params", "Parameters (B)")),
        *(("n_params", text) for text in ("non_embedding_params", "n_params_noemb")),
        *(("n_tokens", text) for text in ("D", "Tokens", "total_tokens", "tokens_trained")),
        *(("n_tokens", text) for text in ("D_tokens_B", "Training Tokens", "tokens seen")),
        *(("loss", text) for text in ("val_loss", "PILE test xent", "final_val_loss", "eval/loss")),
        *(("loss", text) for text in ("Val BPB", "validation perplexity", "summary.val/loss", "L")),
        *(("flops", text) for text in ("C", "FLOPs", "achieved_flops", "Training FLOPs")),
        *(("flops", text) for text in ("total_gflops", "compute", "PF-days")),
    ],
)
def test_a_usual_heading_surely_has_its_role_and_no_other(role, text):
    sure = {name for name, one in ROLES.items() if one.score(heading(text)) >= SURE}
    assert sure == {role}


@pytest.mark.parametrize(
    "text",
    [
        *("Tokens per Parameter", "tokens_evaluated", "tokens_per_second", "vocab_params"),
        *("embedding_params", "param_data_ratio", "loss_std", "z_loss", "aux_loss", "lr", "epoch"),
        *(
            "flops_per_token",
            "max_tokens",
            "batch_tokens",
            "val_accuracy",
            "train_time_sec",
            "seed",
        ),
        *("unique_tokens", "peak_flops", "loss_reduction"),
    ],
)
def test_a_heading_of_something_else_has_no_role_surely(text):
    assert [name for name, one in ROLES.items() if one.score(heading(text)) >= SURE] == []


@pytest.mark.parametrize(("role", "text"), [("n_params", "config.N"), ("n_tokens", "sweep.D")])
def test_the_last_name_of_nested_ones_counts(role, text):
    assert ROLES[role].score(heading(text)) >= SURE


def test_a_loss_of_validation_is_surer_than_one_of_training():
    scores = [LOSS.score(heading(text)) for text in ("val_loss", "test loss", "train_loss")]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("text", ["train_top1", "accuracy", "top-1", "Lambada acc", "mean_reward"])
def test_an_accuracy_is_known_by_its_name(text):
    assert names_an_accuracy(text)


@pytest.mark.parametrize(
    "text", ["val_loss", "top1 error", "stopping loss", "mmlu_loss", "bpb_hellaswag", "mmlu nll"]
)
def test_a_loss_is_no_accuracy(text):
    assert not names_an_accuracy(text)


def test_every_number_that_a_fit_may_use_has_a_role():
    assert set(OPTIONAL) | {"flops"} == set(OPTIONAL_NUMBERS)
