"""The page of a running run: where it will end, under the plan and under other decays."""

from typing import TYPE_CHECKING

from bayescale.terminal import style

if TYPE_CHECKING:
    from bayescale.decisions.forecasts.finish import Finish

_HEADINGS = ("schedule", "decay from", "ends at", "final loss", "5 %", "95 %", "gain")


def print_finish(result: "Finish") -> None:
    """Print where the run stands, and the final loss of each schedule with its interval."""
    console = style.console()
    console.print(f"{result.run}, at step {result.step:.6g}, loss {result.loss:.4f}", markup=False)
    table = style.table(list(_HEADINGS))
    for row in result.frame.to_dict("records"):
        falls = row["decay_step"] == row["decay_step"]
        cells = [
            row["future"],
            f"{row['decay_step']:.6g}" if falls else "never",
            f"{row['end_step']:.6g}",
            f"{row['q50']:.4f}",
            f"{row['q05']:.4f}",
            f"{row['q95']:.4f}",
            f"{row['gain_q50']:+.4f}",
        ]
        style.add_row(table, cells)
    style.print_table(console, table)
    console.print("gain: how much lower than as planned, in the middle of its interval.")
    for problem in result.problems:
        console.print(f"⚠ {problem}", style="bold red", markup=False)
