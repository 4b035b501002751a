"""Finding, naming and making laws, noise models and methods by the names of their files."""

import dataclasses
import types
import typing

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

import bayescale as bs
from bayescale._internal.discovery import describe, entry, name_of, names, parse
from bayescale.errors import InputError
from bayescale.laws import Coupled
from bayescale.noise import (
    AsymmetricStudentT,
    ComputeScale,
    Discrepancy,
    GroupEffects,
    Laplace,
    Normal,
    StudentT,
)
from bayescale.noise.base import Likelihood
from bayescale.priors import AtFrontier, Library, Separate
from bayescale.priors.base import Prior
from bayescale.processes import IntegratedWiener, Matern, SharedEffect
from bayescale.processes.base import Process

PACKAGES = (
    "bayescale.laws",
    "bayescale.priors",
    "bayescale.noise",
    "bayescale.processes",
    "bayescale.inference",
)
EVERY = [(package, name) for package in PACKAGES for name in names(package)]

positive = st.floats(1e-9, 1e30)
simple = st.sampled_from([Laplace(), Normal(), AsymmetricStudentT()])
scaled = simple | st.builds(ComputeScale, simple)
bases = scaled | st.builds(Discrepancy, scaled, st.tuples(st.builds(Matern, positive)))
processes = st.tuples(
    st.builds(Matern, positive, positive), st.builds(IntegratedWiener, positive)
).flatmap(
    lambda both: st.sampled_from([both, both[::-1], both[:1], both[1:], (*both, SharedEffect())])
)
# Values that an option of a type might take; a text must do as a heading of a column.
VALUES = {
    Prior: st.sampled_from([Separate(), Library("gadre2024"), AtFrontier(floor_share=0.4)]),
    tuple[float, float]: st.tuples(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9)),
    tuple[Process, ...]: processes,
    Likelihood: bases,
    bool: st.booleans(),
    int: st.integers(0, 2**63),
    float: st.floats(1e-9, 1e9),
    str: st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1),
}
# What some options are held to.
NAMED = {
    "floor_share": st.floats(0.01, 0.99),
    "params_share": st.floats(0.01, 0.99),
    "without": st.sampled_from(["", "gadre2024"]),
    "domains": st.sampled_from(["web+code", "web+code+books"]),
    "formats": st.sampled_from(["int8", "int8+int4"]),
}


def test_a_file_defines_one_public_dataclass_that_is_frozen():
    assert [place for place in EVERY if not entry(*place).__dataclass_params__.frozen] == []


def test_a_class_bears_the_name_of_its_file():
    names_of_classes = [entry(*place).__name__.lower() for place in EVERY]
    assert names_of_classes == [name.replace("_", "") for _, name in EVERY]
    assert [name_of(entry(*place)()) for place in EVERY] == [name for _, name in EVERY]


def test_a_class_is_offered_by_its_package():
    classes = [entry(*place) for place in EVERY]
    offered = [
        getattr(offering(package), cls.__name__, None)
        for (package, _), cls in zip(EVERY, classes, strict=True)
    ]
    assert offered == classes


def offering(package):
    """Return the module from which users take the classes of a package."""
    return bs if package == "bayescale.inference" else getattr(bs, package.rpartition(".")[2])


def test_a_bare_name_makes_the_default():
    made = [parse(*place) for place in EVERY]
    assert made == [entry(*place)() for place in EVERY]
    assert [describe(one) for one in made] == [name for _, name in EVERY]


@pytest.mark.parametrize(("package", "name"), EVERY)
@given(data=st.data())
def test_what_describes_an_instance_makes_an_equal_one(package, name, data):
    cls = entry(package, name)
    options = {}
    for option, kind in typing.get_type_hints(cls).items():
        if option not in {field.name for field in dataclasses.fields(cls)}:
            continue
        if typing.get_origin(kind) is types.UnionType:
            (kind,) = [one for one in typing.get_args(kind) if one is not type(None)]
        options[option] = data.draw(NAMED.get(option, VALUES.get(kind)), label=option)
    try:
        made = cls(**options)
    except InputError:
        reject()  # processes that the base has already, for instance
    assert parse(package, describe(made)) == made


