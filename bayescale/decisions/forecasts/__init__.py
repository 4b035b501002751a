"""Forecasts: the loss of runs that have not been made, with intervals."""
