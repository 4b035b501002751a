"""Outliers that others have named."""

import pytest

import bayescale as bs


@pytest.mark.usefixtures("originals")
def test_the_five_runs_that_besiroglu_et_al_drop_are_the_surest_outliers(runs_245: bs.Runs) -> None:
    posterior = bs.fit(
        runs_245,
        law=bs.laws.Chinchilla(),
        noise=bs.noise.StudentT(),
        method=bs.Importance(draws=1000),
    )
    frame = bs.outliers(posterior).frame
    dropped = set(runs_245.frame.index[runs_245.frame["outlier"] == 1])
    assert set(frame["run_id"].iloc[:5]) == dropped
    assert (frame["probability"].iloc[:5] == 1).all()
