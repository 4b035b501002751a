"""FLOP models: FLOPs that a token costs a model of N parameters, six to train and two to serve
each, or the count of a transformer.

A FLOP model is a frozen dataclass with one method, ``forward(n_params)``: FLOPs of the forward pass
of one token, in JAX, growing with N. Training on a token costs three times that, since the backward
pass costs twice the forward one. Any such object will do.

J. Kaplan et al. 2020, section 2.1 (arXiv:2001.08361), for 2N and 6N; J. Hoffmann et al. 2022,
appendix F (arXiv:2203.15556), for the count with attention.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from bayescale.errors import InputError

TRAINING_PASSES = 3.0
"""Forward passes that a training step costs."""

Number = TypeVar("Number", float, np.ndarray, Array)

_FEED_FORWARD = 4
_MATRICES = 4 + 2 * _FEED_FORWARD


@runtime_checkable
class FlopModel(Protocol):
    """A count of FLOPs a token: hashable, so that equal ones share compiled programs."""

    def forward(self, n_params: Array) -> Array:
        """FLOPs of the forward pass of one token, increasing in N; an array like ``n_params``."""


@dataclass(frozen=True)
class SixND:
    """2N FLOPs a token forward, so that training on D tokens costs C = 6·N·D.

    Examples
    --------
    >>> from bayescale.decisions.plans.flop_models import SixND
    >>> round(3 * SixND().forward(70e9) * 1.4e12 / 1e23, 2)
    5.88
    """

    def forward(self, n_params: Number) -> Number:
        """2N."""
        return 2.0 * n_params


@dataclass(frozen=True)
class TransformerFlops:
    """The matrix products of a transformer of N parameters, attention over its context and logits
    included.

    With width d, l = d/``width_to_depth`` layers, a feed-forward four times as wide, V the
    vocabulary and s the context,

        N = 12·l·d² + V·d
        forward = l·(24·d² + 4·s·d + 3·s·d/``head_size``) + 2·V·d   FLOPs a token

    Hoffmann et al. 2022, appendix F, but for the look-up of embeddings, which they count as a
    product of 2·V·d. d follows from N, so depth and width need not be whole numbers.

    Parameters
    ----------
    context : int
        Tokens that attention spans, in training as in serving.
    vocabulary : int
        Tokens; embeddings and logits share their parameters. 0 counts neither.
    width_to_depth : float
        d/l; 102 in Chinchilla, 128 in Llama 3 70B and 130 in its 405B.
    head_size : int

    Raises
    ------
    InputError
        Where one of them is not positive.

    Examples
    --------
    >>> from bayescale.decisions.plans.flop_models import TransformerFlops
    >>> round(float(TransformerFlops(context=2048).forward(70e9) / (2 * 70e9)), 3)
    1.038
    """

    context: int = 2048
    vocabulary: int = 32_000
    width_to_depth: float = 128.0
    head_size: int = 128

    def __post_init__(self) -> None:
        smallest = {"context": 0, "vocabulary": 0, "width_to_depth": 1, "head_size": 1}
        for name, least in smallest.items():
            value = getattr(self, name)
            if not least <= value < float("inf"):
                raise InputError(
                    f"TransformerFlops: {name}={value:g} must be a number of at least {least}."
                )

    def forward(self, n_params: ArrayLike) -> Array:
        """The sum over layers, and logits."""
        width = self._width(n_params)
        layers = width / self.width_to_depth
        attention = (4 + 3 / self.head_size) * self.context * width
        return layers * (2 * _MATRICES * width**2 + attention) + 2 * self.vocabulary * width

    def _width(self, n_params: ArrayLike) -> Array:
        """Return the one root of d³ + p·d = q, p = V·ratio/12 and q = N·ratio/12: d =
        2s·sinh(arcsinh(q/2s³)/3), s = √(p/3).
        """
        cubed = jnp.asarray(n_params) * self.width_to_depth / _MATRICES
        if not self.vocabulary:
            return jnp.cbrt(cubed)
        scale = (self.vocabulary * self.width_to_depth / _MATRICES / 3) ** 0.5
        return 2 * scale * jnp.sinh(jnp.arcsinh(cubed / (2 * scale**3)) / 3)
