"""What one does with a trained model: see pictures, read shapes, draw codes, take meshes."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache, cached_property
from math import tan
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from torch import Tensor

from shapecycle.camera import Pose, View, moved_into_frame, window_around
from shapecycle.code_to_image.compositing import resized, unpremultiplied
from shapecycle.code_to_image.ground import under
from shapecycle.code_to_image.template import spread_out
from shapecycle.config import SurfaceKind, TextureKind
from shapecycle.data.mesh_files import load_mesh
from shapecycle.data.photos import DAMAGE, Photo, Window, crop, load_photo, pixels_of, window_of
from shapecycle.data.shape_sampler import SAMPLES_KEPT
from shapecycle.data.shapes import axes_of, turned
from shapecycle.data.simplify import simplify
from shapecycle.data.surface_samples import surface_samples
from shapecycle.devices import chosen_device
from shapecycle.evaluate.geometry import compare
from shapecycle.geometry.boxes import normalise
from shapecycle.graphics_code import GraphicsCode, Surface, Texture
from shapecycle.image_to_code.encoder import ImageEncoding
from shapecycle.image_to_code.heads import SHADING_ONE
from shapecycle.image_to_code.hypotheses import weigh
from shapecycle.image_to_code.refine import refine
from shapecycle.losses.image import silhouette_loss
from shapecycle.memory.alignment import Alignment, align
from shapecycle.memory.along import with_albedo_shifted
from shapecycle.memory.canvas import Canvas, ReadFit, laid_out
from shapecycle.memory.carry import carry
from shapecycle.memory.directions import Directions
from shapecycle.memory.donors import Donors
from shapecycle.memory.dresser import Dresser
from shapecycle.memory.lending import lent
from shapecycle.memory.likeness import Likeness
from shapecycle.memory.memory import Memory
from shapecycle.memory.places import Places
from shapecycle.memory.surfaces import ATLAS_SIDE, SurfaceDecoder
from shapecycle.mesh import Mesh
from shapecycle.model_file import Provenance, load_model
from shapecycle.model_networks import Networks
from shapecycle.pooling import pooled
from shapecycle.seen import (
    HYPOTHESES,
    Hypothesis,
    Seen,
    SeeOptions,
    SurfaceChoice,
)
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.shape_to_code.refine import refine as refine_read
from shapecycle.validation import (
    checked_code,
    checked_count,
    checked_fov_y,
    checked_picture,
    checked_shapes,
    checked_size,
)

Array = np.ndarray | Tensor
Mask = Float[Array, "_ _"] | UInt8[Array, "_ _"] | Bool[Array, "_ _"]
Picture = str | Path | Image.Image | Float[Array, "_ _ 4"] | UInt8[Array, "_ _ 4"] | Mask
COMPLETED_SIDE, COMPLETED_STEPS = 256, 12
"""Texels along a side in which what a picture does not show is completed, and steps of fitting."""
NEIGHBOURS = 8
"""Remembered shapes of like code, towards one of which another one is changed."""
TOWARDS = 0.5
"""How far, at most."""
TEXELS_A_PIXEL = 3
"""Along a side of a texture, of which half is seen, for one of a frame that an object fills."""
MAX_DRAWN_SIDE = 2048
"""Longest side that is drawn, in pixels; larger pictures are enlarged from it."""
TEXTURE_UPSCALE = 2
"""How much finer than in training textures are taken from photographs, at least."""
Part = Literal["shape", "texture", "light"]
DIRECTION_TEXELS = 64
"""Texels along a side in which directions of textures are found."""
SEEN_AT_ONCE = 48
"""Pictures that are seen at once: fitting sources to them takes 1 GB."""
COARSE = 128
"""Pixels along a side of a window from which textures are fetched onto given shapes, at least."""
MAX_FETCHED_SIDE = 512
"""The same, at most."""
MAX_TEXTURE_SIDE = 1024
"""Pixels along a side of an object's window from which textures are taken, at most."""


