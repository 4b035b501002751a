"""Imports go down only, along the spine that is also the way of the data."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest

from tests.structure.source import ROOT, SHIPPED, Source, sources

# What a part may import of ours besides itself and the leaves. A part is a file or folder right
# below the package.
LEAVES = {"errors", "_internal", "units", "results", "defaults"}
PRIORS = {"parameters", "sweep", "priors"}
RUNS = {"runs", "tables", "findings"}
BELOW_POSTERIOR = PRIORS | RUNS | {"laws", "processes", "noise", "responses"}
BELOW_DECISIONS = BELOW_POSTERIOR | {"posterior", "inference", "kernels"}
ALLOWED = {
    "errors": set(),
    "_internal": {"errors"},
    "units": {"errors"},
    "results": set(),
    "kernels": {"_internal"},
    "findings": {"_internal", "errors", "units", "results"},
    "tables": {"_internal", "errors", "units"},
    "runs": {"findings", "tables", "errors", "units", "results"},
    "responses": {"runs", "errors"},
    "parameters": set(),
    "sweep": {"parameters"},
    "priors": {"parameters", "sweep"} | LEAVES,
    "laws": {"parameters", "sweep", "priors"} | LEAVES,
    "processes": {"laws", "runs", "sweep"} | LEAVES,
    "noise": {"laws", "processes"} | LEAVES,
    "datasets": {"runs", "errors", "units"},
    # Imports what it names when it is asked.
    "defaults": BELOW_POSTERIOR | {"inference"} | LEAVES,
    "posterior": BELOW_POSTERIOR | LEAVES,
    "inference": BELOW_POSTERIOR | {"posterior", "kernels"} | LEAVES,
    "tabulating": {"errors", "results", "units"},
    "curves": {"tables", "inference"} | LEAVES,
    "citation": BELOW_POSTERIOR | {"posterior", "inference", "datasets"} | LEAVES,
    "batches": BELOW_DECISIONS | {"datasets"} | LEAVES,
    "decisions": BELOW_DECISIONS | {"batches", "curves"} | LEAVES,
    "plots": BELOW_DECISIONS - {"inference", "kernels"} | {"decisions"} | LEAVES,
    "reports": BELOW_DECISIONS - {"inference", "kernels"} | {"decisions", "plots"} | LEAVES,
    "terminal": BELOW_DECISIONS - {"inference", "kernels"} | {"decisions", "datasets"} | LEAVES,
    "cli": BELOW_DECISIONS
    | {"decisions", "reports", "batches", "datasets", "terminal", "__init__"}
    | LEAVES,
    "__init__": set(),
}


@cache
def imported(source: Source) -> frozenset[str]:
    """Return the dotted names that a file imports, wherever in it the import stands."""
    return frozenset(_imported(source.tree))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            # `from bayescale import datasets` imports a part, `from bayescale.runs import Runs` a
            # name.
            if node.module == "bayescale":
                yield from (f"bayescale.{alias.name}" for alias in node.names)
            else:
                yield node.module


def part(module: str) -> str:
    """Return the part that a module of ours belongs to.

    Names that the package itself offers belong to its ``__init__``.
    """
    name = [*module.split("."), "__init__"][1]
    return name if name in ALLOWED or name[0].islower() else "__init__"


def third_parties(source: Source) -> set[str]:
    """Return the packages of others that a file imports."""
    tops = {name.partition(".")[0] for name in imported(source)}
    return tops - set(sys.stdlib_module_names) - {"bayescale"}


def upward(source: Source) -> set[str]:
    """Return the parts that a file imports and that do not stand below its own on the spine."""
    own = part(source.module)
    if own == "__init__":
        # It offers every part, loaded on first use, and imports them for type checkers alone.
        return set()
    ours = {part(name) for name in imported(source) if name.partition(".")[0] == "bayescale"}
    return ours - {own} - ALLOWED.get(own, set())


def test_every_part_has_its_place_on_the_spine():
    parts = {part(source.module) for source in sources(*SHIPPED)}
    assert parts - ALLOWED.keys() == set(), "say in ALLOWED what these parts may import"


def test_imports_go_down_only():
    found = {source.name: upward(source) for source in sources(*SHIPPED)}
    assert {name: parts for name, parts in found.items() if parts} == {}


def test_imports_are_absolute():
    relative = [
        source.at(node.lineno)
        for source in sources(*SHIPPED)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_only_plots_import_matplotlib():
    found = {
        part(source.module) for source in sources(*SHIPPED) if "matplotlib" in third_parties(source)
    }
    assert found == {"plots"}


def test_only_the_posterior_imports_arviz():
    found = {
        part(source.module)
        for source in sources(*SHIPPED)
        if any(name.startswith("arviz") for name in third_parties(source))
    }
    assert found == {"posterior"}


def test_kernels_import_jax_and_numpy_alone_of_third_parties():
    found = {source.name: third_parties(source) - {"jax", "numpy"} for source in sources("kernels")}
    assert {name: others for name, others in found.items() if others} == {}


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
    # JAX loads flatbuffers itself where it is installed.
    assert loaded & dependencies() <= {"jax", "numpy", "scipy", "flatbuffers"}


# Packages that a default fit, its page and its file do without: they take seconds to import.
FOR_SOME = {"arviz_base", "arviz_stats", "xarray", "dask", "distributed", "matplotlib"}
SAVED = str(ROOT / "tests" / "posterior" / "format_1.nc")
PRINT_AND_SAVE = """
import os, tempfile
from dataclasses import replace
post = replace(post, provenance={"device": "cpu"}, seconds={"fit": 1.0})
from bayescale.cli._outlook import outlook
from bayescale.terminal.fit import print_fit
print_fit(post, *outlook(post))
with tempfile.TemporaryDirectory() as folder:
    post.save(os.path.join(folder, "post.nc"))
"""


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import bayescale; bayescale.Runs", {"jax", "numpyro", "matplotlib"}),
        ("import bayescale; bayescale.laws.Chinchilla", {"pandas", "xarray", "matplotlib"}),
        (
            "import bayescale.datasets; bayescale.datasets.load('dey2023_pile')",
            {"jax", "numpyro", "matplotlib"},
        ),
        ("import bayescale.inference.importance", FOR_SOME | {"typer", "pooch"}),
        (f"import bayescale; post = bayescale.load({SAVED!r})\n{PRINT_AND_SAVE}", FOR_SOME),
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
