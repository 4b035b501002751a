"""Ladders of the sets of one team fitted together, beside each by itself.

The groups are the sets of a family of the forecasting panel (frontier_panel.py) that have a ladder
of the same number of cheapest runs: texts, contexts or recipes of one team. Each set is forecast
up to a hundred times the compute of its ladder, by `bayescale.fit_many` and by its first stage, the
fits alone. The library prior has not seen the family.

Prints CRPS of the fits together as a ratio to those alone, by the number of runs: geometric means
over sets, then over families, where a family has one vote; and the share of hidden runs that 90 %
intervals hold. Writes benchmarks/results/teams.json.

    BAYESCALE_DATA=... python benchmarks/teams.py
    BAYESCALE_DATA=... python benchmarks/teams.py --families bhagia
"""

import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import alternatives
import frontier_panel
import numpy as np
import pandas as pd
import record
from frontier_panel import Case
from record import JsonObject

import bayescale as bs
from bayescale.decisions.checks.forecasters import predicted
from bayescale.decisions.checks.scores import run_scores
from bayescale.decisions.recipes.fit_many import GroupFits
from bayescale.terminal.style import table as styled

RESULTS = record.RESULTS / "teams.json"
QUICK_RUNS = 6
MOST_SETS = 6


def teams(only: str) -> Iterator[tuple[str, int, list[Case]]]:
    """Yield family, number of runs and the sets that have so many, where there are two at least."""
    found: dict[tuple[str, int], list[Case]] = defaultdict(list)
    for case in frontier_panel.cases(tuple(frontier_panel.LADDERS), most_sets=MOST_SETS):
        if only in case.family:
            found[case.family, len(case.fold.train)].append(case)
    for (family, count), cases in found.items():
        if len(cases) > 1:
            yield family, count, cases


def together(cases: list[Case]) -> pd.DataFrame:
    """Return the training runs of the sets of a team as one table."""
    columns = ["n_params", "n_tokens", "loss"]
    frames = [case.fold.train.frame[columns].assign(group=case.name) for case in cases]
    return pd.concat(frames, ignore_index=True)


def fitted(family: str, cases: list[Case]) -> GroupFits:
    """Fit the sets of a team."""
    prior = bs.priors.Library()
    if family in prior.families:
        prior = replace(prior, without=family)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bs.fit_many(together(cases), prior=prior)


def scored(family: str, count: int, cases: list[Case]) -> Iterator[JsonObject]:
    """Yield a row for each set of a team."""
    fits = fitted(family, cases)
    for case in cases:
        hidden = case.fold.test
        losses = np.log(hidden.column("loss"))
        row: JsonObject = {"family": family, "set": case.name, "runs": count}
        for name, posteriors in (("alone", fits.alone), ("together", fits.posteriors)):
            scores = run_scores(predicted(posteriors[case.name], hidden).log_draws, losses)
            row[name] = float(scores["crps"].mean())
            row[f"{name}_covered90"] = float(scores["covered90"].mean())
        yield row


def simulated() -> list[Case]:
    """Return ladders of two simulated sets."""
    cases = []
    for seed in range(2):
        runs = bs.datasets.simulate(seed, noise=0.003)
        order = np.argsort(runs.six_nd)
        train, test = (
            replace(runs, frame=runs.frame.iloc[rows]) for rows in np.split(order, [QUICK_RUNS])
        )
        fold = frontier_panel.Fold("simulated", train, test)
        cases.append(Case("simulated", f"set {seed}", "ladders", fold))
    return cases


def over_families(rows: list[JsonObject]) -> pd.DataFrame:
    """Return the ratio and both coverages by number of runs, where a family has one vote."""
    table = pd.DataFrame(rows)
    table["log_ratio"] = np.log(table["together"] / table["alone"])
    columns = ["log_ratio", "alone_covered90", "together_covered90"]
    by_family = table.groupby(["runs", "family"])[columns].mean()
    grouped = by_family.groupby("runs")
    found = grouped.mean()
    found["families"] = grouped.size()
    found["worst"] = np.exp(grouped["log_ratio"].max())
    found["ratio"] = np.exp(found.pop("log_ratio"))
    return found.reset_index()


def main() -> None:
    """Fit, print, write; a team with a ladder that is refused is left out."""
    parser = record.parser(__doc__)
    parser.add_argument(
        "--families", default="", metavar="TEXT", help="only families whose name contains it"
    )
    arguments = parser.parse_args()
    found = teams(arguments.families)
    if arguments.quick:
        found = iter([("simulated", QUICK_RUNS, simulated())])
    rows: list[JsonObject] = []
    for family, count, cases in found:
        try:
            new = list(scored(family, count, cases))
        except bs.InputError as error:
            print(f"{family} {count:2} runs: {error}", flush=True)
            continue
        rows += new
        ratio = np.exp(np.mean([np.log(row["together"] / row["alone"]) for row in new]))
        print(f"{family} {count:2} runs, {len(cases)} sets: {ratio:.2f}", flush=True)
    table = over_families(rows)
    shown = styled(["runs", "families", "ratio", "worst family", "90 % alone", "90 % together"])
    for row in table.to_dict("records"):
        cells = (f"{row[name]:.2f}" for name in ("ratio", "worst"))
        held = (f"{row[f'{name}_covered90']:.2f}" for name in ("alone", "together"))
        shown.add_row(str(row["runs"]), str(row["families"]), *cells, *held)
    alternatives.show(shown)
    result = {"by_runs": table.to_dict("records"), "sets": rows}
    record.write(result, RESULTS, arguments, {"default": record.Model()})


if __name__ == "__main__":
    main()
