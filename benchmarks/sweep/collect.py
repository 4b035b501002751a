"""Make the catalogue's table of the finished base runs, and say how clean they are.

Writes datasets/bayescale2026_sweep.csv and .toml, and prints the parabola of each budget, the
spread between seeds, the scatter about the additive law, the learning rates tried about the rule's,
and what was made again.

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
REPLICATES = 20_000
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
        lines.append(
            ",".join(
                [
                    run_id,
                    *(
                        format(int(row[c]) if kind == "d" else row[c], kind)
                        for c, kind in COLUMNS.items()
                    ),
                ]
            )
        )
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
    """Standard deviation of log loss between seeds of one size and budget, pooled over each
    budget's pairs, per cent.
    """
    log_loss = np.log(base["loss"])
    cells = log_loss.groupby([base["budget"], base["width"]])
    variance = cells.var().dropna()
    return 100 * np.sqrt(variance.groupby("budget").mean())


def scatter(runs: bs.Runs, law: bs.laws.Chinchilla | bs.laws.Coupled) -> np.ndarray:
    """Residuals of log loss about a law's point fit, per cent."""
    fitted = bs.fit(runs, law=law, noise=bs.noise.Huber(1e-3), method=bs.MultiStart(starts=500))
    return 100 * (np.log(runs.column("loss")) - fitted.log_law().reshape(-1))


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Losses about the rule's rate at each size that was checked, and what the rule costs, per cent
    of the loss.

    Losses are means over seeds. `cost` is beside the best of the rates tried, with the standard
    error of a difference of two such means, by the spread of all runs of a size about a seed's and
    a rate's own levels. The best of five is partly luck: `cost_of_parabola` is of log loss in log
    rate with a level for each seed, and `_low` and `_high` are its 90 % interval.
    """
    found = []
    for budget, width, seeds in plan.CHECKED:
        rule = plan.of_budget("base", budget, [width])[0].learning_rate
        here = table[
            table["role"].isin(["base", "check"])
            & (table["budget"] == budget)
            & (table["width"] == width)
        ]
        factor = (here["learning_rate"] / rule).round(2).rename("factor")
        losses = (
            here.pivot_table("loss", index="seed", columns=factor).reindex(list(seeds)).dropna()
        )
        if losses.empty:
            continue
        means = losses.mean()
        found.append(
            {
                "budget": budget,
                "width": width,
                "seeds": len(losses),
                **means.to_dict(),
                "cost": 100 * (means[1.0] / means.min() - 1),
                **parabola(np.log(losses)),
            }
        )
    return pd.DataFrame(found)


def parabola(log_loss: pd.DataFrame) -> dict[str, float]:
    """What the rule costs by a parabola of log loss in log rate with a level for each seed; rows
    are seeds, columns factors.
    """
    x = np.log(log_loss.columns.to_numpy(float))
    seeds, tried = log_loss.shape
    design = np.column_stack(
        [np.tile(x, seeds), np.tile(x**2, seeds), np.kron(np.eye(seeds), np.ones((tried, 1)))]
    )
    observed = log_loss.to_numpy().reshape(-1)
    coefficients, *_ = np.linalg.lstsq(design, observed)
    freedom = observed.size - design.shape[1]
    variance = np.sum((observed - design @ coefficients) ** 2) / freedom
    # Student-t draws of the two shape coefficients: the cost, b²/4c, is nothing like normal where
    # the slope b is near none.
    rng = np.random.default_rng(0)
    scale = np.linalg.cholesky(variance * np.linalg.inv(design.T @ design)[:2, :2])
    normal = rng.standard_normal((REPLICATES, 2)) / np.sqrt(
        rng.chisquare(freedom, (REPLICATES, 1)) / freedom
    )
    slope, curve = (coefficients[:2] + normal @ scale.T).T
    # A parabola that opens downwards has its least at an end of what was tried.
    inside = (curve > 0) & (np.abs(slope) < 2 * curve * np.abs(x).max())
    ends = -np.min([slope * end + curve * end**2 for end in (x.min(), x.max())], axis=0)
    cost = 100 * np.where(inside, slope**2 / np.where(inside, 4 * curve, 1), ends.clip(0))
    low, middle, high = np.quantile(cost, [0.05, 0.5, 0.95])
    return {
        "cost_se": float(100 * np.sqrt(2 * variance / seeds)),
        "cost_of_parabola": middle,
        "cost_of_parabola_low": low,
        "cost_of_parabola_high": high,
    }


def rebuilt(table: pd.DataFrame) -> pd.DataFrame:
    """Losses of the runs that were made again, beside the first."""
    again = table[table["role"] == "rebuild"]
    first = [run_id.replace("rebuild", "base", 1) for run_id in again.index]
    return pd.DataFrame(
        {"first": table["loss"].reindex(first).to_numpy(), "again": again["loss"].to_numpy()},
        index=first,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
    print(
        "standard deviation between seeds, per cent of the loss, by budget:",
        seed_noise(base).round(3).to_dict(),
    )
    for law in (bs.laws.Chinchilla(), bs.laws.Coupled()):
        left = scatter(runs, law)
        print(
            f"scatter about {law.formula}: rms {np.sqrt(np.mean(left**2)):.3f} %, largest "
            f"{np.abs(left).max():.3f} %"
        )
    print(
        rates(table).to_string(float_format="{:.4f}".format), rebuilt(table).to_string(), sep="\n"
    )


if __name__ == "__main__":
    main()
