"""What holds for every method with every law and noise model."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import bayescale as bs
from bayescale.discovery import describe, entry, names
from bayescale.noise.base import is_likelihood
from tests.inference.conftest import small_methods

POSTERIOR_METHODS = (bs.NUTS, bs.Grid, bs.Importance)


@pytest.fixture(autouse=True)
def programs_of_a_test(forget_programs: Callable[[], None]) -> Iterator[None]:
    # No two tests here run the same programs, and all together would be too many for one process.
    yield
    forget_programs()


def fit_or_refuse(runs: bs.Runs, law: Any, noise: Any, method: Any) -> bs.Posterior:
    """Fit; where the method needs a likelihood and gets none, check the refusal and end the test there."""
    if not is_likelihood(noise) and isinstance(method, POSTERIOR_METHODS):
        with pytest.raises(bs.InputError, match=r"needs a likelihood.*huber.*Use StudentT"):
            bs.fit(runs, law=law, noise=noise, method=method)
        pytest.skip("refused, as it must be: this method needs a likelihood")
    return bs.fit(runs, law=law, noise=noise, method=method)


@pytest.mark.filterwarnings("ignore::bayescale.errors.FitWarning")  # a law in one variable does not describe this sweep
@pytest.mark.parametrize("law", [entry("bayescale.laws", name)() for name in names("bayescale.laws")], ids=describe)
@pytest.mark.parametrize("method", small_methods(), ids=describe)
def test_a_fit_gives_finite_draws_of_every_parameter(law: Any, any_noise: Any, method: Any, sweep: bs.Runs) -> None:
    posterior = fit_or_refuse(sweep, law, any_noise, method)
    parameters = [p.name for p in (*law.parameters, *any_noise.parameters)]
    assert list(posterior.constants) == parameters
    shapes = {values.shape for values in posterior.constants.values()}
    assert len(shapes) == 1 and len(shapes.pop()) == 2
    assert all(np.isfinite(values).all() and (values > 0).all() for values in posterior.constants.values())
    assert posterior.law == law and posterior.noise == any_noise and posterior.method == method
    assert posterior.provenance["data_sha256"] == sweep.sha256
