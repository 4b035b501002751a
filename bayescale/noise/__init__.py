"""Noise models, one a file: how the loss of a run scatters about the law."""

from bayescale._internal.discovery import attribute

__getattr__ = attribute(__name__)
