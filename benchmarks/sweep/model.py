"""A plain decoder-only transformer over bytes: its losses, parameters, and FLOPs per byte.

It has pre-norm blocks of causal attention and a ReLU layer four times as wide, rotary positions,
norms without gains, and separate input and output embeddings. The width determines the rest of the
shape.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

VOCABULARY = 256
CONTEXT = 128
# No source file contains a NUL byte, so it can mark the beginning of a window.
BEGIN = 0
EMBEDDINGS = ("embedding", "output")

Params = dict[str, jax.Array]


@dataclass(frozen=True)
class Shape:
    """The shape of a model, a member of a family that the width selects.

    Attributes
    ----------
    width : int
        Width of the residual stream; a multiple of 8.
    depth : int
        Number of blocks.
    """

    width: int
    depth: int = 3

    @property
    def heads(self) -> int:
        """Number of heads of about 32 dimensions; the dimension of a head is even."""
        heads = max(1, self.width // 32)
        while self.width % (2 * heads):
            heads -= 1
        return heads

    @property
    def n_params_non_embedding(self) -> int:
        """Number of parameters of the blocks: 12·depth·width², for six matrices in each."""
        return 12 * self.depth * self.width**2

    @property
    def n_params(self) -> int:
        """Number of all parameters, including both embeddings."""
        return self.n_params_non_embedding + 2 * VOCABULARY * self.width

    @property
    def flops_per_byte(self) -> int:
        """Exact FLOPs per byte of the matrix products in training, forward and backward.

        3 × (2·12·depth·width² + 2·256·width + 4·context·width·depth): each weight of a block and of
        the output multiplies and adds once; the products of queries with keys and of weights with
        values are computed in full and then masked; the input embedding is a look-up; the gradient
        needs two products for each forward product.
        """
        forward = (
            2 * self.n_params_non_embedding
            + 2 * VOCABULARY * self.width
            + 4 * CONTEXT * self.width * self.depth
        )
        return 3 * forward


def initialise(shape: Shape, key: jax.Array) -> Params:
    """Return initial parameters: Normal matrices of variance 1/fan-in.

    The last matrix of each branch and the output begin at zero.
    """
    d = shape.width
    layers = shape.depth
    embedding, attention, hidden = jax.random.split(key, 3)
    return {
        "embedding": jax.random.normal(embedding, (VOCABULARY, d)) / np.sqrt(d),
        "attention": jax.random.normal(attention, (layers, d, 3 * d)) / np.sqrt(d),
        "attention_out": jnp.zeros((layers, d, d)),
        "hidden": jax.random.normal(hidden, (layers, d, 4 * d)) / np.sqrt(d),
        "hidden_out": jnp.zeros((layers, 4 * d, d)),
        "output": jnp.zeros((d, VOCABULARY)),
    }


def losses(params: Params, windows: jax.Array, shape: Shape) -> jax.Array:
    """Return the cross-entropy of every byte given the earlier bytes of its window.

    It is in nats, shape (windows, context).

    Parameters
    ----------
    params : dict of arrays
    windows : array of uint8, shape (windows, context)
    shape : Shape
    """
    targets = windows.astype(jnp.int32)
    inputs = jnp.pad(targets[:, :-1], ((0, 0), (1, 0)), constant_values=BEGIN)
    x = _norm(params["embedding"][inputs])
    context = windows.shape[1]
    causal = np.tril(np.ones((context, context), bool))
    mask = jnp.where(causal, 0.0, -jnp.inf).astype(x.dtype)
    cos, sin = _rotations(context, shape.width // shape.heads)
    for i in range(shape.depth):
        mixed = _attention(_norm(x), params["attention"][i], shape.heads, mask, cos, sin)
        x = x + mixed @ params["attention_out"][i]
        hidden = jax.nn.relu(_norm(x) @ params["hidden"][i])
        x = x + hidden @ params["hidden_out"][i]
    logits = _norm(x) @ params["output"]
    chosen = jnp.take_along_axis(logits, targets[:, :, None], axis=2)[:, :, 0]
    return jax.nn.logsumexp(logits, axis=2) - chosen


def _norm(x: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(jnp.square(x), axis=-1, keepdims=True) + 1e-6)


def _rotations(context: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    angles = np.arange(context)[:, None] * 1000.0 ** -(np.arange(size // 2) / (size // 2))
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _rotate(x: jax.Array, cos: np.ndarray, sin: np.ndarray) -> jax.Array:
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)


def _attention(
    x: jax.Array, weights: jax.Array, heads: int, mask: jax.Array, cos: np.ndarray, sin: np.ndarray
) -> jax.Array:
    n, t, d = x.shape
    q, k, v = (x @ weights).reshape(n, t, 3, heads, d // heads).transpose(2, 0, 3, 1, 4)
    q = _rotate(_norm(q), cos, sin)
    k = _rotate(_norm(k), cos, sin)
    scores = q @ k.swapaxes(2, 3) / np.float32(np.sqrt(d // heads)) + mask
    mixed = jax.nn.softmax(scores, axis=-1) @ v
    return mixed.transpose(0, 2, 1, 3).reshape(n, t, d)
