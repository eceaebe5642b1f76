"""READ: a shape becomes a shape code."""
