"""The choice of a column for each role of a table."""

from collections.abc import Mapping, Sequence

import pandas as pd

from bayescale.errors import InputError
from bayescale.tables.columns import Chosen, chosen_for, named_columns, size_label_for
from bayescale.tables.derived import PRODUCTS
from bayescale.tables.headings import heading
from bayescale.tables.roles import (
    DATASET_TOKENS,
    EPOCHS,
    INGREDIENTS,
    OPTIONAL,
    QUANTITIES,
    Role,
    names_an_accuracy,
    role_of,
)

LABELS = ("group", "run_id")


def choose(
    frame: pd.DataFrame,
    headings: Mapping[str, str],
    required: Sequence[str] | None,
    where: str,
) -> dict[str, Chosen]:
    """Return the columns of a table that hold numbers which a fit may use, by name.

    Parameters
    ----------
    frame : DataFrame
        Cells as they stand in the source.
    headings : mapping of str to str
        Headings that were asked for, by standard name; labels among them are passed over.
    required : sequence of str, optional
        Standard names that must be there.
    where : str
        Name of the table, for messages.

    Raises
    ------
    InputError
        Where a heading that was asked for is not there, or is an accuracy and asked for as a loss.
    """
    named = named_columns(frame, headings, where)
    _refuse_accuracy_as_loss(named, where)
    chosen = {name: one for name, one in named.items() if name not in LABELS}
    taken = {one.heading for one in named.values()}
    for role in _roles(required or ()):
        if role.name in chosen:
            continue
        one = chosen_for(role, frame, taken)
        if one is None and role.name == "n_params":
            one = size_label_for(frame, taken)
        if one:
            chosen[role.name] = one
            taken.add(one.heading)
    if "n_tokens" in chosen and "n_tokens" not in named and _are_of_dataset(frame, chosen, taken):
        # Tokens that were trained on are those of the data set times the epochs.
        taken.remove(chosen.pop("n_tokens").heading)
    return chosen if "n_tokens" in chosen else chosen | _factors(frame, chosen, taken)


def _are_of_dataset(frame: pd.DataFrame, chosen: Mapping[str, Chosen], taken: set[str]) -> bool:
    """Return whether the tokens that were chosen are those of a data set, and epochs are given."""
    tokens = chosen["n_tokens"].heading
    return bool(chosen_for(EPOCHS, frame, taken) and DATASET_TOKENS.score(heading(tokens)))


def _roles(required: Sequence[str]) -> list[Role]:
    """Return the roles to fill, those of the fit first."""
    by_name = QUANTITIES | OPTIONAL
    others = [role_of(name) for name in required if name not in by_name]
    return [*by_name.values(), *others]


def _factors(
    frame: pd.DataFrame, chosen: Mapping[str, Chosen], taken: set[str]
) -> dict[str, Chosen]:
    """Return the columns whose product is the number of tokens; none where one is lacking."""
    found = {}
    for role in INGREDIENTS.values():
        one = chosen_for(role, frame, taken)
        if one:
            found[role.name] = one
    for factors in PRODUCTS:
        if set(factors) <= found.keys() | chosen.keys():
            return {name: found[name] for name in factors if name in found}
    return {}


def _refuse_accuracy_as_loss(named: Mapping[str, Chosen], where: str) -> None:
    loss = named.get("loss")
    if loss and names_an_accuracy(loss.heading):
        raise InputError(
            f"{where}, column {loss.heading!r}: an accuracy or a score rises as models improve, "
            f"and is no loss; give 1 - accuracy under a heading such as error, or fit a law of "
            f"accuracy (bayescale laws list)."
        )
