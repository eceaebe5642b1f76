"""Going along principal directions from one code to others."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.memory.surfaces import SurfaceDecoder


def with_albedo_shifted(
    decoder: SurfaceDecoder, code: GraphicsCode, shift: Float[Tensor, "1 3 t t"]
) -> GraphicsCode:
    """Add to the colours of one code, on the template and on a surface of its own.

    Args:
        decoder: Knows the surface.
        code: A batch of one.
        shift: What is added to the sRGB albedo, laid out in the template's texture.
    """
    albedo = decoder.renderer.albedo(code.texture)
    on_template = F.interpolate(shift, albedo.shape[-2:], mode="bilinear", align_corners=False)
    whole = torch.cat([(albedo + on_template).clamp(0, 1), torch.ones_like(albedo[:, :1])], 1)
    code = replace(code, texture=Texture(code.texture.code, whole))
    surface = code.surface
    if surface is None or surface.texels is None or int(surface.source[0]) == 0:
        return code
    texels = surface.texels
    atlas = decoder.atlas(int(surface.source[0]), texels.shape[-1])
    colours = (texels[:, :3] + atlas.template_colours(on_template)).clamp(0, 1)
    return replace(code, surface=replace(surface, texels=torch.cat([colours, texels[:, 3:]], 1)))
