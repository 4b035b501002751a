"""Every law on public data of its own, from default priors with nothing tuned: do chains converge,
and does it forecast?

Each law is fitted by NUTS under Student-t noise, to all runs and again without the dearest fifth
(of a learning curve: without what its authors hid). Prints diagnostics of the first; of the second
root mean square error of the median, 90 % coverage and CRPS, on the scale of the fit (of a loss its
logarithm), beside the error of published constants where there are any; writes
benchmarks/results/laws.json. Counts of right answers have binomial noise.

    BAYESCALE_DATA=... python benchmarks/laws.py
"""

import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from alternatives import about

import bayescale as bs
from bayescale._internal.discovery import describe
from bayescale._internal.precision import float64
from bayescale.decisions.checks.holdouts.base import Fold
from bayescale.decisions.checks.scores import run_scores
from bayescale.laws.base import Law

RESULTS = Path(__file__).parent / "results" / "laws.json"
LAWS, NOISE, METHOD = bs.laws, bs.noise.StudentT(), bs.NUTS()


class Case(NamedTuple):
    """A law, the data that it is for, how these are parted, and constants printed for them."""

    law: Law
    runs: bs.Runs
    fold: Fold | None
    published: dict[str, float] | None = None
    noise: Any = NOISE


def dearest(runs: bs.Runs) -> Fold:
    return bs.LargestCompute(0.2).split(runs)[0]


def table(rows: pd.DataFrame, law: Law, name: str, **more: Any) -> bs.Runs:
    """Runs of what a law needs, and no more."""
    response = () if law.response == "accuracy" else (law.response,)
    kept = [
        *law.inputs,
        *response,
        *(c for c in ("flops", "n_correct", "n_samples") if c in rows.assign(**more)),
    ]
    frame = rows.assign(**more)[list(dict.fromkeys(kept))].dropna()
    return bs.Runs.from_frame(frame, required=(*law.inputs, *response), name=name)


def last_fifth(runs: bs.Runs, column: str) -> Fold:
    """Those with most of something hidden."""
    rank = runs.frame[column].rank(method="first")
    hidden = (rank > 0.8 * len(runs)).to_numpy()
    return Fold(
        f"the most {column}", *(bs.Runs(runs.frame[side], runs.name) for side in (~hidden, hidden))
    )


def curve(data_set: str, label: str, rows: pd.DataFrame) -> tuple[bs.Runs, Fold]:
    """A learning curve: the authors' split, or its last fifth."""
    rows = rows.drop(columns="group").drop_duplicates(["n_examples", "loss"])
    runs = bs.Runs.from_frame(rows, required=("n_examples", "loss"), name=f"{data_set} {label}")
    if "split" not in rows:
        return runs, dearest(runs)
    known = (runs.frame["split"] == "train").to_numpy()
    return runs, Fold(
        "what its authors hid", *(bs.Runs(runs.frame[side], runs.name) for side in (known, ~known))
    )


