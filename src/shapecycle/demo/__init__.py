"""A small world the package makes by itself, to try everything without any downloads."""
