"""What a model remembers: sources and donors, and how they lie in its file."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from shapecycle.camera import Pose
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.memory.donors import Donor
from shapecycle.memory.source import LEVELS, Source

PREFIX = "memory."
"""What the names of its tensors in a model file begin with."""
UV_LEVELS = 2**16 - 1
"""Steps of a stored texture coordinate."""
FAULTS = (
    KeyError,
    TypeError,
    IndexError,
    RuntimeError,
    OSError,
    ValueError,
    Image.DecompressionBombError,
)
"""What damaged tensors raise."""
MAX_DONOR_SIDE = 1024
QUALITY = 90
"""Of the compressed texels, of 100."""


@dataclass(frozen=True, eq=False)
class Memory:
    """What a model remembers of the folders it was trained on.

    Attributes:
        sources: Shapes that can be carried to others.
        donors: Photographs whose texels complete the textures of others.
        handles: Which vertices of the template move carried surfaces; None to choose them anew.
    """

    sources: tuple[Source, ...] = ()
    donors: tuple[Donor, ...] = ()
    handles: Int[Tensor, " m"] | None = None

    def __bool__(self) -> bool:
        return bool(self.sources or self.donors)

    def tensors(self) -> dict[str, Tensor]:
        """Return all of it, quantised, by names that begin with ``PREFIX``."""
        parts: dict[str, Tensor] = {}
        if self.sources:
            vertices = torch.cat([one.vertices for one in self.sources]) * LEVELS
            uv = torch.cat([one.uv for one in self.sources]) * UV_LEVELS - 2**15
            counts = [[len(x) for x in (one.vertices, one.faces, one.uv)] for one in self.sources]
            parts |= {
                "sources.codes": torch.stack([one.code for one in self.sources]).half(),
                "sources.vertices": vertices.round().short(),
                "sources.uv_vertices": torch.cat([_owners(one) for one in self.sources]).short(),
                "sources.uv": uv.round().short(),
                "sources.uv_faces": torch.cat([one.uv_faces for one in self.sources]).short(),
                "sources.counts": torch.tensor(counts),
                "sources.names": _of_names([one.name for one in self.sources]),
            }
        if self.handles is not None:
            parts["handles"] = self.handles
        if self.donors:
            images = [_webp(one.texels) for one in self.donors]
            parts |= {
                "donors.images": _of_bytes(b"".join(images)),
                "donors.counts": torch.tensor([len(image) for image in images]),
                "donors.names": _of_names([one.name for one in self.donors]),
                "donors.shapes": torch.cat([one.code.shape for one in self.donors]).half(),
                "donors.textures": torch.cat([one.code.texture.code for one in self.donors]).half(),
                "donors.poses": torch.cat(
                    [
                        torch.cat([one.code.pose.angles, one.code.pose.translation], 1)
                        for one in self.donors
                    ]
                ),
                "donors.lights": torch.cat([one.code.light for one in self.donors]),
            }
            parts |= _pictures_file(self.donors)
        return {PREFIX + name: part for name, part in parts.items()}

    @staticmethod
    def of(tensors: Mapping[str, Tensor]) -> "Memory":
        """Restore what `tensors` returned; nothing where there is none.

        Raises:
            ValueError: If tensors are missing, or do not fit together.
        """
        found = {k.removeprefix(PREFIX): v for k, v in tensors.items() if k.startswith(PREFIX)}
        try:
            sources = _sources(found) if any(name.startswith("sources.") for name in found) else ()
            donors = _donors(found) if any(name.startswith("donors.") for name in found) else ()
        except FAULTS as fault:
            raise ValueError(f"its memory is damaged ({fault})") from fault
        return Memory(sources, donors, found.get("handles"))


def _sources(found: Mapping[str, Tensor]) -> tuple[Source, ...]:
    names = _names_of(found["sources.names"])
    counts, codes = found["sources.counts"], found["sources.codes"].float()
    columns: dict[str, tuple[int, ...]] = {
        "vertices": (3,), "uv_vertices": (), "uv": (2,), "uv_faces": (3,),
    }  # fmt: skip
    for name, shape in columns.items():
        part = found[f"sources.{name}"]
        if part.shape[1:] != shape or part.dtype != torch.int16:
            raise ValueError(f"{name} are not columns of 16 bits")
    if counts.shape != (len(names), 3) or not (counts > 0).all() or not names:
        raise ValueError("there are sources without vertices or faces")
    if codes.ndim != 2 or not codes.isfinite().all():
        raise ValueError("shape codes are not finite")
    splits = [list(column) for column in zip(*counts.tolist(), strict=True)]
    vertices, uv_faces, uv, owners = (
        found[f"sources.{name}"].long().split(splits[k])
        for name, k in (("vertices", 0), ("uv_faces", 1), ("uv", 2), ("uv_vertices", 2))
    )
    if any(int((g % 2**16).max()) >= len(t) for t, g in zip(uv, uv_faces, strict=True)):
        raise ValueError("faces name texture coordinates that are not there")
    faces = [owner[g % 2**16] for owner, g in zip(owners, uv_faces, strict=True)]
    sources = tuple(
        Source(
            name, code, v.float() / LEVELS, f % 2**16, (t.float() + 2**15) / UV_LEVELS, g % 2**16
        )
        for name, code, v, f, t, g in zip(names, codes, vertices, faces, uv, uv_faces, strict=True)
    )
    for one in sources:
        if int(one.faces.max()) >= len(one.vertices):
            raise ValueError(f"faces of {one.name} name vertices that are not there")
        if min(float(np.ptp(x.numpy(), 0).max()) for x in (one.vertices, one.uv)) == 0:
            raise ValueError(f"{one.name} has no extent")
    return sources


def _owners(source: Source) -> Int[Tensor, " u"]:
    """Return which vertex each texture coordinate belongs to, which says all of its faces."""
    owners = torch.zeros(len(source.uv), dtype=torch.long)
    owners[source.uv_faces] = source.faces
    return owners


def _pictures_file(donors: Sequence[Donor]) -> dict[str, Tensor]:
    """Return the photographs of donors, where all have theirs."""
    pictures = [one.picture for one in donors if one.picture is not None]
    windows = [one.window for one in donors if one.window is not None]
    if len(pictures) < len(donors) or len(windows) < len(donors):
        return {}
    images = [_webp(one) for one in pictures]
    return {
        "donors.pictures": _of_bytes(b"".join(images)),
        "donors.picture_counts": torch.tensor([len(image) for image in images]),
        "donors.windows": torch.stack(windows).cpu(),
    }


def _pictures(
    found: Mapping[str, Tensor], count: int
) -> tuple[list[Tensor | None], list[Tensor | None]]:
    if "donors.pictures" not in found:  # of the first version that had donors
        return [None] * count, [None] * count
    images = found["donors.pictures"].split(found["donors.picture_counts"].tolist())
    pictures, windows = [_of_webp(_bytes_of(image)) for image in images], found["donors.windows"]
    if windows.shape != (count, 3) or not windows.isfinite().all() or not (windows[:, 2] > 0).all():
        raise ValueError("windows are not 3 numbers for each donor")
    if len({one.shape for one in pictures}) > 1:
        raise ValueError("photographs have several sizes")
    return list(pictures), list(windows.float())


def _donors(found: Mapping[str, Tensor]) -> tuple[Donor, ...]:
    names = _names_of(found["donors.names"])
    images = found["donors.images"].split(found["donors.counts"].tolist())
    shapes, textures, poses, lights = (
        found[f"donors.{name}"].float() for name in ("shapes", "textures", "poses", "lights")
    )
    if poses.shape[1:] != (6,) or lights.shape[1:] != (9, 3):
        raise ValueError("poses and lights are not 6, and 9 x 3, numbers")
    if not all(x.isfinite().all() for x in (shapes, textures, poses, lights)):
        raise ValueError("codes of donors are not finite")
    if not (poses[:, 5] < 0).all():
        raise ValueError("donors stand behind the camera")
    pictures, windows = _pictures(found, len(names))
    parts = (x.split(1) for x in (shapes, textures, poses, lights))
    rows = zip(names, images, *parts, pictures, windows, strict=True)
    return tuple(
        Donor(
            name,
            GraphicsCode(
                shape,
                Texture(texture, _of_webp(_bytes_of(image))[None]),
                Pose(pose[:, :3], pose[:, 3:]),
                light,
            ),
            picture,
            window,
        )
        for name, image, shape, texture, pose, light, picture, window in rows
    )


def _webp(texels: Float[Tensor, "4 s s"]) -> bytes:
    """Compress texels; colours only where there are any."""
    pixels = (texels.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()


def _of_webp(contents: bytes) -> Float[Tensor, "4 s s"]:
    with Image.open(io.BytesIO(contents), formats=("WEBP",)) as picture:
        if picture.width != picture.height or picture.width > MAX_DONOR_SIDE:
            raise ValueError(f"texels of {picture.width} x {picture.height}")
        pixels = np.asarray(picture.convert("RGBA"), dtype=np.float32) / 255
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def _of_bytes(contents: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(contents, np.uint8).copy())


def _of_names(names: Sequence[str]) -> Tensor:
    # As JSON: names of files may hold line breaks, and bytes that are no text.
    return _of_bytes(json.dumps(names).encode())


def _names_of(tensor: Tensor) -> list[str]:
    names = json.loads(_bytes_of(tensor))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("names are damaged")
    return names


def _bytes_of(tensor: Tensor) -> bytes:
    return tensor.numpy().tobytes()


def stripped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what is no part of a memory."""
    return {name: value for name, value in tensors.items() if not name.startswith(PREFIX)}