def cases() -> Iterator[Case]:
    hoffmann = bs.datasets.load("besiroglu2024_chinchilla")
    besiroglu = dict(LAWS.Chinchilla.published[-1].params)
    yield Case(LAWS.Chinchilla(), hoffmann, dearest(hoffmann), besiroglu)
    yield Case(LAWS.Coupled(), hoffmann, dearest(hoffmann))
    yield Case(LAWS.Kaplan(), hoffmann, dearest(hoffmann))
    constrained = bs.datasets.load("muennighoff2023_datablations")
    yield Case(
        LAWS.DataConstrained(),
        constrained,
        dearest(constrained),
        dict(LAWS.DataConstrained.published[0].params),
    )
    overtrained = bs.datasets.load("gadre2024")
    yield Case(
        LAWS.Overtrained(),
        overtrained,
        dearest(overtrained),
        dict(LAWS.Overtrained.published[0].params),
    )
    pile = bs.datasets.load("dey2023_pile")
    cerebras = bs.Runs(
        pile.frame[pile.frame["group"] == "Cerebras-GPT"], "dey2023_pile Cerebras-GPT"
    )
    yield Case(LAWS.PowerLaw(), cerebras, dearest(cerebras))
    curves = bs.datasets.frame("alabdulmohsin2022_curves")
    for label, rows in curves[
        curves["group"].isin(["IC/c_5/MiX/B/16", "LM/val_loss/1.07e+09"])
    ].groupby("group"):
        for law in (LAWS.M4(input="n_examples"), LAWS.BrokenPowerLaw(input="n_examples")):
            yield Case(law, *curve("alabdulmohsin2022_curves", str(label), rows))
    tuned = bs.datasets.frame("lin2024_rectified_sft")
    tuned = tuned[(tuned["n_examples"] > 0) & (tuned["group"] == "flan")]
    one = tuned[tuned["model"] == "cerebras/Cerebras-GPT-1.3B"]
    yield Case(LAWS.RectifiedSFT(), *curve("lin2024_rectified_sft", "flan, Cerebras-GPT-1.3B", one))
    opt = tuned[tuned["model"].str.startswith("facebook/opt")].drop(columns="group")
    joint = bs.Runs.from_frame(
        opt, required=("n_params", "n_examples", "loss"), name="lin2024_rectified_sft flan, OPT"
    )
    yield Case(LAWS.FineTuning(), joint, dearest(joint))


def other_cases() -> Iterator[Case]:
    """Laws of more than loss, and of more than parameters and tokens."""
    hoffmann = bs.datasets.load("besiroglu2024_chinchilla")
    yield Case(LAWS.Farseer(), hoffmann, dearest(hoffmann))
    tao = bs.datasets.frame("tao2024_vocab")
    tao = tao[tao["flops"] > 2.18e17]  # the authors drop cheaper points
    law: Law = LAWS.Vocabulary()
    vocabulary = {
        "vocab_params": tao["vocab_size"] * tao["embed_dim"],
        "relative_loss": tao["loss"],
    }
    runs = table(
        tao.rename(columns={"n_params_no_embed": "non_vocab_params"}),
        law,
        "tao2024_vocab",
        **vocabulary,
    )
    yield Case(law, runs, last_fifth(runs, "flops"))
    clark = bs.datasets.frame("clark2022_routed").rename(columns={"num_experts": "n_experts"})
    routed = clark["group"].eq("S-Base") & clark["routing_frequency"].eq(0.5)
    law = LAWS.RoutedExperts()
    runs = table(
        clark[clark["k"].eq(1) & (routed | clark["group"].eq("Dense"))],
        law,
        "clark2022_routed S-Base",
    )
    yield Case(law, runs, last_fifth(runs, "n_params"))
    step = bs.datasets.frame("steplaw2025")
    best = step[step["best_in_cell"].eq(1) & step["group"].eq("dense")]
    best = best.assign(learning_rate=best["lr"], batch_tokens=best["batch_size_seq"] * 2048.0)
    for law in (LAWS.LearningRate(), LAWS.BatchSize()):
        runs = table(best, law, "steplaw2025 best cells")
        yield Case(law, runs, last_fifth(runs, "flops"), dict(law.published[0].params))
    gadre = bs.datasets.frame("gadre2024")
    c4 = gadre[gadre["group"].eq(gadre.loc[gadre["run_id"].str.contains("c4"), "group"].iloc[0])]
    law = LAWS.ErrorFromLoss()
    runs = table(c4, law, "gadre2024 C4, error of 17 tasks", error=c4["err_avg17"])
    yield Case(law, runs, last_fifth(runs, "flops"), dict(law.published[0].params))
    law = LAWS.AccuracyFromLoss()
    runs = table(c4, law, "gadre2024 C4, HellaSwag", score=c4["acc_hellaswag"])
    yield Case(law, runs, last_fifth(runs, "flops"))
    ruan = bs.datasets.frame("ruan2024_obsscaling")
    law = LAWS.Sigmoid()
    runs = table(ruan, law, "ruan2024_obsscaling, MMLU", score=ruan["mmlu"])
    yield Case(law, runs, last_fifth(runs, "flops"))
    zhang = bs.datasets.frame("zhang2024_o1mini_aime")
    single = zhang[zhang["group"].eq("single_sample")].rename(
        columns={"tokens_used": "thinking_tokens"}
    )
    law = LAWS.AccuracyInTokens()
    counts = {
        "n_correct": (single["accuracy"] * single["n_questions"]).round(),
        "n_samples": single["n_questions"],
    }
    runs = table(single, law, "zhang2024_o1mini_aime", **counts)
    yield Case(law, runs, last_fifth(runs, "thinking_tokens"), noise=bs.noise.Binomial())
    monkeys = bs.datasets.frame("schaeffer2025_monkeys")
    one = monkeys[monkeys["source"].eq("brown2024_original") & monkeys["model"].eq("Pythia 12B")]
    k = np.unique(np.geomspace(1, 10_000, 25).round())
    failures = 1 - bs.unbiased_pass_at_k(one["n_samples"], one["n_correct"], k).mean(axis=0)
    law = LAWS.PassAtK()
    runs = table(
        pd.DataFrame({"n_attempts": k, "failure_rate": failures}),
        law,
        "schaeffer2025_monkeys Pythia 12B on MATH",
    )
    yield Case(law, runs, last_fifth(runs, "n_attempts"))
    o1 = bs.datasets.published_table("openai_o1_aime")
    o1 = o1[o1["model"].eq("o1") & o1["method"].isin(["pass@1", "consensus"])]
    law = LAWS.MajorityVote()
    counts = {
        "n_correct": o1["problems_solved_of_15"],
        "n_samples": 15,
        "n_votes": o1["samples_per_problem"],
    }
    yield Case(law, table(o1, law, "openai_o1_aime", **counts), None, noise=bs.noise.Binomial())


