"""The command ``fit``: a scaling law fitted to a table of runs, and saved."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bayescale import defaults
from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import Columns, Json, Law, LossUnit, Method, Noise, Seed, Strict

if TYPE_CHECKING:
    from bayescale.posterior.posterior import Posterior
    from bayescale.runs import Runs


def fit(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="A data set of the catalogue ([cyan]bayescale datasets list[/]), or a file with "
            "one row per run: CSV, JSON, Parquet, Excel and others. [cyan]bayescale check FILE[/] "
            "prints what is understood of it.",
        ),
    ] = "bayescale2026_sweep",
    law: Law = None,
    noise: Noise = None,
    method: Method = defaults.METHOD,
    seed: Seed = None,
    column: Columns = None,
    loss_unit: LossUnit = None,
    keep_suspect: Annotated[
        bool,
        typer.Option(
            "--keep-suspect", help="Keep runs that the catalogue flags as misprints or outliers."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="POST.nc",
            help="File for the posterior (default bayescale-NAME.nc in this folder; with --json, "
            "nothing is saved by default).",
            show_default=False,
        ),
    ] = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Also fit under other likelihoods and laws and without each budget, and print how "
            "far the answers move.",
        ),
    ] = False,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Fit a scaling law to training runs.

    The report has the parameters with intervals, three verdicts on whether to trust them (data,
    model and sampling), the compute-optimal plan at
    three budgets, and the loss to expect.

    The posterior is saved for [cyan]bayescale forecast[/] and [cyan]bayescale allocate[/].
    """
    from bayescale.terminal.reporting import exit_by, reporting

    with reporting():
        from bayescale.cli._saving import check_posterior_file, default_file

        path = out if as_json else out or default_file(source)
        if path is not None:
            check_posterior_file(path)
        import bayescale
        from bayescale.cli import _inputs

        chosen_law = _inputs.law_from(law) if law else None
        chosen_noise = _inputs.noise_from(noise) if noise else None
        chosen_method = _inputs.method_from(method, seed)
        runs = _inputs.runs_from(
            source, chosen_law, column, loss_unit=loss_unit, keep_suspect=keep_suspect
        )
        _announce(runs)
        posterior = bayescale.fit(runs, law=chosen_law, noise=chosen_noise, method=chosen_method)
        if sensitivity:
            # A fit without a sensitivity is refused before anything is printed or saved.
            from bayescale.decisions.checks.sensitivity import check

            check(posterior)
        if as_json:
            _print_json(posterior, path, sensitivity)
        else:
            _print_report(posterior, path or default_file(source), sensitivity)
        exit_by(strict, posterior)


def _announce(runs: "Runs") -> None:
    """Say at a terminal what takes the time."""
    if sys.stderr.isatty():
        typer.echo(
            f"Fitting {len(runs)} runs; the first fit of its kind on a machine takes seconds to "
            f"compile.",
            err=True,
        )


def _print_json(posterior: "Posterior", path: Path | None, sensitivity: bool) -> None:
    import bayescale
    from bayescale.cli._json import print_json
    from bayescale.cli._outlook import outlook
    from bayescale.cli._saving import save

    plans, _, next_run = outlook(posterior)
    value = posterior.to_dict() | {"allocation": plans.records() if plans else []}
    value["next_run"] = next_run.to_dict() if next_run else None
    if sensitivity:
        value["sensitivity"] = bayescale.sensitivity(posterior).to_dict()
    try:
        if path is not None:
            value["saved"] = save(posterior, path)
    finally:
        # Printed whether it could be saved or not: a full disk must not cost the reader the fit.
        print_json(value)


def _print_report(posterior: "Posterior", path: Path, sensitivity: bool) -> None:
    import bayescale
    from bayescale.cli._outlook import outlook
    from bayescale.cli._saving import save
    from bayescale.terminal.fit import print_fit, print_next_commands
    from bayescale.terminal.sensitivity import print_sensitivity

    # Printed before it is saved: a full disk must not cost the reader the fit.
    print_fit(posterior, *outlook(posterior))
    print_next_commands(posterior, save(posterior, path))
    if sensitivity:
        print_sensitivity(bayescale.sensitivity(posterior))


COMMAND = Command(
    fit,
    Section.FIT,
    order=1,
    epilogue=examples(
        "bayescale fit",
        "bayescale fit besiroglu2024_chinchilla --out chinchilla.nc",
        "bayescale fit sweep.csv --column n_params=N --column n_tokens=D --column loss=val_loss",
        "bayescale fit sweep.csv --noise huber:delta=1e-3 --method bootstrap:replicates=2000",
    ),
)
