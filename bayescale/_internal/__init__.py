"""Tools of the house that know nothing of scaling laws: discovery, precision, compiling, progress,
whole files.
"""
