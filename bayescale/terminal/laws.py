"""Pages of laws: the list, and one law."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from bayescale._internal.discovery import describe, is_dataclass_instance
from bayescale.terminal import style
from bayescale.units import number

if TYPE_CHECKING:
    from bayescale.laws.base import Law


def print_laws(laws: Mapping[str, "Law"]) -> None:
    """Print formula, inputs, parameters and paper of each law, stage by stage."""
    from bayescale.laws.base import STAGES

    console = style.console()
    for stage in STAGES:
        console.print(f"{stage}\n")
        facts = []
        for name, law in laws.items():
            if law.stage == stage:
                facts.append((name, _in_short(law)))
        console.print(style.facts(facts))
    console.print("`bayescale laws show NAME` prints priors, options and published constants.")


def print_law(law: "Law") -> None:
    """Print formula, parameters with their priors, paper and published constants."""
    from bayescale.responses import RESPONSES

    console = style.console()
    console.print(f"{describe(law)}: {law.title}\n")
    response = RESPONSES[law.response]
    facts = [
        ("formula", law.formula),
        ("inputs", ", ".join(law.inputs)),
        ("predicts", f"{response.column}, {response.unit}; fitted on its {response.scale}"),
        ("options", _options(law)),
        ("paper", law.paper),
    ]
    console.print(style.facts(facts))
    if _has_a_joint_prior(law):
        table = style.table(["parameter", "meaning"], left=["meaning"])
        for parameter in law.parameters:
            table.add_row(parameter.name, parameter.meaning)
        style.print_table(console, table)
        console.print("\nThe prior is of the numbers below; the parameters follow from them.\n")
    table = style.table(["parameter", "prior", "meaning"], left=["prior", "meaning"])
    for parameter in law.coordinates:
        table.add_row(parameter.name, parameter.prior_in_words, parameter.meaning)
    style.print_table(console, table)
    console.print(
        "Priors are in the units of the data: the loss and each input are divided by their "
        f"geometric mean over the {_runs_of_the_prior(law)}, so that no prior depends on units. "
        "Meanings are in counts and nats per token, as fits are printed. A response that is fitted "
        "as it is has its mean subtracted instead."
    )
    if law.published:
        console.print()
        style.print_table(console, _published_table(law))


def _in_short(law: "Law") -> str:
    """Return formula, parameters, inputs and paper of a law on three lines."""
    parameters = ", ".join(_parameter_names(law))
    inputs = ", ".join(law.inputs)
    fit = f"fits {parameters} to {inputs} and {law.response}"
    return "\n".join([law.formula, fit, law.paper])


def _published_table(law: "Law") -> Table:
    names = _parameter_names(law)
    table = style.table([*names, "published"], left=["published"])
    for fit in law.published:
        constants = [number(fit.params.get(name, math.nan)) for name in names]
        style.add_row(table, [*constants, fit.source])
    return table


def _parameter_names(law: "Law") -> list[str]:
    return [parameter.name for parameter in law.parameters]


def _options(law: Any) -> str:
    """Return the options of a law with their defaults."""
    options = [f"{field.name}={_default(field.default)}" for field in dataclasses.fields(law)]
    return ", ".join(options) or "none"


def _default(value: object) -> str:
    return describe(value) if is_dataclass_instance(value) else str(value).lower()


def _has_a_joint_prior(law: "Law") -> bool:
    return [row.name for row in law.coordinates] != _parameter_names(law)


def _runs_of_the_prior(law: "Law") -> str:
    return "dearest runs" if _has_a_joint_prior(law) else "runs"
