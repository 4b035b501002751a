"""Leave-one-out scores: how well a model predicts each run from the others, without refits.

    elpd = Σ log p(L_i | L_−i),   p(L_i | L_−i) ≈ Σ_s w_is p(L_i | θ_s),   w_is ∝ 1/p(L_i | θ_s),
    Pareto-smoothed

A. Vehtari, A. Gelman and J. Gabry, "Practical Bayesian Model Evaluation Using Leave-One-Out
Cross-Validation and WAIC", 2017 (arXiv:1507.04544), equations 4 and 10; by ArviZ. Where Pareto k is
large, one run moves the posterior so much that draws made with it cannot stand for draws made
without it.
"""

from dataclasses import dataclass

import pandas as pd

from bayescale.errors import InputError
from bayescale.noise.base import is_likelihood
from bayescale.posterior.leave_one_out import leave_one_out
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, messages, records, to_html, to_text

FEWEST_DRAWS = 100
_NAMED = 8


@dataclass(frozen=True, eq=False)
class LOO:
    """Scores of a model on runs that it is taken not to have seen.

    Attributes
    ----------
    name : str
        Of the runs.
    frame : DataFrame, one row per run
        ``run_id``; ``elpd``, the log density of its loss in nats per token, given the others;
        ``pareto_k``; ``good``, whether k is small enough for that to be trusted.
    elpd, se, p_loo : float
        The sum over runs, its standard error, and the effective number of parameters.
    problems : tuple of Complaint
        Each says what to do. Empty where all is well.
    """

    name: str
    frame: pd.DataFrame
    elpd: float
    se: float
    p_loo: float
    problems: tuple[Complaint, ...] = ()

    def summary(self) -> pd.DataFrame:
        """The totals, and the runs that are not to be trusted.

        Returns
        -------
        DataFrame, one row
            ``elpd``, ``se``, ``p_loo``, ``pareto_k_max``, ``n_high_k`` and ``high_k``, the ids of
            those runs, the worst first.
        """
        bad = _worst_first(self.frame)
        row = {
            "elpd": self.elpd,
            "se": self.se,
            "p_loo": self.p_loo,
            "pareto_k_max": self.frame["pareto_k"].max(),
            "n_high_k": len(bad),
            "high_k": ", ".join(map(str, bad)),
        }
        return pd.DataFrame([row], index=pd.Index([self.name], name="runs"))

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"leave-one-out scores of {self.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sum of log densities with its standard error."""
        return (f"elpd is {self.elpd:.4g} ± {self.se:.2g} nats over {len(self.frame)} runs.",)

    def to_dict(self) -> dict[str, Json]:
        """The totals, the runs one by one, and what is wrong."""
        return {
            **records(self.summary())[0],
            "runs": records(self.frame),
            "problems": messages(self.problems),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)


def loo(posterior: Posterior) -> LOO:
    """Score each run by its density given the other runs.

    Parameters
    ----------
    posterior : Posterior
        Of a likelihood, with 100 draws at least.

    Returns
    -------
    LOO

    Raises
    ------
    InputError
        Where the noise model is an objective, or there are too few draws.

    Notes
    -----
    A noise model with processes, such as `Discrepancy`, is scored given their coefficients, which
    each run helped to find. A run that stands alone fixes its own departure, so its k is large;
    that says that the process follows the run, not that the run is an outlier.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=1)
    >>> law, noise = bs.laws.Chinchilla(), bs.noise.Normal()
    >>> post = bs.fit(runs, law=law, noise=noise, method=bs.Importance(draws=2000))
    >>> scores = bs.loo(post)
    >>> len(scores.frame), bool(scores.frame["good"].all())
    (45, True)
    """
    if not is_likelihood(posterior.noise):
        raise InputError(
            f"loo scores densities, and {posterior.noise.title} has none; fit with a likelihood, "
            f"such as noise=StudentT()."
        )
    if posterior.n_draws < FEWEST_DRAWS:
        raise InputError(
            f"loo needs {FEWEST_DRAWS} draws and has {posterior.n_draws}; fit with NUTS(), Grid() "
            f"or Importance()."
        )
    table, totals = leave_one_out(posterior)
    limit = totals.pop("good_k")
    frame = table.assign(good=table["pareto_k"] <= limit).reset_index()
    return LOO(posterior.runs.name, frame, **totals, problems=_problems(posterior, frame, limit))


def _worst_first(frame: pd.DataFrame) -> list[object]:
    return frame[~frame["good"]].sort_values("pareto_k", ascending=False)["run_id"].tolist()


def _problems(posterior: Posterior, frame: pd.DataFrame, limit: float) -> tuple[Complaint, ...]:
    bad = _worst_first(frame)
    if not bad:
        return ()
    named = ", ".join(map(str, bad[:_NAMED])) + (" …" if len(bad) > _NAMED else "")
    message = (
        f"Pareto k is above {limit:.2f} at {len(bad)} of {len(frame)} runs ({named}): each moves "
        f"the posterior too much for "
        "its score to be trusted. Compare models by hidden runs instead, bs.stack(..., "
        'by="future"), or fit without them.'
    )
    figures = {"limit": limit, "runs": float(len(bad))}
    complaint = Complaint("pareto_k", message, figures)
    if not posterior.noise.shared:
        return (complaint,)
    expected = (
        "Scores are given the coefficients of the noise model's processes, which follow each run "
        "where it stands alone: a "
        "large k is to be expected there, and does not make a run an outlier."
    )
    return complaint, Complaint("pareto_k_of_processes", expected, figures)
