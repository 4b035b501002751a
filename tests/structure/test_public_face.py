"""Editors and type checkers see every name of the package, with its type."""

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bayescale as bs
from bayescale._internal.discovery import class_name, names

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "bayescale.laws",
    "bayescale.noise",
    "bayescale.processes",
    "bayescale.priors",
    "bayescale.inference",
    "bayescale.decisions.checks.holdouts",
)

SCRIPT = """
import bayescale as bs

runs = bs.datasets.simulate(seed=1)
law = bs.laws.Chinchilla(tied=True)
base = bs.noise.StudentT(nu=4.0)
noise = bs.noise.Discrepancy(base, (bs.processes.Matern(length=1.2),))
posterior = bs.fit(runs, law=law, noise=noise, method=bs.NUTS(seed=1))
forecast = bs.forecast(posterior, n_params=70e9, n_tokens=1.4e12)
plan = bs.allocate(posterior, compute=5.76e23)
backtest = bs.backtest(runs, bs.LargestCompute(0.2), law=law)
figure = bs.plots.pair(posterior)
posterior.save("post.nc")
again = bs.load("post.nc")
"""
RESULTS = ("runs", "law", "noise", "posterior", "forecast", "plan", "backtest", "figure", "again")

# Other packages are left out: their types are not asked for here, and reading them takes minutes.
CONFIGURATION = """
[mypy]
follow_imports = silent

[mypy-arviz_base.*,arviz_stats.*,arviz_plots.*,h5py.*,jax.*,jinja2.*,matplotlib.*,numpy.*]
follow_imports = skip
ignore_missing_imports = True

[mypy-numpyro.*,pandas.*,pooch.*,rich.*,scipy.*,threadpoolctl.*,typer.*,xarray.*]
follow_imports = skip
ignore_missing_imports = True
"""


def names_for_checkers(package):
    """Names that a package's file imports as themselves, which is how checkers read an export."""
    file = importlib.import_module(package).__file__
    imports = [
        node
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    ]
    aliases = [alias for node in imports for alias in node.names]
    return {alias.name for alias in aliases if alias.asname == alias.name}


def test_type_checkers_see_every_name_that_the_package_loads_on_first_use():
    assert names_for_checkers("bayescale") == set(bs.__all__) - {"__version__"}


@pytest.mark.parametrize("package", FOLDERS)
def test_type_checkers_see_the_class_of_every_file_of_a_folder(package):
    seen = names_for_checkers(package)
    for name in names(package):
        line = f"from {package}.{name} import {class_name(package, name)} as ..."
        assert class_name(package, name) in seen, f"add to {package}/__init__.py: {line}"


@pytest.mark.parametrize("package", FOLDERS)
def test_a_folder_lists_the_class_of_each_of_its_files(package):
    listed = set(dir(importlib.import_module(package)))
    assert {class_name(package, name) for name in names(package)} <= listed


def test_listing_the_laws_imports_none_of_them():
    code = "import bayescale, sys; dir(bayescale.laws); print('bayescale.laws.m4' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"


@pytest.fixture(scope="module")
def revealed(tmp_path_factory):
    """The type that mypy finds of each public name and of each result of a user's script."""
    folder = tmp_path_factory.mktemp("script")
    asked = [*(f"bs.{name}" for name in bs.__all__), *RESULTS]
    for package in ("laws", "noise", "processes"):
        asked += [f"bs.{package}.{name}" for name in dir(getattr(bs, package))]
    asked += [
        f"bs.{package}.{name}" for package in ("plots", "datasets") for name in public(package)
    ]
    lines = [f"reveal_type({name})" for name in asked]
    (folder / "script.py").write_text(SCRIPT + "\n".join(lines), encoding="utf-8")
    (folder / "mypy.ini").write_text(CONFIGURATION, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "script.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout
    found = re.findall(r'Revealed type is "(.*)"', done.stdout)
    return dict(zip(asked, found, strict=True))


def public(package):
    return getattr(bs, package).__all__


def test_no_public_name_is_of_unknown_type(revealed):
    assert not [name for name, kind in revealed.items() if kind == "Any"]


def test_a_verb_is_known_by_its_arguments_and_its_result(revealed):
    assert "law: bayescale.laws.base.Law | None" in revealed["bs.fit"]
    assert revealed["bs.fit"].endswith("-> bayescale.posterior.posterior.Posterior")
    assert revealed["plan"] == "bayescale.decisions.plans.allocate.Allocation"
