"""Make the catalogue's table of the finished base runs, and say how clean they are.

Writes datasets/bayescale2026_sweep.csv and .toml, and prints the parabola of each budget, the spread between seeds, the scatter
about the additive law, the learning rates tried about the rule's, and what was made again.

    python benchmarks/sweep/collect.py
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import plan
import rows
from corpus import VALIDATION_WINDOWS
from model import CONTEXT
from run import ROWS

import bayescale as bs

DATASETS = Path(__file__).parents[2] / "datasets"
NAME = "bayescale2026_sweep"
DESCRIPTOR = Path(__file__).with_name("descriptor.toml.template")
COLUMNS = {
    "n_params": "d",
    "n_params_non_embedding": "d",
    "n_tokens": "d",
    "flops": "d",
    "loss": ".6f",
    "validation_se": ".6f",
    "budget": "g",
    "width": "d",
    "depth": "d",
    "seed": "d",
    "learning_rate": ".6g",
    "steps": "d",
    "seconds": ".1f",
    "cpu_seconds": ".1f",
}


def embedded(table: pd.DataFrame) -> str:
    """The base runs in the order of the plan, as CSV."""
    order = [task.name for task in plan.base() if task.name in table.index]
    lines = [",".join(["run_id", *COLUMNS])]
    for run_id in order:
        row = table.loc[run_id]
        lines.append(",".join([run_id, *(format(int(row[c]) if kind == "d" else row[c], kind) for c, kind in COLUMNS.items())]))
    return "\n".join(lines) + "\n"


def descriptor(base: pd.DataFrame, text: str) -> str:
    """The facts about the table, as the catalogue keeps them."""
    return DESCRIPTOR.read_text(encoding="utf-8").format(
        name=NAME,
        loaded=len(base),
        windows=f"{VALIDATION_WINDOWS:,}",
        context=CONTEXT,
        decades=np.log10(base["budget"].max() / base["budget"].min()),
        sizes=base.groupby("budget")["width"].nunique().min(),
        depth=base["depth"].iloc[0],
        seeds=base["seed"].nunique(),
        corpus=base["corpus"].iloc[0],
        corpus_sha256=base["corpus_sha256"].iloc[0],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def seed_noise(base: pd.DataFrame) -> pd.Series:
    """Standard deviation of log loss between seeds of one size and budget, pooled over each budget's pairs, per cent."""
    log_loss = np.log(base["loss"])
    cells = log_loss.groupby([base["budget"], base["width"]])
    variance = cells.var().dropna()
    return 100 * np.sqrt(variance.groupby("budget").mean())


def scatter(runs: bs.Runs, law: bs.laws.Chinchilla | bs.laws.Coupled) -> np.ndarray:
    """Residuals of log loss about a law's point fit, per cent."""
    fitted = bs.fit(runs, law=law, noise=bs.noise.Huber(1e-3), method=bs.MultiStart(starts=500))
    return 100 * (np.log(runs.column("loss")) - fitted.log_law().reshape(-1))


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Losses about the rule's rate at each size that was checked, means over seeds; what the rule costs beside the best, per
    cent; and the standard error of a difference, by the spread between seeds."""
    found = []
    noise = seed_noise(table[table["role"] == "base"])
    for budget, width, seeds in plan.CHECKED:
        own = plan.of_budget("base", budget, [width], seeds)
        tried = table[(table["role"] == "check") & (table["budget"] == budget) & (table["width"] == width)]
        if not {task.name for task in own} <= set(table.index) or tried.empty:
            continue
        rule = np.mean([table.loc[task.name, "loss"] for task in own])
        losses = tried.groupby((tried["learning_rate"] / own[0].learning_rate).map("{:.2f}".format))["loss"].mean().to_dict()
        cost = 100 * (rule / min(rule, *losses.values()) - 1)
        error = noise[budget] * np.sqrt(2 / len(own))
        found.append({"budget": budget, "width": width, **losses, "rule": rule, "cost": cost, "cost_se": error})
    return pd.DataFrame(found)


def rebuilt(table: pd.DataFrame) -> pd.DataFrame:
    """Losses of the runs that were made again, beside the first."""
    again = table[table["role"] == "rebuild"]
    first = [run_id.replace("rebuild", "base", 1) for run_id in again.index]
    return pd.DataFrame({"first": table["loss"].reindex(first).to_numpy(), "again": again["loss"].to_numpy()}, index=first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, default=ROWS)
    parser.add_argument("--datasets", type=Path, default=DATASETS)
    options = parser.parse_args()
    table = rows.read(options.rows)
    base = table[table["role"] == "base"]
    text = embedded(table)
    (options.datasets / f"{NAME}.csv").write_text(text, encoding="utf-8")
    (options.datasets / f"{NAME}.toml").write_text(descriptor(base, text), encoding="utf-8")
    print(f"{len(base)} of {len(plan.base())} base runs, {len(text)} bytes")
    runs = bs.datasets.load(NAME)
    print(bs.isoflop(runs).frame.to_string(float_format="{:.4g}".format))
    print("standard deviation between seeds, per cent of the loss, by budget:", seed_noise(base).round(3).to_dict())
    for law in (bs.laws.Chinchilla(), bs.laws.Coupled()):
        left = scatter(runs, law)
        print(f"scatter about {law.formula}: rms {np.sqrt(np.mean(left**2)):.3f} %, largest {np.abs(left).max():.3f} %")
    print(rates(table).to_string(float_format="{:.4f}".format), rebuilt(table).to_string(), sep="\n")


if __name__ == "__main__":
    main()
