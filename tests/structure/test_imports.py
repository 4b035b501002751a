"""Imports go down only, along the spine that is also the way of the data."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "bayescale": "bayescale",
    "kernels": "bayescale.kernels",
    "datasets": "bayescale.datasets",
}

# What a part may import of ours besides itself and the leaves. A part is a file or folder right
# below the package.
LEAVES = {"errors", "_internal"}
BELOW_POSTERIOR = {"laws", "processes", "noise", "runs", "responses"}
BELOW_DECISIONS = BELOW_POSTERIOR | {"posterior", "inference", "kernels"}
ALLOWED = {
    "errors": set(),
    "_internal": {"errors"},
    "kernels": {"_internal"},
    "runs": {"errors"},
    "responses": {"runs", "errors"},
    "laws": LEAVES,
    "processes": {"laws", "runs"} | LEAVES,
    "noise": {"laws", "processes"} | LEAVES,
    "datasets": {"runs", "errors"},
    "posterior": BELOW_POSTERIOR | LEAVES,
    "inference": BELOW_POSTERIOR | {"posterior", "kernels"} | LEAVES,
    "citation": BELOW_POSTERIOR | {"posterior", "inference", "datasets"} | LEAVES,
    "batches": BELOW_DECISIONS | {"datasets"} | LEAVES,
    "decisions": BELOW_DECISIONS | {"batches"} | LEAVES,
    "plots": BELOW_DECISIONS - {"inference", "kernels"} | {"decisions"} | LEAVES,
    "reports": BELOW_DECISIONS - {"inference", "kernels"} | {"decisions", "plots"} | LEAVES,
    "cli_plan": {
        "posterior",
        "decisions",
        "reports",
        "terminal",
        "terminal_plan",
        "cli_allocate",
        "cli_input",
        "__init__",
    }
    | LEAVES,
    "terminal_curve": set(),
    "terminal_style": set(),
    "terminal_catalogue": {"laws", "responses", "datasets", "terminal_style"} | LEAVES,
    "terminal_allocate": {"decisions", "posterior", "terminal_style"} | LEAVES,
    "terminal_sensitivity": {"decisions", "terminal_style"} | LEAVES,
    "terminal_design": {"decisions", "terminal_style"} | LEAVES,
    "terminal_recipes": {"decisions", "terminal_style"} | LEAVES,
    "terminal_plan": {"decisions", "terminal_style", "terminal_design", "terminal_sensitivity"}
    | LEAVES,
    "terminal_backtest": {"decisions", "terminal_style"} | LEAVES,
    "terminal": BELOW_DECISIONS
    | {
        "decisions",
        "plots",
        "batches",
        "datasets",
        "terminal_allocate",
        "terminal_curve",
        "terminal_style",
    }
    | LEAVES,
    "cli_input": BELOW_DECISIONS | {"decisions", "batches", "datasets", "__init__"} | LEAVES,
    "cli_allocate": {"decisions", "terminal", "terminal_allocate", "cli_input", "__init__"}
    | LEAVES,
    "cli_catalogue": {"kernels", "datasets", "terminal", "terminal_catalogue", "cli_input"}
    | LEAVES,
    "cli_decisions": {
        "decisions",
        "inference",
        "terminal",
        "terminal_design",
        "terminal_recipes",
        "cli_input",
        "__init__",
    }
    | LEAVES,
    "cli": BELOW_DECISIONS
    | {
        "decisions",
        "plots",
        "batches",
        "datasets",
        "terminal",
        "terminal_backtest",
        "terminal_sensitivity",
    }
    | {"cli_input", "cli_allocate", "cli_catalogue", "cli_decisions", "cli_plan", "__init__"}
    | LEAVES,
    "__init__": set(),
}


def modules():
    """Every module of ours: its dotted name and its syntax tree."""
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            inside = path.relative_to(ROOT / folder).with_suffix("").parts
            yield pytest.param(
                ".".join((package, *inside)),
                ast.parse(path.read_text(encoding="utf-8")),
                id="/".join((folder, *inside)),
            )


every_module = pytest.mark.parametrize(("module", "tree"), list(modules()))


def imported(tree):
    """Dotted names that a module imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            # `from bayescale import datasets` imports a part, `from bayescale.runs import Runs` a
            # name.
            yield from (
                [f"bayescale.{alias.name}" for alias in node.names]
                if node.module == "bayescale"
                else [node.module]
            )


