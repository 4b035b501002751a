"""Names are the field's own, docstrings begin with what they name, lines end in time."""

import ast
import re
from collections.abc import Iterator

from tests.structure.source import EVERY, SHIPPED, Source, sources

WIDEST = 100

# First words that leave a sentence without a subject and without a verb.
FRAGMENTS = re.compile(
    r"(Of|The same|As|That|What|Those|With|By|Under|Without|Whether|Where|From|For|In|On|To|And"
    r"|Not|All|How)\b"
)

# Names that meant something in this project alone, and the field's names that took their places.
RENAMED = {
    "absolute": "unscaled_inputs",
    "bend": "from_decorrelated, or curvature",
    "bent": "from_decorrelated",
    "broken": "violations",
    "eliminated": "logdet_and_quadratic",
    "falls_with": "decreasing_in",
    "filled_up": "padded_size",
    "halved": "bisect",
    "least_loss": "minimize_loss",
    "n_padded": "padded_size",
    "Places": "Locations",
    "Plans": "Solutions",
    "reach": "prior_location_scale, or extrapolation_factor",
    "silenced": "without_processes",
    "Special": "NestedModel",
    "specials": "nested_models",
    "straighten": "to_decorrelated",
    "straightened": "to_decorrelated",
    "Valued": "PlanObjective",
    "World": "Scenario",
}


def documented(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the line and the docstring of a module and of each class and function in it."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text


def names(source: Source) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of whatever a file names itself."""
    for node in ast.walk(source.tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name


def test_a_docstring_begins_with_what_it_names():
    fragments = [
        source.at(line, text.splitlines()[0])
        for source in sources(*SHIPPED)
        for line, text in documented(source)
        if FRAGMENTS.match(text)
    ]
    assert fragments == [], "begin with a noun or with a verb such as Return"


def test_no_name_is_one_that_only_this_project_would_know():
    private = [
        source.at(line, f"{name}: use {RENAMED[name.strip('_')]}")
        for source in sources(*SHIPPED)
        for line, name in names(source)
        if name.strip("_") in RENAMED
    ]
    assert private == []


def test_no_line_is_wider_than_a_window():
    wide = [
        source.at(number, f"has {len(line)} columns")
        for source in sources(*EVERY, "docs")
        for number, line in enumerate(source.text.splitlines(), start=1)
        if len(line) > WIDEST
    ]
    assert wide == []
