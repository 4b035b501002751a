"""Write the tables that documentation quotes from results, between their markers.

A table stands between ``<!-- measured: NAME -->`` and ``<!-- end of NAME -->``. A test fails where
one differs from what the results say, or where a model that was measured has changed since.

    python benchmarks/quote.py
"""

import argparse
import json
import re
import statistics
from collections.abc import Callable
from typing import NamedTuple

import record
from record import JsonObject

PAGES = ("docs/evidence.md", "docs/accelerators.md", "docs/small_ladders.md")
_SPLITS = {
    "dearest_20_percent": "most expensive fifth",
    "beyond_a_tenth": "beyond a tenth of the largest compute",
    "ladders": "beyond the 6, 8 or 12 cheapest runs",
    "short_ladders": "beyond the 3 or 4 cheapest runs",
}
_LADDERS = {"ladders": "6, 8 or 12", "short_ladders": "3 or 4"}
_SCORES_OF_LOSS = (
    "50 % interval holds",
    "90 % holds",
    "bias of the median",
    "CRPS, ratio",
    "worst family",
)
_MARKED = re.compile(
    r"(?P<begin><!-- measured: (?P<name>\w+) -->\n).*?(?P<end><!-- end of (?P=name) -->)", re.DOTALL
)


class Table(NamedTuple):
    """A table of Markdown from results.

    Attributes
    ----------
    results : tuple of str
        Names of the files that it takes, without ending.
    rows : callable
        Function from the contents of these files to its rows, headings first.
    """

    results: tuple[str, ...]
    rows: Callable[..., list[list[str]]]

    def text(self) -> str:
        """Return the table and a line about each measurement; nothing where there is none yet."""
        paths = [record.RESULTS / f"{name}.json" for name in self.results]
        if not all(path.is_file() for path in paths):
            return ""
        contents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        headings, *rows = self.rows(*contents)
        lines = [_line(headings), _line(["---"] * len(headings)), *map(_line, rows), ""]
        measured = map(_measured, self.results, contents)
        lines.append(f"Measured by {'; '.join(measured)}.")
        return "\n" + "\n".join(lines) + "\n\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _measured(name: str, result: JsonObject) -> str:
    """Return by what, when and where a result was measured."""
    about = result.get("about", result)
    commit = f" at {about['commit'][:7]}" if about.get("commit") else ""
    return f"`{name}.py` on {about['date']}{commit}, {about['device']}, {about['cpus']} CPUs"


def _speed(main_job: JsonObject, peers: JsonObject) -> list[list[str]]:
    sizes, posterior = peers["sizes"], main_job["posterior"]
    refits, nodes, cells = peers["refits"], peers["nodes"], peers["cells"]
    ours, stock = _draws_per_second(posterior["ours"]), _draws_per_second(posterior["stock"])
    return [
        ["work", "bayescale", "alternative", "ratio"],
        [
            "posterior from a cold start, compilation included: effective draws per second",
            f"{ours:,.0f}",
            f"{stock:,.0f} (NumPyro NUTS, default settings, same model)",
            _ratio(posterior["ratio_median"]),
        ],
        [
            f"Huber fit from {sizes['starts']:,} starts, compiled",
            _seconds(peers["starts"]["compiled"]),
            f"{_seconds(peers['starts']['alternative'])} (SciPy, one fit at a time)",
            _ratio(peers["starts"]["ratio_compiled"]),
        ],
        [
            f"one bootstrap refit, of {sizes['refits']:,}, compiled",
            f"{1e3 * refits['ours_per_refit']:.3g} ms",
            f"{1e3 * refits['alternative_per_refit']:.3g} ms (SciPy with autograd)",
            _ratio(refits["ratio_per_refit"]),
        ],
        [
            f"least squares at {sizes['exponents'] ** 2 / 1e6:.3g} million pairs of exponents, "
            f"compiled",
            _seconds(nodes["compiled"]),
            f"{_seconds(nodes['alternative'])} (NumPy `lstsq`, node by node)",
            _ratio(nodes["ratio_compiled"]),
        ],
        [
            f"Huber objective at {sizes['values'] ** 5 / 1e6:.3g} million cells of "
            f"(E, A, B, α, β), compiled",
            _seconds(cells["compiled"]),
            f"{_seconds(cells['alternative'])} (NumPy, broadcast)",
            _ratio(cells["ratio_compiled"]),
        ],
    ]


