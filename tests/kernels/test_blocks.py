"""A batch in blocks gives what the whole batch gives at once."""

import jax.numpy as jnp
import numpy as np
import pytest

from bayescale.kernels.blocks import in_blocks


def work(columns, weights):
    """One result a member, and a matrix a member, from columns (2, batch) and weights (3, batch) or
    (3, 1).
    """
    return {
        "sum": jnp.sum(weights, axis=0) * columns[0],
        "outer": columns[:, None] * columns[None, :],
    }


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 5, 6, 7, 12])
@pytest.mark.parametrize("own_weights", [False, True], ids=["common weights", "own weights"])
def test_blocks_of_any_batch_give_the_unblocked_result(batch, own_weights):
    rng = np.random.default_rng(batch)
    columns = jnp.asarray(rng.standard_normal((2, batch)))
    weights = jnp.asarray(rng.standard_normal((3, batch if own_weights else 1)))
    blocked, whole = in_blocks(work, columns, weights, block=3), work(columns, weights)
    assert blocked["sum"].shape == (batch,)
    assert blocked["outer"].shape == (2, 2, batch)
    for name in whole:
        np.testing.assert_array_equal(blocked[name], whole[name])


def test_no_call_sees_more_than_a_block():
    seen = []

    def spy(columns, weights):
        seen.append(columns.shape[-1])
        return columns[0]

    in_blocks(spy, jnp.ones((2, 10)), jnp.ones((3, 1)), block=4)
    assert set(seen) == {4}