class Model:
    """A trained model; the same verbs as the command line.

    Args:
        networks: Trained networks.
        provenance: Where they come from.
        memory: What they remember of the folders they were trained on.
    """

    def __init__(
        self, networks: Networks, provenance: Provenance, memory: Memory | None = None
    ) -> None:
        self.networks, self.provenance = networks, provenance
        self.memory = memory or Memory()
        self.settings = networks.settings
        self._directions: dict[Part, Directions | None] = {}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.networks.shape_prior.mean.device

    @cached_property
    def surfaces(self) -> SurfaceDecoder:
        """What makes surfaces of codes."""
        renderer, mean = self.networks.renderer, self.networks.shape_prior.mean
        return SurfaceDecoder(renderer, mean, self.memory.sources, self.memory.handles)

    @cached_property
    def likeness(self) -> Likeness | None:
        """What compares shapes with remembered ones, where there are at least two."""
        sources = self.memory.sources
        return Likeness(sources) if len(sources) > 1 else None

    @cached_property
    def donors(self) -> Donors | None:
        """What completes textures, where photographs are remembered."""
        donors = self.memory.donors
        return Donors(donors, self.device) if donors else None

    @cached_property
    def dresser(self) -> Dresser:
        """What colours surfaces with what photographs show of them."""
        return Dresser(self.networks, self.surfaces, self.donors)

    @cached_property
    def completer(self) -> Dresser:
        """What completes the surfaces seen in pictures: a coarser, quicker dresser."""
        return Dresser(
            self.networks, self.surfaces, self.donors,
            side=COMPLETED_SIDE, steps=COMPLETED_STEPS, corrected=0,
        )  # fmt: skip

    def dress_for(self, size: int) -> None:
        """From now on fetch textures no finer than whole frames of a size, in pixels, show."""
        self.dresser = Dresser(
            self.networks, self.surfaces, self.donors, side=TEXELS_A_PIXEL * size
        )

    # SEE --------------------------------------------------------------------------------------

    def see(
        self,
        image: Picture,
        *,
        refine_steps: int = 30,
        surface: SurfaceKind = "auto",
        hypothesis: int = 1,
        azimuth_hint: float | None = None,
        pose: Pose | None = None,
        fov_y: float | None = None,
    ) -> Seen:
        """Turn one masked picture into a graphics code.

        Args:
            image: A file or Pillow image with alpha, or a file with a twin mask; or an array of
                straight RGBA in [0, 1] or 8 bits, h w 4, row 0 on top, at least 8 x 8 pixels:
                what `draw` returns of each code. Or a bare mask: a file or Pillow image of one
                channel, or an array h w, white on the object and black around it.
            refine_steps: Steps of fitting shape and placement to the mask; 0 for the network's own
                answer, on the template unless another surface is asked for.
            surface: "template" for the decoded one, "carried" for a remembered shape that is bent
                to it, "auto" for the latter where it fits; see `seen.SurfaceChoice`. A model
                without memory has templates only.
            hypothesis: Which of its pose hypotheses is taken, from 1, the most plausible by what
                the network says and by how well the shape, refined in each, fits the mask.
            azimuth_hint: Take the most plausible pose within 30 degrees of this azimuth instead;
                in radians.
            pose: Take this pose instead, a batch of one; its angles are kept.
            fov_y: Full vertical field of view of the picture, in radians; the model's by default.

        Raises:
            DataError: If a file cannot be read, or has no mask or an unusable one.
            TypeError, ValueError: If an array is of another form, or its mask is of no use; if an
                option is out of its range, or several choose the pose.
        """
        return self.see_all(
            [image],
            refine_steps=refine_steps,
            surface=surface,
            hypothesis=hypothesis,
            azimuth_hint=azimuth_hint,
            pose=pose,
            fov_y=fov_y,
        )[0]

    def see_all(
        self,
        images: Sequence[Picture],
        *,
        refine_steps: int = 30,
        surface: SurfaceKind = "auto",
        hypothesis: int = 1,
        azimuth_hint: float | None = None,
        pose: Pose | None = None,
        fov_y: float | None = None,
    ) -> list[Seen]:
        """Turn several masked pictures into graphics codes; their results do not mix.

        But for rounding, which depends on how many are seen at once, and which can decide between
        two remembered shapes that fit a picture alike.

        Args:
            images: As `see` takes them, of any sizes.
            refine_steps: As in `see`.
            surface: As in `see`.
            hypothesis: As in `see`, for all pictures.
            azimuth_hint: As in `see`, for all pictures.
            pose: As in `see`, a batch of one for each picture.
            fov_y: As in `see`, for all pictures.

        Raises:
            DataError, TypeError, ValueError: As `see` does.
        """
        if isinstance(images, str | Path | Image.Image):
            raise TypeError("`images` must be a list of pictures; `see` takes one")
        options = SeeOptions(refine_steps, hypothesis, azimuth_hint, pose, fov_y, surface)
        if pose is not None and len(pose) != len(images):
            raise ValueError(f"`pose` must be {len(images)} poses, found {len(pose)}")
        photos = [_loaded(image, k + 1, len(images)) for k, image in enumerate(images)]
        return self.see_photos(photos, options)

    @torch.no_grad()
    def see_photos(self, photos: Sequence[Photo], options: SeeOptions) -> list[Seen]:
        """Turn pictures that were loaded and checked into graphics codes.

        Args:
            photos: What `data.photos.load_photo` returned, of any sizes.
            options: How they are seen.
        """
        if len(photos) > SEEN_AT_ONCE:
            parts = [slice(k, k + SEEN_AT_ONCE) for k in range(0, len(photos), SEEN_AT_ONCE)]
            return [
                seen
                for part in parts
                for seen in self.see_photos(
                    photos[part], replace(options, pose=options.pose and options.pose[part])
                )
            ]
        if not photos:
            return []
        networks, size = self.networks, self.settings.image_size
        fov_y = options.fov_y or networks.fov_y
        windows = [window_of(photo.rgba[3], self.settings.window_margin) for photo in photos]
        # A picture of another field of view is a part of the frame that the networks know, or
        # reaches out of it: from here on its window is one in that frame.
        scale = tan(fov_y / 2) / tan(networks.fov_y / 2)
        window = scale * torch.tensor([[w.centre_x, w.centre_y, w.half] for w in windows])
        window = window.to(self.device)
        rgba = _batch([crop(p.rgba, w, size) for p, w in zip(photos, windows, strict=True)], window)
        encoding, view = networks.encode_image(rgba, window), networks.view(window)
        bins, plausibility = encoding.pose.hypotheses(HYPOTHESES)
        poses = [networks.pose_of(encoding, bins[:, k], view) for k in range(HYPOTHESES)]
        mask, steps = rgba[:, 3:], options.refine_steps
        spread = networks.shape_prior.spread()
        rank, weighed = options.hypothesis - 1, None
        if steps and not options.is_pose_named:
            weighed = weigh(
                networks.renderer, encoding.shape, poses, plausibility, mask, view,
                spread=spread, steps=steps,
            )  # fmt: skip
            poses = [_picked(poses, one) for one in weighed.order.unbind(1)]
            plausibility = weighed.plausibility
        start, start_plausibility = poses[rank], plausibility[:, rank]
        if options.is_pose_named:
            start, start_plausibility = self._named(encoding, view, options)
        shape, pose = encoding.shape, start
        if weighed is not None and rank == 0:
            shape, pose = weighed.shape[:, 0], weighed.pose(0)
        elif steps:
            shape, pose = refine(
                networks.renderer, shape, pose, mask, view, spread=spread, steps=steps
            )
        surface, pose, choices = self._surface(encoding, shape, pose, mask, view, options)
        bare = GraphicsCode(shape, Texture(encoding.features), pose, encoding.light, surface)
        codes = [
            self._textured(bare[k], photo, one, view.window[k : k + 1])
            for k, (photo, one) in enumerate(zip(photos, windows, strict=True))
        ]
        distance = networks.shape_prior.distance(shape)
        numbers = torch.cat([plausibility, start_plausibility[:, None], distance[:, None]], 1)
        rows = numbers.tolist()  # in one copy from the device
        return [
            Seen(
                code=codes[i],
                hypotheses=[Hypothesis(one[i], rows[i][k]) for k, one in enumerate(poses)],
                start=Hypothesis(start[i], rows[i][-2]),
                shape_distance=rows[i][-1],
                surface_choice=choices[i],
                fov_y=fov_y,
                size=(photo.rgba.shape[1], photo.rgba.shape[2]),
            )
            for i, photo in enumerate(photos)
        ]

    def _surface(
        self,
        encoding: ImageEncoding,
        shape: Float[Tensor, "b n"],
        pose: Pose,
        mask: Float[Tensor, "b 1 h w"],
        view: View,
        options: SeeOptions,
    ) -> tuple[Surface | None, Pose, list[SurfaceChoice]]:
        """Carry sources to the shapes, where that is wanted and they fit; return why."""
        networks, decoder = self.networks, self.surfaces
        sources = decoder.sources
        if options.surface == "carried" and sources is None:
            raise ValueError("this model remembers no shapes that could be carried")
        if reason := _why_template(options, is_remembered=sources is not None):
            return None, pose, [SurfaceChoice(reason)] * len(shape)
        assert sources is not None
        found = carry(
            networks, sources, decoder.handles, shape, pose, mask, view,
            turns=options.pose is None,
        )  # fmt: skip
        drawn = networks.renderer.silhouette(networks.renderer.vertices(shape), pose, view)
        template_misfit = silhouette_loss(drawn, mask)
        choices = [
            SurfaceChoice.between(options.surface, sources.sources[row].name, *numbers)
            for row, *numbers in zip(
                found.row.tolist(),
                found.apart.tolist(),
                found.misfit.tolist(),
                template_misfit.tolist(),
                strict=True,
            )
        ]
        is_carried = torch.tensor([one.source is not None for one in choices], device=self.device)
        prints = [sources.sources[row].fingerprint for row in found.row.tolist()]
        kept, column = is_carried.long(), is_carried[:, None]
        surface = Surface(
            torch.tensor(prints, device=self.device) * kept,
            found.moves * kept[:, None, None],
        )
        carried_pose = Pose(
            torch.where(column, found.pose.angles, pose.angles),
            torch.where(column, found.pose.translation, pose.translation),
        )
        return surface, carried_pose, choices

    def _textured(
        self, code: GraphicsCode, photo: Photo, window: Window, in_frame: Float[Tensor, "1 3"]
    ) -> GraphicsCode:
        """Fetch one code's texture from its picture, as finely as the picture shows it.

        Args:
            code: With the trunk's features in place of a texture code.
            photo: The picture.
            window: The part of it that the networks saw.
            in_frame: That window in the frame that the networks know.
        """
        networks, settings = self.networks, self.settings
        height = photo.rgba.shape[1]
        least = TEXTURE_UPSCALE * settings.image_size
        side = max(least, min(MAX_TEXTURE_SIDE, round(window.half * height)))
        rgba = _batch([crop(photo.rgba, window, side)], in_frame)
        view = networks.view(in_frame, side)
        templates = networks.renderer.vertices(code.shape)
        # Handles move the template as well.
        laid = code.surface and replace(code.surface, source=torch.zeros_like(code.surface.source))
        moved = self.surfaces.vertices(replace(code, surface=laid), templates)
        texture = networks.texture_of(
            rgba,
            code.texture.code,
            view,
            vertices=moved,
            pose=code.pose,
            light=code.light,
            size=max(TEXTURE_UPSCALE * settings.texture_resolution, _power_of_two(side) // 2),
        )
        if self.donors is not None and texture.texels is not None:
            texture = replace(texture, fill=self.donors.complete(texture.texels))
        surface = code.surface
        if surface is not None and int(surface.source[0]):
            atlas_side = max(ATLAS_SIDE, _power_of_two(side))
            texels = self.surfaces.texels(code, rgba, view, atlas_side)
            if self.completer.has_clothes:
                texels = self.completer.completed(int(surface.source[0]), texels)
            surface = replace(surface, texels=texels)
        return replace(code, texture=texture, surface=surface)

    def _named(
        self, encoding: ImageEncoding, view: View, options: SeeOptions
    ) -> tuple[Pose, Float[Tensor, " b"]]:
        """Return the poses that the options name, and their plausibilities."""
        if options.pose is not None:
            angles, translation = (
                x.to(self.device, torch.float32)
                for x in (options.pose.angles, options.pose.translation)
            )
            return Pose(angles, translation), encoding.pose.near(angles[:, 0])[1]
        assert options.azimuth_hint is not None
        hint = torch.full((len(encoding.shape),), options.azimuth_hint, device=self.device)
        bins, plausibility = encoding.pose.near(hint)
        return self.networks.pose_of(encoding, bins, view), plausibility

    # READ -------------------------------------------------------------------------------------

    @torch.no_grad()
    def read(self, shape: str | Path | Mesh, *, refine_steps: int = 30) -> Float[Tensor, "1 n"]:
        """Turn one shape into a shape code.

        Args:
            shape: A mesh file, an oriented point cloud, or a mesh; +y up, front +z. It is centred
                and scaled to a bounding-box diagonal of 1, as the training shapes were.
            refine_steps: Steps of fitting the decoded surface to the shape; 0 for the network's
                answer.

        Raises:
            DataError, GeometryError: If a file cannot be read, or a mesh cannot be used.
            TypeError: If it is neither a file nor a mesh, or ``refine_steps`` is no whole number.
            ValueError: If ``refine_steps`` is negative.
        """
        refine_steps = checked_count(refine_steps, "refine_steps", minimum=0)
        if not isinstance(shape, str | Path | Mesh):
            raise TypeError(f"`shape` must be a mesh or its file, found {type(shape).__name__}")
        mesh = shape if isinstance(shape, Mesh) else load_mesh(Path(shape))
        known, _ = normalise(simplify(mesh))
        source = np.random.default_rng(0)
        points, normals = (
            torch.from_numpy(x).float()[None].to(self.device)
            for x in surface_samples(known, SAMPLES_KEPT, source)
        )
        networks = self.networks
        return refine_read(
            networks.renderer,
            networks.read(points[:, :SURFACE_POINTS]),
            points,
            normals,
            spread=networks.shape_prior.spread(),
            steps=refine_steps,
        )

    @torch.no_grad()
    def canvas(
        self,
        shape: str | Path | Mesh,
        *,
        up: str = "+y",
        front: str = "+z",
        refine_steps: int = 30,
    ) -> tuple[Canvas, GraphicsCode]:
        """Take a given shape as a surface that can be coloured and drawn as it is.

        Args:
            shape: A mesh file or a mesh, in any units.
            up: Its axis that points up: x, y or z with + or -.
            front: Its axis that points to the front.
            refine_steps: As in `read`.

        Returns:
            The shape with texture coordinates, and a code of it: its shape and surface, in the mean
            texture, seen from the front in even light. `sample_appearance` gives others.

        Raises:
            DataError, GeometryError: If a file cannot be read, or a mesh cannot be used; see
                `memory.canvas.laid_out`.
            ConfigError: If ``up`` and ``front`` are no axes, or the same one.
        """
        if not isinstance(shape, str | Path | Mesh):
            raise TypeError(f"`shape` must be a mesh or its file, found {type(shape).__name__}")
        mesh = shape if isinstance(shape, Mesh) else load_mesh(Path(shape))
        name = "mesh" if isinstance(shape, Mesh) else Path(shape).stem
        axes = axes_of(up, front)
        unit, normalisation = normalise(turned(mesh, axes))
        code = self.read(unit, refine_steps=refine_steps)
        source, coloured = laid_out(mesh, unit, name, code[0])
        object_from_mesh = np.eye(4)
        object_from_mesh[:3, :3] = normalisation.scale * axes
        object_from_mesh[:3, 3] = -normalisation.scale * normalisation.centre
        canvas = Canvas(source, coloured, object_from_mesh, self.fit_of(unit, code))
        return canvas, replace(self.plain(code), surface=self.surfaces.hold(source))

    @torch.no_grad()
    def fit_of(self, unit: Mesh, shape: Float[Tensor, "1 n"]) -> ReadFit:
        """Return how near a normalised shape is to what was read of it."""
        renderer = self.networks.renderer
        faces = renderer.topology.faces.cpu().numpy()
        read = Mesh(renderer.vertices(shape)[0].cpu().numpy(), faces)
        distance = float(self.networks.shape_prior.distance(shape))
        unlike = None if self.likeness is None else self.likeness.unlike(unit)
        return ReadFit(compare(read, unit).chamfer, distance, unlike)

    @torch.no_grad()
    def align(self, shape: str | Path | Mesh) -> tuple[Alignment, Float[np.ndarray, "4 4"]]:
        """Bring a shape of this kind, at any rotation and scale, into the training shapes' frame.

        Args:
            shape: A mesh file, an oriented point cloud, or a mesh.

        Returns:
            How it lies there, and the transform from the file's coordinates to object space, for
            column vectors.

        Raises:
            DataError, GeometryError: If a file cannot be read, or a mesh cannot be used.
        """
        mesh = shape if isinstance(shape, Mesh) else load_mesh(Path(shape))
        known, _ = normalise(simplify(mesh))
        source = np.random.default_rng(0)
        points, normals = (
            torch.from_numpy(x).to(self.device)
            for x in surface_samples(known, SAMPLES_KEPT, source)
        )
        others = None if self.likeness is None else self.likeness.points.to(self.device)
        found = align(self.networks, points, normals, others)
        _, upright = normalise(turned(mesh, found.object_from_points))
        object_from_mesh = np.eye(4)
        object_from_mesh[:3, :3] = upright.scale * found.object_from_points
        object_from_mesh[:3, 3] = -upright.scale * upright.centre
        return found, object_from_mesh

    def plain(self, shape: Float[Tensor, "b n"]) -> GraphicsCode:
        """Give shapes the mean texture, a pose from which all is seen, and even light."""
        count = len(shape)
        texture = shape.new_zeros(count, self.settings.texture_code_size)
        light = shape.new_zeros(count, 9, 3)
        light[:, 0] = SHADING_ONE
        away = 1.2 / tan(self.networks.fov_y / 2)
        pose = Pose(
            shape.new_tensor([[0.0, 0.35, 0.0]]).expand(count, 3),
            shape.new_tensor([[0.0, 0.0, -away]]).expand(count, 3),
        )
        return GraphicsCode(shape, Texture(texture), pose, light)

    # SAMPLE -----------------------------------------------------------------------------------

    @torch.no_grad()
    def sample_shape(self, count: int, generator: torch.Generator) -> Float[Tensor, "b n"]:
        """Sample new shape codes: between remembered ones, where there are some.

        Otherwise from what was learnt, a little nearer to the mean than the training shapes are.

        Args:
            count: How many, at least 1.
            generator: Source of randomness, on the CPU.

        Raises:
            TypeError: If ``count`` is no whole number.
            ValueError: If ``count`` is less than 1.
        """
        count = checked_count(count, "count", minimum=1)
        sources = len(self.memory.sources)
        if sources < 2:
            return self.networks.shape_prior.sample(count, generator, spread=0.8)
        rows = torch.randint(sources, (count,), generator=generator).tolist()
        return torch.cat([self.shape_near(row, generator) for row in rows])

    @torch.no_grad()
    def shape_near(self, row: int, generator: torch.Generator) -> Float[Tensor, "1 n"]:
        """Sample a shape code up to half of the way from a remembered one to one of its nearest.

        Args:
            row: Of the remembered shape, among `memory.sources`.
            generator: Source of randomness, on the CPU.
        """
        spread = self.networks.shape_prior.spread().clamp(min=1e-6)
        codes = torch.stack([one.code for one in self.memory.sources]).to(self.device)
        away = ((codes - codes[row]) / spread).norm(dim=1)
        near = away.topk(min(NEIGHBOURS + 1, len(codes)), largest=False).indices.sort().values
        other = int(near[torch.randint(len(near), (), generator=generator)])
        share = TOWARDS * float(torch.rand((), generator=generator))
        return (codes[row] + share * (codes[other] - codes[row]))[None]

    @torch.no_grad()
    def nearest_surface(self, shape: Float[Tensor, "b n"]) -> Surface | None:
        """Return for each shape the remembered one that has to be bent least; None without any."""
        shape, decoder = checked_shapes(shape, self.settings), self.surfaces
        if decoder.sources is None:
            return None
        rows = decoder.sources.nearest(self.networks.renderer.vertices(shape), 1)[0][:, 0]
        prints = [decoder.sources.sources[row].fingerprint for row in rows.tolist()]
        still = shape.new_zeros(len(shape), len(decoder.handles), 3)
        return Surface(torch.tensor(prints, device=shape.device), still)

    @torch.no_grad()
    def sample_appearance(
        self,
        shape: Float[Tensor, "b n"],
        generator: torch.Generator,
        *,
        texture: TextureKind | None = None,
        surface: Surface | None = None,
    ) -> GraphicsCode:
        """Give shape codes a sampled texture, pose and light.

        Where the model remembers photographs, textures are theirs, and so are, nearly, poses and
        lights; otherwise all are sampled from what was learnt.

        Args:
            shape: Shape codes of this model.
            generator: Source of randomness, on the CPU.
            texture: Where textures come from; by default "palette" if photographs are remembered.
            surface: What the shapes are made surfaces of; the template by default. Photographs
                are fitted to carried and to given ones.

        Raises:
            TypeError: If ``shape`` is no tensor.
            ValueError: If there are none, or their length is another model's; if textures are to be
                borrowed and no photographs are remembered.
        """
        bare = replace(self.plain(checked_shapes(shape, self.settings)), surface=surface)
        code = self.dressed(bare, generator, texture=texture)
        pose, light = self.sample_view(len(code), generator)
        return replace(code, pose=pose, light=light)

    @torch.no_grad()
    def sample_view(
        self, count: int, generator: torch.Generator
    ) -> tuple[Pose, Float[Tensor, "b 9 3"]]:
        """Sample poses and lights; see `sample_appearance`."""
        if self.donors is None:
            pose = self.networks.pose_sampler.sample(count, generator)
            light = self.networks.light_prior.sample(count, generator).view(count, 9, 3)
        else:
            pose = self.donors.sample_pose(count, generator)
            light = self.donors.sample_light(count, generator)
        pose = Pose(pose.angles.to(self.device), pose.translation.to(self.device))
        return pose, light.to(self.device)

    @torch.no_grad()
    def dressed(
        self,
        bare: GraphicsCode,
        generator: torch.Generator,
        *,
        texture: TextureKind | None = None,
    ) -> GraphicsCode:
        """Give codes sampled textures, on the template and on surfaces of their own.

        Args, Raises: See `sample_appearance`.
        """
        if texture is None:
            texture = "decoded" if self.donors is None else "palette"
        if texture not in get_args(TextureKind):
            known = ", ".join(map(repr, get_args(TextureKind)))
            raise ValueError(f"`texture` must be one of {known}, found {texture!r}")
        if texture == "decoded":
            size = (len(bare), self.settings.texture_code_size)
            worn = Texture(torch.randn(size, generator=generator).to(self.device))
            return replace(bare, texture=worn)
        if self.donors is None:
            raise ValueError(f"`texture` is {texture!r}, but this model remembers no photographs")
        palette = texture == "palette"
        spread = self.networks.shape_prior.spread().clamp(min=1e-6)
        found = []
        for one in (bare[k] for k in range(len(bare))):
            fingerprint = 0 if one.surface is None else int(one.surface.source[0])
            if one.surface is None or fingerprint == 0 or not self.dresser.has_clothes:
                worn = self.donors.sample(one.shape, spread, generator, palette=palette)
                found.append(replace(one, texture=worn))
            else:
                worn, texels = self.dresser.dress(fingerprint, generator, palette=palette)
                surface = replace(one.surface, texels=texels)
                found.append(replace(one, texture=worn, surface=surface))
        return GraphicsCode.stack(found)

    @torch.no_grad()
    def dressed_as(self, code: GraphicsCode, photo: Photo, seen: GraphicsCode) -> GraphicsCode:
        """Give codes what was seen in one photograph, fitted to surfaces of their own.

        Args:
            code: Any number of codes.
            photo: As loaded, in the model's field of view.
            seen: What was seen in it, a batch of one.
        """
        window = window_of(photo.rgba[3], self.settings.window_margin)
        side = max(
            COARSE, min(MAX_FETCHED_SIDE, _power_of_two(round(window.half * photo.rgba.shape[1])))
        )
        frame = code.light.new_tensor([[window.centre_x, window.centre_y, window.half]])
        picture = _batch([crop(photo.rgba, window, side)], frame)

        @cache
        def fetched(fingerprint: int) -> Tensor:
            texels = self.dresser.fetched(fingerprint, seen, picture, frame)
            if self.dresser.has_clothes:
                return self.dresser.completed(fingerprint, texels)
            return self.dresser.both_sides(fingerprint, texels)

        theirs = 0 if seen.surface is None else int(seen.surface.source[0])
        dressed = []
        for one in (code[k] for k in range(len(code))):
            one = one.with_texture_of(seen)
            surface = one.surface
            if surface is not None and int(surface.source[0]) not in (0, theirs):
                texels = fetched(int(surface.source[0]))
                one = replace(one, surface=replace(surface, texels=texels))
            dressed.append(one)
        return GraphicsCode.stack(dressed)

    @torch.no_grad()
    def with_texture_of(self, code: GraphicsCode, other: GraphicsCode) -> GraphicsCode:
        """Return codes with the textures of others of the same batch size.

        As `GraphicsCode.with_texture_of`, and what is worn by a carried or given surface is laid on
        surfaces of other sources.

        Raises:
            TypeError, ValueError: If it is no graphics code, or has more or fewer items.
            DataError: If a source is not remembered.
        """
        code, other = self._to_device(code), self._to_device(other)
        dressed = code.with_texture_of(other)
        surface, theirs = dressed.surface, other.surface
        if surface is None or theirs is None or theirs.texels is None:
            return dressed
        worn = []
        for k, (to, of) in enumerate(
            zip(surface.source.tolist(), theirs.source.tolist(), strict=True)
        ):
            texels = theirs.texels[k : k + 1]
            if 0 in (to, of):
                texels = torch.zeros_like(texels)
            elif to != of:
                texels = lent(self.surfaces, texels, of, to)
            own = Surface(surface.source[k : k + 1], surface.moves[k : k + 1], texels)
            worn.append(replace(dressed[k], surface=own))
        return GraphicsCode.stack(worn)

    @torch.no_grad()
    def in_frame(self, code: GraphicsCode) -> GraphicsCode:
        """Move objects, as little as it takes, to where the frame does not cut them."""
        code = self._to_device(code)
        translation = code.pose.translation.clone()
        for some in self.surfaces(code):
            pose = code.pose[some.items]
            moved = moved_into_frame(some.vertices, pose, fov_y=self.networks.fov_y)
            translation[some.items] = moved.translation
        return replace(code, pose=Pose(code.pose.angles, translation))

    @torch.no_grad()
    def directions(self, part: Part, count: int) -> Directions | None:
        """Find in which ways remembered shapes, textures or lights differ most.

        Args:
            part: Of shapes and lights the codes are meant; of textures the sRGB albedo of whole
                ones on the template, 3 x 64 x 64 numbers.
            count: How many directions, at most.

        Returns:
            The directions; None where fewer than two are remembered.
        """
        if part not in self._directions:
            self._directions[part] = self._found_directions(part)
        found = self._directions[part]
        return None if found is None else found.first(count)

    def _found_directions(self, part: Part) -> Directions | None:
        sources, donors = self.memory.sources, self.donors
        if part == "shape":
            rows = [one.code for one in sources]
        elif donors is None:
            rows = []
        elif part == "light":
            rows = [one.code.light[0].flatten() for one in donors.donors]
        else:
            whole = torch.stack([donors.whole(k) for k in range(len(donors.donors))])
            rows = list(pooled(whole[:, :3], DIRECTION_TEXELS).flatten(1))
        if len(rows) < 2:
            return None
        return Directions.of(torch.stack(rows).to(self.device), len(rows))

    @torch.no_grad()
    def moved_along(
        self, code: GraphicsCode, part: Part, deviations: Sequence[float]
    ) -> GraphicsCode:
        """Go from one code along the principal directions of one part.

        Args:
            code: A batch of one.
            part: What changes.
            deviations: Standard deviations along each of the first directions.

        Returns:
            The code; unchanged where too little is remembered for so many directions.
        """
        code = self._to_device(code)
        if not any(deviations):
            return code
        found = self.directions(part, len(deviations))
        if found is None or len(found.steps) < len(deviations):
            return code
        step = found.steps.new_tensor(list(deviations)) @ found.steps
        if part == "shape":
            return replace(code, shape=code.shape + step)
        if part == "light":
            return replace(code, light=code.light + step.view(1, 9, 3))
        shift = step.view(1, 3, DIRECTION_TEXELS, DIRECTION_TEXELS)
        return with_albedo_shifted(self.surfaces, code, shift)

    @torch.no_grad()
    def places(self, count: int) -> Places:
        """Return points spread over the surface, which `Places.on` finds on every code.

        Args:
            count: How many, at most.
        """
        plain = self.plain(self.networks.shape_prior.mean[None])
        rows = spread_out(self.networks.renderer.deformation.template, count)[:count]
        vertices = self.networks.renderer.vertices(plain.shape)[0]
        return Places.at(self.surfaces, plain, vertices[rows.to(vertices.device)])

    # DRAW -------------------------------------------------------------------------------------

    @torch.no_grad()
    def draw(
        self,
        code: GraphicsCode,
        size: int | tuple[int, int] = 256,
        *,
        framed: bool = False,
        fov_y: float | None = None,
        shadow: bool = False,
    ) -> Float[np.ndarray, "b h w 4"]:
        """Draw codes as straight-alpha sRGB pictures, row 0 on top.

        Args:
            code: Graphics codes of this model.
            size: Side, or height and width, in pixels, at least 1.
            framed: Move the window to the object instead of showing the camera's whole frame.
            fov_y: Full vertical field of view of the frame, in radians; the model's by default.
                Pictures that were seen with another one are drawn with it: `Seen.fov_y`.
            shadow: Let a soft shadow fall on the ground; see `code_to_image.ground`.

        Returns:
            Pictures in [0, 1].

        Raises:
            TypeError: If ``code`` is no graphics code, or ``size`` no whole numbers.
            ValueError: If a part of the code has another length than this model's, the size is
                less than a pixel, or the field of view is out of its range.
        """
        height, width = checked_size(size)
        fov_y = self.networks.fov_y if fov_y is None else checked_fov_y(fov_y)
        code = self._to_device(code)
        # No code holds finer detail; drawn at a phone's resolution, a picture would take gigabytes.
        scale = min(2.0, MAX_DRAWN_SIDE / max(height, width))
        fine = (max(1, round(height * scale)), max(1, round(width * scale)))
        window = torch.tensor([[0.0, 0.0, 1.0]], device=self.device).expand(len(code), 3)
        if framed:
            window = torch.empty_like(window, memory_format=torch.contiguous_format)
            for some in self.surfaces(code):
                placed = code.pose[some.items].place(some.vertices)
                window[some.items] = window_around(placed, fov_y=fov_y, margin=0.15)
        view = View(window, fine, fov_y)
        drawn = self.surfaces.draw(code, view)
        if shadow:
            drawn = under(drawn, self.surfaces.shadow(code, view))
        picture = unpremultiplied(resized(drawn, (height, width)))
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
        meshes: dict[int, Mesh] = {}
        for some in self.surfaces(code):
            vertices = some.vertices.cpu().numpy()
            albedo = some.albedo.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
            for k, item in enumerate(some.items):
                meshes[item] = Mesh(
                    vertices=vertices[k],
                    faces=some.faces.topology.faces.cpu().numpy(),
                    uv_faces=some.faces.uv_faces.cpu().numpy(),
                    uv=some.faces.uv[0].cpu().numpy(),
                    texture=albedo[k],
                )
        return [meshes[k] for k in range(len(code))]

    @torch.no_grad()
    def shape_morphs(self, code: GraphicsCode, count: int) -> dict[str, Float[np.ndarray, "v 3"]]:
        """Return how far one code's vertices move along the principal directions of shape.

        Args:
            code: A batch of one.
            count: How many directions, at most.

        Returns:
            For each direction, by its name, the way of every vertex of `mesh` where the shape goes
            one standard deviation along it; nothing where fewer than two shapes are remembered.
        """
        directions = self.directions("shape", count)
        if directions is None:
            return {}
        code = self._to_device(code)
        moved = GraphicsCode.stack([replace(code, shape=code.shape + x) for x in directions.steps])
        still = self.mesh(code).vertices
        return {
            f"shape {k + 1}": mesh.vertices - still for k, mesh in enumerate(self.meshes(moved))
        }

    def _to_device(self, code: GraphicsCode) -> GraphicsCode:
        """Bring a code to where the weights are, and to their precision."""
        code = checked_code(code, self.settings)
        return code.map(
            lambda x: x.to(self.device, torch.float32 if x.is_floating_point() else x.dtype)
        )


def load(path: str | Path, *, device: str = "cpu") -> Model:
    """Load a model from a run folder or a model file.

    Args:
        path: The folder of `shapecycle train`, or a safetensors file of it.
        device: Where the weights go: "cpu", "cuda" or "mps"; "auto" for a GPU if there is one.

    Raises:
        CheckpointError: If there is none, or it is not one of ours.
        ConfigError: If there is no such device.
    """
    return Model(*load_model(Path(path), chosen_device(device)))


def _loaded(image: Picture, number: int, count: int) -> Photo:
    if isinstance(image, str | Path):
        return load_photo(Path(image), to_see=True)
    name = "the picture" if count == 1 else f"picture {number} of {count}"
    if isinstance(image, Image.Image):
        try:
            image = pixels_of(image)
        except DAMAGE as fault:  # it is read from its file only now
            raise ValueError(f"{name} cannot be read: {fault}") from fault
    if not isinstance(image, np.ndarray | Tensor):
        raise TypeError(
            f"{name} must be a file, a Pillow image or an array, found {type(image).__name__}: "
            "save it as RGBA, or give an array of h x w x 4 numbers in [0, 1]"
        )
    return Photo(Path("array"), checked_picture(image, name), is_bare_mask=image.ndim == 2)


def _picked(poses: list[Pose], numbers: Int[Tensor, " b"]) -> Pose:
    """Take for each item one of several poses."""
    row = torch.arange(len(numbers), device=numbers.device)
    angles, translation = (
        torch.stack(parts)[numbers, row]
        for parts in ([one.angles for one in poses], [one.translation for one in poses])
    )
    return Pose(angles, translation)


def _why_template(options: SeeOptions, *, is_remembered: bool) -> str:
    """Return why no source is tried; "" where some are."""
    if not is_remembered:
        return "the model remembers no shapes"
    if options.surface == "template":
        return "as asked for"
    if options.surface == "auto" and options.refine_steps == 0:
        return "nothing was to be fitted"
    return ""


def _power_of_two(side: int) -> int:
    """Return the largest power of two that is not larger."""
    return 1 << (side.bit_length() - 1)


def _batch(arrays: list[np.ndarray], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(arrays)).to(like)
