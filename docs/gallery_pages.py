"""The gallery: scripts that run when the site is built, and a page of each with what it printed.

A script is plain Python in cells. Its docstring has the title and an introduction. A line ``# %%``
begins a cell: the comment lines below it are prose in Markdown, and the rest is code. What the code
prints and warns of is shown below it, and then the value of its last line: a figure, a table, or
any result of the package. The last cell ends in a figure. A script that fails ends the build.

All scripts run in this one process, so they share what JAX compiles. `mkdocs serve` runs a script
again once its text has changed. `mkdocs build` calls the function that begins with ``on_``.
"""

import ast
import html
import io
import sys
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from bayescale.plots._drawing import as_svg
from bayescale.results import table_to_html

SCRIPTS = Path(__file__).parent / "gallery"
_CELL = "# %%"
# Name under which a cell leaves the value of its last line.
_VALUE = "_value_of_cell"
_INTRODUCTION = """# Gallery

Each page is a script of at most sixty lines that ran when this site was built: what it printed and
drew is what you would see. Every page has its script to download. Open it in an editor that knows
cells, such as VS Code, or turn it into a notebook with `jupytext --to notebook`.

**Data.** The build has no network, so a page uses data that are installed with bayescale, or runs
simulated from a published fit. Where a question is about an original that bayescale downloads, the
page simulates, says so, and names the line that loads the original in its place.
"""


@dataclass(frozen=True)
class Cell:
    """A cell of a script: prose in Markdown, and code with the number of its first line."""

    prose: str
    code: str
    line: int


@dataclass(frozen=True)
class Script:
    """A script of the gallery."""

    name: str
    title: str
    introduction: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Executed:
    """The page of a script that ran, and its figures by file name."""

    page: str
    figures: dict[str, str]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Run every script; add its page and its figures, and an index of all."""
    entries = []
    for path in sorted(SCRIPTS.glob("*.py")):
        script = parse(path.stem, path.read_text(encoding="utf-8"))
        executed = run(script)
        for name, content in {f"{script.name}.md": executed.page, **executed.figures}.items():
            files.append(File.generated(config, f"gallery/{name}", content=content))
        entries.append(_index_entry(script, executed))
    index = "\n".join([_INTRODUCTION, '<div class="gallery" markdown>', *entries, "</div>"])
    files.append(File.generated(config, "gallery/index.md", content=index + "\n"))
    return files


def parse(name: str, text: str) -> Script:
    """Return a script in its cells."""
    tree = ast.parse(text)
    title, _, introduction = (ast.get_docstring(tree) or "").partition("\n\n")
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(_CELL)]
    ends = [*starts[1:], len(lines)]
    cells = [_cell(lines[start:end], start) for start, end in zip(starts, ends, strict=True)]
    return Script(name, title.strip().removesuffix("."), introduction, tuple(cells))


def _cell(lines: list[str], start: int) -> Cell:
    """Return the cell of lines that begin with its mark, of which ``start`` are above."""
    first_of_code = 1
    while first_of_code < len(lines) and lines[first_of_code].startswith("#"):
        first_of_code += 1
    prose = [line.removeprefix("#").removeprefix(" ") for line in lines[1:first_of_code]]
    code = "\n".join(lines[first_of_code:]).strip("\n")
    return Cell("\n".join(prose), code, start + first_of_code)


@cache
def run(script: Script) -> Executed:
    """Run the cells of a script in order, and return its page.

    Raises
    ------
    PluginError
        Where a cell fails, or the last one does not end in a figure.
    """
    matplotlib.use("agg")
    module = ModuleType(script.name)
    sys.modules[script.name] = module
    parts = [f"# {script.title}", script.introduction]
    figures: dict[str, str] = {}
    value: object = None
    for cell in script.cells:
        parts += [cell.prose, f"```python\n{cell.code}\n```" if cell.code else ""]
        value, printed = _run_cell(script, cell, module)
        parts.append(_as_text(printed) if printed else "")
        figure = value.figure if isinstance(value, Axes) else value
        if isinstance(figure, Figure):
            name = f"{script.name}_{len(figures) + 1}.svg"
            figures[name] = as_svg(figure, _description(figure))
            parts.append(f"[![{_description(figure)}]({name})]({name}){{ .figure }}")
        elif figure is not None:
            parts.append(_shown(figure))
    plt.close("all")
    if not isinstance(value, Figure | Axes):
        raise PluginError(f"docs/gallery/{script.name}.py: the last line must be a figure.")
    parts.append(f"[Download this script]({script.name}.py){{ download }}")
    return Executed("\n\n".join(filter(None, parts)) + "\n", figures)


def _run_cell(script: Script, cell: Cell, module: ModuleType) -> tuple[object, str]:
    """Return the value of a cell's last line, None where it is no expression, and its output."""
    path = SCRIPTS / f"{script.name}.py"
    tree = ast.parse(cell.code)
    module.__dict__.pop(_VALUE, None)
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = tree.body[-1]
        name = ast.copy_location(ast.Name(_VALUE, ast.Store()), last)
        tree.body[-1] = ast.copy_location(ast.Assign([name], last.value), last)
    ast.increment_lineno(tree, cell.line)
    output = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(output):
        warnings.simplefilter("always")
        # They are for authors of packages, and Python hides them from users too.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            exec(compile(tree, path, "exec"), module.__dict__)
        except Exception as error:
            raise PluginError(f"docs/gallery/{path.name} failed: {error!r}") from error
    said = [f"{one.category.__name__}: {one.message}" for one in caught]
    return module.__dict__.get(_VALUE), "\n".join([output.getvalue().rstrip(), *said]).strip()


def _shown(value: object) -> str:
    """Return a value as a notebook shows it: a table or a result as HTML, and others as text."""
    if isinstance(value, pd.Series):
        value = value.to_frame()
    if isinstance(value, pd.DataFrame):
        if value.index.nlevels == value.columns.nlevels == 1:
            # One row of headings, not a second one for the name of the index.
            value = value.rename_axis(index=None, columns=value.index.name)
        table = table_to_html(value)
    elif hasattr(value, "_repr_html_"):
        table = value._repr_html_()
    else:
        return _as_text(repr(value))
    # The theme styles tables without a class. A blank line would end the block of HTML.
    plain = table.replace(' border="1" class="dataframe"', "").replace("<th></th>", "<td></td>")
    lines = filter(None, plain.splitlines())
    # Wide tables scroll, so a keyboard must reach them.
    return "\n".join(['<div class="output" tabindex="0">', *lines, "</div>"])


def _as_text(output: str) -> str:
    return f'<pre class="output">{html.escape(output).replace(chr(10), "&#10;")}</pre>'


def _description(figure: Figure) -> str:
    """Return what a figure shows, for readers who cannot see it."""
    labels = [(axes.get_ylabel(), axes.get_xlabel()) for axes in figure.axes]
    shown = [f"{vertical} against {horizontal}" for vertical, horizontal in labels if horizontal]
    described = f"Figure: {'; '.join(dict.fromkeys(shown))}".replace("\n", " ").replace('"', "")
    return html.escape(described)


def _index_entry(script: Script, executed: Executed) -> str:
    figure, question = list(executed.figures)[-1], script.introduction.partition("\n\n")[0]
    return f"""<div markdown>
[![Figure of {script.title}]({figure})]({script.name}.md)

**[{script.title}]({script.name}.md)**

{question}
</div>"""
