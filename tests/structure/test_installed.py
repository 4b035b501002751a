"""The package as people install it: from the checkout's own root and from elsewhere, plain and
editable.
"""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "CITATION.cff", "CHANGELOG.md")
PARTS = ("bayescale", "kernels", "datasets", *FILES)
LOAD = "import bayescale as bs; print(len(bs.datasets.load('dey2023_pile')), bs.kernels.__name__)"
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is built and shipped, with its links and without what a build left behind."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in PARTS:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    """The wheel, built from a copy of the checkout without a network."""
    pip("wheel", *OFFLINE, "--wheel-dir", checkout / "dist", checkout)
    (built,) = (checkout / "dist").glob("bayescale-*.whl")
    return built


@pytest.fixture(scope="module")
def source_archive(checkout: Path) -> Path:
    """The source archive, built without a network."""
    build = "import setuptools.build_meta as built; built.build_sdist('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=checkout, capture_output=True, check=True)
    (built,) = (checkout / "dist").glob("bayescale-*.tar.gz")
    return built


def pip(*words: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def fresh_environment(folder: Path) -> Path:
    """Return the interpreter of a new environment that finds the dependencies installed here.

    A path in a ``.pth`` file adds packages but not what their own ``.pth`` files add, so the
    bayescale that these tests run is not found there.
    """
    venv.create(folder, with_pip=False, symlinks=sys.platform != "win32")
    scheme = sysconfig.get_preferred_scheme("prefix")
    at_folder = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", scheme, at_folder))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return Path(sysconfig.get_path("scripts", scheme, at_folder)) / "python"


def loads(python: Path, folder: Path) -> None:
    done = subprocess.run(
        [python, "-c", LOAD], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["29", "bayescale.kernels"], done.stderr


def test_installed_it_works_from_the_root_of_the_checkout_and_from_elsewhere(
    wheel, checkout, tmp_path
):
    python = fresh_environment(tmp_path / "environment")
    pip("--python", python, "install", *OFFLINE, wheel)
    loads(python, checkout)
    loads(python, tmp_path)


def test_installed_editable_it_works_from_the_root_and_from_elsewhere(checkout, tmp_path):
    python = fresh_environment(tmp_path / "environment")
    pip("--python", python, "install", *OFFLINE, "--editable", checkout)
    loads(python, checkout)
    loads(python, tmp_path)


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_source_archive_gives_the_same_wheel(source_archive, wheel, tmp_path):
    pip("wheel", *OFFLINE, "--wheel-dir", tmp_path, source_archive)
    (built,) = tmp_path.glob("*.whl")
    assert names_in(built) == names_in(wheel)


def test_the_source_archive_holds_no_tests_and_says_how_to_cite(source_archive):
    with tarfile.open(source_archive) as archive:
        names = archive.getnames()
    inside = {name.partition("/")[2] for name in names}
    assert not [name for name in inside if name.startswith("tests")]
    assert {"CITATION.cff", "CHANGELOG.md", "LICENSE"} <= inside


def test_the_version_is_written_in_one_place_and_the_citation_agrees(wheel):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert wheel.name.split("-")[1] == project["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {project['version']}\n" in citation
    written = [
        path for path in (ROOT / "bayescale").rglob("*.py") if "__version__ =" in path.read_text()
    ]
    assert written == []


def test_the_wheel_holds_every_file_once_and_no_link(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    twice = [name for name, count in Counter(names).items() if count > 1]
    assert not twice
    modules = {name for name in names if name.endswith(".py")}
    kernels = {f"bayescale/kernels/{path.name}" for path in (ROOT / "kernels").glob("*.py")}
    readers = {f"bayescale/datasets/{path.name}" for path in (ROOT / "datasets").glob("*.py")}
    package = {
        str(Path("bayescale") / path.relative_to(ROOT / "bayescale"))
        for path in (ROOT / "bayescale").rglob("*.py")
    }
    assert modules == package | kernels | readers
