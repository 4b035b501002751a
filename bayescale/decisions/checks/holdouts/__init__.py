"""Hold-outs: ways to choose the runs that a backtest hides, one a file."""

from bayescale._internal.discovery import attribute

__getattr__ = attribute(__name__)
