"""Approach 2, for comparison: a parabola through the losses of each compute budget, and a power law
through their minima.

At each budget C the loss is taken for a parabola in the logarithm of the tokens; its vertex is the
budget's optimum D*, and a power law through the vertices extrapolates:

    L ≈ c₀ + c₁ x + c₂ x²,  x = log₁₀ D,  log₁₀ D* = −c₁ / 2c₂,  D* = k · C^b,  N* = C / 6 D*

Hoffmann et al. 2022, section 3.2 (arXiv:2203.15556). Loss is no parabola in log D: it falls and
rises as two exponentials of unlike rates. The vertex is therefore off the optimum even without
noise, by more the wider and the less centred the sampled sizes are and the less alike α and β, and
extrapolation adds to that (Czech et al. 2026, arXiv:2603.22339). `IsoFlop.bias` says by how much
for the runs at hand; `bayescale.allocate` on a fitted law is free of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from bayescale import units
from bayescale._internal.precision import float64
from bayescale.errors import InputError
from bayescale.findings._sweep import Sweep
from bayescale.laws.base import AllocatesCompute
from bayescale.laws.chinchilla import Chinchilla
from bayescale.parameters import names_of
from bayescale.posterior.posterior import Posterior
from bayescale.results import Complaint, Json, records, to_html, to_text
from bayescale.runs import Runs, RunsLike, as_runs
from bayescale.units import nearest_budget, nominal_budgets, params_for, six_nd, summarise

_FEWEST_SIZES = 3
_FEWEST_BUDGETS = 2
_EXTRAPOLATED = 10.0


@dataclass(frozen=True, eq=False)
class IsoFlop:
    """Parabolas through the runs of each budget, and the power law through their minima.

    Attributes
    ----------
    runs : Runs
    frame : DataFrame, one row per budget
        ``compute`` (FLOPs; the geometric mean of 6·N·D over its runs), ``n_runs``, the vertex's
        ``n_params`` and ``n_tokens`` (counts) and ``loss`` (nats per token), the parabola's
        ``curvature`` d²L/dx² (nats per token and squared decade) and ``status``: ``good``;
        ``edge``, a vertex outside the sampled sizes; ``no minimum``, a parabola that opens
        downwards; ``too few runs``, fewer than three sizes. The first two enter the power law.
    """

    runs: Runs = field(repr=False)
    frame: pd.DataFrame
    _member: np.ndarray = field(repr=False)

    @property
    def exponent_of_tokens(self) -> float:
        """b in D* ∝ C^b."""
        return float(self._growth[1][0])

    @property
    def exponent_of_params(self) -> float:
        """a in N* ∝ C^a; a + b = 1, since C = 6·N·D."""
        return 1.0 - self.exponent_of_tokens

    def allocate(self, compute: float | Sequence[float] | np.ndarray) -> pd.DataFrame:
        """The split of each budget by the power law; `bayescale.allocate` gives a fitted law's,
        with intervals.

        Parameters
        ----------
        compute : float or sequence
            Budgets, FLOPs.

        Returns
        -------
        DataFrame, one row per budget
            ``compute``, ``n_params``, ``n_tokens``, ``tokens_per_param``.

        Raises
        ------
        InputError
            Where a budget is not positive.
        """
        budgets = _checked(compute, "compute")
        n_tokens = grown(self._growth, budgets)[0]
        n_params = params_for(budgets, n_tokens)
        return pd.DataFrame(
            {
                "compute": budgets,
                "n_params": n_params,
                "n_tokens": n_tokens,
                "tokens_per_param": n_tokens / n_params,
            }
        )

    @float64
    def bias(
        self, truth: Posterior | Mapping[str, float], compute: float | Sequence[float] | np.ndarray
    ) -> pd.DataFrame:
        """Return the bias of this procedure on these very N and D, were the law true and the losses
        without noise.

        The losses are replaced by the law's, parabolas and power law are fitted anew, and their D*
        and N* at each budget are compared with the law's own optimum.

        Parameters
        ----------
        truth : Posterior or mapping
            A fitted law, each draw of which is taken for the truth in turn; or the constants E, A,
            B, alpha and beta of a `Chinchilla` law.
        compute : float or sequence
            Budgets at which to compare, FLOPs.

        Returns
        -------
        DataFrame, one row per budget and quantity
            100·(estimate/optimum − 1), per cent: mean, sd and quantiles over the draws.

        Raises
        ------
        InputError
            Where the law has no trade-off between parameters and tokens, a constant is lacking, or
            a budget is not positive.
        """
        budgets = _checked(compute, "compute")
        law, params = _law_and_constants(truth)
        log_inputs = {name: np.log(self.runs.column(name)) for name in law.inputs}
        losses = np.exp(np.asarray(law.predict(params, log_inputs)))
        vertices, _, _ = parabolas(np.log10(self.runs.column("n_tokens")), losses, self._member)
        n_tokens = grown(power_law(np.log10(self.frame["compute"].to_numpy()), vertices), budgets)
        optimum = np.asarray(law.optimal_n_params(params, budgets))
        # 6·N·D = C for both, so that the one's D too large by a factor is its N too small by the
        # same.
        too_large = six_nd(optimum, n_tokens) / budgets
        shares = {"n_params": 1 / too_large, "n_tokens": too_large}
        rows = []
        for column, budget in enumerate(budgets):
            for name, share in shares.items():
                about = {"compute": budget, "quantity": name, "unit": "per cent"}
                rows.append(about | summarise(100 * (share[:, column] - 1)))
        return pd.DataFrame(rows)

    def summary(self) -> pd.DataFrame:
        """The frame, indexed by compute."""
        return self.frame.set_index("compute")

    @property
    def title(self) -> str:
        """Title of the result, in a few words."""
        return f"Approach 2 on {self.runs.name}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return the number of budgets with a minimum, the exponents, and that they are biased."""
        return (
            *self._findings,
            "A parabola misses the optimum even without noise: `bias_in_words` of a fitted law "
            "says by how much.",
        )

    def bias_in_words(
        self,
        truth: Posterior | Mapping[str, float],
        compute: float | Sequence[float] | np.ndarray | None = None,
    ) -> tuple[str, ...]:
        """Say how many budgets have a minimum, the exponents, and by how much they miss the optimum
        of a law.

        Parameters
        ----------
        truth : Posterior or mapping
            As for `bias`.
        compute : float or sequence, optional
            Budgets, FLOPs; ten times the largest budget unless given.
        """
        beyond = _EXTRAPOLATED * self.frame["compute"].max()
        bias = self.bias(truth, np.unique(beyond if compute is None else compute))
        table = bias.pivot(index="compute", columns="quantity", values="q50")
        said = list(self._findings)
        for budget, row in table.iterrows():
            said.append(
                f"On noise-free losses of the given law this procedure misses D* at {budget:.3g} "
                f"FLOPs by {row['n_tokens']:+.1f} % and N* by {row['n_params']:+.1f} %."
            )
        return tuple(said)

    @property
    def problems(self) -> tuple[Complaint, ...]:
        """Empty: the status of each budget is in the frame."""
        return ()

    def to_dict(self) -> dict[str, Json]:
        """The exponents, and each budget."""
        return {
            "exponent_of_params": self.exponent_of_params,
            "exponent_of_tokens": self.exponent_of_tokens,
            "budgets": records(self.frame),
        }

    def _repr_html_(self) -> str:
        return to_html(self)

    def __repr__(self) -> str:
        return to_text(self)

    @property
    def _findings(self) -> tuple[str, str]:
        return (
            f"Budgets: {_counted(Counter(self.frame['status']))}.",
            f"N* grows as C^{self.exponent_of_params:.3f} and D* as "
            f"C^{self.exponent_of_tokens:.3f}.",
        )

    def growth_of(self, loss: np.ndarray, picks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """log₁₀ k and b of the power law through resampled runs, whose losses may be others; each
        of shape (tables,).

        Parameters
        ----------
        loss : array, shape (runs,)
        picks : array of int, shape (tables, runs)
            Which runs each table holds.
        """
        log_d = np.log10(self.runs.column("n_tokens"))
        budgets = len(self.frame)
        vertices = np.full((len(picks), budgets), np.nan)
        for row, pick in enumerate(picks):
            there = np.unique(self._member[pick])
            vertex, _, _ = parabolas(
                log_d[pick], loss[None, pick], np.searchsorted(there, self._member[pick])
            )
            vertices[row, there] = vertex[0]
        return power_law(np.log10(self.frame["compute"].to_numpy()), vertices)

    @cached_property
    def _growth(self) -> tuple[np.ndarray, np.ndarray]:
        log_vertices = np.log10(self.frame["n_tokens"].to_numpy())
        return power_law(np.log10(self.frame["compute"].to_numpy()), log_vertices[None, :])


def isoflop(runs: RunsLike, budgets: Sequence[float] | np.ndarray | None = None) -> IsoFlop:
    """Find compute-optimal sizes by isoFLOP parabolas: Approach 2, to compare with a fitted law and
    not to rely on.

    Parabolas are fitted to the loss itself by least squares, every run counting alike, and the
    power law to the logarithms of the vertices, every budget counting alike; weights and standard
    errors of runs are left aside, as the procedure has none.

    Parameters
    ----------
    runs : Runs, path, text, DataFrame, mapping or sequence
        What is no `Runs` is read by `Runs.read`.
    budgets : sequence of float, optional
        Nominal budgets, FLOPs; each run goes to the nearest in logarithm. Unless given, runs are
        sorted by ``flops`` (6·N·D where that column is lacking) and a new budget begins wherever
        two neighbours are more than 10 % apart: runs of one budget differ by the rounding of sizes
        and steps, and budgets by half or more. `sensitivity`, figures and the default noise model
        find the same budgets.

    Returns
    -------
    IsoFlop

    Raises
    ------
    InputError
        Where fewer than two budgets have a minimum, or the runs are in no budgets.

    Examples
    --------
    >>> import bayescale as bs
    >>> runs = bs.datasets.simulate(seed=0, noise=0.0)
    >>> found = bs.isoflop(runs)
    >>> found.frame["status"].unique().tolist(), round(found.exponent_of_tokens, 3)
    (['good'], 0.548)
    >>> hoffmann = bs.laws.Chinchilla.published[0].params
    >>> found.bias(hoffmann, compute=1e24)[["quantity", "mean"]].round(1).to_numpy().tolist()
    [['n_params', 3.2], ['n_tokens', -3.1]]
    """
    runs = as_runs(runs)
    log_d = np.log10(runs.column("n_tokens"))
    member = members(runs, budgets)
    compute = nominal_budgets(member, runs.six_nd)
    found = parabolas(log_d, runs.column("loss")[None, :], member)
    vertices, curvature, bottom = np.stack(found)[:, 0]
    every = range(len(compute))
    status = [_status(log_d[member == i], vertices[i], curvature[i]) for i in every]
    frame = pd.DataFrame(
        {
            "compute": compute,
            "n_runs": np.bincount(member),
            "n_params": params_for(compute, 10**vertices),
            "n_tokens": 10**vertices,
            "loss": bottom,
            "curvature": curvature,
            "status": status,
        }
    )
    if np.isfinite(vertices).sum() < _FEWEST_BUDGETS:
        raise InputError(
            f"isoflop: {runs.name} has budgets {_counted(Counter(frame['status']))}; a power law "
            f"needs {_FEWEST_BUDGETS} with "
            "a minimum. Give budgets=[...] in FLOPs to group the runs otherwise, or fit a law, "
            "which needs no budgets."
        )
    return IsoFlop(runs, frame, member)


def members(runs: Runs, budgets: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
    """Return the budget of each run, counted from the smallest, shape (runs,): the nearest of those
    given, or as `bayescale.units.budgets` finds it.

    Raises
    ------
    InputError
        Where none are given and the runs are in no budgets.
    """
    compute = runs.column("flops")
    if budgets is not None:
        return nearest_budget(compute, _checked(budgets, "budgets"))
    if Sweep.of(runs.frame, ("n_params", "n_tokens")).is_one_budget:
        raise InputError(
            f"isoflop: all {len(runs)} runs of {runs.name} have one budget, and a power law needs "
            f"two. `allocate` of a fit gives the vertex of this one, with an interval."
        )
    try:
        return units.budgets(compute)
    except InputError as error:
        raise InputError(
            f"isoflop: {runs.name}: {error}. Give the nominal budgets=[...] in FLOPs, or fit a "
            f"law, which needs none."
        ) from None


def parabolas(
    log_d: np.ndarray, losses: np.ndarray, member: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertex, curvature and least value of each budget's parabola, NaN where there is none.

    Parameters
    ----------
    log_d : array, shape (runs,)
    losses : array, shape (draws, runs)
    member : array of int, shape (runs,)

    Returns
    -------
    three arrays, each of shape (draws, budgets)
    """
    n_budgets = member.max() + 1
    vertex, curvature, bottom = np.full((3, len(losses), n_budgets), np.nan)
    for i in range(n_budgets):
        x = log_d[member == i]
        if len(np.unique(x)) < _FEWEST_SIZES:
            continue
        centre = x.mean()
        c0, c1, c2 = np.linalg.lstsq(
            np.vander(x - centre, 3, increasing=True), losses[:, member == i].T
        )[0]
        upwards = np.where(c2 > 0, c2, np.nan)
        vertex[:, i] = centre - c1 / (2 * upwards)
        curvature[:, i] = 2 * c2
        bottom[:, i] = c0 - c1**2 / (4 * upwards)
    return vertex, curvature, bottom


def power_law(log_c: np.ndarray, log_d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log₁₀ k and b of D* = k·C^b by least squares through the budgets that have a minimum, each of
    shape (draws,).

    Parameters
    ----------
    log_c : array, shape (budgets,) or (draws, budgets)
    log_d : array, shape (draws, budgets); NaN where there is no minimum
    """
    log_c = np.broadcast_to(log_c, log_d.shape)
    there = np.isfinite(log_d)
    y = np.where(there, log_d, 0.0)
    # A draw with fewer than two minima has no power law: NaN.
    with np.errstate(invalid="ignore"):
        shares = there / there.sum(axis=1, keepdims=True)
        centre, height = (
            (shares * np.where(there, log_c, 0.0)).sum(axis=1),
            (shares * y).sum(axis=1),
        )
        x = np.where(there, log_c - centre[:, None], 0.0)
        slope = (x * y).sum(axis=1) / (x**2).sum(axis=1)
    return height - slope * centre, slope


def grown(growth: tuple[np.ndarray, np.ndarray], compute: np.ndarray) -> np.ndarray:
    """Evaluate power laws at each budget, shape (draws, budgets)."""
    intercept, slope = growth
    return 10 ** (intercept[:, None] + slope[:, None] * np.log10(compute))


def _status(log_d: np.ndarray, vertex: float, curvature: float) -> str:
    if np.isnan(curvature):
        return "too few runs"
    if np.isnan(vertex):
        return "no minimum"
    return "good" if log_d.min() <= vertex <= log_d.max() else "edge"


def _counted(counts: Mapping[str, int]) -> str:
    words = {
        "good": "with a minimum among the sampled sizes",
        "edge": "with one outside them",
        "no minimum": "without any",
        "too few runs": "of too few runs",
    }
    return ", ".join(f"{counts[status]} {what}" for status, what in words.items() if counts[status])


def _law_and_constants(
    truth: Posterior | Mapping[str, float],
) -> tuple[AllocatesCompute, dict[str, np.ndarray]]:
    """A law and its constants, each of shape (draws, 1)."""
    if isinstance(truth, Posterior):
        if not isinstance(truth.law, AllocatesCompute):
            raise InputError(
                f"{truth.law.formula} knows no trade-off between parameters and tokens; fit "
                f"Chinchilla()."
            )
        return truth.law, {name: values.reshape(-1, 1) for name, values in truth.params.items()}
    law = Chinchilla()
    names = names_of(law.parameters)
    lacking = [name for name in names if name not in truth]
    if lacking:
        raise InputError(
            f"isoflop: the constants lack {', '.join(lacking)}; give all of {', '.join(names)}."
        )
    return law, {name: np.full((1, 1), float(truth[name])) for name in names}


def _checked(compute: float | Sequence[float] | np.ndarray, name: str) -> np.ndarray:
    budgets = np.atleast_1d(np.asarray(compute, dtype=np.float64))
    bad = ~(np.isfinite(budgets) & (budgets > 0))
    if bad.any() or not budgets.size:
        shown = (
            f"{budgets[bad][0]:g} is not a positive number of FLOPs"
            if bad.any()
            else "[] holds no FLOPs"
        )
        raise InputError(f"isoflop: {name} = {shown}; give such as 5.76e23.")
    return budgets
