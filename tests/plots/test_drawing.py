import ast
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import bayescale as bs
from bayescale.posterior.posterior import Posterior

FIGURES = [bs.plots.loss_along_compute, bs.plots.isoflop, bs.plots.pair, bs.plots.surface]


@pytest.mark.parametrize("draw", FIGURES)
def test_a_figure_shows_itself_in_a_notebook(posterior: Posterior, draw) -> None:
    assert draw(posterior)._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("draw", FIGURES)
def test_drawing_leaves_the_callers_style_as_it_was(posterior: Posterior, draw) -> None:
    before = dict(matplotlib.rcParams)
    draw(posterior)
    assert dict(matplotlib.rcParams) == before


def test_importing_bayescale_does_not_import_matplotlib() -> None:
    script = "import sys, bayescale, bayescale.laws, bayescale.errors; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_pyplot_is_never_imported() -> None:
    script = "import sys, bayescale.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_no_other_part_imports_matplotlib() -> None:
    package = Path(bs.__file__).parent
    files = [
        *package.rglob("*.py"),
        *(package.parent / "kernels").rglob("*.py"),
        *(package.parent / "datasets").rglob("*.py"),
    ]
    guilty = {
        file for file in files if "matplotlib" in _imported(file) and file.parent.name != "plots"
    }
    assert guilty == set()


def _imported(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {
        name.split(".")[0]
        for name in plain | {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom)}
    }
