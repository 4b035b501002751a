"""Laws of number formats: the published form, the reference format, and how a penalty grows."""

import numpy as np
import pytest

import bayescale as bs
from bayescale._internal.precision import float64
from bayescale.laws import Chinchilla, Precision, PrecisionPenalty
from bayescale.laws.base import Law

BASE = {"E": 1.6, "A": 0.5, "B": 0.4, "alpha": 0.3, "beta": 0.25}
LAWS = (
    (Precision(formats="int4"), {"eff_int4": 0.69}),
    (PrecisionPenalty(formats="int4"), {"k_int4": 0.1, "gamma_D": 0.3, "gamma_N": 0.2}),
)


def loss(law: Law, more: dict[str, float], n: float, d: float, share: float) -> float:
    counts = {"n_params": np.log(n), "n_tokens": np.log(d)}
    share_column = {} if isinstance(law, Chinchilla) else {"share_int4": np.log(share)}
    return float(np.exp(law.predict(BASE | more, counts | share_column)))


@pytest.mark.parametrize(("law", "more"), LAWS)
@float64
def test_the_reference_format_has_chinchillas_law(law: Law, more: dict[str, float]) -> None:
    assert loss(law, more, 3.0, 2.0, 1e-12) == pytest.approx(
        loss(Chinchilla(), {}, 3.0, 2.0, 1.0), rel=1e-9
    )


@float64
def test_a_model_in_a_format_has_the_loss_of_a_smaller_one() -> None:
    (law, more), _ = LAWS
    in_format = loss(law, more, 3.0, 2.0, 1.0)
    smaller = loss(Chinchilla(), {}, 3.0 * more["eff_int4"], 2.0, 1.0)
    assert in_format == pytest.approx(smaller, rel=1e-12)


@float64
def test_the_penalty_is_the_printed_power_of_tokens_and_parameters() -> None:
    _, (law, more) = LAWS
    penalty = loss(law, more, 3.0, 2.0, 1.0) - loss(Chinchilla(), {}, 3.0, 2.0, 1.0)
    assert penalty == pytest.approx(0.1 * 2.0**0.3 / 3.0**0.2, rel=1e-9)


@pytest.mark.parametrize("law", [Precision, PrecisionPenalty])
def test_formats_are_named_once_each(law: type[Precision] | type[PrecisionPenalty]) -> None:
    with pytest.raises(bs.InputError, match="one format or more, each once"):
        law(formats="int4+int4")
