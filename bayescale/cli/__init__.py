"""The command line: each public file of this folder, less `app` and `options`, is a command."""

from bayescale.cli.app import main

__all__ = ["main"]
