"""What bayescale raises and warns with, so that a caller can tell bad input from a doubtful fit."""


class InputError(ValueError):
    """The input cannot be used: the message says what is wrong, where, and how to mend it."""


class RunsWarning(UserWarning):
    """The runs can be used, but something about them is suspicious or leaves parameters
    unidentified.
    """


class FitWarning(UserWarning):
    """The fit ended, but its diagnostics say that the result should not be trusted as it is."""
