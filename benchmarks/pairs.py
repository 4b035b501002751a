"""Which of two recipes is better: forecasts of differences, and choices, from small ladders.

Teams of recipes with runs at the same sizes and lengths: cosine and WSD on each of eleven texts
(OLMo's ladder), three corpora (Gadre et al. 2024), and simulated teams of 25 recipes that differ by
a few per cent in floor and amplitudes. The cheapest runs of each recipe are fitted by
`bayescale.fit_many`; runs of the same size and length of two recipes, up to a hundred times dearer,
are compared with joint draws, and with draws of each recipe alone. The library prior has not seen
the family.

Prints for each kind of team the CRPS of log differences as a ratio to that of independent fits
alone, the share of differences that 90 % intervals hold, the mean regret of choosing by expected
loss as a ratio to that of choosing by the dearest run of each ladder, and how often the better of
two had the lower loss by the probability that was said. Writes benchmarks/results/pairs.json.

    BAYESCALE_DATA=... python benchmarks/pairs.py
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import alternatives
import numpy as np
import pandas as pd
import record
from record import JsonObject

import bayescale as bs
from bayescale.decisions.checks.forecasters import predicted
from bayescale.decisions.checks.scores import run_scores
from bayescale.decisions.recipes.group_fits import GroupFits
from bayescale.terminal.style import table as styled

RESULTS = record.RESULTS / "pairs.json"
LADDERS = (4, 6, 8, 12)
REACH = 100.0
SIMULATED_TEAMS, RECIPES = 4, 25
DECILES = np.linspace(0.5, 1.0, 6)


class Team(NamedTuple):
    """Recipes of one team.

    Attributes
    ----------
    kind : str
    family : str
        Of the library that must not have seen it.
    runs : DataFrame
        Columns ``n_params``, ``n_tokens``, ``loss``, ``group``, and ``place``, which is the same
        for runs that are compared.
    """

    kind: str
    family: str
    runs: pd.DataFrame


def teams() -> Iterator[Team]:
    """Yield all teams."""
    olmo = bs.datasets.frame("bhagia2024_olmo_ladder")
    olmo = olmo[~olmo["run_id"].str.contains("rerun|target")]
    texts = [name for name in olmo if name == "loss" or name.startswith("loss_")]
    lengths = olmo["run_id"].str.extract(r"-(.*)xC")[0]
    for text in texts:
        runs = olmo[["n_params", "n_tokens", "group"]].assign(loss=olmo[text])
        runs = runs.assign(place=olmo["size"] + lengths)
        yield Team("cosine, WSD", "bhagia2024_olmo_ladder", runs)
    gadre = bs.datasets.frame("gadre2024")
    sizes, lengths = gadre["n_params"].round(-5), (50 * np.log(gadre["n_tokens"])).round()
    places = sizes.astype(str) + "/" + lengths.astype(str)
    yield Team("corpora", "gadre2024", gadre.assign(place=places))
    for seed in range(SIMULATED_TEAMS):
        yield simulated(seed, RECIPES)


def simulated(seed: int, recipes: int) -> Team:
    """Return a team whose recipes follow the Chinchilla law with constants of their own."""
    rng = np.random.default_rng(seed)
    floor, alpha, beta = 1.7 * np.exp(0.05 * rng.normal()), 0.34, 0.3
    size, ratio = np.meshgrid(np.geomspace(5e7, 5e9, 6), [10.0, 30.0, 90.0], indexing="ij")
    n_params, n_tokens = size.ravel(), (size * ratio).ravel()
    frames = []
    for recipe in range(recipes):
        own = np.exp(np.array([0.01, 0.03, 0.03, 0.02, 0.02]) * rng.normal(size=5))
        # Exponents turn about a run of 4e8 parameters and 1e10 tokens.
        of_params = 0.6 * own[1] * (n_params / 4e8) ** (-alpha * own[3])
        of_tokens = 0.5 * own[2] * (n_tokens / 1e10) ** (-beta * own[4])
        loss = (floor * own[0] + of_params + of_tokens) * np.exp(0.002 * rng.normal(size=18))
        columns = {"n_params": n_params, "n_tokens": n_tokens, "loss": loss}
        frames.append(pd.DataFrame(columns).assign(group=f"recipe {recipe:02}", place=range(18)))
    return Team("simulated", "", pd.concat(frames, ignore_index=True))


def split(team: Team, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cheapest runs of each recipe, and dearer ones that all recipes have."""
    runs = team.runs.assign(compute=team.runs["n_params"] * team.runs["n_tokens"])
    ordered = runs.sort_values("compute", kind="stable").drop_duplicates(["group", "place"])
    rank = ordered.groupby("group").cumcount()
    train, rest = ordered[rank < count], ordered[rank >= count]
    limit = train["compute"].max()
    rest = rest[rest["compute"].between(limit, REACH * limit, inclusive="right")]
    whole = rest.groupby("place")["group"].transform("nunique") == train["group"].nunique()
    return train, rest[whole]