def for_type_checkers(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def part(module):
    """The part that a module of ours belongs to; names that the package itself offers belong to its
    ``__init__``.
    """
    name = [*module.split("."), "__init__"][1]
    return name if name in ALLOWED or name[0].islower() else "__init__"


def third_parties(tree):
    tops = {name.partition(".")[0] for name in imported(tree)}
    return tops - set(sys.stdlib_module_names) - {"bayescale"}


@every_module
def test_imports_go_down_only(module, tree):
    own = part(module)
    assert own in ALLOWED, f"say in ALLOWED where {own} stands on the spine"
    if own == "__init__":
        # It offers every part, to be loaded on first use, and imports them for type checkers alone.
        tree = ast.Module([node for node in tree.body if not for_type_checkers(node)], [])
    ours = {part(name) for name in imported(tree) if name.partition(".")[0] == "bayescale"}
    assert ours - {own} <= ALLOWED[own]


@every_module
def test_imports_are_absolute(module, tree):
    assert not [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level
    ]


@every_module
def test_only_plots_import_matplotlib(module, tree):
    if part(module) != "plots":
        assert "matplotlib" not in third_parties(tree)


@every_module
def test_only_the_posterior_imports_arviz(module, tree):
    if part(module) != "posterior":
        assert not [name for name in third_parties(tree) if name.startswith("arviz")]


@every_module
def test_kernels_import_jax_and_numpy_alone_of_third_parties(module, tree):
    if part(module) == "kernels":
        assert third_parties(tree) <= {"jax", "numpy"}


def loaded_after(statement):
    """Top-level modules in a fresh interpreter that has run a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    return set(done.stdout.split())


def dependencies():
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = [
        requirement.split(";")[0].split("[")[0].split(">")[0].split("<")[0].strip()
        for requirement in wanted
    ]
    return {name.replace("-", "_") for name in names}


def test_importing_the_package_loads_none_of_its_dependencies():
    assert loaded_after("import bayescale") & dependencies() == set()


def test_importing_the_kernels_loads_jax_and_what_it_stands_on_alone():
    loaded = loaded_after("import bayescale.kernels")
    assert "jax" in loaded
    assert loaded & dependencies() <= {"jax", "numpy", "scipy"}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import bayescale; bayescale.Runs", {"jax", "numpyro", "matplotlib"}),
        ("import bayescale; bayescale.laws.Chinchilla", {"pandas", "xarray", "matplotlib"}),
        (
            "import bayescale.datasets; bayescale.datasets.load('dey2023_pile')",
            {"jax", "numpyro", "matplotlib"},
        ),
        # Not matplotlib here: ArviZ for Python 3.11 imports it by itself.
        ("import bayescale; bayescale.fit", {"typer", "pooch"}),
    ],
)
def test_using_a_part_loads_that_part_alone(statement, absent):
    assert loaded_after(statement) & absent == set()


def test_every_public_name_of_the_package_is_there():
    import bayescale

    for name in bayescale.__all__:
        assert getattr(bayescale, name) is not None
    assert set(dir(bayescale)) == set(bayescale.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    import bayescale

    with pytest.raises(AttributeError, match="module 'bayescale' has no attribute 'fitt'"):
        bayescale.fitt  # noqa: B018


def test_no_folder_or_file_bears_the_name_of_a_public_verb():
    import bayescale

    # Once imported, a module of that name would take the verb's place on the package.
    modules = {path.stem for path in (ROOT / "bayescale").iterdir()}
    verbs = {name for name in bayescale.__all__ if callable(getattr(bayescale, name))}
    assert not modules & verbs
