"""shape -> code -> shape: the shape encoder and the deformation learn what shapes there are."""

from shapecycle.code_to_image.deformation import REFERENCE
from shapecycle.code_to_image.raw_mesh import raw_silhouette
from shapecycle.cycles.scenes import SceneSampler
from shapecycle.geometry.sampling import sample_surface
from shapecycle.losses import Losses
from shapecycle.losses.geometry import chamfer_loss, dihedral_penalty, edge_length_variation
from shapecycle.losses.image import silhouette_loss
from shapecycle.model_networks import Networks


def shape_autoencoder(networks: Networks, scenes: SceneSampler, count: int) -> Losses:
    """Read training shapes, decode them, and compare surfaces, and silhouettes of the raw meshes.

    Silhouettes are compared for half the batch: they cost as much as all the rest.
    """
    shapes = scenes.warped_shapes(count, scenes.settings.scenes.warp)
    code = networks.read(shapes.points)
    renderer = networks.renderer
    vertices, topology = renderer.vertices(code), renderer.topology
    points, normals = sample_surface(
        vertices, topology.faces, shapes.points.shape[1], scenes.generator
    )
    distance, turn = chamfer_loss(points, normals, shapes.points, shapes.normals)
    # Smooth bends have smaller angles between smaller faces, but folds do not.
    fineness = (renderer.deformation.template.subdivisions / REFERENCE) ** 2
    losses = {
        "shape_distance": distance,
        "shape_normals": turn,
        "dihedral_penalty": fineness * dihedral_penalty(vertices, topology.edges),
        "edge_length_variation": edge_length_variation(vertices, topology.edges),
        "code_l2": code.square().mean(),
    }
    half = slice(0, count // 2)
    part, pose = shapes[half], scenes.wide_pose(count // 2)
    view = networks.view(scenes.window(pose.place(part.vertices)))
    mask = raw_silhouette(part.vertices, part.topology, pose, view)
    drawn = renderer.silhouette(vertices[half], pose, view)
    return losses | {"shape_silhouette": silhouette_loss(drawn, mask).mean()}
