"""Arguments and options that several commands share, each written once."""

from pathlib import Path
from typing import Annotated

import typer

# Panels of help in which options are listed together.
BOUNDS = "Bounds, which combine"

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

Source = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE.csv",
        help="A data set of the catalogue, or a CSV file as [cyan]bayescale fit[/] reads it.",
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
        "discrepancy:base=student_t. Default: discrepancy for losses under nuts, else "
        "student_t.",
        show_default=False,
    ),
]
Method = Annotated[
    str,
    typer.Option(
        "--method",
        help="Inference method: nuts:draws=2000, importance, grid:nodes=256, "
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

MaxParams = Annotated[
    float | None,
    typer.Option(
        "--max-params",
        help="Largest number of parameters.",
        rich_help_panel=BOUNDS,
        show_default=False,
    ),
]
MaxTokens = Annotated[
    float | None,
    typer.Option(
        "--max-tokens",
        help="Largest number of training tokens, repeats included.",
        rich_help_panel=BOUNDS,
        show_default=False,
    ),
]
UniqueTokens = Annotated[
    str | None,
    typer.Option(
        "--unique-tokens",
        help="Number of different tokens that exist: 300e12, or lognormal:300e12,0.5 (median, "
        "standard deviation of the logarithm).",
        rich_help_panel=BOUNDS,
        show_default=False,
    ),
]
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
