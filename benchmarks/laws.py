"""Convergence and forecasts of every law on public data, with default priors and no tuning.

Each law is fitted by NUTS with Student-t noise, to all runs and again without the fifth with most
compute (a learning curve: without its authors' test points). Prints diagnostics of the first fit.
For the second it prints the root mean square error of the median, 90 % coverage and CRPS, on the
scale of the fit (the logarithm of a loss), and the error of published parameters where they exist.
Writes benchmarks/results/laws.json. Counts of correct answers have binomial noise.

    BAYESCALE_DATA=... python benchmarks/laws.py
"""

import itertools
import time
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import record
from record import JsonObject

import bayescale as bs
from bayescale._internal.discovery import describe, name_of, parse
from bayescale._internal.precision import float64
from bayescale.decisions.checks.holdouts.base import Fold
from bayescale.decisions.checks.scores import run_scores
from bayescale.laws.base import Law
from bayescale.noise.base import Noise

RESULTS = record.RESULTS / "laws.json"
LAWS = bs.laws
NOISE = bs.noise.StudentT()
METHOD = bs.NUTS()
QUICK_METHOD = bs.NUTS(chains=2, warmup=200, draws=200)
QUICK_LAWS = ("power_law", "majority_vote")


class Case(NamedTuple):
    """A law, its data, their division into fitted and hidden runs, and published parameters."""

    law: Law
    runs: bs.Runs
    fold: Fold | None
    published: dict[str, float] | None = None
    noise: Noise = NOISE


def largest_compute(runs: bs.Runs) -> Fold:
    """Return the fold that hides the fifth of the runs with most compute."""
    return bs.LargestCompute(0.2).split(runs)[0]


def table(rows: pd.DataFrame, law: Law, name: str, **columns: pd.Series | int) -> bs.Runs:
    """Return runs with only the columns that a law needs; ``columns`` are added before."""
    extended = rows.assign(**columns)
    required = list(law.inputs)
    if law.response != "accuracy":
        required.append(law.response)
    optional = [c for c in ("flops", "n_correct", "n_samples") if c in extended]
    needed = list(dict.fromkeys(required + optional))
    return bs.Runs.from_frame(extended[needed].dropna(), required=tuple(required), name=name)


def last_fifth(runs: bs.Runs, column: str) -> Fold:
    """Return the fold that hides the fifth of the runs with the largest values of a column."""
    rank = runs.frame[column].rank(method="first")
    hidden = (rank > 0.8 * len(runs)).to_numpy()
    return _fold(f"the most {column}", runs, hidden)


def _fold(name: str, runs: bs.Runs, hidden: np.ndarray) -> Fold:
    train = bs.Runs(runs.frame[~hidden], runs.name)
    test = bs.Runs(runs.frame[hidden], runs.name)
    return Fold(name, train, test)


def curve(data_set: str, label: str, rows: pd.DataFrame) -> tuple[bs.Runs, Fold]:
    """Return a learning curve with its authors' split, or without its last fifth."""
    rows = rows.drop(columns="group").drop_duplicates(["n_examples", "loss"])
    runs = bs.Runs.from_frame(rows, required=("n_examples", "loss"), name=f"{data_set} {label}")
    if "split" not in rows:
        return runs, largest_compute(runs)
    hidden = (runs.frame["split"] != "train").to_numpy()
    return runs, _fold("its authors' test points", runs, hidden)


