"""Formats of tables, one a file, each found by the name of its file."""