def _roofline(result: JsonObject) -> list[list[str]]:
    headings = ["call", "operations", "bytes", "operations a byte", "least", "launches", "expected"]
    return [headings, *map(_kernel_on_card, result["kernels"])]


def _kernel_on_card(kernel: JsonObject) -> list[str]:
    return [
        f"`{kernel['kernel']}`, {kernel['work']}",
        f"{kernel['operations']:.2g}",
        f"{kernel['bytes']:.2g}",
        f"{kernel['intensity']:.2g}",
        f"{1e3 * kernel['roofline']:.2g} ms",
        f"{kernel['launches']:,.0f}",
        f"{1e3 * kernel['expected']:.2g} ms",
    ]


def _precision(result: JsonObject) -> list[list[str]]:
    rows = [["products", "log evidence off by", "a quantile of an exponent off by"]]
    for name, errors in result["precision"].items():
        rows.append([name, f"{errors['log_evidence']:.2g}", f"{errors['quantile']:.2g} sd"])
    return rows


def _accelerator(result: JsonObject) -> list[list[str]]:
    places = list(result["devices"])
    rows = [["work", *(result["devices"][place] for place in places), "ratio"]]
    for name, seconds in result["seconds"].items():
        shown = [_seconds(seconds[place]) for place in places]
        ratio = _ratio(seconds[places[0]] / seconds[places[-1]]) if len(places) > 1 else "-"
        rows.append([name, *shown, ratio])
    return rows


def _pairs(result: JsonObject) -> list[list[str]]:
    rows = [["team", "CRPS ratio", "90 % hold alone", "90 % hold jointly", "regret ratio"]]
    rows[0].append("said and right, by how sure it was")
    for row in result["by_kind"]:
        names = ("ratio", "covered90_alone", "covered90_joint", "regret_ratio")
        told = [(row[f"said_{i}"], row[f"right_{i}"]) for i in range(5)]
        calibration = [f"{said:.2f} {right:.2f}" for said, right in told if said is not None]
        figures = [f"{row[name]:.2f}" for name in names]
        rows.append([row["kind"], *figures, ", ".join(calibration)])
    return rows


def _teams(result: JsonObject) -> list[list[str]]:
    rows = [["runs", "families", "ratio", "worst family", "90 % hold alone", "90 % hold together"]]
    for row in result["by_runs"]:
        held = [f"{row[f'{name}_covered90']:.2f}" for name in ("alone", "together")]
        counts = [str(row["runs"]), str(row["families"])]
        rows.append([*counts, f"{row['ratio']:.2f}", f"{row['worst']:.2f}", *held])
    return rows


def _draws_per_second(repeats: list[JsonObject]) -> float:
    draws = statistics.median(repeat["ess"] for repeat in repeats)
    return draws / statistics.median(repeat["seconds"] for repeat in repeats)


def _default_fit(result: JsonObject) -> list[list[str]]:
    rows = [["fit", "method", "first fit", "later fit", "effective draws / s", "memory"]]
    for by_method in result["fits"].values():
        for name, row in by_method.items():
            rows.append(
                [
                    f"{row['runs']} runs",
                    name,
                    _seconds(row["first_fit"]),
                    _seconds(row["later_fit"]),
                    f"{row['ess'] / row['later_fit']:,.0f}",
                    f"{row['peak_memory'] / 1e6:,.0f} MB",
                ]
            )
    for name, by_count in result["batches"].items():
        for count, row in by_count.items():
            per_fit = _seconds(row["later_call"] / row["fits"])
            memory = f"{row['peak_memory'] / 1e6:,.0f} MB"
            rows.append([f"each of {count} in one call", name, "", per_fit, "", memory])
    return rows


