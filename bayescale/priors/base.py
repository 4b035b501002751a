"""The abstract prior: coordinates that are independent before the runs are seen, and the way from
them to the parameters of a law.
"""

from abc import ABC, abstractmethod
from dataclasses import Field
from typing import ClassVar

import numpy as np

from bayescale.parameters import Parameter, Values
from bayescale.sweep import Sweep


class Prior(ABC):
    """A joint prior. A prior is a frozen dataclass that inherits from this class; adding one is
    adding a file to this folder or anywhere else.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    paper: ClassVar[str] = ""
    """Where it was published, as `Law.paper`."""

    @property
    @abstractmethod
    def title(self) -> str:
        """One line for people."""

    @abstractmethod
    def coordinates(self, parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
        """Return the rows that are fitted in place of a law's parameters."""

    @abstractmethod
    def to_parameters(self, coordinates: Values, sweep: Sweep) -> Values:
        """Return the parameters in the units of the data; other values stay."""

    @abstractmethod
    def reference_rows(self, log_compute: np.ndarray) -> np.ndarray:
        """Return the runs whose geometric means are the units of the data."""
