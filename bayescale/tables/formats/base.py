"""The abstract format: how a file is known for one, and how its rows are read."""

from abc import ABC, abstractmethod
from typing import ClassVar

from bayescale.tables.grid import Sheet


class Format(ABC):
    """A format of files.

    Attributes
    ----------
    order : int
        Formats are tried in ascending order; the first that recognises the content reads it.
    """

    order: ClassVar[int]

    @abstractmethod
    def recognises(self, content: bytes) -> bool:
        """Return whether a file of this content is of the format."""

    @abstractmethod
    def read(self, content: bytes, name: str) -> Sheet:
        """Return the table that the content is.

        Parameters
        ----------
        content : bytes
            The whole file.
        name : str
            Name of the file, for messages.

        Raises
        ------
        InputError
            Where the content is damaged, or a package that reads the format is not installed.
        """
