"""Drawing: geometry, colour, pose and light become a picture with gradients."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, clip_from_camera
from shapecycle.code_to_image.deformation import Deformation
from shapecycle.code_to_image.texture import TextureDecoder, albedo
from shapecycle.graphics_code import GraphicsCode, Texture

MIN_SHADING = 0.03  # least shading; harmonics dip below zero behind a strong lamp


@dataclass(frozen=True)
class View:
    """Which part of the frame is drawn, and how finely.

    Attributes:
        window: Square windows in the frame, see `camera`; (0, 0, 1) is the whole frame.
        size: Height and width of the picture, in pixels; the window's height is the picture's.
        fov_y: Full vertical field of view of the whole frame, in radians.
    """

    window: Float[Tensor, "b 3"]
    size: tuple[int, int]
    fov_y: float

    def clip(self, points: Float[Tensor, "b v 3"]) -> Float[Tensor, "b v 4"]:
        """Project camera-space points into the picture."""
        aspect = self.size[1] / self.size[0]
        return clip_from_camera(points, self.window, fov_y=self.fov_y, aspect=aspect)


class Drawer(nn.Module):
    """Draws graphics codes: the shape and texture decoders and a differentiable renderer."""

    uv: Tensor
    uv_faces: Tensor

    def __init__(self, deformation: Deformation, texture_decoder: TextureDecoder) -> None:
        super().__init__()
        self.deformation = deformation
        self.texture_decoder = texture_decoder
        template = deformation.template
        self._topology = rz.Topology.from_faces(template.faces)
        self.register_buffer("uv", template.uv[None], persistent=False)
        self.register_buffer("uv_faces", template.uv_faces, persistent=False)

    @property
    def topology(self) -> rz.Topology:
        """The template's faces and edges, where the weights are."""
        if self._topology.device != self.uv.device:
            self._topology = self._topology.to(self.uv.device)
        return self._topology

    def vertices(self, shape: Float[Tensor, "b n"]) -> Float[Tensor, "b v 3"]:
        """Decode shape codes into vertices in object space."""
        vertices: Tensor = self.deformation(shape)
        return vertices

    def albedo(self, texture: Texture) -> Float[Tensor, "b 3 s s"]:
        """Decode textures into sRGB albedo images."""
        return albedo(texture, self.texture_decoder(texture.code))

    def draw(self, code: GraphicsCode, view: View) -> Float[Tensor, "b 4 h w"]:
        """Draw codes; the result is premultiplied sRGB and coverage."""
        return self.paint(
            self.vertices(code.shape), self.albedo(code.texture), code.pose, code.light, view
        )

    def paint(
        self,
        vertices: Float[Tensor, "b v 3"],
        albedo: Float[Tensor, "b 3 s s"],
        pose: Pose,
        light: Float[Tensor, "b 9 3"],
        view: View,
    ) -> Float[Tensor, "b 4 h w"]:
        """Draw decoded vertices and albedo; the result is premultiplied sRGB and coverage."""
        topology = self.topology
        camera = pose.place(vertices)
        clip = view.clip(camera)
        visible = rz.rasterize(clip, topology, view.size)
        lit = rz.shade_textured(
            albedo,
            self.uv,
            rz.vertex_normals(camera, topology),
            light,
            clip,
            topology,
            visible,
            uv_faces=self.uv_faces,
            min_shading=MIN_SHADING,
        )
        return rz.antialias(lit, clip, topology, visible)

    def silhouette(
        self, vertices: Float[Tensor, "b v 3"], pose: Pose, view: View
    ) -> Float[Tensor, "b 1 h w"]:
        """Draw coverage only."""
        topology = self.topology
        clip = view.clip(pose.place(vertices))
        visible = rz.rasterize(clip, topology, view.size)
        mask = visible.mask[:, None].to(clip.dtype)
        return rz.antialias(mask, clip, topology, visible)

    def depth(
        self, vertices: Float[Tensor, "b v 3"], pose: Pose, view: View
    ) -> Float[Tensor, "b 1 h w"]:
        """Draw the distance in front of the camera, in object units; 0 where nothing is."""
        topology = self.topology
        camera = pose.place(vertices)
        clip = view.clip(camera)
        visible = rz.rasterize(clip, topology, view.size)
        return rz.interpolate(-camera[..., 2:], clip, topology, visible)

    def surface(
        self, vertices: Float[Tensor, "b v 3"], size: int
    ) -> tuple[Float[Tensor, "b t 3"], Float[Tensor, "b t 3"]]:
        """Return position and unit normal at the centre of every texel.

        Args:
            vertices: In any one frame; results are in the same.
            size: Side of the square texture; texels are listed row by row from the top.
        """
        face, weights = self.deformation.template.texel_corners(size)
        corners = self.deformation.template.faces[face.flatten()].to(vertices.device)
        weights = weights.view(-1, 3, 1).to(vertices.device)
        normals = rz.vertex_normals(vertices, self.topology)

        def blend(values: Tensor) -> Tensor:
            picked = [values.index_select(1, corners[:, k]) * weights[:, k] for k in range(3)]
            return picked[0] + picked[1] + picked[2]

        return blend(vertices), unit(blend(normals), dim=2)


def shaded(
    albedo: Float[Tensor, "b 3 h w"],
    normals: Float[Tensor, "b 3 h w"],
    light: Float[Tensor, "b 9 3"],
) -> Float[Tensor, "b 3 h w"]:
    """Light an sRGB albedo: decode, multiply by the shading of the normals, encode."""
    shading = rz.shade_sh(normals, light).clamp(min=MIN_SHADING)
    return rz.srgb_from_linear((rz.linear_from_srgb(albedo) * shading).clamp(1e-4, 1.0))


def unit(vectors: Tensor, dim: int = 1) -> Tensor:
    """Scale vectors to length 1; zero stays zero. `F.normalize` is 20 times slower on images."""
    return vectors * (vectors * vectors).sum(dim, keepdim=True).clamp(min=1e-12).rsqrt()


def straight(premultiplied: Float[Tensor, "b 4 h w"]) -> Float[Tensor, "b 4 h w"]:
    """Divide colour by coverage; straight-alpha pictures are what files hold."""
    alpha = premultiplied[:, 3:].clamp(0, 1)
    colour = (premultiplied[:, :3] / alpha.clamp(min=1e-3)).clamp(0, 1)
    return torch.cat([colour * (alpha > 0), alpha], 1)


def premultiplied(rgba: Float[Tensor, "b 4 h w"]) -> Float[Tensor, "b 4 h w"]:
    """Multiply colour by coverage."""
    return torch.cat([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], 1)


def shrink(picture: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c sh sw"]:
    """Average blocks of pixels, as after drawing at several samples per pixel."""
    return picture if factor == 1 else F.avg_pool2d(picture, factor)


def resized(picture: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c sh sw"]:
    """Average a picture down to a size, or enlarge it linearly."""
    height, width = picture.shape[2:]
    if (height, width) == size:
        return picture
    if height % size[0] == 0 and width % size[1] == 0:
        return F.avg_pool2d(picture, (height // size[0], width // size[1]))
    return F.interpolate(picture, size, mode="bilinear", align_corners=False, antialias=True)
