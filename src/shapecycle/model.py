"""What one does with a trained model: see pictures, read shapes, draw codes, take meshes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shapecycle.camera import Pose, View, window_around
from shapecycle.code_to_image.compositing import resized, unpremultiplied
from shapecycle.data.mesh_files import load_mesh
from shapecycle.data.photos import Photo, crop, load_photo, window_of
from shapecycle.data.simplify import simplify
from shapecycle.data.surface_samples import surface_samples
from shapecycle.devices import chosen_device
from shapecycle.geometry.boxes import normalise
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.image_to_code.refine import refine
from shapecycle.mesh import Mesh
from shapecycle.model_file import Provenance, load_networks
from shapecycle.model_networks import Networks
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.validation import (
    checked_code,
    checked_count,
    checked_picture,
    checked_shapes,
    checked_size,
)

Picture = str | Path | Float[np.ndarray, "_ _ 4"] | Float[Tensor, "_ _ 4"]
MAX_DRAWN_SIDE = 2048
"""Longest side that is drawn, in pixels; larger pictures are enlarged from it."""
HYPOTHESES = 4
"""Poses that are reported of a picture."""
TEXTURE_UPSCALE = 2
"""How much finer than in training textures are taken from photographs."""


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One reading of a picture's pose.

    Attributes:
        pose: A batch of one.
        plausibility: Its probability, in [0, 1]; a picture's hypotheses sum to at most 1.
    """

    pose: Pose
    plausibility: float


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen in one picture.

    Attributes:
        code: The most plausible graphics code, refined.
        hypotheses: Poses, the most plausible first, as the network saw them.
        fov_y: Full vertical field of view that was assumed, in radians.
        size: Height and width of the picture, in pixels.
    """

    code: GraphicsCode
    hypotheses: list[Hypothesis]
    fov_y: float
    size: tuple[int, int]


class Model:
    """A trained model; the same verbs as the command line.

    Args:
        networks: Trained networks.
        provenance: Where they come from.
    """

    def __init__(self, networks: Networks, provenance: Provenance) -> None:
        self.networks, self.provenance = networks, provenance
        self.settings = networks.settings

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.networks.shape_prior.mean.device

    # SEE --------------------------------------------------------------------------------------

    def see(self, image: Picture, *, refine_steps: int = 30) -> Seen:
        """Turn one masked picture into a graphics code.

        Args:
            image: A file with alpha or with a twin mask, or an array of straight RGBA in [0, 1],
                h w 4, row 0 on top, at least 8 x 8 pixels: what `draw` returns of each code.
            refine_steps: Steps of fitting shape and pose to the mask; 0 for the network's answer.

        Raises:
            DataError: If a file cannot be read, or has no mask or an unusable one.
            TypeError, ValueError: If an array is of another form, or its mask is of no use.
        """
        return self.see_all([image], refine_steps=refine_steps)[0]

    def see_all(self, images: Sequence[Picture], *, refine_steps: int = 30) -> list[Seen]:
        """Turn several masked pictures into graphics codes; their results do not mix.

        Args:
            images: As `see` takes them, of any sizes.
            refine_steps: As in `see`.

        Raises:
            DataError, TypeError, ValueError: As `see` does.
        """
        if isinstance(images, str | Path):
            raise TypeError("`images` must be a list of pictures; `see` takes one")
        refine_steps = checked_count(refine_steps, "refine_steps", minimum=0)
        photos = [_loaded(image, k + 1, len(images)) for k, image in enumerate(images)]
        return self.see_photos(photos, refine_steps=refine_steps)

    @torch.no_grad()
    def see_photos(self, photos: Sequence[Photo], *, refine_steps: int = 30) -> list[Seen]:
        """Turn pictures that were loaded and checked into graphics codes.

        Args:
            photos: What `data.photos.load_photo` returned, of any sizes.
            refine_steps: As in `see`, at least 0.
        """
        if not photos:
            return []
        networks, size = self.networks, self.settings.image_size
        windows = [window_of(photo.rgba[3], self.settings.window_margin) for photo in photos]
        window = torch.tensor([[w.centre_x, w.centre_y, w.half] for w in windows]).to(self.device)
        rgba, fine = (
            _batch([crop(p.rgba, w, side) for p, w in zip(photos, windows, strict=True)], window)
            for side in (size, TEXTURE_UPSCALE * size)
        )
        encoding, view = networks.encode_image(rgba, window), networks.view(window)
        bins, plausibility = encoding.pose.hypotheses(HYPOTHESES)
        poses = [networks.pose_of(encoding, bins[:, k], view) for k in range(HYPOTHESES)]
        shape, pose = encoding.shape, poses[0]
        if refine_steps:
            mask, spread = rgba[:, 3:], self._spread()
            shape, pose = refine(
                networks.renderer, shape, pose, mask, view, spread=spread, steps=refine_steps
            )
        texture = networks.texture_of(
            fine,
            encoding.features,
            networks.view(window, TEXTURE_UPSCALE * size),
            vertices=networks.renderer.vertices(shape),
            pose=pose,
            light=encoding.light,
            size=TEXTURE_UPSCALE * self.settings.texture_resolution,
        )
        code = GraphicsCode(shape, texture, pose, encoding.light)
        probability = plausibility.tolist()  # in one copy from the device
        return [
            Seen(
                code=code[i],
                hypotheses=[Hypothesis(one[i], probability[i][k]) for k, one in enumerate(poses)],
                fov_y=networks.fov_y,
                size=(photo.rgba.shape[1], photo.rgba.shape[2]),
            )
            for i, photo in enumerate(photos)
        ]

    def _spread(self) -> Float[Tensor, " n"]:
        factor = self.networks.shape_prior.factor
        return factor.square().sum(1).sqrt()

    # READ -------------------------------------------------------------------------------------

    @torch.no_grad()
    def read(self, shape: str | Path | Mesh) -> Float[Tensor, "1 n"]:
        """Turn one shape into a shape code.

        Args:
            shape: A mesh file, an oriented point cloud, or a mesh; +y up, front +z. It is centred
                and scaled to a bounding-box diagonal of 1, as the training shapes were.

        Raises:
            DataError, GeometryError: If a file cannot be read, or a mesh cannot be used.
            TypeError: If it is neither a file nor a mesh.
        """
        if not isinstance(shape, str | Path | Mesh):
            raise TypeError(f"`shape` must be a mesh or its file, found {type(shape).__name__}")
        mesh = shape if isinstance(shape, Mesh) else load_mesh(Path(shape))
        known, _ = normalise(simplify(mesh))
        points, _ = surface_samples(known, SURFACE_POINTS, np.random.default_rng(0))
        return self.networks.read(torch.from_numpy(points).float()[None].to(self.device))

    # SAMPLE -----------------------------------------------------------------------------------

    @torch.no_grad()
    def sample_shape(self, count: int, generator: torch.Generator) -> Float[Tensor, "b n"]:
        """Sample new shape codes; a little nearer to the mean than the training shapes are.

        Args:
            count: How many, at least 1.
            generator: Source of randomness, on the CPU.

        Raises:
            TypeError: If ``count`` is no whole number.
            ValueError: If ``count`` is less than 1.
        """
        count = checked_count(count, "count", minimum=1)
        return self.networks.shape_prior.sample(count, generator, spread=0.8)

    @torch.no_grad()
    def sample_appearance(
        self, shape: Float[Tensor, "b n"], generator: torch.Generator
    ) -> GraphicsCode:
        """Give shape codes a sampled texture, pose and light.

        Args:
            shape: Shape codes of this model.
            generator: Source of randomness, on the CPU.

        Raises:
            TypeError: If ``shape`` is no tensor.
            ValueError: If there are none, or their length is another model's.
        """
        count = len(checked_shapes(shape, self.settings))
        size = self.settings.texture_code_size
        texture = torch.randn(count, size, generator=generator).to(self.device)
        light = self.networks.light_prior.sample(count, generator).view(count, 9, 3)
        pose = self.networks.pose_sampler.sample(count, generator)
        return GraphicsCode(shape, Texture(texture), pose, light)

    # DRAW -------------------------------------------------------------------------------------

    @torch.no_grad()
    def draw(
        self, code: GraphicsCode, size: int | tuple[int, int] = 256, *, framed: bool = False
    ) -> Float[np.ndarray, "b h w 4"]:
        """Draw codes as straight-alpha sRGB pictures, row 0 on top.

        Args:
            code: Graphics codes of this model.
            size: Side, or height and width, in pixels, at least 1.
            framed: Move the window to the object instead of showing the camera's whole frame.

        Returns:
            Pictures in [0, 1], of the frame whose vertical field of view is the model's.

        Raises:
            TypeError: If ``code`` is no graphics code, or ``size`` no whole numbers.
            ValueError: If a part of the code has another length than this model's, or the size
                is less than a pixel.
        """
        height, width = checked_size(size)
        code = self._to_device(code)
        window = torch.tensor([[0.0, 0.0, 1.0]], device=self.device).expand(len(code), 3)
        if framed:
            placed = code.pose.place(self.networks.renderer.vertices(code.shape))
            window = window_around(placed, fov_y=self.networks.fov_y, margin=0.15)
        # No code holds finer detail; drawn at a phone's resolution, a picture would take gigabytes.
        scale = min(2.0, MAX_DRAWN_SIDE / max(height, width))
        fine = (max(1, round(height * scale)), max(1, round(width * scale)))
        view = View(window, fine, self.networks.fov_y)
        picture = unpremultiplied(resized(self.networks.renderer.draw(code, view), (height, width)))
        result: np.ndarray = picture.permute(0, 2, 3, 1).cpu().numpy()
        return result

    @torch.no_grad()
    def mesh(self, code: GraphicsCode) -> Mesh:
        """Return one code's textured mesh, in the frame and units of the training shapes.

        That is +y up, front +z, centred, with a bounding-box diagonal of 1.

        Raises:
            TypeError: If ``code`` is no graphics code.
            ValueError: If the batch does not hold exactly one code, or a part of it has another
                length than this model's.
        """
        if len(checked_code(code, self.settings)) != 1:
            raise ValueError(f"`mesh` takes a batch of one code, not of {len(code)}")
        return self.meshes(code)[0]

    @torch.no_grad()
    def meshes(self, code: GraphicsCode) -> list[Mesh]:
        """Return the textured meshes of several codes; see `mesh`.

        Raises:
            TypeError, ValueError: As `draw` does.
        """
        code = self._to_device(code)
        renderer = self.networks.renderer
        template = renderer.deformation.template
        vertices = renderer.vertices(code.shape).cpu().numpy()
        albedo = renderer.albedo(code.texture).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        return [
            Mesh(
                vertices=vertices[k],
                faces=template.faces.numpy(),
                uv_faces=template.uv_faces.numpy(),
                uv=template.uv.numpy(),
                texture=albedo[k],
            )
            for k in range(len(code))
        ]

    def _to_device(self, code: GraphicsCode) -> GraphicsCode:
        """Bring a code to where the weights are, and to their precision."""
        code = checked_code(code, self.settings)
        return code.map(lambda x: x.to(self.device, torch.float32))


def load(path: str | Path, *, device: str = "cpu") -> Model:
    """Load a model from a run folder or a model file.

    Args:
        path: The folder of `shapecycle train`, or a safetensors file of it.
        device: Where the weights go: "cpu", "cuda" or "mps"; "auto" for a GPU if there is one.

    Raises:
        CheckpointError: If there is none, or it is not one of ours.
        ConfigError: If there is no such device.
    """
    return Model(*load_networks(Path(path), chosen_device(device)))


def _loaded(image: Picture, number: int, count: int) -> Photo:
    if isinstance(image, str | Path):
        return load_photo(Path(image))
    name = "the picture" if count == 1 else f"picture {number} of {count}"
    if not isinstance(image, np.ndarray | Tensor):
        raise TypeError(
            f"{name} must be a file or an array, found {type(image).__name__}: "
            "save it as RGBA, or give an array of h x w x 4 numbers in [0, 1]"
        )
    return Photo(Path("array"), checked_picture(image, name))


def _batch(arrays: list[np.ndarray], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(arrays)).to(like)