@float64
def judged(case: Case) -> dict[str, Any]:
    begun = time.perf_counter()
    whole = bs.fit(case.runs, law=case.law, noise=case.noise, method=METHOD)
    seconds = time.perf_counter() - begun
    row = {
        "law": describe(case.law),
        "runs": case.runs.name,
        "n_runs": len(case.runs),
        "n_hidden": 0,
    }
    row |= {
        name: whole.diagnostics[name]
        for name in ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences")
    }
    row |= {
        "seconds": seconds,
        "rmse": None,
        "coverage90": None,
        "crps": None,
        "published_rmse": None,
    }
    if case.fold is None:
        return row
    known, test = (
        bs.fit(case.fold.train, law=case.law, noise=case.noise, method=METHOD),
        case.fold.test,
    )
    response, inputs = known.response, {name: test.column(name) for name in case.law.inputs}
    observed = response.of(test)
    drawn = np.asarray(response.to_scale(bs.forecast(known, **inputs).draws))
    scores = run_scores(drawn, observed)
    row |= {
        "n_hidden": len(test),
        "rmse": float(np.sqrt(np.mean((np.median(drawn, axis=0) - observed) ** 2))),
        "coverage90": float(scores["covered90"].mean()),
        "crps": float(scores["crps"].mean()),
    }
    if case.published:
        log_inputs = {name: np.log(values) for name, values in inputs.items()}
        error = np.asarray(case.law.predict(case.published, log_inputs)) - observed
        row["published_rmse"] = float(np.sqrt(np.mean(error**2)))
    return row


def main() -> None:
    warnings.simplefilter("ignore")
    rows = []
    for case in (*cases(), *other_cases()):
        rows.append(judged(case))
        print(
            pd.DataFrame(rows[-1:]).to_string(
                index=False, header=len(rows) == 1, float_format="{:.4g}".format
            ),
            flush=True,
        )
    RESULTS.write_text(
        json.dumps({"about": about(), "laws": rows}, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
