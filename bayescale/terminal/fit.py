"""The page of a fit: what was fitted, parameters, diagnostics, plans and the curve of the loss."""

import math
import shlex
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bayescale._internal.discovery import describe
from bayescale.decisions.plans._one_budget import has_vertex, is_of_one_budget
from bayescale.parameters import names_of
from bayescale.posterior.beside_prior import QUANTITIES, beside_prior
from bayescale.posterior.prior_weight import PRIOR, prior_weight
from bayescale.priors.library import Library
from bayescale.terminal import style
from bayescale.terminal.allocate import plan_table, print_extrapolations, print_notes
from bayescale.terminal.curve import Curve, draw_curve
from bayescale.terminal.verdicts import print_verdicts
from bayescale.units import as_typed, in_loss_unit, number, percentage, summarise

if TYPE_CHECKING:
    from bayescale.decisions.plans.allocate import Allocation
    from bayescale.decisions.plans.next_run import NextRun
    from bayescale.posterior.posterior import Posterior

# Narrower, a curve says nothing; wider, it is no clearer.
_CURVE_WIDTHS = (40, 100)
# The next forecast and plan that a reader is shown are for so many times the largest compute.
_NEXT_FACTOR = 10
_DIAGNOSTICS = {
    "rhat_max": "R-hat at most {:.3f}",
    "ess_bulk_min": "effective draws at least {:,.0f} in the bulk",
    "ess_tail_min": "{:,.0f} in the tails",
    "divergences": "{:,.0f} divergences",
    "starts": "{:,.0f} starts",
    "starts_in_best_basin": "{:,.0f} in the best basin",
    "second_basin_gap": "next basin relatively {:.2g} higher",
    "failed_starts": "{:,.0f} failed",
    "gradient_norm": "relative gradient {:.0e}",
    "replicates": "{:,.0f} refits",
    "failed_refits": "{:.1%} failed",
    "pareto_k": "Pareto k {:.2f}",
    "ess_importance": "{:,.0f} effective draws among the proposals",
    "ess_chains": "{:,.0f} effective draws of chains",
    "log_evidence": "log evidence {:.2f}",
}


def print_fit(
    posterior: "Posterior",
    plans: "Allocation | None",
    curve: Curve | None,
    next_run: "NextRun | None" = None,
) -> None:
    """Print the report of a fit.

    Parameters
    ----------
    posterior : Posterior
    plans : Allocation or None
        None where the law has no compute-optimal plan.
    curve : Curve or None
        None where the law has several inputs and no one axis.
    next_run : NextRun, optional
        What one more run would change.
    """
    console = style.console()
    console.print(_heading(posterior))
    style.print_table(console, _parameter_table(posterior))
    _print_prior_weight(console, posterior)
    print_beside_prior(console, posterior)
    print_verdicts(console, posterior, _diagnostics(posterior))
    if plans:
        style.print_table(console, plan_table(posterior, plans))
        print_extrapolations(console, posterior, plans)
        print_notes(console, plans)
        console.print()
        if next_run:
            console.print(" ".join(next_run.sentences) + "\n")
    else:
        console.print(f"No compute-optimal plan: {_why_no_plan(posterior)}\n")
    if posterior.noise.shared and not is_of_one_budget(posterior):
        console.print(
            "The exponents are those of the law alone. Plans and forecasts also include the "
            "departures from the law that runs share.\n"
        )
    if curve:
        least, most = _CURVE_WIDTHS
        for line in draw_curve(curve, min(max(console.width, least), most)):
            console.print(line, soft_wrap=True)
        console.print()


def print_next_commands(posterior: "Posterior", saved: str) -> None:
    """Print where the posterior is saved, and commands that use it."""
    from bayescale.laws.base import AllocatesCompute

    file = shlex.quote(saved)
    if is_of_one_budget(posterior) and not has_vertex(posterior.runs):
        style.console().print(f"Saved to {saved}.", soft_wrap=True)
        return
    lines = [f"Saved to {saved}. Next:"]
    if is_of_one_budget(posterior):
        compute = as_typed(posterior.runs.column("flops").max())
        lines.append(f"  bayescale allocate {file} --compute {compute}")
    else:
        lines.append(f"  bayescale forecast {file} {_next_inputs(posterior)}")
        if isinstance(posterior.law, AllocatesCompute):
            compute = as_typed(_NEXT_FACTOR * posterior.runs.six_nd.max())
            lines.append(f"  bayescale allocate {file} --compute {compute}")
    style.console().print("\n".join(lines), soft_wrap=True)