def _design_replay(result: JsonObject) -> list[list[str]]:
    headings = ["runs chosen by", "runs", "limit spent", "frontier loss, CRPS", "worst family"]
    rows = [[*headings, "N*, CRPS", "worst family"]]
    for row in result["strategies"]:
        cells = [row["strategy"], f"{row['n_bought']:.0f}", f"{row['spent']:.0%}"]
        for score in ("loss_crps", "size_crps"):
            cells += [f"{row[score]:.2f}", f"{row[f'{score}_worst']:.2f}"]
        rows.append(cells)
    return rows


def _frontier(result: JsonObject) -> list[list[str]]:
    rows = [["hidden runs", "model", *_SCORES_OF_LOSS]]
    rows += [[_SPLITS[r["split"]], r["model"], *_scores_of_loss(r)] for r in result["frontier"]]
    return rows


def _ladders(result: JsonObject) -> list[list[str]]:
    rows = [["fitted runs", "model", *_SCORES_OF_LOSS]]
    rows += [
        [f"{row['n_train']:.0f}", row["model"], *_scores_of_loss(row)]
        for row in result["by_number"]
    ]
    return rows


def _distances(result: JsonObject) -> list[list[str]]:
    rows = [["fitted runs", "beyond their compute", "model", *_SCORES_OF_LOSS]]
    for row in result["by_distance"]:
        kind = _LADDERS.get(row["kind"], "a sweep")
        rows.append([kind, f"{row['distance']}", row["model"], *_scores_of_loss(row)])
    return rows


def _scores_of_loss(row: JsonObject) -> list[str]:
    shares = [_share(row[name]) for name in ("coverage50", "coverage90")]
    ratios = [row["crps_ratio"], row["worst_ratio"]]
    return [*shares, f"{100 * row['bias']:+.1f} %", *map(_two_digits, ratios)]


def _share(share: float) -> str:
    return f"{100 * share:.0f} %"


def _two_digits(number: float | None) -> str:
    """Return a number, or nothing where there is none."""
    return "" if number is None else f"{number:.2f}"


def _allocation(result: JsonObject) -> list[list[str]]:
    rows = [["model", "50 % interval holds", "90 % holds", "beyond 28 times", "CRPS", "regret"]]
    for row in result["models"]:
        names = ("covered50", "covered90", "coverage90_over_28")
        shares = [_share(row[name]) for name in names]
        rows.append([row["model"], *shares, f"{row['crps']:.3f}", f"{row['regret']:.4f}"])
    return rows


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s"


def _ratio(ratio: float) -> str:
    """Return a ratio to three digits."""
    return f"**{float(f'{ratio:.3g}'):,.0f}**"


TABLES = {
    "frontier": Table(("frontier",), _frontier),
    "ladders": Table(("frontier",), _ladders),
    "distances": Table(("frontier",), _distances),
    "allocation": Table(("allocation",), _allocation),
    "speed": Table(("main_job", "peers"), _speed),
    "default_fit": Table(("default_fit",), _default_fit),
    "design_replay": Table(("design_replay",), _design_replay),
    "roofline": Table(("roofline",), _roofline),
    "precision": Table(("roofline",), _precision),
    "accelerator": Table(("accelerator",), _accelerator),
    "pairs": Table(("pairs",), _pairs),
    "teams": Table(("teams",), _teams),
}


def quoted(page: str) -> str:
    """Return a page with every marked table as the results have it today."""

    def written(marked: re.Match[str]) -> str:
        return marked["begin"] + TABLES[marked["name"]].text() + marked["end"]

    return _MARKED.sub(written, page)


def names(page: str) -> list[str]:
    """Return the names of the tables that a page quotes."""
    return [marked["name"] for marked in _MARKED.finditer(page)]


def main() -> None:
    """Write the tables of every page."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.parse_args()
    for name in PAGES:
        path = record.ROOT / name
        path.write_text(quoted(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
