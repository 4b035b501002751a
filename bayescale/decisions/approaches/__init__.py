"""Approaches 1 and 2 of Hoffmann et al. 2022, and a comparison of all three, beside the posterior's
answer.
"""
