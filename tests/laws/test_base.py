"""A law has defaults for what it leaves out, and constants follow from the roles of parameters."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from numpyro import distributions as dist

from bayescale._internal.discovery import entry, names
from bayescale.laws.base import AllocatesCompute, Law, Parameter, Power


@dataclass(frozen=True)
class Least(Law):
    """A law that says no more than it must."""

    title: ClassVar[str] = "A constant"
    formula: ClassVar[str] = "L(D) = E"
    inputs: ClassVar[tuple[str, ...]] = ("n_tokens",)
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("E", dist.LogNormal(), "loss of all runs", "nats per token", "level"),
    )

    def predict(self, params, log_inputs):
        return np.log(params["E"]) + 0.0 * log_inputs["n_tokens"]


def test_what_a_law_leaves_out_has_defaults():
    law = Least()
    assert (law.stage, law.response, law.paper) == ("pre-training", "loss", "")
    assert law.published == law.terms == law.nested_models == law.decreasing_in == ()
    assert law.recorrelate(law.decorrelate([1.5])) == law.decorrelate([1.5]) == [1.5]
    assert law.rescale({"E": 2.0}, {"n_tokens": 7.0, "loss": 3.0}) == {"E": 6.0}


def test_a_law_without_its_formula_is_refused_by_name():
    class Silent(Least):
        formula = Law.formula

    with pytest.raises(TypeError, match=r"abstract .*formula"):
        Silent()


@pytest.mark.parametrize(
    ("role", "powers", "input", "expected"),
    [
        ("level", (), "", 2.0 * 3.0),
        ("level", (Power("n_tokens", "alpha"),), "", 2.0 * 3.0 * 100.0),
        ("level", (Power("n_tokens", "alpha", sign=1),), "", 2.0 * 3.0 / 100.0),
        ("coefficient", (Power("n_tokens", "alpha"),), "", 2.0 * 100.0),
        ("offset", (), "", 2.0 + np.log(3.0)),
        ("scale", (), "n_tokens", 2.0 * 10.0),
        ("rate", (), "n_tokens", 2.0 / 10.0),
        ("exponent", (), "", 2.0),
        ("number", (), "", 2.0),
    ],
)
def test_the_role_of_a_parameter_says_how_it_changes_with_units(role, powers, input, expected):
    parameter = Parameter("x", dist.LogNormal(), "any", role=role, input=input, powers=powers)
    units = {"n_tokens": 10.0, "loss": 3.0}
    found = parameter.rescaled({"x": 2.0, "alpha": 2.0}, units, "loss")
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_the_meaning_of_a_parameter_ends_in_its_unit():
    (floor,) = Least().parameters
    assert floor.meaning == "loss of all runs, nats per token"
    assert Parameter("b", dist.LogNormal(), "exponent of tokens").meaning == "exponent of tokens"


def test_laws_that_know_the_best_model_for_a_budget_say_so():
    laws = {name: entry("bayescale.laws", name) for name in names("bayescale.laws")}
    found = {name for name, cls in laws.items() if issubclass(cls, AllocatesCompute)}
    assert found == {"chinchilla", "coupled", "kaplan", "overtrained"}