def cases() -> Iterator[Case]:
    """Yield the laws of a loss in compute, parameters, tokens or examples."""
    hoffmann = bs.datasets.load("besiroglu2024_chinchilla")
    besiroglu = dict(LAWS.Chinchilla.published[-1].params)
    yield Case(LAWS.Chinchilla(), hoffmann, largest_compute(hoffmann), besiroglu)
    yield Case(LAWS.Coupled(), hoffmann, largest_compute(hoffmann))
    yield Case(LAWS.Kaplan(), hoffmann, largest_compute(hoffmann))
    constrained = bs.datasets.load("muennighoff2023_datablations")
    yield Case(
        LAWS.DataConstrained(),
        constrained,
        largest_compute(constrained),
        dict(LAWS.DataConstrained.published[0].params),
    )
    overtrained = bs.datasets.load("gadre2024")
    yield Case(
        LAWS.Overtrained(),
        overtrained,
        largest_compute(overtrained),
        dict(LAWS.Overtrained.published[0].params),
    )
    pile = bs.datasets.load("dey2023_pile")
    cerebras = bs.Runs(
        pile.frame[pile.frame["group"] == "Cerebras-GPT"], "dey2023_pile Cerebras-GPT"
    )
    yield Case(LAWS.PowerLaw(), cerebras, largest_compute(cerebras))
    curves = bs.datasets.frame("alabdulmohsin2022_curves")
    two_curves = curves[curves["group"].isin(["IC/c_5/MiX/B/16", "LM/val_loss/1.07e+09"])]
    for label, rows in two_curves.groupby("group"):
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
    yield Case(LAWS.FineTuning(), joint, largest_compute(joint))


def other_cases() -> Iterator[Case]:
    """Yield the laws of other responses, and of further inputs."""
    hoffmann = bs.datasets.load("besiroglu2024_chinchilla")
    yield Case(LAWS.Farseer(), hoffmann, largest_compute(hoffmann))
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
def judge(case: Case, method: bs.NUTS) -> JsonObject:
    """Return diagnostics and scores of a case."""
    begun = time.perf_counter()
    diagnostics = bs.fit(case.runs, law=case.law, noise=case.noise, method=method).diagnostics
    seconds = time.perf_counter() - begun
    row: JsonObject = {
        "law": describe(case.law),
        "noise": describe(case.noise),
        "runs": case.runs.name,
        "n_runs": len(case.runs),
        "n_hidden": 0,
        "rhat_max": diagnostics["rhat_max"],
        "ess_bulk_min": diagnostics["ess_bulk_min"],
        "ess_tail_min": diagnostics["ess_tail_min"],
        "divergences": diagnostics["divergences"],
        "seconds": seconds,
        "rmse": None,
        "coverage90": None,
        "crps": None,
        "published_rmse": None,
    }
    if case.fold is None:
        return row
    posterior = bs.fit(case.fold.train, law=case.law, noise=case.noise, method=method)
    test = case.fold.test
    inputs = {name: test.column(name) for name in case.law.inputs}
    observed = posterior.response.of(test)
    draws = np.asarray(posterior.response.to_scale(bs.forecast(posterior, **inputs).draws))
    scores = run_scores(draws, observed)
    errors = np.median(draws, axis=0) - observed
    row |= {
        "n_hidden": len(test),
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "coverage90": float(scores["covered90"].mean()),
        "crps": float(scores["crps"].mean()),
    }
    if case.published:
        log_inputs = {name: np.log(values) for name, values in inputs.items()}
        error = np.asarray(case.law.predict(case.published, log_inputs)) - observed
        row["published_rmse"] = float(np.sqrt(np.mean(error**2)))
    return row


def main() -> None:
    """Fit, score, print, write."""
    arguments = record.parser(__doc__).parse_args()
    warnings.simplefilter("ignore")
    method = QUICK_METHOD if arguments.quick else METHOD
    rows: list[JsonObject] = []
    for case in itertools.chain(cases(), other_cases()):
        if arguments.quick and name_of(case.law) not in QUICK_LAWS:
            continue
        row = judge(case, method)
        header = not rows
        rows.append(row)
        line = pd.DataFrame([row])
        print(line.to_string(index=False, header=header, float_format="{:.4g}".format), flush=True)
    models = {}
    for row in rows:
        law = parse("bayescale.laws", row["law"])
        noise = parse("bayescale.noise", row["noise"])
        models[f"{row['law']} on {row['runs']}"] = record.Model(law, noise, method)
    record.write({"laws": rows}, RESULTS, arguments, models)


if __name__ == "__main__":
    main()
