"""Every source file keeps the rules of the house, and the built package holds every file."""

import ast
import fnmatch
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.structure.source import EVERY, PACKAGES, ROOT, SHIPPED, Source, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

LONGEST = 500
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def calls(source: Source) -> Iterator[ast.Call]:
    """Yield the calls in a file."""
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


def imported_modules(node: ast.Import | ast.ImportFrom) -> set[str | None]:
    """Return the modules that an import statement names."""
    tops: set[str | None] = {alias.name.partition(".")[0] for alias in node.names}
    return tops | {getattr(node, "module", None)}


def undocumented(source: Source) -> Iterator[str]:
    """Yield the public names of a file that have no docstring."""
    internal = source.path.name.startswith("_") and source.path.name != "__init__.py"
    if not internal and not ast.get_docstring(source.tree):
        yield f"{source.name}: the module"
    for node in source.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        # The docstring of an overloaded function stands at its implementation.
        overload = [ast.unparse(decorator) for decorator in node.decorator_list] == ["overload"]
        if not node.name.startswith("_") and not overload and not ast.get_docstring(node):
            yield source.at(node.lineno, node.name)


def test_no_file_is_longer_than_a_reader_can_hold():
    long = [source.name for source in sources(*EVERY) if len(source.text.splitlines()) > LONGEST]
    assert long == []


def test_nothing_that_is_read_is_run():
    found = [
        source.at(call.lineno, call.func.id)
        for source in sources(*SHIPPED)
        for call in calls(source)
        if isinstance(call.func, ast.Name) and call.func.id in FORBIDDEN_CALLS
    ]
    assert found == []


def test_no_array_is_read_that_may_hold_a_pickle():
    found = [
        source.at(call.lineno)
        for source in sources(*SHIPPED)
        for call in calls(source)
        if any(keyword.arg == "allow_pickle" for keyword in call.keywords)
    ]
    assert found == []


def test_no_module_is_imported_that_runs_what_it_reads():
    found = [
        source.at(node.lineno)
        for source in sources(*SHIPPED)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and imported_modules(node) & FORBIDDEN_MODULES
    ]
    assert found == []


def test_jaxs_global_settings_are_left_alone():
    found = [
        source.at(node.lineno)
        for source in sources(*SHIPPED)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and node.value == "jax_enable_x64"
    ]
    assert found == [], "use bayescale._internal.precision.float64"


def test_every_public_name_says_what_it_is():
    missing = [name for source in sources(*SHIPPED) for name in undocumented(source)]
    assert missing == []


def test_the_package_list_names_every_folder_that_holds_code():
    found = set()
    for package, folder in PACKAGES.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            inside = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join((package, *inside)))
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found
    assert PROJECT["tool"]["setuptools"]["package-dir"] == PACKAGES


def test_folders_that_are_packages_under_another_name_are_flat():
    nested = [
        path
        for folder in ("kernels", "datasets")
        for path in (ROOT / folder).iterdir()
        if path.is_dir() and path.name != "__pycache__"
    ]
    assert nested == []


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
    declared = declared_data()
    for folder in PACKAGES.values():
        for name in listed:
            path = Path(name)
            # The links through which a checkout finds both folders in its package are not built.
            if (ROOT / path).is_symlink():
                continue
            if path.parts[0] == folder and path.suffix != ".py":
                assert any(fnmatch.fnmatch(name, pattern) for pattern in declared), name


def declared_data():
    """Return the patterns of files that come with the packages, from the root of the repository."""
    found = []
    for package, patterns in PROJECT["tool"]["setuptools"]["package-data"].items():
        folder = PACKAGES.get(package, package.replace(".", "/"))
        found += [f"{folder}/{pattern}" for pattern in patterns]
    return found


def test_the_package_is_typed():
    assert (ROOT / "bayescale" / "py.typed").is_file()


def test_a_reader_finds_what_the_project_is_what_changed_and_what_is_allowed():
    lengths = {
        name: len((ROOT / name).read_text(encoding="utf-8"))
        for name in ("README.md", "CHANGELOG.md", "LICENSE")
    }
    assert min(lengths.values()) > 100, lengths


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
