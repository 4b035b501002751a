"""Facts that a paper on scaling laws must state for others to reproduce its fit, filled in from
the fit.

M. Li et al., "(Mis)Fitting: A Survey of Scaling Laws", 2025 (arXiv:2502.18969), appendix, asks for
these and more.
"""

from collections.abc import Iterable

from bayescale._internal.discovery import describe
from bayescale.decisions.plans.plan import Plan
from bayescale.findings.base import Finding
from bayescale.posterior.posterior import Posterior
from bayescale.results import messages
from bayescale.runs import Runs

# Entries of the provenance with questions of their own.
_ASKED_APART = ("data_sha256", "created", "seed")
_UNKNOWN = "not said: add it to the notes of the runs"


def checklist(plan: Plan) -> list[tuple[str, str]]:
    """Return each question with the answer of the fit.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of (str, str)
    """
    posterior = plan.posterior
    runs = posterior.runs
    flops = "6·N·D" if plan.constraints is None else repr(plan.constraints.flops)
    factor = plan.extrapolation_factor
    return [
        ("Form", f"{posterior.law.formula} ({posterior.law.paper})"),
        ("What N and D count", " ".join(runs.notes) or _UNKNOWN),
        ("Unit of the loss", posterior.response_unit),
        ("FLOPs", f"{flops}; budgets and plans are counted alike"),
        ("Runs", _runs(runs)),
        ("Their range", _ranges(posterior)),
        ("Runs dropped", "those in the notes above; this program drops none by itself"),
        ("Hash of the data", posterior.provenance.get("data_sha256", _UNKNOWN)),
        ("Objective", f"{posterior.noise.formula} ({posterior.noise.title}), with priors"),
        ("Priors", _priors(posterior)),
        (
            "Method",
            f"{describe(posterior.method)}; {posterior.n_draws:,} draws; starts at the mode, none "
            f"was tuned by hand",
        ),
        ("Diagnostics", _diagnostics(posterior)),
        ("Problems of the sampling", _problems(posterior)),
        ("Doubts about the data", _findings(posterior.verdicts.data)),
        ("Doubts about the model", _findings(posterior.verdicts.model)),
        (
            "Hold-out",
            "none in this page; `bayescale backtest` hides the runs of most compute and scores "
            "their forecast",
        ),
        (
            "Extrapolation",
            f"the plan has {factor:.3g} times the compute, 6·N·D, of the largest run",
        ),
        ("Seed", str(posterior.method.seed)),
        ("Software and device", _software(posterior)),
        ("Fitted at", posterior.provenance.get("created", _UNKNOWN)),
    ]


def _runs(runs: Runs) -> str:
    """Return how many runs there are, of what, and with which weights."""
    source = f", {runs.source}" if runs.source else ""
    weights = runs.weights
    if (weights == 1).all():
        counted = "each counts once"
    else:
        counted = f"weights from {weights.min():.3g} to {weights.max():.3g}"
    return f"{len(runs)} of {runs.name}{source}; {counted}"


def _ranges(posterior: Posterior) -> str:
    ranges = []
    for name in posterior.law.inputs:
        values = posterior.runs.column(name)
        ranges.append(f"{name} {values.min():.3g} to {values.max():.3g}")
    return "; ".join(ranges)


def _priors(posterior: Posterior) -> str:
    parameters = posterior.law.coordinates + posterior.noise.parameters
    return "; ".join(f"{parameter.name} {parameter.prior_in_words}" for parameter in parameters)


def _diagnostics(posterior: Posterior) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in posterior.diagnostics.items())


def _problems(posterior: Posterior) -> str:
    return " ".join(messages(posterior.problems)) or "nothing is wrong"


def _findings(findings: Iterable[Finding]) -> str:
    return " ".join(f"{finding.code}: {finding}" for finding in findings) or "none"


def _software(posterior: Posterior) -> str:
    """Return versions and device: what the provenance holds beside its other questions."""
    facts = []
    for name, value in posterior.provenance.items():
        if name not in _ASKED_APART:
            facts.append(f"{name} {value}")
    return ", ".join(facts)
