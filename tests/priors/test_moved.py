"""A prior whose numbers come with the data says what `AtFrontier` says with those numbers."""

import numpy as np

from bayescale._internal.precision import float64
from bayescale.priors._moved import Moved
from bayescale.priors.at_frontier import AtFrontier
from bayescale.sweep import Sweep

BASE = AtFrontier(floor_share_slope=0.2, params_share_slope=0.3)


def drawn(prior: AtFrontier, sds: float) -> dict[str, float]:
    """Return coordinates so many standard deviations from their means."""
    rows = prior.coordinates(())
    return {row.name: float(row.prior.loc + sds * row.prior.scale) for row in rows}


@float64
def test_with_nothing_moved_it_is_its_base() -> None:
    sweep = Sweep(1.0, -0.5)
    ours = Moved(BASE).to_parameters(drawn(BASE, 0.7), sweep)
    theirs = BASE.to_parameters(drawn(BASE, 0.7), sweep)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value)


@float64
def test_moved_and_stretched_it_is_a_prior_with_other_numbers() -> None:
    other = AtFrontier(
        floor_share=0.7,
        floor_share_sd=0.3,
        exponent=0.28,
        exponent_sd=0.1,
        gamma=0.5,
        gamma_sd=0.4,
        floor_share_slope=0.2,
        params_share_slope=0.3,
    )
    base, wanted = BASE.coordinates(()), other.coordinates(())
    shift = [w.prior.loc - b.prior.loc for b, w in zip(base, wanted, strict=True)]
    stretch = [w.prior.scale / b.prior.scale for b, w in zip(base, wanted, strict=True)]
    sweep = Sweep(1.0, -0.5, np.array(shift), np.array(stretch))
    ours = Moved(BASE).to_parameters(drawn(BASE, -1.3), sweep)
    theirs = other.to_parameters(drawn(other, -1.3), sweep)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value)
