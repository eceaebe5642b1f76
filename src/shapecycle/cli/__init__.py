"""The command line: one file per verb; each is a dataclass whose docstrings are the help."""
