"""Make the catalogue's table of the finished base runs, and print checks of their quality.

It writes datasets/bayescale2026_sweep.csv and .toml. The checks are the parabola of each budget,
the spread between seeds, the scatter about the additive law, trials of learning rates around the
rule's, and the repeated runs.

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
# Format of each column.
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
    """Return the base runs in the order of the plan, as CSV."""
    finished = [task.name for task in plan.base() if task.name in table.index]
    lines = ["run_id," + ",".join(COLUMNS)]
    lines += [_line(run_id, table.loc[run_id]) for run_id in finished]
    return "\n".join(lines) + "\n"


def _line(run_id: str, row: pd.Series) -> str:
    cells = [run_id]
    for column, form in COLUMNS.items():
        value = int(row[column]) if form == "d" else row[column]
        cells.append(format(value, form))
    return ",".join(cells)


def descriptor(base: pd.DataFrame, text: str) -> str:
    """Return the text of the table's descriptor in the catalogue."""
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
    """Return the standard deviation of log loss between seeds, per cent, for each budget.

    It is pooled over the sizes of a budget.
    """
    log_loss = np.log(base["loss"])
    cells = log_loss.groupby([base["budget"], base["width"]])
    variance = cells.var().dropna()
    return 100 * np.sqrt(variance.groupby("budget").mean())


def scatter(runs: bs.Runs, law: bs.laws.Chinchilla | bs.laws.Coupled) -> np.ndarray:
    """Return the residuals of log loss about a law's point fit, per cent."""
    fitted = bs.fit(runs, law=law, noise=bs.noise.Huber(1e-3), method=bs.MultiStart(starts=500))
    return 100 * (np.log(runs.column("loss")) - fitted.log_law().reshape(-1))


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Return losses at rates around the rule's for each checked size, and the cost of the rule.

    Losses are means over seeds, and costs are in per cent of the loss. `cost` is relative to the
    best rate tried; its standard error is for a difference of two such means, from the spread of
    all runs of a size about the levels of seeds and rates. The best of five is partly chance:
    `cost_of_parabola` is from a parabola of log loss in log rate with a level for each seed, and
    `_low` and `_high` are its 90 % interval.
    """
    checks = []
    for budget, width, seeds in plan.CHECKED:
        rule = plan.of_budget("base", budget, [width])[0].learning_rate
        has_role = table["role"].isin(["base", "check"])
        runs = table[has_role & (table["budget"] == budget) & (table["width"] == width)]
        factor = (runs["learning_rate"] / rule).round(2).rename("factor")
        losses = runs.pivot_table("loss", index="seed", columns=factor)
        losses = losses.reindex(list(seeds)).dropna()
        if losses.empty:
            continue
        means = losses.mean()
        row = {"budget": budget, "width": width, "seeds": len(losses)}
        row |= means.to_dict()
        row["cost"] = 100 * (means[1.0] / means.min() - 1)
        checks.append(row | parabola(np.log(losses)))
    return pd.DataFrame(checks)


def parabola(log_loss: pd.DataFrame) -> dict[str, float]:
    """Return the cost of the rule by a parabola of log loss in log rate.

    There is a level for each seed.

    Parameters
    ----------
    log_loss : DataFrame
        Rows are seeds, and columns are factors on the rule's rate.
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
    # Student-t draws of the two shape coefficients: the cost, b²/4c, is far from Normal where the
    # slope b is near zero.
    rng = np.random.default_rng(0)
    scale = np.linalg.cholesky(variance * np.linalg.inv(design.T @ design)[:2, :2])
    normal = rng.standard_normal((REPLICATES, 2))
    chi_square = rng.chisquare(freedom, (REPLICATES, 1))
    student = normal / np.sqrt(chi_square / freedom)
    slope, curvature = (coefficients[:2] + student @ scale.T).T
    # A parabola that opens downwards has its minimum at an end of the rates tried.
    inside = (curvature > 0) & (np.abs(slope) < 2 * curvature * np.abs(x).max())
    at_first = slope * x.min() + curvature * x.min() ** 2
    at_last = slope * x.max() + curvature * x.max() ** 2
    cost_at_ends = -np.minimum(at_first, at_last)
    cost_at_vertex = slope**2 / np.where(inside, 4 * curvature, 1)
    cost = 100 * np.where(inside, cost_at_vertex, cost_at_ends.clip(0))
    low, middle, high = np.quantile(cost, [0.05, 0.5, 0.95])
    return {
        "cost_se": float(100 * np.sqrt(2 * variance / seeds)),
        "cost_of_parabola": middle,
        "cost_of_parabola_low": low,
        "cost_of_parabola_high": high,
    }


def rebuilt(table: pd.DataFrame) -> pd.DataFrame:
    """Return the losses of repeated runs beside their first losses."""
    again = table[table["role"] == "rebuild"]
    first = [run_id.replace("rebuild", "base", 1) for run_id in again.index]
    return pd.DataFrame(
        {"first": table["loss"].reindex(first).to_numpy(), "again": again["loss"].to_numpy()},
        index=first,
    )


def main() -> None:
    """Write the data set and print its checks."""
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
        residuals = scatter(runs, law)
        rms = np.sqrt(np.mean(residuals**2))
        print(
            f"scatter about {law.formula}: rms {rms:.3f} %, largest {np.abs(residuals).max():.3f} %"
        )
    print(
        rates(table).to_string(float_format="{:.4f}".format), rebuilt(table).to_string(), sep="\n"
    )


if __name__ == "__main__":
    main()
