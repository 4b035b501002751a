"""Matrix products of full precision in kernels, which work in float32 too.

By default a GPU multiplies float32 numbers of eleven bits (TF32) and a TPU numbers of eight
(bfloat16), which no small difference of sums of squares survives: docs/accelerators.md has what
that does to an evidence. `Precision.HIGHEST` asks for all 24 bits. Nothing outside the kernels
needs it, since everything else is in float64, which no device shortens by default.
"""

import jax
import jax.numpy as jnp
from jax import Array


def product(left: Array, right: Array) -> Array:
    """Return the matrix product of two arrays, with no bits of them left out.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from bayescale.kernels.products import product
    >>> product(jnp.ones((2, 3)), jnp.ones(3)).tolist()
    [3.0, 3.0]
    """
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)
