"""Tables of training runs as people have them: read from any file, and their columns recognised.

`reading.read_table` is the way in. `formats` has one format a file, found by its name.
"""
