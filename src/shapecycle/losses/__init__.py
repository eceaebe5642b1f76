"""Pure functions, one formula each, with its source."""
