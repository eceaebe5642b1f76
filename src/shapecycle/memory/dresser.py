"""Dressing: a surface is coloured with what photographs showed of shapes that are like it.

The surface itself is bent to each photograph, as in `memory.carry`, so that wheels lie on wheels;
then the photograph's colours are fetched. What one photograph does not show is taken from others,
all of them painted in one colour.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shapecycle.camera import View
from shapecycle.graphics_code import GraphicsCode, Surface, Texture
from shapecycle.memory.carry import fit
from shapecycle.memory.donors import Donors, over, resized
from shapecycle.memory.paint import coarse, prevailing_colour, repainted
from shapecycle.memory.surfaces import CORRECTED, SurfaceDecoder
from shapecycle.model_networks import Networks
from shapecycle.pooling import pooled

ALIKE = 12
"""Donors of like shape from which a surface is dressed."""
STEPS = 20
"""Of bending it to their photographs."""
FINER = 3
"""Texels along a side of what is fetched, for each pixel of the photographs."""
MOST_TEXELS = 2048
"""Along a side of what is fetched."""
KEPT = 16
"""Surfaces whose clothes are kept, of those used last: 7 MB each."""
AT_ONCE = 60_000
"""Vertices that are bent at once."""
MIRRORED = 0.9
"""Weight of what the mirror image shows."""
COMPARED = 600
"""Texels by which photographs are compared."""
LACKING = 0.15
"""What a photograph costs that shows nothing of what is missing, in squared colour differences."""
ROUNDS = 6
"""Photographs that are asked for what the first does not show."""
ENOUGH = 0.02
"""Share of the texels below which nothing counts as missing, or as shown."""


@dataclass(frozen=True, eq=False)
class Clothes:
    """What photographs show of one surface.

    Attributes:
        texels: Colours and weights of the texels that lie on its charts, what a mirror image shows
            included; see `graphics_code.Surface`.
        paints: The colour that prevails in each photograph, sRGB; None where none does.
        numbers: Of the donors they are from.
        side: Texels along a side of the surface's texture.
    """

    texels: Float[Tensor, "k 4 t"]
    paints: list[Float[Tensor, "3"] | None]
    numbers: list[int]
    side: int

    def worn(self, first: int, paint: Float[Tensor, "3"] | None) -> Float[Tensor, "4 t"]:
        """Return what one photograph shows, completed by the others, all in one paint."""
        return self.completed(self._painted(first, paint), paint, but=first)

    def completed(
        self,
        known: Float[Tensor, "4 t"],
        paint: Float[Tensor, "3"] | None,
        *,
        but: int | None = None,
    ) -> Float[Tensor, "4 t"]:
        """Complete what is known of a surface by the photographs, painted in its paint."""
        for number in self._asked(known, paint, but):
            known = _over(known, self._painted(number, paint))
        return known

    def _asked(
        self, known: Float[Tensor, "4 t"], paint: Float[Tensor, "3"] | None, but: int | None
    ) -> list[int]:
        """Choose the photographs that agree with what is known and show most of what is missing."""
        shown = (self.texels[:, 3].amax(0) > 0.3).nonzero()[:, 0]
        some = shown[:: max(1, len(shown) // COMPARED)]
        # Where no colour prevails none can be changed, and two colours would meet.
        left = [k for k, ours in enumerate(self.paints) if ours is not None and k != but]
        compared = {k: self._painted(k, paint, some) for k in left}
        asked: list[int] = []
        known = known[:, some]
        while left and len(asked) < ROUNDS:
            missing = 1 - known[3]
            if missing.mean() < ENOUGH:
                break
            others = torch.stack([compared[k] for k in left])
            common = others[:, 3] * known[3]
            differ = (others[:, :3] - known[:3]).square().sum(1)
            residual = (common * differ).sum(1) / common.sum(1).clamp(min=1e-3)
            gained = (others[:, 3] * missing).sum(1) / missing.sum()
            best = int((residual + LACKING * (1 - gained)).argmin())
            if gained[best] < ENOUGH:
                break
            known = _over(known, others[best])
            asked.append(left.pop(best))
        return asked

    def _painted(
        self,
        number: int,
        paint: Float[Tensor, "3"] | None,
        some: Int[Tensor, " c"] | slice = slice(None),
    ) -> Float[Tensor, "4 u"]:
        return repainted(self.texels[number, :, some].float(), self.paints[number], paint)


def _over(upper: Float[Tensor, "4 t"], lower: Float[Tensor, "4 t"]) -> Float[Tensor, "4 t"]:
    return over(upper[None, :, None], lower[None, :, None])[0, :, 0]


class Dresser:
    """Dresses surfaces in what donors wore.

    Args:
        networks: Decode.
        decoder: Knows the surfaces.
        donors: Whose photographs are remembered, if any are.
        side: Texels along a side of what they wear, at most.
        steps: Of bending a surface to a photograph.
        corrected: As in `SurfaceDecoder.texels`.

    Attributes:
        has_clothes: Whether there are photographs to `dress` surfaces in.
    """

    def __init__(
        self,
        networks: Networks,
        decoder: SurfaceDecoder,
        donors: Donors | None,
        *,
        side: int = MOST_TEXELS,
        steps: int = STEPS,
        corrected: int = CORRECTED,
    ) -> None:
        self.networks, self.decoder, self.donors = networks, decoder, donors
        self.side, self.steps, self.corrected = side, steps, corrected
        self.has_clothes = donors is not None and all(
            one.picture is not None and one.window is not None for one in donors.donors
        )
        self.clothes = lru_cache(KEPT)(self._clothes)
        self._twins = lru_cache(KEPT)(self._found_twins)

    def dress(
        self, fingerprint: int, generator: torch.Generator, *, palette: bool
    ) -> tuple[Texture, Float[Tensor, "1 4 a a"]]:
        """Dress one surface in what a donor of like shape wore.

        Args:
            fingerprint: Of the surface's source.
            generator: Source of randomness, on the CPU.
            palette: Whether in the colour of another donor.

        Returns:
            What the template wears under it, and texels of the surface's own.
        """
        clothes, donors = self.clothes(fingerprint), self.donors
        assert donors is not None
        first, second = torch.randint(len(clothes.numbers), (2,), generator=generator).tolist()
        own = clothes.paints[first]
        paint = clothes.paints[second] if palette and own is not None else own
        paint = own if paint is None else paint
        number = clothes.numbers[first]
        under = donors.whole(number)
        under = repainted(under, prevailing_colour(coarse(under[None])[0]), paint)
        texture = Texture(donors.donors[number].code.texture.code.to(under), under[None])
        side = clothes.side
        atlas = self.decoder.atlas(fingerprint, side)
        texels = under.new_zeros(1, 4, side * side)
        texels[0, :, atlas.seen.mask.flatten()] = clothes.worn(first, paint)
        return texture, atlas.spread(texels.view(1, 4, side, side))

    @torch.no_grad()
    def completed(
        self, fingerprint: int, texels: Float[Tensor, "1 4 a a"]
    ) -> Float[Tensor, "1 4 a a"]:
        """Complete what a picture shows of one surface by donors that are painted like it.

        Args:
            fingerprint: Of the surface's source.
            texels: What the picture shows, of any size; it stays as it is.
        """
        clothes = self.clothes(fingerprint)
        side, on_charts = clothes.side, self._on_charts(fingerprint, clothes.side)
        known = self.both_sides(fingerprint, resized(texels, side))
        paint = prevailing_colour(coarse(known * on_charts.view(side, side))[0])
        if paint is None:
            return texels
        whole = known.flatten(2).clone()
        whole[0][:, on_charts] = clothes.completed(whole[0][:, on_charts], paint)
        atlas = self.decoder.atlas(fingerprint, side)
        return over(texels, resized(atlas.spread(whole.view(known.shape)), texels.shape[-1]))

    def _on_charts(self, fingerprint: int, side: int) -> Bool[Tensor, " t"]:
        return self.decoder.atlas(fingerprint, side).seen.mask.flatten()

    @torch.no_grad()
    def fetched(
        self,
        fingerprint: int,
        code: GraphicsCode,
        pictures: Float[Tensor, "b 4 p p"],
        windows: Float[Tensor, "b 3"],
    ) -> Float[Tensor, "b 4 a a"]:
        """Bend one surface to photographs, and fetch what they show of it.

        Args:
            fingerprint: Of the surface's source.
            code: What was seen in the photographs.
            pictures: Their straight-alpha crops.
            windows: What the crops show.
        """
        sources, row = self.decoder.found(fingerprint)
        at_once = max(1, AT_ONCE // len(sources.sources[row].vertices))
        side = min(self.side, FINER * pictures.shape[-1])
        height, width = pictures.shape[2:]
        found = []
        for some in torch.arange(len(code)).split(at_once):
            one, picture = code[some], pictures[some]
            view = self.networks.view(windows[some])
            carried = fit(
                self.networks, sources, self.decoder.handles, row, one.shape, one.pose,
                pooled(picture[:, 3:], view.size[0]), view, steps=self.steps,
            )  # fmt: skip
            prints = torch.full((len(some),), fingerprint, device=one.shape.device)
            fitted = GraphicsCode(
                one.shape, one.texture, carried.pose, one.light, Surface(prints, carried.moves)
            )
            for k in range(len(some)):
                close = View(view.window[k : k + 1], (height, width), view.fov_y)
                seen = picture[k : k + 1]
                found.append(
                    self.decoder.texels(fitted[k], seen, close, side, corrected=self.corrected)
                )
        return torch.cat(found)

    def _clothes(self, fingerprint: int) -> Clothes:
        """Fetch what the donors of like shape show of a surface."""
        donors, decoder = self.donors, self.decoder
        assert donors is not None
        sources, row = decoder.found(fingerprint)
        device = donors.shapes.device
        spread = self.networks.shape_prior.spread().clamp(min=1e-6)
        shape = sources.sources[row].code.to(device)
        numbers = donors.alike(shape, spread, least=ALIKE).tolist()
        some = [donors.donors[k] for k in numbers]
        pictures, windows = (
            torch.stack([part for part in parts if part is not None]).to(device)
            for parts in ([one.picture for one in some], [one.window for one in some])
        )
        code = GraphicsCode.stack([one.code for one in some]).map(lambda x: x.to(device))
        texels = self.both_sides(fingerprint, self.fetched(fingerprint, code, pictures, windows))
        atlas = decoder.atlas(fingerprint, texels.shape[-1])
        texels = texels * atlas.seen.mask[:, None]
        paints = [prevailing_colour(one) for one in coarse(texels)]
        on_charts = texels.flatten(2)[:, :, atlas.seen.mask.flatten()]
        return Clothes(on_charts.half(), paints, numbers, atlas.side)

    def both_sides(
        self, fingerprint: int, texels: Float[Tensor, "b 4 a a"]
    ) -> Float[Tensor, "b 4 a a"]:
        """Lay what was seen of a surface over its mirror image, where objects are symmetric."""
        if not self.networks.settings.symmetric:
            return texels
        atlas = self.decoder.atlas(fingerprint, texels.shape[-1])
        twin, is_there = self._twins(fingerprint, atlas.side)
        mirrored = texels.flatten(2)[:, :, twin]
        weight = MIRRORED * mirrored[:, 3:] * is_there
        mirrored = torch.cat([mirrored[:, :3], weight], 1).view(texels.shape)
        return over(texels, atlas.spread(mirrored))

    def _found_twins(
        self, fingerprint: int, side: int
    ) -> tuple[Int[Tensor, " t"], Bool[Tensor, " t"]]:
        sources, row = self.decoder.found(fingerprint)
        vertices = sources.sources[row].vertices[None]
        atlas = self.decoder.atlas(fingerprint, side)
        return atlas.twins(vertices.to(atlas.template_uv.device))
