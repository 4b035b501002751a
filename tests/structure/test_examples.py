"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib

import pytest

from tests.structure.source import SHIPPED, sources

EXAMPLES = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
WITH_EXAMPLES = [source.module for source in sources(*SHIPPED) if ">>> " in source.text]


def test_every_module_can_be_imported():
    for source in sources(*SHIPPED):
        importlib.import_module(source.module.removesuffix(".__init__"))


# The examples fit the same simulated runs by the same methods, so that programs compile once.
@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_run(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".__init__"))
    results = doctest.testmod(module, optionflags=EXAMPLES)
    assert results.failed == 0


def test_the_package_has_examples():
    assert len(WITH_EXAMPLES) >= 20
