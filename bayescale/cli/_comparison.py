"""The joint fit of two recipes, which ``recipes`` and ``gate`` share."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayescale.decisions.recipes.recipes import Recipes


def compare_recipes(
    source: str,
    base: str,
    candidate: str,
    *,
    compute: list[float] | None,
    shared_floor: bool,
    law: str,
    noise: str,
    method: str,
    seed: int | None,
    column: list[str] | None,
    loss_unit: str | None,
) -> "Recipes":
    """Fit both recipes together; the arguments are the words of the command line."""
    import bayescale
    from bayescale.cli import _inputs

    chosen_law = _inputs.law_from(law)
    chosen_method = _inputs.method_from(method, seed)
    runs = _inputs.runs_from(source, chosen_law, column, loss_unit=loss_unit)
    _inputs.say_notes(runs)
    return bayescale.recipes(
        runs,
        base,
        candidate,
        compute=compute or None,
        law=chosen_law,
        shared_floor=shared_floor,
        noise=_inputs.noise_from(noise),
        method=chosen_method,
    )
