"""Drawing: geometry, colour, pose and light become a picture with gradients."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from shapecycle import rasterize as rz
from shapecycle.camera import Pose, View
from shapecycle.code_to_image.deformation import Deformation
from shapecycle.code_to_image.texture import TextureDecoder, albedo
from shapecycle.geometry.vectors import unit
from shapecycle.graphics_code import GraphicsCode, Texture

MIN_SHADING = 0.03  # least shading; harmonics dip below zero behind a strong lamp


@dataclass(frozen=True, eq=False)
class TexturedFaces:
    """Faces and texture coordinates that the surfaces of a batch share.

    Attributes:
        topology: The faces.
        uv: Texture coordinates in [0, 1], origin bottom-left.
        uv_faces: Indices into ``uv`` per face corner.
    """

    topology: rz.Topology
    uv: Float[Tensor, "1 n 2"]
    uv_faces: Int[Tensor, "f 3"]


class Renderer(nn.Module):
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

    @property
    def faces(self) -> TexturedFaces:
        """The template's faces with their texture coordinates."""
        return TexturedFaces(self.topology, self.uv, self.uv_faces)

    def vertices(self, shape: Float[Tensor, "b n"]) -> Float[Tensor, "b v 3"]:
        """Decode shape codes into vertices in object space."""
        vertices: Tensor = self.deformation(shape)
        return vertices

    def albedo(self, texture: Texture) -> Float[Tensor, "b 3 s s"]:
        """Decode textures into sRGB albedo images."""
        return albedo(texture, self.texture_decoder(texture.code))

    def draw(self, code: GraphicsCode, view: View) -> Float[Tensor, "b 4 h w"]:
        """Draw codes; the result is premultiplied sRGB and coverage."""
        return self.draw_surface(
            self.vertices(code.shape), self.albedo(code.texture), code.pose, code.light, view
        )

    def draw_surface(
        self,
        vertices: Float[Tensor, "b v 3"],
        albedo: Float[Tensor, "b 3 s s"],
        pose: Pose,
        light: Float[Tensor, "b 9 3"],
        view: View,
        *,
        faces: TexturedFaces | None = None,
    ) -> Float[Tensor, "b 4 h w"]:
        """Draw vertices and albedo; the result is premultiplied sRGB and coverage.

        Args:
            vertices: Of the decoded template, or of ``faces``.
            albedo: sRGB albedo images.
            pose: Where the surfaces stand.
            light: How they are lit.
            view: What is drawn.
            faces: Other faces than the template's.
        """
        faces = faces or self.faces
        topology = faces.topology
        camera = pose.place(vertices)
        clip = view.clip(camera)
        visible = rz.rasterize(clip, topology, view.size)
        lit = rz.shade_textured(
            albedo,
            faces.uv,
            rz.vertex_normals(camera, topology),
            light,
            clip,
            topology,
            visible,
            uv_faces=faces.uv_faces,
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
        return depth(pose.place(vertices), self.topology, view)

    def surface(
        self, vertices: Float[Tensor, "b v 3"], size: int
    ) -> tuple[Float[Tensor, "b t 3"], Float[Tensor, "b t 3"]]:
        """Return position and unit normal at the centre of every texel.

        Args:
            vertices: In any one frame; results are in the same.
            size: Side of the square texture; texels are listed row by row from the top.
        """
        corners, weights = self.deformation.template.texel_vertices(size, vertices.device)
        values = torch.cat([vertices, rz.vertex_normals(vertices, self.topology)], 2)
        # One table for the batch, a row per vertex: a texel is a weighted bag of three rows.
        rows = values.transpose(0, 1).flatten(1)
        blended = F.embedding_bag(corners, rows, per_sample_weights=weights, mode="sum")
        # Kept coordinate by coordinate: a sum over a last axis of three is slow.
        planes = blended.view(len(corners), *values.shape[::2]).permute(1, 2, 0).contiguous()
        return planes[:, :3].mT, unit(planes[:, 3:]).mT


def depth(
    camera: Float[Tensor, "b v 3"], topology: rz.Topology, view: View
) -> Float[Tensor, "b 1 h w"]:
    """Draw how far surfaces are in front of the camera, in object units; 0 where nothing is.

    Args:
        camera: Vertices in camera space.
        topology: Their faces.
        view: What is drawn.
    """
    clip = view.clip(camera)
    visible = rz.rasterize(clip, topology, view.size)
    return rz.interpolate(-camera[..., 2:], clip, topology, visible)
