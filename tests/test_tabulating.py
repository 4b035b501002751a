"""Summaries as LaTeX, Markdown and CSV."""

import io
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

import bayescale as bs
from tests.test_results import MADE

AWKWARD = pd.DataFrame(
    {
        "tokens_per_param": [19.87, -0.5, np.nan],
        "unit": ["50 % of α", "a & b", "[x|y] <$_^~\\{}#>"],
    },
    index=pd.Index([5.76e23, 1e-9, np.inf], name="compute"),
)
results = pytest.mark.parametrize("made", MADE.values(), ids=[cls.__name__ for cls in MADE])
TEX = shutil.which("tectonic") or shutil.which("pdflatex")


def rows_of_latex(text: str) -> list[list[str]]:
    """Return the cells of a tabular; every special character must be escaped."""
    begin, body, end = re.fullmatch(
        r"\\begin\{tabular\}\{([lr]+)\}\n(.*)\\end\{(\w+)\}\n", text, re.DOTALL
    ).groups()
    assert end == "tabular"
    lines = [
        line for line in body.splitlines() if not re.fullmatch(r"\\(top|mid|bottom)rule", line)
    ]
    rows = []
    for line in lines:
        assert line.endswith(r" \\")
        cells = re.split(r"(?<!\\)&", line.removesuffix(r" \\"))
        assert len(cells) == len(begin)
        for cell in cells:
            without_math = re.sub(r"(?<!\\)\$[^$]*\$", "", cell)
            without_commands = re.sub(r"\\[a-zA-Z]+(\{\})?|\\[&%$#_{}]", "", without_math)
            assert not re.search(r"[&%$#_~^\\<>]", without_commands), cell
            assert without_commands.count("{") == without_commands.count("}")
        rows.append([cell.strip() for cell in cells])
    return rows


@results
def test_every_summary_is_a_table_in_latex_markdown_and_csv(made):
    result = made()
    summary = result.summary()
    assert len(rows_of_latex(bs.to_table(result, "latex"))) == len(summary) + 1
    lines = bs.to_table(result).splitlines()
    assert len(lines) == len(summary) + 2
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    names = [
        column.split(".")[0] for column in pd.read_csv(io.StringIO(bs.to_table(result, "csv")))
    ]
    assert [str(column) for column in summary] == names[-len(summary.columns) :]


def test_latex_escapes_text_and_writes_powers_of_ten():
    heading, first, second, third = rows_of_latex(bs.to_table(AWKWARD, "latex"))
    assert heading == ["compute", r"tokens\_per\_param", "unit"]
    assert first == [r"$5.76 \times 10^{23}$", "19.87", r"50 \% of $\alpha$"]
    assert second == [r"$1 \times 10^{-9}$", "$-0.5$", r"a \& b"]
    assert third[:2] == [r"$\infty$", "-"]


@pytest.mark.skipif(TEX is None, reason="neither tectonic nor pdflatex is here; rows are parsed")
def test_latex_compiles(tmp_path):
    document = (
        r"\documentclass{article}\usepackage[utf8]{inputenc}\usepackage{booktabs}"
        rf"\begin{{document}}{bs.to_table(AWKWARD, 'latex')}\end{{document}}"
    )
    (tmp_path / "table.tex").write_text(document, encoding="utf-8")
    subprocess.run([str(TEX), "table.tex"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "table.pdf").stat().st_size > 0


def test_csv_keeps_all_digits():
    table = pd.DataFrame({"q50": [1 / 3]}, index=pd.Index(["E"], name="parameter"))
    assert bs.to_table(table, "csv") == f"parameter,q50\nE,{1 / 3!r}\n"


def test_another_form_is_refused():
    with pytest.raises(bs.InputError, match="must be one of markdown, latex, csv"):
        bs.to_table(AWKWARD, "html")
