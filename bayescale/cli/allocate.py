"""The command ``allocate``: parameters and tokens for a budget or a loss, within bounds."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import BOUNDS as BOUNDS_PANEL
from bayescale.cli.options import (
    InferenceTokens,
    Json,
    PosteriorFile,
    UniqueTokens,
    bound_option,
)
from bayescale.decisions.plans.bounds import AMOUNTS, BOUNDS
from bayescale.errors import InputError

if TYPE_CHECKING:
    from bayescale.decisions.plans.constraints import Constraints

_BUDGET = "Budget, one of"
_PRICES = "Prices and speed"
_COUNTING = "Counting FLOPs"


def _option(panel: str, text: str) -> Any:
    return typer.Option(help=text, rich_help_panel=panel, show_default=False)


def _with_budgets_and_bounds(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each budget and each bound, in place of its ``**given``."""
    signature = inspect.signature(command)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    annotations: dict[str, Any] = {}
    for name, amount in AMOUNTS.items():
        annotations[name] = Annotated[list[float] | None, _option(_BUDGET, amount.help)]
    for kind in BOUNDS:
        annotations[kind.name] = Annotated[float | None, bound_option(kind)]
    # Budgets and bounds come before the options that refine them.
    ordered = own[:1]
    for name, annotation in annotations.items():
        added = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        ordered.append(added.replace(annotation=annotation))
    ordered += own[1:]
    vars(command)["__signature__"] = signature.replace(parameters=ordered)
    return command


@_with_budgets_and_bounds
def allocate(
    post: PosteriorFile,
    *,
    unique_tokens: UniqueTokens = None,
    repeats: Annotated[
        bool,
        typer.Option(
            "--repeats",
            help="Allow tokens to be repeated, each repeat at its published worth.",
            rich_help_panel=BOUNDS_PANEL,
        ),
    ] = False,
    inference_tokens: InferenceTokens = None,
    train_price: Annotated[float | None, _option(_PRICES, "Price of a FLOP in training.")] = None,
    serve_price: Annotated[
        float | None, _option(_PRICES, "Price of a FLOP in serving (default: as in training).")
    ] = None,
    peak_flops: Annotated[
        float | None, _option(_PRICES, "Peak FLOP/s of one device, such as 989e12.")
    ] = None,
    utilisation: Annotated[
        float | None, _option(_PRICES, "Share of the peak used in training, such as 0.4.")
    ] = None,
    devices: Annotated[int, _option(_PRICES, "Number of devices that train (default 1).")] = 1,
    price_per_hour: Annotated[
        float | None, _option(_PRICES, "Price of one device's hour, in place of --train-price.")
    ] = None,
    context: Annotated[
        int | None,
        _option(
            _COUNTING,
            "Tokens of the context, to count the FLOPs of attention and logits too (default: FLOPs "
            "are 6·N·D).",
        ),
    ] = None,
    vocabulary: Annotated[
        int, _option(_COUNTING, "Tokens of the vocabulary, with --context (default 32000).")
    ] = 32_000,
    as_json: Json = False,
    **given: Any,
) -> None:
    """Choose parameters and tokens for a budget, or for a loss at the least cost.

    The budget is split so that the loss is least.

    With --json, one budget gives n_params, n_tokens, tokens_per_param and loss; bounds and prices
    add further quantities.

    Several budgets give a list of such objects under "allocation", each with its budget.

    "extrapolation" says of each budget how many times beyond the largest run its plan lies.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale.cli import _inputs

        budgets = _budgets({name: given[name] for name in AMOUNTS})
        constraints = _constraints(
            **{kind.name: given[kind.name] for kind in BOUNDS},
            unique_tokens=_inputs.uncertain_from("--unique-tokens", unique_tokens),
            repeats=repeats,
            inference_tokens=_inputs.uncertain_from("--inference-tokens", inference_tokens),
            **_prices(train_price, serve_price, peak_flops, utilisation, devices, price_per_hour),
            context=context,
            vocabulary=vocabulary,
        )
        posterior = _inputs.posterior_from(post)
        import bayescale

        plans = bayescale.allocate(posterior, **budgets, constraints=constraints)
        if as_json:
            from bayescale.cli._json import print_json
            from bayescale.terminal.allocate import extrapolations

            places = extrapolations(posterior, plans).values()
            beyond = [place.to_dict() for place in places]
            print_json(plans.to_dict() | {"extrapolation": beyond})
        else:
            from bayescale.terminal.allocate import print_allocation
            from bayescale.terminal.reporting import warn_of_problems

            print_allocation(posterior, plans)
            warn_of_problems(posterior)


def _budgets(budgets: dict[str, list[float] | None]) -> dict[str, Any]:
    """Return the one kind of budget that is given, each amount once."""
    chosen = {name: list(dict.fromkeys(amounts)) for name, amounts in budgets.items() if amounts}
    if len(chosen) != 1:
        count = f"{len(chosen)} were" if chosen else "none was"
        options = [f"--{name.replace('_', '-')}" for name in AMOUNTS]
        raise InputError(
            f"allocate takes one of {', '.join(options[:-1])} and {options[-1]}; {count} given. "
            f"Further bounds are --max-compute and the like."
        )
    return chosen


def _constraints(
    repeats: bool, context: int | None, vocabulary: int, **bounds: Any
) -> "Constraints | None":
    """Return the bounds that are given, or None, so that unbounded plans are printed in short."""
    from bayescale.cli import _inputs
    from bayescale.decisions.plans.constraints import Constraints, Repeats
    from bayescale.decisions.plans.flop_models import TransformerFlops

    options = _inputs.without_none(**bounds)
    if repeats:
        options["repeats"] = Repeats()
    if context is not None:
        options["flops"] = TransformerFlops(context=context, vocabulary=vocabulary)
    return Constraints(**options) if options else None


def _prices(
    train_price: float | None,
    serve_price: float | None,
    peak_flops: float | None,
    utilisation: float | None,
    devices: int,
    price_per_hour: float | None,
) -> dict[str, float | None]:
    """Return the price of a FLOP in training and in serving, and the speed where it is known."""
    from bayescale.decisions.plans.hardware import Hardware

    prices = {"train_price": train_price, "serve_price": serve_price}
    if (peak_flops is None) != (utilisation is None):
        raise InputError(
            "--peak-flops and --utilisation say together how fast a device works; give both."
        )
    if peak_flops is None or utilisation is None:
        if price_per_hour is not None:
            raise InputError(
                "--price-per-hour needs --peak-flops and --utilisation, to know what is done in an "
                "hour."
            )
        return prices
    hardware = Hardware(peak_flops, utilisation, devices, price_per_hour or 0.0)
    if price_per_hour is not None:
        if train_price is not None:
            raise InputError("--train-price and --price-per-hour both price training; give one.")
        prices["train_price"] = hardware.price_per_flop
    return prices | {"flops_per_second": hardware.flops_per_second}


COMMAND = Command(
    allocate,
    Section.PLAN,
    order=2,
    epilogue=examples(
        "bayescale allocate post.nc --compute 5.76e23 --compute 5.76e24",
        "bayescale allocate post.nc --target-loss 1.95 --inference-tokens 2e12 --max-params 70e9",
        "bayescale allocate post.nc --compute 3.8e25 --unique-tokens lognormal:300e12,0.5 "
        "--repeats",
        "bayescale allocate post.nc --cost 1e7 --peak-flops 989e12 --utilisation 0.4 "
        "--price-per-hour 2 --devices 1024 --max-days 60",
    ),
)
