"""Codes become surfaces: the decoded template, or a source that is carried to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.camera import View
from shapecycle.code_to_image.compositing import resized, unpremultiplied
from shapecycle.code_to_image.ground import ground_shadow
from shapecycle.code_to_image.renderer import Renderer, TexturedFaces, depth
from shapecycle.code_to_image.texture import laid_over
from shapecycle.errors import DataError
from shapecycle.geometry.boxes import to_unit_box
from shapecycle.graphics_code import GraphicsCode, Surface
from shapecycle.image_to_code.unprojection import Unprojection
from shapecycle.memory.atlas import Atlas
from shapecycle.memory.source import Source
from shapecycle.memory.sources import Handles, Sources

ATLAS_SIDE = 512
"""Texels along a side of a carried surface's texture, unless a photograph showed more."""
CORRECTED = 2
"""Times that what is fetched from a picture is corrected by what its drawing lacks."""
WHOLE = 0.98
"""Coverage from which a pixel shows one surface alone."""
SAMPLES = 2
"""Drawn along each side of a pixel."""
HELD = 64
"""Given shapes that are held, of those used last."""
ATLASES = 24
"""Atlases that are kept, of those used last: one of 1,024 texels a side takes 27 MB."""


@dataclass(frozen=True, eq=False)
class Surfaces:
    """Surfaces of some codes of a batch, which share their faces.

    Attributes:
        items: Their numbers in the batch.
        vertices: In object space; bounding boxes are centred and have a diagonal of 1.
        faces: Their faces.
        albedo: sRGB albedo images.
        source: What was carried, if it was.
    """

    items: list[int]
    vertices: Float[Tensor, "k n 3"]
    faces: TexturedFaces
    albedo: Float[Tensor, "k 3 s s"]
    source: Source | None


