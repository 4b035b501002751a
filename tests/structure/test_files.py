"""What every source file keeps to, and what the built package must hold."""

import ast
import fnmatch
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = {
    "bayescale": "bayescale",
    "bayescale.kernels": "kernels",
    "bayescale.datasets": "datasets",
}

LONGEST = 500
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def sources(*folders):
    return [
        pytest.param(path, id=str(path.relative_to(ROOT)))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "build" not in path.relative_to(ROOT).parts
    ]


shipped = pytest.mark.parametrize("path", sources("bayescale", "kernels", "datasets"))


@pytest.mark.parametrize("path", sources("bayescale", "kernels", "datasets", "tests", "benchmarks"))
def test_no_file_is_longer_than_a_reader_can_hold(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@shipped
def test_nothing_that_is_read_is_run(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS, f"line {node.lineno}"
        if isinstance(node, ast.Call) and any(
            keyword.arg == "allow_pickle" for keyword in node.keywords
        ):
            pytest.fail(f"line {node.lineno}: allow_pickle")
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = {alias.name.partition(".")[0] for alias in node.names} | {
                getattr(node, "module", None)
            }
            assert not named & FORBIDDEN_MODULES, f"line {node.lineno}"


@shipped
def test_jaxs_global_settings_are_left_alone(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and node.value == "jax_enable_x64":
            pytest.fail(f"line {node.lineno}: use bayescale._internal.precision.float64")


@shipped
def test_every_public_name_says_what_it_is(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not path.name.startswith("_") or path.name == "__init__.py":
        assert ast.get_docstring(tree), "the module"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name


def test_the_package_list_names_every_folder_that_holds_code():
    found = set()
    for package, folder in PACKAGES.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            inside = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join((package, *inside)))
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found
    assert PROJECT["tool"]["setuptools"]["package-dir"] == PACKAGES


@pytest.mark.parametrize("folder", ["kernels", "datasets"])
def test_folders_that_are_packages_under_another_name_are_flat(folder):
    assert not [
        path for path in (ROOT / folder).iterdir() if path.is_dir() and path.name != "__pycache__"
    ]


def test_every_file_of_a_package_is_code_or_declared_as_its_data():
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES.values()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not listed:
        pytest.skip("needs a git checkout to tell files of ours from others")
    declared = PROJECT["tool"]["setuptools"]["package-data"]
    for package, folder in PACKAGES.items():
        for name in listed:
            path = Path(name)
            # The links through which a checkout finds both folders in its package are not built.
            if (ROOT / path).is_symlink():
                continue
            if path.parts[0] == folder and path.suffix != ".py":
                inside = str(path.relative_to(folder))
                assert any(
                    fnmatch.fnmatch(inside, pattern) for pattern in declared.get(package, ())
                ), name


def test_the_package_is_typed():
    assert (ROOT / "bayescale" / "py.typed").is_file()


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "LICENSE"])
def test_a_reader_finds(name):
    assert len((ROOT / name).read_text(encoding="utf-8")) > 100


def test_the_changelog_tells_of_this_version_or_of_what_is_not_yet_released():
    headings = [
        line
        for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert any(
        f"[{name}]" in line
        for name in ("Unreleased", PROJECT["project"]["version"])
        for line in headings
    )


def test_no_lock_file_names_a_registry():
    assert not [
        path.name for pattern in ("*.lock", "requirements*.txt") for path in ROOT.glob(pattern)
    ]
