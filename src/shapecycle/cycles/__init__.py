"""Which arrows are joined, and what must come back."""
