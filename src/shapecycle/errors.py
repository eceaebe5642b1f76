"""Everything this package raises on purpose.

ShapecycleError
├── ConfigError      a setting is unknown, ill-typed or contradictory
├── DataError        a file on disk is not what the loader was promised
├── GeometryError    a mesh cannot be used (empty, non-finite, bad indices)
├── CheckpointError  a model or run folder cannot be read or written
├── NonFiniteLoss    a training diverged
├── OutOfMemory      what was asked for does not fit into the memory
├── LostProcess      one of several processes that work together is gone
└── MissingExtra     an optional dependency is needed and not installed

Programming errors (a tensor of the wrong shape, say) stay ``ValueError`` and ``TypeError``.
"""


class ShapecycleError(Exception):
    """An error a user can cause and fix; the command line prints it and exits with 2.

    Args:
        what: What was found and where, with the file's name.
        hint: What to do about it.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what if not hint else f"{what}\n  hint: {hint}")
        self.what = what
        self.hint = hint


class ConfigError(ShapecycleError):
    """A setting is unknown, ill-typed or contradictory."""


class DataError(ShapecycleError):
    """A file on disk is not what the loader was promised."""


class GeometryError(ShapecycleError):
    """A mesh cannot be used: empty, non-finite, or with indices out of range."""


class CheckpointError(ShapecycleError):
    """A model or run folder cannot be read, or would be overwritten."""


class MissingExtra(ShapecycleError):
    """An optional dependency is needed and not installed."""


class LostProcess(ShapecycleError):
    """One of several processes that work together is gone; the others stop."""


class OutOfMemory(ShapecycleError):
    """What was asked for does not fit into the memory of the machine or the GPU."""


def is_lack_of_memory(fault: Exception) -> bool:
    """Whether memory was refused, on the processor or a GPU."""
    # By name: commands that need no PyTorch do without its import.
    is_refused = isinstance(fault, MemoryError) or type(fault).__name__ == "OutOfMemoryError"
    return is_refused or "can't allocate memory" in str(fault)


class NonFiniteLoss(ShapecycleError):
    """A loss or a weight became infinite or not a number; the run is stopped, not repaired."""
