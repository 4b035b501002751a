"""`Bootstrap`: replicates as weights, refitted as one fit at a time would."""

import jax
import numpy as np
import pytest

import bayescale as bs
from bayescale.inference.base import Problem
from tests.inference.conftest import BLOCK


@pytest.fixture(scope="module")
def boot(sweep: bs.Runs) -> bs.Posterior:
    """A bootstrap of as many replicates as fill one block; all later refits share its programs."""
    return bs.fit(
        sweep,
        law=bs.laws.Chinchilla(),
        noise=bs.noise.Huber(),
        method=bs.Bootstrap(replicates=BLOCK, seed=4),
    )


@pytest.mark.filterwarnings("ignore::bayescale.errors.RunsWarning")
def test_each_replicate_is_the_fit_of_its_resampled_runs(
    sweep: bs.Runs, boot: bs.Posterior
) -> None:
    method = boot.method
    assert isinstance(method, bs.Bootstrap)
    with jax.enable_x64(True):
        counts = method.counts(Problem.build(sweep, bs.laws.Chinchilla(), bs.noise.Huber()))
    for replicate in (0, 7, BLOCK - 1):
        resampled = sweep.frame.iloc[
            np.repeat(np.arange(len(sweep)), counts[:, replicate].astype(int))
        ].reset_index(drop=True)
        alone = bs.fit(
            bs.Runs(resampled),
            law=bs.laws.Chinchilla(),
            noise=bs.noise.Huber(),
            method=bs.MultiStart(starts=BLOCK),
        )
        # The minimum of absolute deviations is flat along some directions, so a hundredth of a
        # standard error is equal.
        alpha = boot.draws("alpha")
        assert alpha[replicate] == pytest.approx(
            alone.draws("alpha").item(), abs=0.01 * alpha.std()
        )


def test_clusters_are_resampled_whole(sweep: bs.Runs) -> None:
    with jax.enable_x64(True):
        problem = Problem.build(sweep, bs.laws.Chinchilla(), bs.noise.Huber())
    counts = bs.Bootstrap(replicates=50, cluster="group").counts(problem)
    for label in sweep.frame["group"].unique():
        assert np.ptp(counts[(sweep.frame["group"] == label).to_numpy()], axis=0).max() == 0


def test_an_unknown_cluster_column_is_refused(sweep: bs.Runs) -> None:
    with pytest.raises(bs.InputError, match=r"no column 'family' to cluster by; it has .*group"):
        bs.fit(
            sweep,
            law=bs.laws.Chinchilla(),
            noise=bs.noise.Huber(),
            method=bs.Bootstrap(cluster="family"),
        )


def test_too_few_clusters_are_refused(sweep: bs.Runs) -> None:
    halves = bs.Runs.from_frame(sweep.frame.assign(half=np.arange(len(sweep)) % 2))
    with pytest.raises(bs.InputError, match="has 2 groups"):
        bs.fit(
            halves,
            law=bs.laws.Chinchilla(),
            noise=bs.noise.Huber(),
            method=bs.Bootstrap(cluster="half"),
        )


def test_the_share_of_failed_refits_is_reported(boot: bs.Posterior) -> None:
    says = boot.diagnostics
    assert says["failed_refits"] == 0 and says["replicates"] == BLOCK
