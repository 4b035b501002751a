"""Distributions as arguments and results of compiled programs that later processes reuse."""

from collections.abc import Iterator, Sequence

import jax
from jax import Array
from jax.tree_util import PyTreeDef
from numpyro.distributions import Distribution

Layout = tuple[PyTreeDef, tuple[int, ...]]
"""Structure of a distribution, and the index in it of each array by name."""


@jax.tree_util.register_pytree_node_class
class InOrder:
    """A distribution whose arrays are in the order of their names.

    NumPyro lists them in an order that differs between processes, so that the compiled programs
    which one process keeps are of no use to the next.
    """

    def __init__(self, distribution: Distribution) -> None:
        self.distribution = distribution

    def tree_flatten(self) -> tuple[list[Array], Layout]:
        """Return the arrays by name, and what it takes to put them back."""
        arrays, structure = jax.tree.flatten(self.distribution)
        names = list(_names_of_arrays(self.distribution))
        order = sorted(range(len(names)), key=names.__getitem__)
        return [arrays[place] for place in order], (structure, tuple(order))

    @classmethod
    def tree_unflatten(cls, layout: Layout, arrays: Sequence[Array]) -> "InOrder":
        """Return the distribution of arrays by name."""
        structure, order = layout
        by_place = dict(zip(order, arrays, strict=True))
        return cls(jax.tree.unflatten(structure, [by_place[place] for place in sorted(order)]))


def _names_of_arrays(value: object, name: str = "") -> Iterator[str]:
    """Yield a name for each array of a distribution, in the order in which NumPyro has them."""
    if isinstance(value, Distribution):
        for field in type(value).gather_pytree_data_fields():
            yield from _names_of_arrays(vars(value).get(field), f"{name}.{field}")
    else:
        for place, _ in enumerate(jax.tree.leaves(value)):
            yield f"{name}.{place}"
