"""After training: what the model keeps of the two folders."""

import time
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shapecycle.config import MemorySettings
from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.photos import crop, window_of
from shapecycle.data.shape_sampler import SampledSurfaces
from shapecycle.data.shapes import ShapeSet
from shapecycle.memory.donors import Donor
from shapecycle.memory.memory import Memory
from shapecycle.memory.source import Source, source_of
from shapecycle.model import Model
from shapecycle.seen import SeeOptions
from shapecycle.shape_to_code.encoder import SURFACE_POINTS
from shapecycle.shape_to_code.refine import refine

SHARE = 0.08
"""Part of a limited time that may go into it."""
SECONDS_A_SOURCE = 1.0
"""About what preparing a shape takes a slow core."""
DONORS_AT_ONCE = 16
AT_ONCE = 8
"""Shapes that are read, and laid out, at once."""
REFINE_STEPS = 30
"""Of fitting the decoded surface to each."""
COARSE, FINE = 128, 256
"""Pixels along a side of the crops of photographs that are kept."""
COARSE_UP_TO = 160
"""Pixels along a side of the first one's crop up to which the coarse ones will do."""


def reserved(seconds: float, settings: MemorySettings, shapes: int) -> float:
    """Return how much of a limited time is left for `remember`."""
    wanted = SECONDS_A_SOURCE * (min(settings.sources, shapes) + settings.donors / 8)
    return min(SHARE * seconds, wanted)


def remember(
    model: Model,
    shapes: ShapeSet,
    surfaces: SampledSurfaces,
    photos: PhotoSet,
    settings: MemorySettings,
    *,
    seconds: float | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Memory | None:
    """Prepare shapes for being carried, and fetch the texels of photographs.

    Args:
        model: Trained, without memory.
        shapes: The training shapes.
        surfaces: Points of theirs.
        photos: The training photographs; their files are read again.
        settings: How many of each.
        seconds: Time for it; by default all that it takes. Fewer are remembered where it ends.
        is_stopped: Whether to stop, looked at now and then.

    Returns:
        The memory; None if it was stopped.
    """
    start = time.monotonic()
    sources: list[Source] = []
    rows = _spread_out(model, shapes, surfaces, settings.sources)
    for part in (rows[k : k + AT_ONCE] for k in range(0, len(rows), AT_ONCE)):
        if is_stopped():
            return None
        if seconds is not None and time.monotonic() - start > 0.8 * seconds and sources:
            break
        codes = _read(model, surfaces, part, refine_steps=REFINE_STEPS).cpu()
        for k, code in zip(part, codes, strict=True):
            source = source_of(shapes.meshes[k], shapes.paths[k].stem, code)
            if source is not None:
                sources.append(source)
    donors: list[Donor] = []
    side = 0
    count = min(settings.donors, len(photos))
    chosen = [k * len(photos) // count for k in range(count)]
    for first in range(0, count, DONORS_AT_ONCE):
        if is_stopped():
            return None
        if seconds is not None and time.monotonic() - start > seconds and donors:
            break
        some = chosen[first : first + DONORS_AT_ONCE]
        loaded = [photos.load(k) for k in some]
        for photo, seen in zip(loaded, model.see_photos(loaded, SeeOptions()), strict=True):
            close = window_of(photo.rgba[3], model.settings.window_margin)
            side = side or (FINE if close.half * photo.rgba.shape[1] > COARSE_UP_TO else COARSE)
            picture = torch.from_numpy(crop(photo.rgba, close, side))
            window = torch.tensor([close.centre_x, close.centre_y, close.half])
            donors.append(Donor.of(photo.path.stem, seen.code, picture, window.float()))
    return Memory(tuple(sources), tuple(donors), model.surfaces.handles.rows.cpu())


@torch.no_grad()
def _read(
    model: Model, surfaces: SampledSurfaces, some: list[int], *, refine_steps: int
) -> Float[Tensor, "k n"]:
    """Read some of the training shapes, as `Model.read` does."""
    networks = model.networks
    points, normals = (x[some].to(model.device) for x in (surfaces.points, surfaces.normals))
    return refine(
        networks.renderer,
        networks.read(points[:, :SURFACE_POINTS]),
        points,
        normals,
        spread=networks.shape_prior.spread(),
        steps=refine_steps,
    )


def _spread_out(model: Model, shapes: ShapeSet, surfaces: SampledSurfaces, most: int) -> list[int]:
    """Choose shapes far from each other by their codes, all of them where they are few.

    Source:
        Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.
    """
    meshes = [k for k, mesh in enumerate(shapes.meshes) if not mesh.is_point_cloud]
    if most == 0 or not meshes:
        return []
    parts = [meshes[k : k + AT_ONCE] for k in range(0, len(meshes), AT_ONCE)]
    codes = torch.cat([_read(model, surfaces, some, refine_steps=0) for some in parts])
    codes = codes / model.networks.shape_prior.spread().clamp(min=1e-6)
    chosen: list[int] = []
    nearest: Float[Tensor, " s"] = (codes - codes.mean(0)).norm(dim=1)
    while len(chosen) < min(most, len(meshes)):
        new: Int[Tensor, ""] = nearest.argmax()
        if not chosen:  # the farthest from the mean, which is no shape
            nearest = torch.full_like(nearest, torch.inf)
        chosen.append(int(new))
        nearest = torch.minimum(nearest, (codes - codes[new]).norm(dim=1))
        nearest[new] = -1
    return [meshes[k] for k in chosen]
