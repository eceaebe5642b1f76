"""Portraits: meshes by themselves, in grey, in one neutral light."""

from dataclasses import replace
from math import pi

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.raw_mesh import draw_raw
from shapecycle.mesh import Mesh
from shapecycle.priors.solid_texture import SolidTexture


def neutral_light() -> Float[Tensor, "1 9 3"]:
    """Return white light, most of it from above right: harmonics of the camera's frame."""
    lamp = torch.nn.functional.normalize(torch.tensor([[0.4, 0.75, 0.55]]), dim=1)
    # A clamped cosine lobe, as in `priors.light.sample_light`.
    lobe = torch.tensor([pi] + [2 * pi / 3] * 3 + [pi / 4] * 5)
    light = 0.6 * rz.sh_basis(lamp[:, :, None])[:, :, 0] * lobe
    light[:, 0] += 0.45 * 2 * pi**0.5
    return light[:, :, None].expand(1, 9, 3)


def drawn_untextured(mesh: Mesh, pose: Pose, view: View) -> Float[np.ndarray, "h w 4"]:
    """Draw a mesh in grey, in neutral light.

    Returns:
        Straight-alpha sRGB in [0, 1], row 0 on top.
    """
    vertices = torch.from_numpy(mesh.vertices).float()[None]
    topology = rz.Topology.stack([mesh.faces])
    # A texture's first region is everywhere: with no other, it is of one colour.
    texture = SolidTexture.sample(1, torch.Generator(), regions=1)
    grey = replace(texture, colours=torch.full((1, 1, 3), 0.75))
    drawn = draw_raw(vertices, topology, grey, pose, neutral_light(), view)
    result: np.ndarray = drawn[0].permute(1, 2, 0).numpy()
    return result
