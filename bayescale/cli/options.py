"""Arguments and options that several commands share, each written once."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bayescale.decisions.plans.bounds import MAX_PARAMS, MAX_TOKENS, UNIQUE_TOKENS, BoundKind

# Panels of help in which options are listed together.
BOUNDS = "Bounds, which combine"


def bound_option(kind: BoundKind) -> Any:
    """Return the option of a kind of bound."""
    return typer.Option(help=kind.help, rich_help_panel=BOUNDS, show_default=False)


Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Exit with code 4 where the data or the model are doubtful (default 0)."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

Source = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE",
        help="A data set of the catalogue, or a file as [cyan]bayescale fit[/] reads it.",
        show_default=False,
    ),
]
PosteriorFile = Annotated[
    Path,
    typer.Argument(
        metavar="POST.nc",
        help="The posterior that [cyan]bayescale fit[/] saved.",
        show_default=False,
    ),
]
CatalogueName = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]

Law = Annotated[
    str | None,
    typer.Option(
        "--law",
        help="Scaling law, with options as in chinchilla:tied=true; [cyan]bayescale laws list[/] "
        "names the laws, and my_module:MyLaw is a law of your own. Default: coupled.",
        show_default=False,
    ),
]
Noise = Annotated[
    str | None,
    typer.Option(
        "--noise",
        help="Noise model, how losses scatter about the law: student_t, normal, huber:delta=1e-3, "
        "discrepancy:base=student_t. Default: discrepancy for losses under importance "
        "and nuts, else student_t.",
        show_default=False,
    ),
]
Method = Annotated[
    str,
    typer.Option(
        "--method",
        help="Inference method: importance:draws=8000, nuts, grid:nodes=256, "
        "bootstrap:replicates=4000, multistart:starts=500.",
    ),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Random seed (default 0).", show_default=False)
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=HEADING",
        help="Heading of the file to read as NAME, such as loss=val_loss or group=optimiser; may "
        "be given several times.",
        show_default=False,
    ),
]

LossUnit = Annotated[
    str | None,
    typer.Option(
        "--loss-unit",
        metavar="UNIT",
        help="Unit of the losses where their heading does not say it: nats, bits, 'bits per byte' "
        "perplexity or unknown.",
        show_default=False,
    ),
]

MaxParams = Annotated[float | None, bound_option(MAX_PARAMS)]
MaxTokens = Annotated[float | None, bound_option(MAX_TOKENS)]
UniqueTokens = Annotated[str | None, bound_option(UNIQUE_TOKENS)]
InferenceTokens = Annotated[
    str | None,
    typer.Option(
        "--inference-tokens",
        help="Number of tokens to serve, written as for --unique-tokens.",
        rich_help_panel=BOUNDS,
        show_default=False,
    ),
]

Base = Annotated[str, typer.Argument(help="Group of the recipe in use today.", show_default=False)]
Candidate = Annotated[
    str, typer.Argument(help="Group of the recipe that may replace it.", show_default=False)
]
SharedFloor = Annotated[
    bool,
    typer.Option(
        "--shared-floor",
        help="Give both recipes one irreducible loss, for recipes that do not differ in data.",
    ),
]
SharedLaw = Annotated[
    str,
    typer.Option("--law", help="Law of parameters and tokens, whose exponents both recipes share."),
]
SharedNoise = Annotated[
    str, typer.Option("--noise", help="Noise model of both recipes, which must be a likelihood.")
]
