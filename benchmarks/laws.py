"""Every law on public data of its own, from default priors with nothing tuned: do chains converge, and does it forecast?

Each law is fitted by NUTS under Student-t noise, to all runs and again without the dearest fifth (of a learning curve: without
what its authors hid). Prints diagnostics of the first, and RMSLE, 90 % coverage and CRPS of the second beside the RMSLE of
published constants where there are any; writes benchmarks/results/laws.json.

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
from bayescale.decisions.backtest import scored
from bayescale.decisions.forecasters import predicted
from bayescale.decisions.holdouts.base import Fold
from bayescale.decisions.scores import summary
from bayescale.discovery import describe
from bayescale.laws.base import Law
from bayescale.precision import float64

RESULTS = Path(__file__).parent / "results" / "laws.json"
LAWS, NOISE, METHOD = bs.laws, bs.noise.StudentT(), bs.NUTS()


class Case(NamedTuple):
    """A law, the data that it is for, how these are parted, and constants printed for them."""

    law: Law
    runs: bs.Runs
    fold: Fold
    published: dict[str, float] | None = None


def dearest(runs: bs.Runs) -> Fold:
    return bs.LargestCompute(0.2).split(runs)[0]


def curve(data_set: str, label: str, rows: pd.DataFrame) -> tuple[bs.Runs, Fold]:
    """A learning curve: the authors' split, or its last fifth."""
    rows = rows.drop(columns="group").drop_duplicates(["n_examples", "loss"])
    runs = bs.Runs.from_frame(rows, required=("n_examples", "loss"), name=f"{data_set} {label}")
    if "split" not in rows:
        return runs, dearest(runs)
    known = (runs.frame["split"] == "train").to_numpy()
    return runs, Fold("what its authors hid", *(bs.Runs(runs.frame[side], runs.name) for side in (known, ~known)))


def cases() -> Iterator[Case]:
    hoffmann = bs.datasets.load("besiroglu2024_chinchilla")
    besiroglu = dict(LAWS.Chinchilla.published[-1].constants)
    yield Case(LAWS.Chinchilla(), hoffmann, dearest(hoffmann), besiroglu)
    yield Case(LAWS.Coupled(), hoffmann, dearest(hoffmann))
    yield Case(LAWS.Kaplan(), hoffmann, dearest(hoffmann))
    constrained = bs.datasets.load("muennighoff2023_datablations")
    yield Case(LAWS.DataConstrained(), constrained, dearest(constrained), dict(LAWS.DataConstrained.published[0].constants))
    overtrained = bs.datasets.load("gadre2024")
    yield Case(LAWS.Overtrained(), overtrained, dearest(overtrained), dict(LAWS.Overtrained.published[0].constants))
    pile = bs.datasets.load("dey2023_pile")
    cerebras = bs.Runs(pile.frame[pile.frame["group"] == "Cerebras-GPT"], "dey2023_pile Cerebras-GPT")
    yield Case(LAWS.PowerLaw(), cerebras, dearest(cerebras))
    curves = bs.datasets.frame("alabdulmohsin2022_curves")
    for label, rows in curves[curves["group"].isin(["IC/c_5/MiX/B/16", "LM/val_loss/1.07e+09"])].groupby("group"):
        for law in (LAWS.M4(input="n_examples"), LAWS.BrokenPowerLaw(input="n_examples")):
            yield Case(law, *curve("alabdulmohsin2022_curves", str(label), rows))
    tuned = bs.datasets.frame("lin2024_rectified_sft")
    tuned = tuned[(tuned["n_examples"] > 0) & (tuned["group"] == "flan")]
    one = tuned[tuned["model"] == "cerebras/Cerebras-GPT-1.3B"]
    yield Case(LAWS.RectifiedSFT(), *curve("lin2024_rectified_sft", "flan, Cerebras-GPT-1.3B", one))
    opt = tuned[tuned["model"].str.startswith("facebook/opt")].drop(columns="group")
    joint = bs.Runs.from_frame(opt, required=("n_params", "n_examples", "loss"), name="lin2024_rectified_sft flan, OPT")
    yield Case(LAWS.FineTuning(), joint, dearest(joint))


@float64
def judged(case: Case) -> dict[str, Any]:
    begun = time.perf_counter()
    whole = bs.fit(case.runs, law=case.law, noise=NOISE, method=METHOD)
    seconds = time.perf_counter() - begun
    known = bs.fit(case.fold.train, law=case.law, noise=NOISE, method=METHOD)
    scores = scored(case.fold, predicted(known, case.fold.test))
    row = {"law": describe(case.law), "runs": case.runs.name, "n_runs": len(case.runs), "n_hidden": len(case.fold.test)}
    row |= {name: whole.diagnostics[name] for name in ("rhat_max", "ess_bulk_min", "ess_tail_min", "divergences")}
    totals = summary(scores).iloc[0]
    row |= {
        "seconds": seconds,
        **{name: float(totals[name]) for name in ("rmsle", "coverage90", "crps")},
        "published_rmsle": None,
    }
    if case.published:
        log_inputs = {name: np.log(case.fold.test.column(name)) for name in case.law.inputs}
        printed = np.exp(np.asarray(case.law.log_loss(case.published, log_inputs)))
        error = np.log(printed / case.fold.test.column("loss"))
        row["published_rmsle"] = float(np.sqrt(np.mean(error**2)))
    return row


def main() -> None:
    warnings.simplefilter("ignore")
    rows = []
    for case in cases():
        rows.append(judged(case))
        print(pd.DataFrame(rows[-1:]).to_string(index=False, header=len(rows) == 1, float_format="{:.4g}".format), flush=True)
    RESULTS.write_text(json.dumps({"about": about(), "laws": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
