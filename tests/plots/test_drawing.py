import ast
import subprocess
import sys
from pathlib import Path

import bayescale as bs


def test_importing_bayescale_does_not_import_matplotlib_and_its_plots_not_pyplot() -> None:
    script = (
        "import sys, bayescale, bayescale.laws, bayescale.errors\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import bayescale.plots\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
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
