"""shape -> code -> shape: the reader and the deformation learn what shapes there are."""

import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose, View
from shapecycle.code_to_image.raw_mesh import raw_silhouette
from shapecycle.cycles.random_scenes import WarpedShapes
from shapecycle.geometry.sampling import sample_surface
from shapecycle.losses.geometry import chamfer_loss, edge_unevenness, roughness
from shapecycle.losses.image import silhouette_loss
from shapecycle.networks import Translator

Terms = dict[str, Float[Tensor, ""]]


def shape_terms(
    model: Translator, shapes: WarpedShapes, generator: torch.Generator
) -> tuple[Terms, Float[Tensor, "b v 3"]]:
    """Compare decoded surfaces with the shapes they were read from.

    Returns:
        The loss terms, and the decoded vertices in object space.
    """
    code = model.read(shapes.points)
    vertices = model.drawer.vertices(code)
    topology = model.drawer.topology
    points, normals = sample_surface(vertices, topology.faces, shapes.points.shape[1], generator)
    distance, turn = chamfer_loss(points, normals, shapes.points, shapes.normals)
    return {
        "shape_distance": distance,
        "shape_normals": turn,
        "roughness": roughness(vertices, topology.edges),
        "unevenness": edge_unevenness(vertices, topology.edges),
        "code_size": code.square().mean(),
    }, vertices


def silhouette_terms(
    model: Translator,
    vertices: Float[Tensor, "b v 3"],
    shapes: WarpedShapes,
    pose: Pose,
    view: View,
) -> Terms:
    """Compare silhouettes of decoded surfaces with those of the raw meshes, from random views."""
    mask = raw_silhouette(shapes.vertices, shapes.topology, pose, view)
    drawn = model.drawer.silhouette(vertices, pose, view)
    return {"shape_silhouette": silhouette_loss(drawn, mask).mean()}