def fitted(team: Team, train: pd.DataFrame) -> GroupFits:
    """Fit the ladders of a team together."""
    prior = bs.priors.Library()
    if team.family in prior.families:
        prior = replace(prior, without=team.family)
    columns = ["n_params", "n_tokens", "loss", "group"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bs.fit_many(train[columns], prior=prior)


def scored(team: Team, count: int) -> JsonObject | None:
    """Return scores of a team with ladders of so many runs, None where nothing is hidden."""
    train, hidden = split(team, count)
    if hidden.empty:
        return None
    fits = fitted(team, train)
    groups = list(fits.posteriors)
    wide = hidden.pivot(index="place", columns="group")
    truth = np.log(wide["loss"][groups].to_numpy())
    inputs = wide[["n_params", "n_tokens"]].stack(level="group", future_stack=True)
    at = inputs.groupby("place").mean().loc[wide.index]
    joint = np.log(fits.losses(at["n_params"].to_numpy(), at["n_tokens"].to_numpy()).to_numpy())
    alone = independent(fits, at)
    dearest = train.groupby("group").tail(1).set_index("group")["loss"].loc[groups]
    differences: dict[str, list[pd.DataFrame]] = {"joint": [], "alone": []}
    for a, b in combinations(range(len(groups)), 2):
        gap = truth[:, a] - truth[:, b]
        for name, draws in (("joint", joint), ("alone", alone)):
            scores = run_scores(draws[:, a] - draws[:, b], gap)
            below = (draws[:, a] < draws[:, b]).mean(axis=0)
            columns = {"said": np.maximum(below, 1 - below), "right": (below > 0.5) == (gap < 0)}
            differences[name].append(pd.DataFrame({**scores, **columns}))
    row: JsonObject = {"kind": team.kind, "runs": count, "recipes": len(groups)}
    for name, tables in differences.items():
        table = pd.concat(tables, ignore_index=True)
        row[f"crps_{name}"] = float(table["crps"].mean())
        row[f"covered90_{name}"] = float(table["covered90"].mean())
        bins = np.digitize(table["said"], DECILES[1:-1])
        grouped = table.groupby(bins)[["said", "right"]].agg(["sum", "size"])
        row[f"said_{name}"] = grouped["said"]["sum"].reindex(range(5), fill_value=0.0).tolist()
        row[f"right_{name}"] = grouped["right"]["sum"].reindex(range(5), fill_value=0.0).tolist()
        row[f"pairs_{name}"] = grouped["said"]["size"].reindex(range(5), fill_value=0).tolist()
    losses = np.exp(truth)
    chosen = np.exp(joint).mean(axis=0).argmin(axis=0)
    row["regret"] = float((losses[np.arange(len(losses)), chosen] - losses.min(axis=1)).mean())
    by_dearest = int(np.argmin(dearest.to_numpy()))
    row["regret_by_dearest"] = float((losses[:, by_dearest] - losses.min(axis=1)).mean())
    return row


def independent(fits: GroupFits, at: pd.DataFrame) -> np.ndarray:
    """Return draws of log losses of each group alone, shape (draws, groups, runs)."""
    runs = bs.Runs(at.reset_index(drop=True).assign(loss=1.0), name="hidden")
    draws = [predicted(one, runs).log_draws for one in fits.alone.values()]
    count = min(map(len, draws))
    rng = np.random.default_rng(0)
    return np.stack([rng.permutation(one)[:count] for one in draws], axis=1)


def over_teams(rows: list[JsonObject]) -> pd.DataFrame:
    """Return scores by kind of team."""
    table = pd.DataFrame(rows)
    table["log_ratio"] = np.log(table["crps_joint"] / table["crps_alone"])
    grouped = table.groupby("kind", sort=False)
    found = grouped[["covered90_alone", "covered90_joint"]].mean()
    found["ratio"] = np.exp(grouped["log_ratio"].mean())
    regret = grouped[["regret", "regret_by_dearest"]].mean()
    found["regret_ratio"] = regret["regret"] / regret["regret_by_dearest"]
    for kind, part in grouped:
        said, right, pairs = (
            np.sum(part[f"{name}_joint"].tolist(), axis=0) for name in ("said", "right", "pairs")
        )
        with np.errstate(invalid="ignore"):
            found.loc[kind, [f"said_{i}" for i in range(5)]] = said / pairs
            found.loc[kind, [f"right_{i}" for i in range(5)]] = right / pairs
    return found.reset_index()


def main() -> None:
    """Fit, print, write."""
    arguments = record.parser(__doc__).parse_args()
    chosen, ladders = teams(), LADDERS
    if arguments.quick:
        chosen, ladders = iter([simulated(0, 3)]), (6,)
    rows: list[JsonObject] = []
    for team in chosen:
        for count in ladders:
            row = scored(team, count)
            if row is not None:
                rows.append(row)
                ratio = row["crps_joint"] / row["crps_alone"]
                print(f"{team.kind}, {count} runs: {ratio:.2f}", flush=True)
    table = over_teams(rows)
    shown = styled(
        ["team", "CRPS ratio", "90 % alone", "90 % joint", "regret ratio", "said, right"]
    )
    for row in table.to_dict("records"):
        names = ("ratio", "covered90_alone", "covered90_joint", "regret_ratio")
        pairs = [(row[f"said_{i}"], row[f"right_{i}"]) for i in range(5)]
        calibration = "  ".join(f"{said:.2f} {right:.2f}" for said, right in pairs if said == said)
        shown.add_row(str(row["kind"]), *(f"{row[name]:.2f}" for name in names), calibration)
    alternatives.show(shown)
    result = {"by_kind": table.to_dict("records"), "teams": rows}
    record.write(result, RESULTS, arguments, {"default": record.Model()})


if __name__ == "__main__":
    main()
