"""What holds for every method with every law and noise model."""

from typing import Any

import numpy as np
import pytest

import bayescale as bs
from bayescale.discovery import describe
from bayescale.noise.base import is_likelihood
from tests.inference.conftest import small_methods


def fit_or_refuse(runs: bs.Runs, law: Any, noise: Any, method: Any) -> bs.Posterior:
    """Fit; where the method needs a likelihood and gets none, check the refusal and end the test there."""
    if not is_likelihood(noise) and isinstance(method, bs.NUTS):
        with pytest.raises(bs.InputError, match=r"needs a likelihood.*huber.*Use StudentT"):
            bs.fit(runs, law=law, noise=noise, method=method)
        pytest.skip("refused, as it must be: this method needs a likelihood")
    return bs.fit(runs, law=law, noise=noise, method=method)


@pytest.mark.filterwarnings("ignore::bayescale.errors.FitWarning")  # a law in one variable does not describe this sweep
@pytest.mark.parametrize("method", small_methods(), ids=describe)
def test_a_fit_gives_finite_draws_of_every_parameter(any_law: Any, any_noise: Any, method: Any, sweep: bs.Runs) -> None:
    posterior = fit_or_refuse(sweep, any_law, any_noise, method)
    names = [p.name for p in (*any_law.parameters, *any_noise.parameters)]
    assert list(posterior.constants) == names
    shapes = {values.shape for values in posterior.constants.values()}
    assert len(shapes) == 1 and len(shapes.pop()) == 2
    assert all(np.isfinite(values).all() and (values > 0).all() for values in posterior.constants.values())
    assert posterior.law == any_law and posterior.noise == any_noise and posterior.method == method
    assert posterior.provenance["data_sha256"] == sweep.sha256
