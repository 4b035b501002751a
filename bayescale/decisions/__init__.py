"""Decisions, by kind: plans, forecasts, checks, recipes, repeated sampling, and the field's own
approaches.
"""
