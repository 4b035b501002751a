"""Repeated sampling: pass rates at many samples, from counts at few."""
