"""Texture completion: what a photograph does not show is borrowed from one that does.

All photographs lie on the template's one texture. A donor is a training photograph's texels; its
colours are mapped to those of the picture by what both show.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import radians

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from shapecycle.camera import Pose
from shapecycle.code_to_image.texture import pull_push
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.memory.paint import coarse, prevailing_colour, repainted

SIDE = 128
"""Texels along a side of what is kept of a donor."""
ROUNDS = 4
"""Donors that are asked, one after the other."""
RIDGE = 0.5
"""Texels by which a colour map is held to leave colours as they are."""
LACKING = 0.15
"""What a donor costs that shows nothing of what is missing, in squared colour differences."""
FEW = 2.0
"""Common texels below which a donor is trusted less."""
ALIKE = 8
"""Donors of like shape among which one is drawn, at least."""
WHOLE = 256
"""Completed donors that are kept, of those used last: 0.3 MB each."""
ANGLES_APART = (radians(6), radians(2), radians(0.5))
"""Standard deviation of a drawn pose's azimuth, elevation and roll from a donor's, in radians."""
DISTANCE_APART = 0.03
"""The same of the logarithm of the distance."""
FILLED = 0.02
"""Share of the texels below which nothing counts as missing."""


@dataclass(frozen=True, eq=False)
class Donor:
    """What was seen in a training photograph.

    Attributes:
        name: Of its file, without the ending.
        code: Its graphics code, a batch of one on the template, with texels.
        picture: Straight-alpha crop of the photograph; None in files of earlier models.
        window: Of the crop, in the frame that the networks know.
    """

    name: str
    code: GraphicsCode
    picture: Float[Tensor, "4 p p"] | None = None
    window: Float[Tensor, "3"] | None = None

    @staticmethod
    def of(
        name: str,
        code: GraphicsCode,
        picture: Float[Tensor, "4 p p"],
        window: Float[Tensor, "3"],
    ) -> "Donor":
        """Keep of a code what lends colours: no surface, and texels of ``SIDE``."""
        assert code.texture.texels is not None
        texels = resized(code.texture.texels, SIDE)
        code = replace(code, texture=Texture(code.texture.code, texels), surface=None)
        return Donor(name, code.map(torch.Tensor.cpu), picture, window)

    @property
    def texels(self) -> Float[Tensor, "4 s s"]:
        """sRGB albedo and how well each texel was seen, as in `graphics_code.Texture`."""
        texels = self.code.texture.texels
        assert texels is not None
        return texels[0]


def both_sides(texels: Float[Tensor, "b 4 s s"]) -> Float[Tensor, "b 4 s s"]:
    """Lay what was seen over its mirror image."""
    return over(texels, texels.flip(-1))


class Donors:
    """The donors of a model.

    Args:
        donors: At least one.
        device: Where textures are completed.
    """

    def __init__(self, donors: Sequence[Donor], device: torch.device) -> None:
        self.donors = list(donors)
        self.shapes = torch.cat([one.code.shape for one in donors]).to(device)
        self.whole = lru_cache(WHOLE)(self._whole)
        texels = torch.stack([resized(one.texels[None], SIDE)[0] for one in donors]).to(device)
        self.texels: Float[Tensor, "d 4 s s"] = both_sides(texels)
        self._coarse = coarse(self.texels)

    def complete(self, texels: Float[Tensor, "b 4 s s"]) -> Float[Tensor, "b 4 s s"]:
        """Return colours for what was not seen, and how much of each texel they fill."""
        return torch.cat([self._complete(one[None]) for one in texels])

    def _whole(self, number: int) -> Float[Tensor, "4 s s"]:
        """Return all that is known of one donor's texture, completed by the others."""
        known = self.texels[number : number + 1]
        return over(known, self._complete(known, but=number))[0]

    def alike(
        self, shape: Float[Tensor, " n"], spread: Float[Tensor, " n"], *, least: int = ALIKE
    ) -> Int[Tensor, " k"]:
        """Return the donors whose shapes are most alike to one: a sixteenth, or the least."""
        away = ((self.shapes - shape) / spread).norm(dim=1)
        count = min(len(away), max(least, len(away) // 16))
        # In their own order: rounding must not decide which one a random number means.
        return away.topk(count, largest=False).indices.sort().values

    def repainted(self, texels: Float[Tensor, "4 s s"], number: int) -> Float[Tensor, "4 s s"]:
        """Give what is painted in the prevailing colour that of a donor."""
        ours, theirs = (
            prevailing_colour(x) for x in (coarse(texels[None])[0], self._coarse[number])
        )
        return repainted(texels, ours, theirs)

    def sample(
        self,
        shape: Float[Tensor, "b n"],
        spread: Float[Tensor, " n"],
        generator: torch.Generator,
        *,
        palette: bool,
    ) -> Texture:
        """Dress shapes in what donors of like shape wore, wholly completed.

        Args:
            shape: Shape codes.
            spread: Standard deviation of each number of the training shapes' codes.
            generator: Source of randomness, on the CPU.
            palette: Whether in the colours of another donor.
        """
        texels, codes = [], []
        for one in shape:
            near = self.alike(one, spread).tolist()
            first, second = torch.randint(len(near), (2,), generator=generator).tolist()
            whole = self.whole(near[first])
            texels.append(self.repainted(whole, near[second]) if palette else whole)
            codes.append(self.donors[near[first]].code.texture.code.to(shape))
        return Texture(torch.cat(codes), torch.stack(texels))

    def sample_pose(self, count: int, generator: torch.Generator) -> Pose:
        """Draw poses near those of the donors."""
        picks = torch.randint(len(self.donors), (count,), generator=generator).tolist()
        poses = [self.donors[k].code.pose for k in picks]
        noise = torch.randn(count, 4, generator=generator)
        angles = torch.cat([one.angles for one in poses])
        translation = torch.cat([one.translation for one in poses])
        turned = angles + noise[:, :3] * torch.tensor(ANGLES_APART)
        return Pose(turned, translation * (DISTANCE_APART * noise[:, 3:]).exp())

    def sample_light(self, count: int, generator: torch.Generator) -> Float[Tensor, "b 9 3"]:
        """Draw lights of the donors."""
        picks = torch.randint(len(self.donors), (count,), generator=generator).tolist()
        return torch.cat([self.donors[k].code.light for k in picks])

    def _complete(
        self, texels: Float[Tensor, "1 4 s s"], *, but: int | None = None
    ) -> Float[Tensor, "1 4 s s"]:
        known = both_sides(texels)
        filled, small = torch.zeros_like(known), coarse(known)[0]
        for _ in range(ROUNDS):
            missing = 1 - small[:, 3]
            if missing.mean() < FILLED:
                break
            best, colours = self._best(small, missing, but)
            if best is None:
                break
            shown = resized(self.texels[best : best + 1], texels.shape[-1])
            mapped = colours(shown[:, :3].flatten(2)[0].mT).mT.view(shown[:, :3].shape)
            everything = over(known, filled)
            common = everything[:, 3:] * shown[:, 3:]
            # Half of what still differs where both show something goes along.
            off = pull_push(common * (everything[:, :3] - mapped), common)
            new = torch.cat([(mapped + 0.5 * off).clamp(0, 1), shown[:, 3:]], 1)
            filled = over(filled, new)
            small = coarse(over(known, filled))[0]
        left = (1 - known[:, 3:]).clamp(0, 1)
        return torch.cat([filled[:, :3], filled[:, 3:] * left], 1)

    def _best(
        self, known: Float[Tensor, "t 4"], missing: Float[Tensor, " t"], but: int | None
    ) -> tuple[int | None, "ColourMap"]:
        """Choose the donor that agrees best with what is known and shows most of the rest."""
        shown, is_known = self._coarse[..., 3], known[:, 3] > 0
        small, wanted = self._coarse[:, is_known], known[is_known]
        common = small[..., 3] * wanted[:, 3]
        maps = ColourMap.fitted(small[..., :3], wanted[:, :3], common)
        error = (maps(small[..., :3]) - wanted[:, :3]).square().sum(2)
        count = common.sum(1)
        residual = (common * error).sum(1) / count.clamp(min=1e-3)
        gained = (shown * missing).sum(1) / missing.sum().clamp(min=1e-6)
        score = residual + LACKING * (1 - gained) + LACKING * (1 - count / FEW).clamp(min=0)
        if but is not None:
            score[but] = torch.inf
        best = int(score.argmin())
        return (best if gained[best] > FILLED else None), maps[best]


@dataclass(frozen=True, eq=False)
class ColourMap:
    """Maps of colours under which greys stay grey: a paint becomes another, tyres stay black.

    Attributes:
        grey: What the mean of the three channels is multiplied by, and what is added.
        colour: What the differences from that mean are multiplied by.
    """

    grey: Float[Tensor, "*d 2"]
    colour: Float[Tensor, "*d 3 3"]

    @staticmethod
    def fitted(
        donors: Float[Tensor, "d t 3"], wanted: Float[Tensor, "t 3"], weight: Float[Tensor, "d t"]
    ) -> "ColourMap":
        """Fit a map for each donor, held near to no change."""
        count = len(donors)
        mean = donors.mean(2)
        away, heavy = donors - mean[..., None], weight[..., None]
        even = torch.stack([mean, torch.ones_like(mean)], 2)
        # Unknowns: the two of the grey, then three for each channel.
        left = torch.zeros(count, 11, 11, dtype=torch.float64, device=donors.device)
        left[:, :2, :2] = 3 * (heavy * even).mT @ even
        right = torch.zeros_like(left[:, :, 0])
        right[:, :2] = ((heavy * even).mT @ wanted).sum(2)
        mixed, own = (heavy * even).mT @ away, (heavy * away).mT @ away
        answers = (heavy * away).mT @ wanted
        for c in range(3):
            part = slice(2 + 3 * c, 5 + 3 * c)
            left[:, :2, part], left[:, part, :2] = mixed, mixed.mT
            left[:, part, part] = own
            right[:, part] = answers[:, :, c]
        still = torch.cat([torch.tensor([1.0, 0.0]), torch.eye(3).flatten()]).to(right)
        left = left + RIDGE * torch.eye(11).to(left)
        # On processors PyTorch 2.13 solves batches wrongly with several threads.
        solved = np.linalg.solve(
            left.cpu().numpy(), (right + RIDGE * still)[..., None].cpu().numpy()
        )
        found = torch.from_numpy(solved[..., 0]).to(donors)
        return ColourMap(found[:, :2], found[:, 2:].view(count, 3, 3))

    def __getitem__(self, index: int) -> "ColourMap":
        return ColourMap(self.grey[index], self.colour[index])

    def __call__(self, colours: Float[Tensor, "*d t 3"]) -> Float[Tensor, "*d t 3"]:
        mean = colours.mean(-1, keepdim=True)
        grey = mean * self.grey[..., :1, None] + self.grey[..., 1:, None]
        return (grey + (colours - mean) @ self.colour.mT).clamp(0, 1)


def over(
    upper: Float[Tensor, "b 4 h w"], lower: Float[Tensor, "b 4 h w"]
) -> Float[Tensor, "b 4 h w"]:
    """Lay texels over others, by their weights."""
    left = lower[:, 3:] * (1 - upper[:, 3:])
    weight = upper[:, 3:] + left
    colour = upper[:, 3:] * upper[:, :3] + left * lower[:, :3]
    return torch.cat([colour / weight.clamp(min=1e-6), weight], 1)


def resized(image: Float[Tensor, "b 4 s s"], side: int) -> Float[Tensor, "b 4 t t"]:
    """Resize texels, colours by their weights."""
    if image.shape[-1] == side:
        return image
    heavy = torch.cat([image[:, :3] * image[:, 3:], image[:, 3:]], 1)
    new = F.interpolate(heavy, (side, side), mode="bilinear", align_corners=False, antialias=True)
    return torch.cat([new[:, :3] / new[:, 3:].clamp(min=1e-6), new[:, 3:]], 1)
