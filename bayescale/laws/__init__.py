"""Scaling laws, one a file: formula, parameters with priors, paper, published numbers."""

from bayescale._internal.discovery import attribute

__getattr__ = attribute(__name__)
