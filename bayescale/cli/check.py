"""The command ``check``: what is understood of a table of runs, and what is wrong with it, before
anything is fitted.
"""

from bayescale.cli._command import Command, Section, examples
from bayescale.cli.options import Columns, Json, LossUnit, Source


def check(
    source: Source, column: Columns = None, loss_unit: LossUnit = None, as_json: Json = False
) -> None:
    """Print what is understood of a table of runs, and what is wrong with it.

    The page has the format, each column with the heading that it comes from, its unit and its
    range, budgets and groups, rows that are left out with the reason, and what else was done. Then
    come findings: what a fit would refuse, what it would doubt, and what to do.

    Nothing is fitted, and nothing is written.
    """
    from bayescale.terminal.reporting import reporting

    with reporting():
        from bayescale.cli import _inputs
        from bayescale.decisions.checks.check import check as check_runs
        from bayescale.terminal.check import as_record, print_check

        understood = _inputs.understood_from(source, column, loss_unit)
        found = check_runs(understood.runs)
        if as_json:
            from bayescale.cli._json import print_json

            print_json(as_record(understood, found))
        else:
            print_check(understood, found)


COMMAND = Command(
    check,
    Section.FIT,
    order=0,
    epilogue=examples(
        "bayescale check sweep.xlsx",
        "bayescale check sweep.csv --column n_params=non_embedding_params --loss-unit bits",
    ),
)
