"""The facts that a paper on scaling laws must state for others to reproduce its fit, filled in from
the fit.

M. Li et al., "(Mis)Fitting: A Survey of Scaling Laws", 2025 (arXiv:2502.18969), appendix, asks for
these and more.
"""

from bayescale._internal.discovery import describe
from bayescale.decisions.plans.plan import Plan
from bayescale.results import messages

_UNKNOWN = "not said: add it to the notes of the runs"


def checklist(plan: Plan) -> list[tuple[str, str]]:
    """Each question, and what the fit answers.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of (str, str)
    """
    posterior = plan.posterior
    runs = posterior.runs
    notes = " ".join(runs.notes) or _UNKNOWN
    spans = {name: runs.column(name) for name in posterior.law.inputs}
    settings = {
        key: value
        for key, value in posterior.provenance.items()
        if key not in ("data_sha256", "created", "seed")
    }
    flops = "6·N·D" if plan.constraints is None else repr(plan.constraints.flops)
    return [
        ("Form", f"{posterior.law.formula} ({posterior.law.paper})"),
        ("What N and D count", notes),
        ("Unit of the loss", posterior.response.unit),
        ("FLOPs", f"{flops}; budgets and plans are counted alike"),
        (
            "Runs",
            f"{len(runs)} of {runs.name}{f', {runs.source}' if runs.source else ''}; "
            f"{_weighed(plan)}",
        ),
        (
            "Their range",
            "; ".join(
                f"{name} {values.min():.3g} to {values.max():.3g}" for name, values in spans.items()
            ),
        ),
        ("Runs dropped", "those that the notes above tell of; this program drops none by itself"),
        ("Hash of the data", posterior.provenance.get("data_sha256", _UNKNOWN)),
        ("Objective", f"{posterior.noise.formula} ({posterior.noise.title}), with priors"),
        (
            "Priors",
            "; ".join(
                f"{p.name} {p.prior_in_words}"
                for p in (*posterior.law.parameters, *posterior.noise.parameters)
            ),
        ),
        (
            "Method",
            f"{describe(posterior.method)}; {posterior.n_draws:,} draws; starts at the mode, none "
            f"was tuned by hand",
        ),
        (
            "Diagnostics",
            ", ".join(f"{name} {value:.4g}" for name, value in posterior.diagnostics.items()),
        ),
        ("What they say", " ".join(messages(posterior.problems)) or "nothing is wrong"),
        ("Forecast of the planned run", _forecaster(plan)),
        (
            "Hold-out",
            "none in this page; `bayescale backtest` hides the dearest runs and scores their "
            "forecast",
        ),
        (
            "Extrapolation",
            f"the plan has {plan.extrapolation_factor:.3g} times the compute, 6·N·D, of the "
            f"dearest run",
        ),
        ("Seed", str(posterior.method.seed)),
        ("Software and device", ", ".join(f"{name} {value}" for name, value in settings.items())),
        ("Fitted at", posterior.provenance.get("created", _UNKNOWN)),
    ]


def _forecaster(plan: Plan) -> str:
    other = plan.forecaster
    if other is plan.posterior:
        return "by the same fit"
    said = " ".join(messages(other.problems)) or "nothing is wrong"
    fitted = f"{describe(other.law)} with {describe(other.noise)}"
    return f"by another fit, {fitted}; its diagnostics: {said}"


def _weighed(plan: Plan) -> str:
    weights = plan.posterior.runs.weights
    return (
        "each counts once"
        if (weights == 1).all()
        else f"weights from {weights.min():.3g} to {weights.max():.3g}"
    )
