"""Picking the module that draws: both have functions of the operations' names."""

from types import ModuleType

from torch import Tensor

from shapecycle.code_to_image.rasterize.backend import Backend, choose
from shapecycle.code_to_image.rasterize.topology import Topology


def implementation(backend: Backend, vertices: Tensor, topology: Topology) -> ModuleType:
    """Import ``fast`` or ``reference``; neither is loaded before it draws."""
    if choose(backend, vertices.device, vertices.dtype) == "warp":
        from shapecycle.code_to_image.rasterize import fast

        if topology.edges.shape[-2] < fast.MOST_EDGES:
            return fast
    from shapecycle.code_to_image.rasterize import reference

    return reference
