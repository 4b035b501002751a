"""How well are the field's contests forecast? Seven of the eight tasks of SLDBench.

Each task has training rows, and test rows at larger scale, in groups. A form of law is fitted to
the training rows of each group with the default settings, and the test rows are forecast. R2 is one
less the mean over outputs of the squared error over the variance, of all groups together. Where a
task has several candidate laws, `compare` chooses one by training rows alone, from the sum of its
log scores over groups. Beside R2 stand the shares of test rows within the 50 and 90 % intervals of
an observed run.

``SEEN`` says which forms had been tried on test rows before. Rows are those of ScaleBench (Li et
al. 2026) and of Lin et al. 2024, below ``BAYESCALE_DATA``; the U-shaped task is in neither.
Finished cells are kept in ``--cells``.

    BAYESCALE_DATA=... python benchmarks/suites.py [--cells FOLDER]
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import record
from record import JsonObject

import bayescale as bs
from bayescale._internal.discovery import describe
from bayescale.decisions.forecasts.forecast import Forecast
from bayescale.errors import InputError
from bayescale.laws.base import Law

BEST_AGENT = {
    "parallel": 1.000,
    "vocab": 0.987,
    "sft": 0.993,
    "domain": 0.988,
    "moe": 0.773,
    "data_constrained": 0.944,
    "lr_bsz": 0.604,
}
HUMAN = {
    "parallel": 1.000,
    "vocab": 0.966,
    "sft": 0.957,
    "domain": 0.671,
    "moe": 0.703,
    "data_constrained": 0.911,
    "lr_bsz": -0.076,
}
SEEN = {
    "moe": "a floor and an interaction were proposed after test rows had been seen",
    "lr_bsz": "two forms without v_x were tried on test rows; v_x was chosen on training rows",
    "domain": "powers of shares from 0.25 to 1 were tried on test rows; p is fitted",
}
DOMAINS = range(1, 6)
LAWS = bs.laws


@dataclass(frozen=True, eq=False)
class Task:
    """A task, with its rows under names of this package.

    Attributes
    ----------
    name : str
    laws : tuple of Law
        Candidates.
    train, test : DataFrame
        With ``group``.
    outputs : tuple of str
        Columns to predict.
    """

    name: str
    laws: tuple[Law, ...]
    train: pd.DataFrame
    test: pd.DataFrame
    outputs: tuple[str, ...] = ("loss",)


def data_folder() -> Path:
    """Return the folder of the originals."""
    given = os.environ.get("BAYESCALE_DATA")
    if not given or not (Path(given) / "scalebench2026").is_dir():
        raise InputError("set BAYESCALE_DATA to the folder that has scalebench2026.")
    return Path(given)


def scalebench(file: str, names: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the training and the test rows of a file, with columns renamed."""
    folder = data_folder() / "scalebench2026"
    train = pd.read_parquet(folder / f"{file}_train.parquet").rename(columns=names)
    return train, pd.read_parquet(folder / f"{file}_test.parquet").rename(columns=names)


def sft() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the fine-tunings of Lin et al.; those of 819,200 examples are the test rows."""
    tables = []
    for path in sorted((data_folder() / "lin2024_rectified_sft").glob("*.csv")):
        wide = pd.read_csv(path)
        long = wide.melt(id_vars="model", var_name="n_examples", value_name="loss")
        tables.append(long.assign(group=path.stem + ", " + long["model"]))
    rows = pd.concat(tables, ignore_index=True).dropna()
    rows["n_examples"] = rows["n_examples"].astype(float)
    rows = rows[rows["n_examples"] > 0]
    largest = rows["n_examples"] == rows["n_examples"].max()
    return rows[~largest], rows[largest]


def tasks() -> Iterator[Task]:
    """Yield the tasks, the quickest first."""
    names = {"num_params": "n_params", "parallel_size": "n_streams"}
    streams = (LAWS.ParallelStreams(), LAWS.PowerLaw(input="n_params"))
    yield Task("parallel", streams, *scalebench("parallel", names))
    names = {"dense_parameter_count": "n_params", "num_experts": "n_experts"}
    experts = (LAWS.RoutedExperts(), LAWS.ExpertsFloor())
    yield Task("moe", experts, *scalebench("moe", names | {"loss_validation": "loss"}))
    names = {"params": "n_params", "tokens": "n_tokens"}
    repeats = (LAWS.DataConstrained(), LAWS.DataConstrained(tied=False))
    yield Task("data_constrained", repeats, *scalebench("data_constrained", names))
    names = {f"proportion_domain_{one}": f"share_{one}" for one in DOMAINS}
    mixtures = scalebench("domain_mixture", names)
    outputs = tuple(f"loss_domain_{one}" for one in DOMAINS)
    yield Task("domain", (LAWS.Mixture(domains="1+2+3+4+5"),), *mixtures, outputs)
    yield Task("sft", (LAWS.RectifiedSFT(),), *sft())
    # The sizes of vocabularies stand for their parameters.
    names = {"non_vocab_parameters": "non_vocab_params", "vocab_size": "vocab_params"}
    names |= {"num_characters": "n_chars", "unigram_normalized_loss": "relative_loss"}
    vocabulary = scalebench("vocab", names)
    yield Task("vocab", (LAWS.Vocabulary(data="n_chars"),), *vocabulary, ("relative_loss",))
    names = {"lr": "learning_rate", "bsz": "batch_tokens", "data_size": "n_tokens"}
    names |= {"non_embedding_param_size": "n_params", "lm_loss": "loss"}
    yield Task("lr_bsz", (LAWS.SettingsValley(),), *scalebench("lr_bsz", names))


def runs_of(rows: pd.DataFrame, law: Law, output: str, name: str) -> bs.Runs:
    """Return one group's rows with what a law needs of them."""
    frame = rows[[*law.inputs, output]].rename(columns={output: law.response})
    return bs.Runs.from_frame(frame, name=name, required=(*law.inputs, law.response))


