"""What runs share beyond the law, one process a file: departures of log loss, which `Discrepancy`
adds to a noise model.
"""

from bayescale._internal.discovery import attribute

__getattr__ = attribute(__name__)
