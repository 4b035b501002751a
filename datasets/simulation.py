"""Simulated sweeps with known true parameters, to test whether a method recovers them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayescale.errors import InputError
from bayescale.runs import Runs
from bayescale.units import tokens_for


def simulate(
    seed: int,
    *,
    E: float = 1.69,
    A: float = 406.4,
    B: float = 410.7,
    alpha: float = 0.34,
    beta: float = 0.28,
    budgets: Sequence[float] = (1e18, 1e19, 1e20, 1e21, 1e22),
    sizes_per_budget: int = 9,
    spread: float = 8.0,
    noise: float = 0.01,
    degrees_of_freedom: float | None = None,
) -> Runs:
    """Simulate an isoFLOP sweep of the law L = E + A/N^alpha + B/D^beta.

    The default true parameters are those that Hoffmann et al. published. At each budget C, sizes
    are spaced evenly in log N from 1/spread to spread times the best size, and D is C/(6N).

    Parameters
    ----------
    seed : int
        The same seed gives the same runs.
    E, A, B, alpha, beta : float
        True parameters. E, A and B in nats per token, N and D as counts.
    budgets : sequence of float
        Compute of each slice, in FLOPs.
    sizes_per_budget : int
        Number of runs in each slice.
    spread : float, at least 1
        Ratio of the largest size of a slice to the best size, and of the best to the smallest.
    noise : float
        Scale of the error of log loss: its standard deviation where the error is Normal.
    degrees_of_freedom : float, optional
        Draw errors from Student's t with this many degrees of freedom, times ``noise``, instead of
        a Normal distribution.

    Returns
    -------
    Runs
        ``n_params``, ``n_tokens``, ``flops``, ``loss`` and, for the budget, ``group``. The notes
        give the true parameters.

    Raises
    ------
    InputError
        If a parameter or budget is not positive and finite, ``spread`` is below 1 or ``noise`` is
        below 0.

    References
    ----------
    Hoffmann et al. 2022, Training Compute-Optimal Large Language Models, arXiv:2203.15556.

    Examples
    --------
    >>> from bayescale import datasets
    >>> runs = datasets.simulate(seed=0, noise=0.0)
    >>> len(runs), float(runs.frame["loss"].min().round(3))
    (45, 2.139)
    """
    positive = {
        "E": E,
        "A": A,
        "B": B,
        "alpha": alpha,
        "beta": beta,
        "sizes_per_budget": sizes_per_budget,
    }
    for index, budget in enumerate(budgets):
        positive[f"budgets[{index}]"] = budget
    if degrees_of_freedom is not None:
        positive["degrees_of_freedom"] = degrees_of_freedom
    for what, value in positive.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"simulate: {what} is {value}; give a positive finite number.")
    if not 1 <= spread < np.inf:
        raise InputError(f"simulate: spread is {spread}; give a factor of at least 1, such as 8.")
    if not 0 <= noise < np.inf:
        raise InputError(
            f"simulate: noise is {noise}; give a standard deviation of log loss, such as 0.01."
        )
    flops = np.repeat(np.asarray(budgets, dtype=np.float64), sizes_per_budget)
    # dL/dN = 0 along D = C/(6N) gives N*^(alpha + beta) = (alpha A)/(beta B) (C/6)^beta.
    best = ((alpha * A) / (beta * B) * (flops / 6) ** beta) ** (1 / (alpha + beta))
    n_params = best * np.tile(np.geomspace(1 / spread, spread, sizes_per_budget), len(budgets))
    n_tokens = tokens_for(flops, n_params)
    generator = np.random.default_rng(seed)
    if degrees_of_freedom is None:
        kind = "Normal"
        errors = generator.standard_normal(len(flops))
    else:
        kind = f"Student-t with {degrees_of_freedom:g} degrees of freedom"
        errors = generator.standard_t(degrees_of_freedom, len(flops))
    loss = (E + A / n_params**alpha + B / n_tokens**beta) * np.exp(noise * errors)
    table = pd.DataFrame(
        {
            "n_params": n_params,
            "n_tokens": n_tokens,
            "flops": flops,
            "loss": loss,
            "group": [f"C{budget:g}" for budget in flops],
        }
    )
    return Runs.from_frame(
        table,
        name=f"simulated (seed {seed})",
        source="bayescale.datasets.simulate",
        notes=(
            f"Truth: E {E:g}, A {A:g}, B {B:g}, alpha {alpha:g}, beta {beta:g}; {kind} errors of "
            f"log loss, scale {noise:g}.",
        ),
    )