@pytest.mark.parametrize(
    ("package", "text", "complaint"),
    [
        (
            "bayescale.laws",
            "chinchila",
            "no 'chinchila' in laws; there are .*chinchilla.*power_law",
        ),
        ("bayescale.laws", "base", "no 'base' in laws"),
        ("bayescale.laws", "", "no '' in laws"),
        (
            "bayescale.noise",
            "../huber",
            "no '../huber' in noise; there are .*huber, .*normal, student_t",
        ),
        ("bayescale.noise", "discrepancy:base=gauss", "no 'gauss' in noise; there are"),
        (
            "bayescale.noise",
            "discrepancy:processes=matern+wiener",
            "no 'wiener' in processes; there are integrated_wiener",
        ),
        ("bayescale.noise", "discrepancy:processes=", "no '' in processes"),
        ("bayescale.noise", "discrepancy:base=huber", "huber is an objective without a density"),
        (
            "bayescale.noise",
            "discrepancy:processes=matern:length=0",
            "matern: length=0.0 and scale=0.035 must be positive",
        ),
        (
            "bayescale.laws",
            "chinchilla:tight=true",
            "chinchilla has no option 'tight'; its options are tied",
        ),
        ("bayescale.laws", "coupled:prior=uniform", "no 'uniform' in priors; there are"),
        ("bayescale.laws", "coupled:prior=library:without=hoffmann2022", "is no family of it"),
        ("bayescale.noise", "normal:sigma=1", "normal has no option 'sigma'; its options are none"),
        ("bayescale.laws", "chinchilla:tied=yes", "chinchilla: tied='yes' must be true or false"),
        ("bayescale.laws", "chinchilla:tied", "chinchilla: tied='' must be true or false"),
        ("bayescale.noise", "huber:delta=small", "huber: delta='small' must be a number"),
        ("bayescale.noise", "student_t:nu=heavy", "student_t: nu='heavy' must be a number"),
        ("bayescale.inference", "nuts:draws=many", "nuts: draws='many' must be a whole number"),
        ("bayescale.inference", "nuts:draws=1.5", "nuts: draws='1.5' must be a whole number"),
        ("bayescale.inference", "nuts:draws=inf", "nuts: draws='inf' must be a whole number"),
        ("bayescale.inference", "nuts:draws=nan", "nuts: draws='nan' must be a whole number"),
        (
            "bayescale.inference",
            "grid:alpha=0.3",
            r"grid: alpha='0.3' must be a range of numbers, such as 0.01..1.5",
        ),
        (
            "bayescale.inference",
            "grid:alpha=low..high",
            r"grid: alpha='low..high' must be a range of numbers",
        ),
    ],
)
def test_text_that_names_nothing_is_refused_with_what_there_is(package, text, complaint):
    with pytest.raises(InputError, match=complaint):
        parse(package, text)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("nuts:draws=2000", {"draws": 2000}),
        ("nuts:draws=2e3", {"draws": 2000}),
        ("nuts:warmup=300,seed=7", {"warmup": 300, "seed": 7}),
        ("bootstrap:cluster=group", {"cluster": "group"}),
        ("grid:nodes=64,alpha=0.1..0.9", {"nodes": 64, "alpha": (0.1, 0.9)}),
    ],
)
def test_options_are_read_by_their_types(text, options):
    name = text.partition(":")[0]
    assert parse("bayescale.inference", text) == entry("bayescale.inference", name)(**options)


@pytest.mark.parametrize(
    ("package", "text", "made"),
    [
        ("noise", "discrepancy:base=normal", Discrepancy(Normal())),
        ("noise", "discrepancy:base=student_t:nu=5.0", Discrepancy(StudentT(5.0))),
        (
            "noise",
            "discrepancy:base=normal,processes=matern:length=1.2",
            Discrepancy(Normal(), (Matern(1.2),)),
        ),
        (
            "noise",
            "discrepancy:base=normal,processes=matern:length=1.2+integrated_wiener",
            Discrepancy(Normal(), (Matern(1.2), IntegratedWiener())),
        ),
        (
            "noise",
            "discrepancy:processes=matern:length=1.2%2Cscale=0.1",
            Discrepancy(processes=(Matern(1.2, 0.1),)),
        ),
        (
            "noise",
            "group_effects:base=compute_scale:base=laplace",
            GroupEffects(ComputeScale(Laplace())),
        ),
        ("laws", "coupled:prior=separate", Coupled(Separate())),
        ("laws", "coupled:prior=library:without=gadre2024", Coupled(Library("gadre2024"))),
        (
            "laws",
            "coupled:prior=at_frontier:floor_share=0.4",
            Coupled(AtFrontier(floor_share=0.4)),
        ),
    ],
)
def test_an_option_may_be_an_entry_itself_or_several(package, text, made):
    assert parse(f"bayescale.{package}", text) == made
    assert describe(made) == text


def test_a_class_that_no_file_defines_is_no_attribute():
    with pytest.raises(AttributeError, match=r"'bayescale.laws' has no attribute 'Kepler'"):
        bs.laws.Kepler  # noqa: B018
