"""SEE: a masked image becomes a graphics code."""
