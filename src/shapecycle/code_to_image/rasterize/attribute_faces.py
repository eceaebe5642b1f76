"""Which rows of an attribute table belong to a face's corners."""

import torch
from torch import Tensor

from shapecycle.code_to_image.rasterize.checks import check_indices, check_tensor
from shapecycle.code_to_image.rasterize.topology import Topology


def attribute_faces(
    faces: Tensor | None, attributes: Tensor, topology: Topology, name: str
) -> Tensor:
    """Settle the index array of an attribute table (b n c); the vertices' own if none is given.

    Raises:
        ValueError: If it does not fit the topology, or an index the table.
    """
    count = attributes.shape[1]
    if faces is None:
        if topology.vertex_count > count:
            raise ValueError(
                f"{name} has {count} rows, but topology names vertex "
                f"{topology.vertex_count - 1}; give faces if they have their own indices"
            )
        return topology.faces
    check_tensor(faces, "faces")
    if topology.batch is not None:
        raise ValueError("faces is for a topology shared by the batch; this one is stacked")
    if faces.shape != topology.faces.shape:
        raise ValueError(
            f"faces has shape {tuple(faces.shape)}; expected {tuple(topology.faces.shape)}"
        )
    if (
        faces.dtype.is_floating_point
        or faces.dtype == torch.bool
        or faces.device != attributes.device
    ):
        raise ValueError(
            f"faces is {faces.dtype} on {faces.device}; expected integers on {attributes.device}"
        )
    check_indices(faces, "faces", count)
    return faces if faces.dtype == torch.int64 else faces.long()
