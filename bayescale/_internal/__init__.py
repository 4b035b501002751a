"""General tools, independent of scaling laws: discovery, precision, compiling, progress, files."""
