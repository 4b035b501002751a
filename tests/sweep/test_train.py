"""A run is its seed: killed and taken up again it ends as it would have, and its schedule is as
long as it is.
"""

from dataclasses import replace

import numpy as np
import pytest
from train import WARM_UP, schedule, train


def last(results):
    *_, row = results
    return row


@pytest.mark.parametrize("steps", [40, 1000])
def test_the_rate_rises_over_a_tenth_of_the_run_and_falls_to_nothing_at_its_end(steps):
    rates = np.asarray(schedule(np.arange(steps, dtype=np.float32), float(steps)))
    warm = round(WARM_UP * steps)
    assert rates[warm - 1] == pytest.approx(1.0)
    assert (np.diff(rates[:warm]) > 0).all()
    assert (np.diff(rates[warm:]) < 0).all()
    assert 0 < rates[-1] < 2e-3


def test_a_killed_run_ends_as_it_would_have(small, task, tmp_path):
    whole = last(train(task, small))
    saved = tmp_path / "state.npz"
    killed = train(task, small, saved, every=0.0)
    assert [next(killed), next(killed)] == [100, 200]
    killed.close()
    again = list(train(task, small, saved))
    assert again[0] == 250
    assert again[-1]["loss"] == whole["loss"]
    assert not saved.exists()


def test_a_row_says_what_was_trained(small, task):
    row = last(train(task, small))
    assert row["n_tokens"] == 250 * 512
    assert row["flops"] == task.shape.flops_per_byte * row["n_tokens"]
    assert 0 < row["loss"] < np.log(256) - 1
    assert 0 < row["validation_se"] < 0.1
    assert row["corpus_sha256"] == small.sha256


def test_the_same_seed_gives_the_same_loss_and_another_seed_another(small, task):
    first, again, other = (
        last(train(t, small))["loss"] for t in (task, task, replace(task, seed=1))
    )
    assert first == again
    assert first != other
    assert abs(first / other - 1) < 0.05
