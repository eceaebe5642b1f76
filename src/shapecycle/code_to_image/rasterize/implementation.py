"""Picking the module that draws: both have functions of the operations' names."""

from typing import Protocol, cast, runtime_checkable

from torch import Tensor

from shapecycle.code_to_image.rasterize.backend import Backend, choose
from shapecycle.code_to_image.rasterize.topology import Topology
from shapecycle.code_to_image.rasterize.visibility import Visibility


@runtime_checkable
class Implementation(Protocol):
    """What both modules offer; arguments are those of the public functions, checked."""

    def rasterize(
        self,
        clip: Tensor,
        topology: Topology,
        size: tuple[int, int],
        cull: bool,
        behind: Visibility | None,
    ) -> Visibility: ...

    def interpolate(
        self,
        attributes: Tensor,
        clip: Tensor,
        topology: Topology,
        visibility: Visibility,
        faces: Tensor,
    ) -> Tensor: ...

    def antialias(
        self, image: Tensor, clip: Tensor, topology: Topology, visibility: Visibility
    ) -> Tensor: ...

    def vertex_normals(self, vertices: Tensor, topology: Topology) -> Tensor: ...

    def shade_textured(
        self,
        albedo: Tensor,
        uv: Tensor,
        uv_faces: Tensor,
        normals: Tensor,
        light: Tensor,
        darkest: float,
        clip: Tensor,
        topology: Topology,
        visibility: Visibility,
    ) -> Tensor: ...


def implementation(
    backend: Backend, vertices: Tensor, topology: Topology, numbers: int = 0
) -> Implementation:
    """Import ``fast`` or ``reference``; neither is loaded before it draws.

    Args:
        numbers: How many the largest array holds; kernels count in int32.
    """
    if choose(backend, vertices.device, vertices.dtype) == "warp":
        from shapecycle.code_to_image.rasterize import fast

        edges = topology.edges.shape[-2]
        countable = edges * len(vertices) < fast.MOST_ITEMS and numbers < fast.MOST_NUMBERS
        if edges < fast.MOST_EDGES and countable:
            return cast(Implementation, fast)
    from shapecycle.code_to_image.rasterize import reference

    return cast(Implementation, reference)
