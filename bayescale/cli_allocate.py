"""The command that plans: a budget or a target, bounds that combine, and what FLOPs cost."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayescale import cli_input
from bayescale.errors import InputError

if TYPE_CHECKING:
    from bayescale.decisions.plans.constraints import Constraints

_BUDGET, _BOUNDS, _PRICES, _COUNTS = (
    "Budget, one of",
    "Bounds, which combine",
    "Prices and speed",
    "Counting FLOPs",
)
_LOG_NORMAL = "lognormal:"


def _option(panel: str, text: str, **more: Any) -> Any:
    return typer.Option(help=text, rich_help_panel=panel, show_default=False, **more)


def allocate(
    post: Annotated[
        Path,
        typer.Argument(
            metavar="POST.nc", help="What [cyan]bayescale fit[/] saved.", show_default=False
        ),
    ],
    compute: Annotated[
        list[float] | None, _option(_BUDGET, "Of training, FLOPs; may be given several times.")
    ] = None,
    lifetime_compute: Annotated[
        list[float] | None, _option(_BUDGET, "Of training and serving, FLOPs.")
    ] = None,
    cost: Annotated[list[float] | None, _option(_BUDGET, "Of money for both.")] = None,
    target_loss: Annotated[
        list[float] | None,
        _option(_BUDGET, "No budget but a loss to reach, nats per token, at the least cost."),
    ] = None,
    max_params: Annotated[float | None, _option(_BOUNDS, "Largest model, a count.")] = None,
    max_tokens: Annotated[
        float | None, _option(_BOUNDS, "Most tokens of training, repeats included.")
    ] = None,
    unique_tokens: Annotated[
        str | None,
        _option(
            _BOUNDS,
            "Different tokens there are: 300e12, or lognormal:300e12,0.5 (median, sd of the log).",
        ),
    ] = None,
    repeats: Annotated[
        bool,
        typer.Option(
            "--repeats",
            help="Let tokens be read again, at their published worth.",
            rich_help_panel=_BOUNDS,
        ),
    ] = False,
    inference_tokens: Annotated[
        str | None, _option(_BOUNDS, "Tokens to serve, written in the same ways.")
    ] = None,
    max_compute: Annotated[float | None, _option(_BOUNDS, "Training FLOPs.")] = None,
    max_lifetime_compute: Annotated[
        float | None, _option(_BOUNDS, "Training and serving FLOPs.")
    ] = None,
    max_cost: Annotated[float | None, _option(_BOUNDS, "Money for training and serving.")] = None,
    max_days: Annotated[
        float | None, _option(_BOUNDS, "Of training; needs --peak-flops and --utilisation.")
    ] = None,
    train_price: Annotated[float | None, _option(_PRICES, "Of a FLOP in training.")] = None,
    serve_price: Annotated[
        float | None, _option(_PRICES, "Of a FLOP in serving; that in training unless given.")
    ] = None,
    peak_flops: Annotated[
        float | None, _option(_PRICES, "FLOP/s of one device, such as 989e12.")
    ] = None,
    utilisation: Annotated[
        float | None, _option(_PRICES, "Share of the peak in training, such as 0.4.")
    ] = None,
    devices: Annotated[int, _option(_PRICES, "How many train; 1 unless given.")] = 1,
    price_per_hour: Annotated[
        float | None, _option(_PRICES, "Of one device, in place of --train-price.")
    ] = None,
    context: Annotated[
        int | None,
        _option(_COUNTS, "Count attention over so many tokens, and logits; 6·N·D unless given."),
    ] = None,
    vocabulary: Annotated[
        int, _option(_COUNTS, "With --context, tokens of the vocabulary; 32000 unless given.")
    ] = 32_000,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Split a budget between parameters and tokens so that the loss is least, or reach a loss at
    the least cost.

    With --json, one budget gives n_params, n_tokens, tokens_per_param and loss; bounds and prices
    add what they count.

    Several give a list of those under "allocation", each with its compute.
    """
    from bayescale import terminal, terminal_allocate

    with terminal.reporting():
        given = {
            "compute": compute,
            "lifetime_compute": lifetime_compute,
            "cost": cost,
            "target_loss": target_loss,
        }
        asked: dict[str, Any] = {
            name: list(dict.fromkeys(values)) for name, values in given.items() if values
        }
        if len(asked) != 1:
            raise InputError(
                f"allocate takes one of --compute, --lifetime-compute, --cost and --target-loss; "
                f"{len(asked) or 'none'} "
                f"{'were' if asked else 'was'} given. Further bounds are --max-compute and the "
                f"like."
            )
        bounds = _constraints(
            max_params=max_params,
            max_tokens=max_tokens,
            unique_tokens=uncertain("--unique-tokens", unique_tokens),
            repeats=repeats,
            inference_tokens=uncertain("--inference-tokens", inference_tokens),
            max_compute=max_compute,
            max_lifetime_compute=max_lifetime_compute,
            max_cost=max_cost,
            max_days=max_days,
            **_prices(train_price, serve_price, peak_flops, utilisation, devices, price_per_hour),
            context=context,
            vocabulary=vocabulary,
        )
        posterior = cli_input.load(post)
        import bayescale

        plans = bayescale.allocate(posterior, **asked, constraints=bounds)
        if as_json:
            terminal.print_json(plans.to_dict())
        else:
            terminal_allocate.print_allocation(posterior, plans)
            terminal.warn_of_problems(posterior)


def _constraints(
    repeats: bool, context: int | None, vocabulary: int, **given: Any
) -> "Constraints | None":
    """None where nothing was asked for, so that plans are told as short as they are."""
    from bayescale.decisions.plans.constraints import Constraints, Repeats
    from bayescale.decisions.plans.flop_models import TransformerFlops

    asked = {name: value for name, value in given.items() if value is not None}
    if repeats:
        asked["repeats"] = Repeats()
    if context is not None:
        asked["flops"] = TransformerFlops(context=context, vocabulary=vocabulary)
    return Constraints(**asked) if asked else None


def _prices(
    train_price: float | None,
    serve_price: float | None,
    peak_flops: float | None,
    utilisation: float | None,
    devices: int,
    price_per_hour: float | None,
) -> dict[str, float | None]:
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


def uncertain(option: str, text: str | None) -> Any:
    """A number, or a log-normal distribution by its median and the standard deviation of the
    logarithm.
    """
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.removeprefix(_LOG_NORMAL).split(",")]
    except ValueError:
        numbers = []
    if text.startswith(_LOG_NORMAL) and len(numbers) == 2 and min(numbers) > 0:
        import math

        from numpyro import distributions as dist

        return dist.LogNormal(math.log(numbers[0]), numbers[1])
    if text.startswith(_LOG_NORMAL) or len(numbers) != 1:
        raise InputError(
            f"{option} {text}: write a count, such as 300e12, or lognormal:300e12,0.5."
        )
    return numbers[0]
