"""Stacking: the weights with which several models should count in a forecast, whose mixture
predicts runs best.

    max over w ≥ 0, Σ w = 1 of Σ_i log Σ_k w_k p_k(L_i | other runs)

Y. Yao, A. Vehtari, D. Simpson and A. Gelman, "Using Stacking to Average Bayesian Predictive
Distributions", 2018 (arXiv:1704.02030), equation 4; by ArviZ. The other runs are all others
("loo"), or the cheaper ones ("future"). Posterior probabilities of the models, from their evidence,
answer another question: which of them is true, if one is.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.special import softmax

from bayescale._internal.discovery import describe
from bayescale.decisions.checks._stacked import Stack
from bayescale.decisions.checks.forecasters import Fitted
from bayescale.decisions.checks.holdouts.base import Holdout
from bayescale.decisions.checks.holdouts.largest_compute import LargestCompute
from bayescale.decisions.checks.loo import loo
from bayescale.errors import InputError
from bayescale.noise.base import is_likelihood
from bayescale.posterior.diagnostics import stacking_weights
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, complaints_about

Scored = tuple[pd.DataFrame, tuple[Complaint, ...]]


def stack(
    posteriors: Sequence[Posterior], *, by: str = "loo", holdout: Holdout | None = None
) -> Stack:
    """Weigh posteriors of the same runs, to forecast with all of them.

    Parameters
    ----------
    posteriors : sequence of Posterior
        Two at least, of likelihoods.
    by : {"loo", "future", "evidence"}
        ``"loo"``: stacking by each run's density given all others, `bayescale.loo`. ``"future"``:
        stacking by the density of hidden runs under law, noise and method of each posterior, fitted
        anew to the others. ``"evidence"``: posterior probabilities of models that are equally
        probable before, from ``log_evidence``.
    holdout : Holdout
        The runs that ``"future"`` hides, by default ``LargestCompute(0.2)``, the fifth of the runs
        with the largest compute.

    Returns
    -------
    Stack

    Raises
    ------
    InputError
        Where there are fewer than two posteriors, they are of different runs, one has no density,
        or ``by`` asks for what they have not.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> laws = [bs.laws.Chinchilla(), bs.laws.PowerLaw()]
    >>> found = bs.compare(runs, laws, noise=bs.noise.Normal(), method=bs.Importance(draws=500))
    >>> stack = bs.stack(list(found.posteriors.values()), by="evidence")
    >>> stack.summary()["weight"].round(3).to_dict()
    {'chinchilla, normal': 1.0, 'power_law, normal': 0.0}
    >>> bs.forecast(stack, n_params=70e9, n_tokens=1.4e12, flops=5.88e23).draws.shape
    (500, 1)
    """
    posteriors = tuple(posteriors)
    _check(posteriors)
    models = _labels(posteriors)
    scored: dict[str, Callable[[], Scored]] = {
        "loo": lambda: _by_loo(posteriors, models),
        "future": lambda: _by_future(posteriors, models, holdout or LargestCompute()),
        "evidence": lambda: _by_evidence(posteriors, models),
    }
    if by not in scored:
        raise InputError(f"stack: by={by!r} must be one of {', '.join(map(repr, scored))}.")
    if holdout and by != "future":
        raise InputError(f'stack: a holdout is for by="future", and by={by!r} hides no runs.')
    scores, problems = scored[by]()
    values = scores.to_numpy()
    weights = np.asarray(softmax(values[0])) if by == "evidence" else stacking_weights(values)
    return Stack(posteriors, models, weights, by, scores, problems)


def _check(posteriors: tuple[Posterior, ...]) -> None:
    if len(posteriors) < 2:
        raise InputError("stack weighs several posteriors; give two or more, of the same runs.")
    first = posteriors[0].runs
    for posterior in posteriors:
        if posterior.runs.sha256 != first.sha256:
            raise InputError(
                f"stack: {posterior.runs.name} ({len(posterior.runs)} runs) and {first.name} "
                f"({len(first)} runs) hold "
                "different numbers; fit all models to the same runs."
            )
        if not is_likelihood(posterior.noise):
            raise InputError(
                f"stack weighs densities, and {posterior.noise.title} has none; fit with a "
                f"likelihood."
            )


def _labels(posteriors: tuple[Posterior, ...]) -> tuple[str, ...]:
    names = [f"{describe(posterior.law)}, {describe(posterior.noise)}" for posterior in posteriors]
    seen: Counter[str] = Counter()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(labels)


def _by_loo(posteriors: tuple[Posterior, ...], models: tuple[str, ...]) -> Scored:
    scores: dict[str, pd.Series] = {}
    problems: list[Complaint] = []
    for model, posterior in zip(models, posteriors, strict=True):
        left_out = loo(posterior)
        scores[model] = left_out.frame.set_index("run_id")["elpd"]
        problems += complaints_about(model, left_out.problems)
    return pd.DataFrame(scores), tuple(problems)


def _by_future(
    posteriors: tuple[Posterior, ...], models: tuple[str, ...], holdout: Holdout
) -> Scored:
    folds = holdout.split(posteriors[0].runs)
    scores: dict[str, np.ndarray] = {}
    problems: list[Complaint] = []
    for model, posterior in zip(models, posteriors, strict=True):
        forecaster = Fitted(posterior.law, posterior.noise, posterior.method)
        log_densities = []
        for fold in folds:
            prediction = forecaster.predict(fold.train, fold.test)
            log_densities.append(prediction.log_density)
            problems += complaints_about(
                f"{model}, fitted without hidden runs", prediction.posterior.problems
            )
        scores[model] = np.concatenate(log_densities)
    run_ids = np.concatenate([fold.test.frame.index.to_numpy() for fold in folds])
    return pd.DataFrame(scores, index=pd.Index(run_ids, name="run_id")), tuple(problems)


def _by_evidence(posteriors: tuple[Posterior, ...], models: tuple[str, ...]) -> Scored:
    found = [posterior.diagnostics.get("log_evidence") for posterior in posteriors]
    lacking = [model for model, value in zip(models, found, strict=True) if value is None]
    if lacking:
        raise InputError(
            f"stack: {'; '.join(lacking)} came without evidence. Fit with Grid() or Importance(), "
            f"which find it for noise "
            'without processes, or weigh by="loo" or by="future".'
        )
    return pd.DataFrame([found], columns=list(models)), ()
