"""Joint priors of a law's parameters, one a file: what is known of a sweep before it is fitted."""

from typing import TYPE_CHECKING

from bayescale._internal.discovery import lazy_names

if TYPE_CHECKING:
    from bayescale.priors.at_frontier import AtFrontier as AtFrontier
    from bayescale.priors.library import Library as Library
    from bayescale.priors.separate import Separate as Separate
else:
    __getattr__, __dir__ = lazy_names(__name__)
