"""Shapes checked at run time: ``Annotated[Array, "runs batch"]`` in kernels and inference.

The package writes shapes as plain `typing.Annotated`, and so needs nothing more to run. In tests an
import hook of jaxtyping (in conftest.py) wraps the functions of some modules, `checked` turns such
annotations into jaxtyping's, and beartype raises where an array has another shape. Dimensions of
one name have one size within a call. Annotations without a shape are left unchecked.
"""

import typing
from collections.abc import Callable
from typing import Any

# The types of `bayescale.inference._coordinates`.
SPACES = {"Unconstrained": "k", "Decorrelated": "k", "Whitened": "k_and_functions"}


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose arrays beartype checks for their shapes."""
    written = getattr(function, "__annotations__", {})
    function.__annotations__ = {name: with_shape(value) for name, value in written.items()}
    # Imported with the first module that is checked, after JAX and not before its settings.
    import beartype

    return beartype.beartype(function)


def with_shape(annotation: Any) -> Any:
    """Return jaxtyping's form of an annotation that tells a shape, and Any for any other."""
    if isinstance(annotation, typing.NewType) and annotation.__name__ in SPACES:
        return array(SPACES[annotation.__name__])
    if typing.get_origin(annotation) is tuple:
        parts = typing.get_args(annotation)
        return Any if Ellipsis in parts else tuple[tuple(map(with_shape, parts))]
    shapes = [part for part in getattr(annotation, "__metadata__", ()) if isinstance(part, str)]
    return array(shapes[0]) if shapes else Any


def array(shape: str) -> Any:
    """Return jaxtyping's type of JAX's and NumPy's arrays of a shape."""
    import jax
    import numpy as np
    from jaxtyping import Num

    return Num[jax.Array | np.ndarray, shape]
