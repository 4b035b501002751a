"""The result of `bayescale.stack`: posteriors of the same runs, and the weight of each."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayescale.inference._weighing import systematic
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, messages, records, to_html, to_text


@dataclass(frozen=True, eq=False)
class Stack:
    """Several posteriors as one forecast: `bayescale.forecast` takes it in place of a posterior.

    Attributes
    ----------
    posteriors : tuple of Posterior
    models : tuple of str
        Law and noise of each, as the command line takes them.
    weights : array, shape (models,)
        Not negative, of sum one.
    by : str
        What they were weighed by.
    scores : DataFrame, one row per scored run and one column per model
        Log densities, or of ``by="evidence"`` one row of log evidences.
    problems : tuple of Complaint
        Empty where all is well.
    """

    posteriors: tuple[Posterior, ...]
    models: tuple[str, ...]
    weights: np.ndarray
    by: str
    scores: pd.DataFrame
    problems: tuple[Complaint, ...] = ()

    @property
    def frame(self) -> pd.DataFrame:
        """Return one row per model: ``model``, ``weight``, ``score``, the sum over runs;
        ``behind``, how far the best is ahead of it, and ``behind_se``, the standard error of that
        difference.
        """
        values = self.scores.to_numpy()
        lead = values[:, [values.sum(axis=0).argmax()]] - values
        # One row has no spread, and its error is not known.
        se = (
            np.sqrt(len(lead)) * lead.std(axis=0, ddof=1)
            if len(lead) > 1
            else np.full(len(self.models), np.nan)
        )
        return pd.DataFrame(
            {
                "model": self.models,
                "weight": self.weights,
                "score": values.sum(axis=0),
                "behind": lead.sum(axis=0),
                "behind_se": se,
            }
        )

    def summary(self) -> pd.DataFrame:
        """Return the frame, indexed by model, the heaviest first."""
        return self.frame.set_index("model").sort_values("weight", ascending=False, kind="stable")

    def draw_indices(self, seed: int) -> np.ndarray:
        """Return the indices of the draws that make the mixture, among the draws of all posteriors
        one after the other; as many as the largest posterior has.

        Systematic resampling: each model has its share to within one draw.
        """
        counts = np.array([posterior.n_draws for posterior in self.posteriors])
        return systematic(
            np.repeat(self.weights / counts, counts), int(counts.max()), np.random.default_rng(seed)
        )

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"{len(self.models)} models weighed by {self.by}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The weight of each model, the heaviest first."""
        weights = self.summary()["weight"]
        return tuple(f"{model} has a weight of {weight:.3g}." for model, weight in weights.items())

    def to_dict(self) -> dict[str, Json]:
        """The models, the heaviest first, what they were weighed by, and what is wrong."""
        return {
            "by": self.by,
            "models": records(self.summary().reset_index()),
            "problems": messages(self.problems),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)
