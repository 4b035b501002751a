"""Exceptions and warnings of bayescale.

They let a caller distinguish bad input from a doubtful fit.
"""


class InputError(ValueError):
    """The input cannot be used; the message says what is wrong, where, and how to correct it."""


class RunsWarning(UserWarning):
    """The runs can be used, but are suspicious or leave parameters unidentified."""


class FitWarning(UserWarning):
    """The fit ended, but its diagnostics show that the result should not be trusted."""
