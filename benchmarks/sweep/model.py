"""A plain decoder-only transformer over bytes: what it computes, how many parameters it has, and
how many FLOPs a byte costs.

Pre-norm blocks of causal attention and a ReLU layer four times as wide; rotary positions; norms
without gains; input and output embeddings apart from each other. One number, the width, gives the
rest of the shape.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

VOCABULARY = 256
CONTEXT = 128
# No source file holds a NUL byte, so it can say where a window begins.
BEGIN = 0
EMBEDDINGS = ("embedding", "output")

Params = dict[str, jax.Array]


@dataclass(frozen=True)
class Shape:
    """The shape of a model: one family, of which the width chooses the member.

    Attributes
    ----------
    width : int
        Of the residual stream; a multiple of 8.
    depth : int
        Blocks.
    """

    width: int
    depth: int = 3

    @property
    def heads(self) -> int:
        """Heads of about 32 dimensions, an even number each."""
        return max(h for h in range(1, max(1, self.width // 32) + 1) if self.width % (2 * h) == 0)

    @property
    def n_params_non_embedding(self) -> int:
        """12·depth·width²: four matrices of attention and two of the layer after it."""
        return 12 * self.depth * self.width**2

    @property
    def n_params(self) -> int:
        """All parameters, both embeddings included."""
        return self.n_params_non_embedding + 2 * VOCABULARY * self.width

    @property
    def flops_per_byte(self) -> int:
        """Exact FLOPs of the matrix products of training, forwards and backwards, for one byte.

        3 × (2·12·depth·width² + 2·256·width + 4·context·width·depth): each weight of a block and of
        the output multiplies and adds once; the products of queries with keys and of weights with
        values are computed in full and then masked; the input embedding is a look-up; the gradient
        costs two products for each one forwards.
        """
        forward = (
            2 * self.n_params_non_embedding
            + 2 * VOCABULARY * self.width
            + 4 * CONTEXT * self.width * self.depth
        )
        return 3 * forward


def initialise(shape: Shape, key: jax.Array) -> Params:
    """Normal matrices of variance 1/fan-in; the last matrix of each branch and the output begin at
    zero.
    """
    d, layers = shape.width, shape.depth
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
    """Cross-entropy of every byte given those before it in its window, nats, shape (windows,
    context).

    Parameters
    ----------
    params : dict of arrays
    windows : array of uint8, shape (windows, context)
    shape : Shape
    """
    targets = windows.astype(jnp.int32)
    inputs = jnp.pad(targets[:, :-1], ((0, 0), (1, 0)), constant_values=BEGIN)
    x = _norm(params["embedding"][inputs])
    mask = jnp.where(np.tril(np.ones((windows.shape[1],) * 2, bool)), 0.0, -jnp.inf).astype(x.dtype)
    cos, sin = _rotations(windows.shape[1], shape.width // shape.heads)
    for i in range(shape.depth):
        x = (
            x
            + _attention(_norm(x), params["attention"][i], shape.heads, mask, cos, sin)
            @ params["attention_out"][i]
        )
        x = x + jax.nn.relu(_norm(x) @ params["hidden"][i]) @ params["hidden_out"][i]
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
    q, k = (_rotate(_norm(part), cos, sin) for part in (q, k))
    scores = q @ k.swapaxes(2, 3) / np.float32(np.sqrt(d // heads)) + mask
    mixed = jax.nn.softmax(scores, axis=-1) @ v
    return mixed.transpose(0, 2, 1, 3).reshape(n, t, d)