def _next_inputs(posterior: "Posterior") -> str:
    """Return the options of a forecast beyond the runs."""
    runs, inputs = posterior.runs, posterior.law.inputs
    if "n_params" in inputs and "n_tokens" in inputs:
        # More compute at as many tokens per parameter as the most expensive run has.
        largest = runs.frame.iloc[int(runs.six_nd.argmax())]
        factor = _NEXT_FACTOR**0.5
        n_params = as_typed(largest["n_params"] * factor)
        n_tokens = as_typed(largest["n_tokens"] * factor)
        return f"--n-params {n_params} --n-tokens {n_tokens}"
    options = []
    for name in inputs:
        value = as_typed(runs.column(name).max() * _NEXT_FACTOR)
        options.append(f"--input {name}={value}")
    return " ".join(options)


def _why_no_plan(posterior: "Posterior") -> str:
    if is_of_one_budget(posterior):
        return "all runs have one budget, and their losses have no minimum among the sizes tried."
    return f"{posterior.law.formula} has no trade-off between parameters and tokens."


def _heading(posterior: "Posterior") -> Table:
    runs = posterior.runs
    source = f": {runs.source}" if runs.source else ""
    rows = [("data", f"{runs.name}, {len(runs):,} runs{source}")]
    rows += [("", note) for note in runs.notes]
    rows += [
        ("law", posterior.law.formula),
        ("noise", posterior.noise.formula),
        ("method", f"{describe(posterior.method)}, seed {posterior.method.seed}"),
        ("device", f"{posterior.provenance['device']}, {posterior.seconds['fit']:.1f} s"),
    ]
    return style.facts(rows)


def _parameter_table(posterior: "Posterior") -> Table:
    parameters = posterior.law.parameters + posterior.noise.parameters
    unit = posterior.runs.loss_unit
    meanings = {one.name: in_loss_unit(one.meaning, unit) for one in parameters}
    if posterior.n_draws == 1:
        table = style.table(["parameter", "value", "meaning"], left=["meaning"])
        for name in posterior.params:
            table.add_row(name, number(posterior.draws(name)[0], 5), meanings[name])
        return table
    headings = ["parameter", "mean", "sd", "5 %", "50 %", "95 %", "narrowed", "meaning"]
    table = style.table(headings, left=["meaning"])
    narrowed = prior_weight(posterior)["narrowed"].map(percentage)
    for name in posterior.params:
        statistics = summarise(posterior.draws(name))
        table.add_row(
            name,
            number(statistics["mean"]),
            number(statistics["sd"], 3),
            number(statistics["q05"]),
            number(statistics["q50"]),
            number(statistics["q95"]),
            narrowed.get(name, ""),
            meanings[name],
        )
    return table


def _print_prior_weight(console: Console, posterior: "Posterior") -> None:
    """Say what narrowed means, and which of the law's parameters the prior sets."""
    if posterior.n_draws == 1:
        return
    console.print(
        "Narrowed: by how much the 90 % interval is narrower than the prior's.", style="dim"
    )
    weights = prior_weight(posterior)
    names = names_of(posterior.law.parameters)
    of_law = weights[weights.index.isin(names)]
    by_prior = of_law.index[of_law["set_by"] == PRIOR]
    if len(by_prior):
        verb = "is" if len(by_prior) == 1 else "are"
        console.print(
            f"{', '.join(by_prior)} {verb} set by the prior: the runs say little about "
            f"{'it' if len(by_prior) == 1 else 'them'}.",
            style="yellow",
        )
    console.print()


def print_beside_prior(console: Console, posterior: "Posterior") -> None:
    """Print what the prior said beside what it and the runs say, where a law has such a table."""
    if posterior.n_draws == 1:
        return
    compared = beside_prior(posterior)
    if compared.empty:
        return
    said, where = "prior", "where the prior is stated"
    if isinstance(getattr(posterior.law, "prior", None), Library):
        said, where = "the library says", "at the dearest runs"
    headings = [where, said, "with your runs", "meaning"]
    table = style.table(headings, left=["meaning"])
    for name, row in compared.iterrows():
        before = f"{number(row['prior_q05'], 2)} to {number(row['prior_q95'], 2)}"
        after = f"{number(row['q05'], 2)} to {number(row['q95'], 2)}"
        table.add_row(str(name), before, after, QUANTITIES[str(name)])
    style.print_table(console, table)
    console.print("90 % intervals.", style="dim")
    console.print()


def _diagnostics(posterior: "Posterior") -> str:
    diagnostics = []
    for name, value in posterior.diagnostics.items():
        if math.isfinite(value):
            text = _DIAGNOSTICS.get(name, f"{name} {{:.4g}}")
            diagnostics.append(text.format(value))
    return ", ".join(diagnostics)