def chosen(task: Task) -> Law:
    """Return the candidate that forecasts hidden training rows best."""
    if len(task.laws) == 1:
        return task.laws[0]
    scores = pd.Series(0.0, index=[describe(law) for law in task.laws])
    inputs = sorted({name for law in task.laws for name in law.inputs})
    for group, rows in task.train.groupby("group"):
        frame = rows[[*inputs, *task.outputs]]
        runs = bs.Runs.from_frame(frame, name=f"{task.name}, {group}", required=task.outputs)
        found = bs.compare(runs, task.laws).frame.set_index("law")["log_score"]
        scores = scores + found.reindex(scores.index).fillna(-np.inf)
    return task.laws[int(np.argmax(scores.to_numpy()))]


def predicted(task: Task, law: Law, rows: pd.DataFrame, at: pd.DataFrame, output: str) -> Forecast:
    """Return the forecast of one group's test rows, under the default settings; where these cannot
    take the law, with `StudentT`.
    """
    runs = runs_of(rows, law, output, task.name)
    try:
        posterior = bs.fit(runs, law=law)
    except InputError:
        posterior = bs.fit(runs, law=law, noise=bs.noise.StudentT())
    return bs.forecast(posterior, **{name: at[name].to_numpy() for name in law.inputs})


def measured(task: Task) -> JsonObject:
    """Return the form, R2 and coverage of a task."""
    law = chosen(task)
    errors, variances, held_50, held_90 = [], [], [], []
    for output in task.outputs:
        squared, observed = [], []
        for group, rows in task.train.groupby("group"):
            at = task.test[task.test["group"] == group]
            if at.empty:
                continue
            forecast = predicted(task, law, rows, at, output)
            true = at[output].to_numpy()
            low, lower, upper, high = np.quantile(forecast.draws, [0.05, 0.25, 0.75, 0.95], axis=0)
            held_50 += list((lower < true) & (true < upper))
            held_90 += list((low < true) & (true < high))
            squared += list((np.median(forecast.law_draws, axis=0) - true) ** 2)
            observed += list(true)
        errors.append(float(np.mean(squared)))
        variances.append(float(np.var(observed)))
    return {
        "task": task.name,
        "law": describe(law),
        "candidates": [describe(one) for one in task.laws],
        "r2": float(1 - np.mean(np.array(errors) / np.array(variances))),
        "held_50": float(np.mean(held_50)),
        "held_90": float(np.mean(held_90)),
        "rows": len(held_90),
        "best_agent": BEST_AGENT[task.name],
        "human": HUMAN[task.name],
        "seen": SEEN.get(task.name, ""),
    }


def main() -> None:
    """Measure, print and write."""
    options = record.parser(__doc__)
    default = record.ROOT / "build" / "suites"
    options.add_argument("--cells", type=Path, default=default, help="folder of finished cells")
    arguments = options.parse_args()
    arguments.cells.mkdir(parents=True, exist_ok=True)
    rows = []
    for task in tasks():
        rows.append(record.saved(arguments.cells / f"{task.name}.json", partial(measured, task)))
        print(rows[-1], flush=True)
        if arguments.quick:
            break
    table = pd.DataFrame(rows).set_index("task")
    print(table[["law", "r2", "best_agent", "held_90"]].to_string())
    means = table[["r2", "best_agent", "human", "held_50", "held_90"]].mean().to_dict()
    result = {"sldbench": {"tasks": rows, "mean": means}}
    record.write(result, record.RESULTS / "suites.json", arguments, {})


if __name__ == "__main__":
    main()
