"""Where does a running run end? Forecasts of final losses from partial curves and earlier runs.

Three contests. *Schedules*: three of nine curves of each size of Luo et al. 2025 are known (cosine
and constant of 24,000 steps, and a two-stage schedule); the other six are predicted, and PredE is
the mean relative error over their points. *Cooldowns*: of each trunk of Schaipp et al. 2025 with
two cooldowns the shorter is known, and the trunk up to where the longer starts; the longer one's
last validation loss is predicted. *Partial*: 10, 30, 50 and 80 % of one curve are known and its
schedule, and nothing else; the last loss is predicted.

The form of the law and its priors were chosen on the 124M runs of Schaipp et al. and on the three
known curves of each size of Luo et al. Neither is a row of *partial*; the 124M cooldown is marked.
The prior of growth was set anew after all rows had been seen: results/running_runs_first.json holds
what was measured before, of the law without growth.
Partial curves are compared with the last value, a power law of the curve's later half, and the
multi-power law with weak priors about its published constants.

The runs of Schaipp et al. are read from ``extracted_*`` files below ``BAYESCALE_DATA``, which
were taken from the JSON logs of their repository. Finished cells are kept in ``--cells``.

    BAYESCALE_DATA=... python benchmarks/running_runs.py [--cells FOLDER]
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import record
from record import JsonObject
from scipy.optimize import least_squares

import bayescale as bs
from bayescale.curves.law import Track, sums_of
from bayescale.curves.points import Points, points_of
from bayescale.curves.posterior import Ask, fit_curves
from bayescale.errors import InputError

KNOWN = ("cosine_24000", "constant_24000", "wsdcon_9")
ASKED = ("constant_72000", "cosine_72000", "wsd_20000_24000", "wsdld_20000_24000")
ASKED += ("wsdcon_3", "wsdcon_18")
SIZES = ("25M", "100M", "400M")
PUBLISHED = {"25M": 0.00110, "100M": 0.00142, "400M": 0.00168}
WARMUP = 2160
DEVELOPED_ON = "124M"
SHARES = (0.1, 0.3, 0.5, 0.8)
METHODS = ("ours", "last value", "power law", "multi-power")
EVERY = 6


@dataclass(frozen=True, eq=False)
class Run:
    """A curve with its schedule, under the name of its family and size."""

    family: str
    size: str
    name: str
    table: pd.DataFrame
    schedule: bs.Schedule

    @property
    def last(self) -> float:
        """The last logged loss."""
        return float(self.table["loss"].dropna().iloc[-1])


@cache
def luo() -> dict[tuple[str, str], Run]:
    """Return the curves of Luo et al. by size and schedule."""
    rows = bs.datasets.frame("luo2025_multipowerlaw_curves")
    found = {}
    for (size, name), points in rows.groupby(["group", "schedule"], sort=False):
        steps = np.append([0.0, WARMUP - 1.0], points["step"])
        rates = np.append([0.0, points["lr"].iloc[0]], points["lr"])
        losses = np.append([np.nan, np.nan], points["loss"])
        table = pd.DataFrame({"run": name, "step": steps, "lr": rates, "loss": losses})
        run = Run("luo2025", str(size), str(name), table, bs.Schedule(steps, rates))
        found[str(size), str(name)] = run
    return found


@cache
def schaipp() -> dict[int, tuple[pd.Series, Run]]:
    """Return the runs of Schaipp et al.: a branch has the points of its trunk before it."""
    folder = Path(os.environ["BAYESCALE_DATA"]) / "schaipp2025_curves"
    runs = pd.read_csv(folder / "extracted_runs.csv").set_index("idx")
    losses = _by_run(pd.read_csv(folder / "extracted_val.csv.gz"))
    rates = _by_run(pd.read_csv(folder / "extracted_train_lr.csv.gz"))
    by_label = dict(zip(runs["label"], runs.index, strict=True))
    found = {}
    for index, facts in runs.iterrows():
        loss, rate = losses[index], rates[index].drop(columns="train_loss")
        branch = re.fullmatch(r"(.*)/ckpts/(\d+)", str(facts["resume_from"]))
        if branch:
            trunk = by_label.get(branch.group(1))
            if trunk is None:
                continue
            start = int(branch.group(2))
            before = losses[trunk]["iter"] < start, rates[trunk]["iter"] <= start
            loss = pd.concat([losses[trunk][before[0]], loss[loss["iter"] >= start]])
            rate = pd.concat([rates[trunk][before[1]], rate[rate["iter"] > start]])
        rate = rate.rename(columns={"iter": "step", "train_lr": "lr"})[["step", "lr"]]
        if facts["scheduler"] == "wsd" and facts["wsd_fract_decay"] == 0:
            rate = rate.iloc[:-1]  # A trunk logs zero at its last point.
        loss = loss.rename(columns={"iter": "step", "val_loss": "loss"})[["step", "loss"]]
        loss = loss[loss["step"] <= rate["step"].max()]
        table = rate.merge(loss, on="step", how="outer").sort_values("step")
        table.insert(0, "run", f"run {index}")
        known = table[table["lr"].notna()]
        schedule = bs.Schedule(known["step"].to_numpy(), known["lr"].to_numpy())
        size = f"{facts['params'] / 1e6:.0f}M"
        found[int(index)] = facts, Run("schaipp2025", size, f"run {index}", table, schedule)
    return found


def _by_run(points: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """Return the points of each run; where a restarted run logged a step again, the later one."""
    points = points.drop_duplicates(["idx", "iter"], keep="last").sort_values(["idx", "iter"])
    return {int(index): part.drop(columns="idx") for index, part in points.groupby("idx")}


def schedules(size: str) -> JsonObject:
    """Predict six curves of a size from three."""
    known = [luo()[size, name] for name in KNOWN]
    asked = [luo()[size, name] for name in ASKED]
    curves = bs.Curves.read(pd.concat([run.table for run in known], ignore_index=True))
    posterior = fit_curves(points_of(curves), [run.schedule for run in asked])
    rows = []
    for run in asked:
        points = run.table.dropna().iloc[::EVERY]
        points = pd.concat([points, run.table.iloc[[-1]]])
        ask = Ask(run.name, run.schedule, points["step"].to_numpy())
        draws = posterior.losses([ask])
        center = np.median(draws.underlying[0], axis=0)
        relative = float(np.mean(np.abs(center / points["loss"] - 1)))
        rows.append({"run": run.name, "pred_e": relative} | _scored(draws.logged[0][:, -1], run))
    pred_e = float(np.mean([row["pred_e"] for row in rows]))
    return {"size": size, "pred_e": pred_e, "effective": posterior.effective, "runs": rows}


def cooldown_pairs() -> Iterator[tuple[str, int, int, int]]:
    """Yield size, and the shorter cooldown, the longer one and their trunk."""
    branches: dict[tuple[str, float], list[int]] = {}
    for index, (facts, run) in schaipp().items():
        if pd.isna(facts["decay_type"]) and isinstance(facts["resume_from"], str):
            branches.setdefault((run.size, facts["lr"]), []).append(index)
    for (size, _), pair in branches.items():
        first, second = sorted(pair, key=lambda one: schaipp()[one][0]["iterations"])
        label = str(schaipp()[second][0]["resume_from"]).partition("/ckpts/")[0]
        trunk = [one for one, (facts, _) in schaipp().items() if facts["label"] == label]
        yield size, first, second, trunk[0]


def cooldown(size: str, first: int, second: int, trunk: int) -> JsonObject:
    """Predict the longer cooldown of a trunk."""
    starts = {}
    for index in (first, second):
        starts[index] = int(str(schaipp()[index][0]["resume_from"]).rpartition("/")[2])
    finished, asked, base = (schaipp()[index][1] for index in (first, second, trunk))
    known = base.table[base.table["step"] <= starts[second]]
    curves = bs.Curves.read(pd.concat([known, finished.table], ignore_index=True))
    # The last logged loss stands a little before the end of the schedule.
    plan = _until(asked.schedule, float(asked.table.dropna(subset="loss")["step"].iloc[-1]))
    predicted = bs.finish(curves, plan, run=base.name, decay_fractions=())
    fractions = {}
    for index, start in starts.items():
        fractions[index] = 1 - start / schaipp()[index][0]["iterations"]
    trunk_losses = base.table.dropna().set_index("step")["loss"]
    same_drop = trunk_losses[starts[second]] - (trunk_losses[starts[first]] - finished.last)
    return {
        "size": size,
        "fractions": [fractions[first], fractions[second]],
        "same_drop_error": abs(same_drop - asked.last),
        **_scored(predicted.logged_draws[:, 0], asked),
        "effective": predicted.effective,
    }


def partial_runs() -> Iterator[Run]:
    """Yield the runs of partial curves: none that the law or the priors were chosen on."""
    for size in SIZES:
        for name in ASKED:
            yield luo()[size, name]
    for _, run in schaipp().values():
        if run.size != DEVELOPED_ON:
            yield run


def part(run: Run, share: float) -> JsonObject:
    """Predict the end of a run from the first part of its curve alone, by all methods."""
    losses = run.table.dropna(subset="loss")
    end = float(losses["step"].iloc[-1])
    cut = run.table[run.table["step"] <= share * end]
    plan = _until(run.schedule, end)
    about = {"family": run.family, "size": run.size, "run": run.name, "share": share}
    try:
        curves = bs.Curves.read(cut)
        points = points_of(curves)[0]
    except InputError as reason:
        return {**about, "left_out": str(reason)}
    found = bs.finish(curves, plan, decay_fractions=())
    others = {
        "last value": float(points.losses[-1]),
        "power law": _power_law(points, end),
        "multi-power": _multi_power(points, plan, end),
    }
    errors = {name: abs(value - run.last) for name, value in others.items()}
    scored = _scored(found.logged_draws[:, 0], run)
    return {**about, **scored, "effective": found.effective, "others": errors}


def _until(schedule: bs.Schedule, end: float) -> bs.Schedule:
    steps = np.append(schedule.steps[schedule.steps < end], end)
    return bs.Schedule(steps, schedule.at(steps))


def _scored(draws: np.ndarray, run: Run) -> JsonObject:
    """Return error, CRPS, and whether the 50 and 90 % intervals hold the last loss."""
    ordered = np.sort(draws)
    n = len(draws)
    spread = np.sum((2 * np.arange(n) - n + 1) * ordered) / n**2
    crps = float(np.mean(np.abs(draws - run.last)) - spread)
    scored: JsonObject = {"error": float(np.median(draws) - run.last), "crps": crps}
    for level in (50, 90):
        low, high = np.quantile(draws, [0.5 - level / 200, 0.5 + level / 200])
        scored[f"held_{level}"] = bool(low <= run.last <= high)
        scored[f"width_{level}"] = float(high - low)
    return scored


def _power_law(points: Points, end: float) -> float:
    """Return the last loss by floor + A·step^-a, fitted to the later half of a curve."""
    later = points.steps >= points.steps[-1] / 2
    steps, losses = points.steps[later] / points.steps[-1], points.losses[later]

    def residuals(at: np.ndarray) -> np.ndarray:
        return np.asarray(at[0] + at[1] * steps ** -at[2] - losses)

    start = np.array([losses[-1] - 0.2, 0.2, 0.5])
    bounds = ([0.0, 0.0, 0.05], [20.0, 20.0, 3.0])
    fitted = least_squares(residuals, np.clip(start, *bounds), bounds=bounds).x
    return float(fitted[0] + fitted[1] * (end / points.steps[-1]) ** -fitted[2])


def _multi_power(points: Points, plan: bs.Schedule, end: float) -> float:
    """Return the last loss by the multi-power law, with weak priors about the constants that were
    published for 100M, in units of the peak learning rate.
    """
    at = np.append(points.steps, end)
    track = Track.of(plan, at, plan.peak, 1.0)
    # Sums since each change, in steps at the peak, from the shares that a track keeps.
    sums = np.append(0.0, sums_of(plan, plan.peak))
    since = np.where(
        track.since > 0, track.sums[:, None] - track.sums[:, None] / (1 + track.since), 0
    )
    weights = track.before - track.after
    slowed = np.maximum(track.after, 0.01) ** -0.655
    reference = float(sums[-1])

    def loss(v: np.ndarray) -> np.ndarray:
        left = (1 + np.exp(v[4]) * slowed * since) ** -0.598
        trunk = v[0] + np.exp(v[1]) * (track.sums / reference) ** -np.exp(v[2])
        return np.asarray(trunk - np.exp(v[3]) * ((1 - left) @ weights))

    centre = np.array([0.0, np.log(0.28), np.log(0.453), np.log(0.131), np.log(0.13)])

    def residuals(v: np.ndarray) -> np.ndarray:
        departures = (loss(v)[:-1] - points.losses) / 0.003
        return np.append(departures, (v[1:] - centre[1:]) / np.array([1.0, 0.5, 0.5, 0.7]))

    start = centre.copy()
    start[0] = points.losses[-1] - 0.3
    return float(loss(least_squares(residuals, start, loss="soft_l1").x)[-1])


def cells(folder: Path, quick: bool) -> JsonObject:
    """Return all cells by contest."""
    found: JsonObject = {"schedules": [], "cooldowns": [], "partial": []}
    for size in SIZES[1:2] if quick else SIZES:
        found["schedules"].append(_kept(folder, f"schedules {size}", partial(schedules, size)))
    if quick:
        return found
    for pair in cooldown_pairs():
        found["cooldowns"].append(_kept(folder, f"cooldown {pair}", partial(cooldown, *pair)))
    for run in partial_runs():
        for share in SHARES:
            name = f"partial {run.family} {run.size} {run.name} {share}"
            found["partial"].append(_kept(folder, name, partial(part, run, share)))
    return found


def _kept(folder: Path, name: str, measure: Callable[[], JsonObject]) -> JsonObject:
    stem = re.sub(r"\W+", "_", name)
    path = folder / f"{stem}_{hashlib.sha256(name.encode()).hexdigest()[:8]}.json"
    content = record.saved(path, measure)
    print(name, content.get("error", content.get("pred_e")), content.get("effective"), flush=True)
    return content


def tables(found: JsonObject) -> JsonObject:
    """Return the figures of the three contests."""
    result: JsonObject = {"schedules": {}, "cooldowns": {}, "partial": []}
    for cell in found["schedules"]:
        finals = pd.DataFrame(cell["runs"])
        result["schedules"][cell["size"]] = {
            "pred_e": cell["pred_e"],
            "published_constants": PUBLISHED[cell["size"]],
            "final_mae": float(finals["error"].abs().mean()),
            "held_90": float(finals["held_90"].mean()),
        }
    if found["cooldowns"]:
        cooldowns = pd.DataFrame(found["cooldowns"])
        alike = cooldowns["fractions"].map(lambda pair: abs(pair[0] - pair[1]) < 0.02)
        others = cooldowns["size"] != DEVELOPED_ON
        groups = {"all": alike | True, "fractions agree": alike, "without 124M": others}
        for name, chosen in groups.items():
            rows = cooldowns[chosen]
            result["cooldowns"][name] = {
                "forecasts": len(rows),
                "mae": float(rows["error"].abs().mean()),
                "same_drop_mae": float(rows["same_drop_error"].mean()),
                "held_90": float(rows["held_90"].mean()),
            }
    rows = pd.DataFrame([cell for cell in found["partial"] if "left_out" not in cell])
    if len(rows):
        grouped = rows.groupby(["family", "share"])
        result["partial"] = [_row(*key, group) for key, group in grouped]
        result["partial"] += [_row("both", share, group) for share, group in rows.groupby("share")]
    return result


def _row(family: str, share: float, rows: pd.DataFrame) -> JsonObject:
    others = pd.DataFrame(list(rows["others"])).mean()
    ours = float(rows["crps"].mean())
    return {
        "family": family,
        "share": share,
        "forecasts": len(rows),
        "ours": ours,
        **others.to_dict(),
        "ratio_to_best": ours / float(others.min()),
        "mae": float(rows["error"].abs().mean()),
        "held_50": float(rows["held_50"].mean()),
        "held_90": float(rows["held_90"].mean()),
        "width_90": float(rows["width_90"].mean()),
    }


def main() -> None:
    """Measure, print and write."""
    options = record.parser(__doc__)
    default = record.ROOT / "build" / "running_runs"
    options.add_argument("--cells", type=Path, default=default, help="folder of finished cells")
    arguments = options.parse_args()
    arguments.cells.mkdir(parents=True, exist_ok=True)
    found = cells(arguments.cells, arguments.quick)
    result = tables(found)
    for name in ("schedules", "cooldowns"):
        print(pd.DataFrame(result[name]).T.to_string())
    print(pd.DataFrame(result["partial"]).to_string(index=False))
    path = record.RESULTS / "running_runs.json"
    record.write({**result, "cells": found}, path, arguments, {})


if __name__ == "__main__":
    main()
