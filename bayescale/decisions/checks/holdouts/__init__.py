"""Which runs a backtest hides, one way a file."""

from bayescale._internal.discovery import attribute

__getattr__ = attribute(__name__)