class SurfaceDecoder:
    """Decodes codes into surfaces.

    Args:
        renderer: Decodes shapes and textures.
        mean: The mean shape code.
        sources: What the model remembers, which may be nothing.
        handles: The template's vertices that are handles, if they were chosen before.
    """

    def __init__(
        self,
        renderer: Renderer,
        mean: Float[Tensor, " n"],
        sources: Sequence[Source],
        handles: Int[Tensor, " m"] | None = None,
    ) -> None:
        self.renderer = renderer
        self.handles = Handles(renderer, mean, handles)
        self.sources = Sources(sources, renderer) if sources else None
        self._held: dict[int, Sources] = {}
        self.atlas = lru_cache(ATLASES)(self._atlas)

    def __call__(self, code: GraphicsCode) -> Iterator[Surfaces]:
        """Decode codes, those of one source together.

        Raises:
            DataError: If a source is not remembered.
        """
        templates = self.renderer.vertices(code.shape)
        albedo = self.renderer.albedo(code.texture)
        fingerprints = [0] * len(code) if code.surface is None else code.surface.source.tolist()
        for fingerprint in dict.fromkeys(fingerprints):
            items = [k for k, found in enumerate(fingerprints) if found == fingerprint]
            vertices = self.vertices(code[items], templates[items])
            if fingerprint == 0:
                yield Surfaces(items, vertices, self.renderer.faces, albedo[items], None)
                continue
            assert code.surface is not None
            texels = code.surface.texels
            atlas = self.atlas(fingerprint, ATLAS_SIDE if texels is None else texels.shape[-1])
            colours = atlas.template_colours(albedo[items])
            if texels is not None:
                colours = laid_over(texels[items], colours)
            sources, row = self.found(fingerprint)
            source = sources.sources[row]
            yield Surfaces(items, vertices, atlas.faces, atlas.spread(colours), source)

    def draw(self, code: GraphicsCode, view: View) -> Float[Tensor, "b 4 h w"]:
        """Draw codes on their surfaces; the result is premultiplied sRGB and coverage.

        Raises:
            DataError, ValueError: As `vertices` does.
        """
        result = code.light.new_empty(len(code), 4, *view.size)
        for some in self(code):
            result[some.items] = self.renderer.draw_surface(
                some.vertices,
                some.albedo,
                code.pose[some.items],
                code.light[some.items],
                View(view.window[some.items], view.size, view.fov_y),
                faces=some.faces,
            )
        return result

    def shadow(self, code: GraphicsCode, view: View) -> Float[Tensor, "b 1 h w"]:
        """Return the opacity of the shadows on the ground; see `code_to_image.ground`."""
        result = code.light.new_empty(len(code), 1, *view.size)
        for some in self(code):
            result[some.items] = ground_shadow(
                some.vertices,
                some.faces.topology,
                code.pose[some.items],
                View(view.window[some.items], view.size, view.fov_y),
            )
        return result

    def vertices(
        self, code: GraphicsCode, templates: Float[Tensor, "b v 3"]
    ) -> Float[Tensor, "b n 3"]:
        """Return the vertices of codes that share one source, or have none.

        Raises:
            DataError: If the source is not remembered.
            ValueError: If the handles are those of another model.
        """
        if code.surface is None:
            return templates
        fingerprint, points = int(code.surface.source[0]), templates
        if fingerprint != 0:
            sources, row = self.found(fingerprint)
            rows = code.surface.source.new_full((len(code),), row)
            points = sources.carried(rows, templates)[:, : len(sources.sources[row].vertices)]
        found = code.surface.moves.shape[1]
        if found != len(self.handles):
            raise ValueError(
                f"`code.surface.moves` must be {len(self.handles)} x 3 numbers for this model, "
                f"found {found} x 3: use this model's codes, or `replace(code, surface=None)`"
            )
        if not code.surface.moves.any():
            return points
        return to_unit_box(self.handles.moved(points, templates, code.surface.moves))[0]

    def texels(
        self,
        code: GraphicsCode,
        rgba: Float[Tensor, "1 4 h w"],
        view: View,
        side: int,
        *,
        corrected: int = CORRECTED,
    ) -> Float[Tensor, "1 4 a a"]:
        """Fetch what a picture shows of one carried surface, in the source's own texture.

        Fetching and drawing both soften; what a drawing of the texels lacks is added to them.

        Source:
            M. Irani and S. Peleg, "Improving resolution by image registration", CVGIP 1991 (back
            projection).

        Args:
            code: A batch of one.
            rgba: Straight-alpha sRGB picture of the view's window.
            view: The window, in the picture's resolution.
            side: Texels along a side.
            corrected: How often what a drawing lacks is added; each takes as long as fetching.
        """
        assert code.surface is not None
        atlas = self.atlas(int(code.surface.source[0]), side)
        vertices = self.vertices(code, self.renderer.vertices(code.shape))
        placed = code.pose.place(vertices)
        points, normals = (rows[None, atlas.on_charts] for rows in atlas.points(placed))
        nearest = depth(placed, atlas.faces.topology, view)
        unprojection = Unprojection.of(points, normals, nearest, code.light, view)
        height, width = view.size
        fine = View(view.window, (SAMPLES * height, SAMPLES * width), view.fov_y)
        seen, shown = atlas.laid_out(unprojection.fetch(rgba)), rgba
        for _ in range(corrected):
            drawn = self.renderer.draw_surface(
                vertices, seen[:, :3], code.pose, code.light, fine, faces=atlas.faces
            )
            drawn = unpremultiplied(resized(drawn, view.size))
            whole = (drawn[:, 3:] > WHOLE) & (rgba[:, 3:] > WHOLE)
            lacking = whole * (rgba[:, :3] - drawn[:, :3])
            shown = torch.cat([shown[:, :3] + lacking, shown[:, 3:]], 1)
            seen = atlas.laid_out(unprojection.fetch(shown))
        return seen

    def hold(self, source: Source) -> Surface:
        """Make a shape known that the model does not remember; return its surface, as it is."""
        self._held.pop(source.fingerprint, None)
        self._held[source.fingerprint] = Sources([source], self.renderer)
        if len(self._held) > HELD:
            del self._held[next(iter(self._held))]
        device = self.renderer.uv.device
        return Surface(
            torch.tensor([source.fingerprint], device=device),
            torch.zeros(1, len(self.handles), 3, device=device),
        )

    def found(self, fingerprint: int) -> tuple[Sources, int]:
        """Return the sources among which one is, and its number.

        Raises:
            DataError: If it is not known.
        """
        for sources in (self.sources, self._held.get(fingerprint)):
            row = None if sources is None else sources.row(fingerprint)
            if sources is not None and row is not None:
                return sources, row
        raise DataError(
            f"this code's surface was carried from a shape ({fingerprint:016x}) that this "
            "model does not remember",
            "use the model that saw it; give it the shape that was drawn, by `model.canvas(file)`; "
            "or take the template: `replace(code, surface=None)`",
        )

    def _atlas(self, fingerprint: int, side: int) -> Atlas:
        sources, row = self.found(fingerprint)
        return Atlas.of(sources.sources[row], sources.templates[row], self.renderer, side)
