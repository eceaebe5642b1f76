"""Light for viewers whose world is the object's frame."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.rasterize import sh_basis

DIRECTIONS = 64


def in_object_frame(light: Float[Tensor, "1 9 3"], pose: Pose) -> Float[np.ndarray, "9 3"]:
    """Turn light from the camera's frame into the object's.

    Harmonics of each band turn among themselves, so that the fit is exact.

    Args:
        light: As graphics codes have it.
        pose: A batch of one.
    """
    generator = torch.Generator().manual_seed(0)
    normals = torch.randn(DIRECTIONS, 3, generator=generator, dtype=torch.float64)
    normals = normals / normals.square().sum(1, keepdim=True).sqrt()
    rotation = pose.rotation()[0].double().cpu()
    in_camera = sh_basis((normals @ rotation.T).T[None])[0].T.numpy()
    shading = in_camera @ light[0].double().cpu().numpy()
    found: Float[np.ndarray, "9 3"] = np.linalg.lstsq(
        sh_basis(normals.T[None])[0].T.numpy(), shading
    )[0]
    return found
