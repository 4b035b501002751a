"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import pytest

import bayescale

EXAMPLES = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def modules() -> list[str]:
    """Every module of the package, found on its paths."""
    return [
        "bayescale",
        *(module.name for module in pkgutil.walk_packages(bayescale.__path__, "bayescale.")),
    ] + [
        f"bayescale.{folder}.{module.name}"
        for folder in ("kernels", "datasets")
        for module in pkgutil.iter_modules(importlib.import_module(f"bayescale.{folder}").__path__)
    ]


@pytest.mark.parametrize("name", sorted(set(modules())))
def test_the_examples_of_a_module_run(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name), optionflags=EXAMPLES)
    assert results.failed == 0


def test_the_package_has_examples() -> None:
    finder = doctest.DocTestFinder()
    found = [
        test
        for name in set(modules())
        for test in finder.find(importlib.import_module(name))
        if test.examples
    ]
    assert len(found) >= 20
