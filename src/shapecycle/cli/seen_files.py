"""What is written of a picture that was seen: its files, its line of a summary, and its doubts."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from math import degrees
from typing import TYPE_CHECKING, Any

from shapecycle.cli.drawing import drawn
from shapecycle.cli.output import camera_json
from shapecycle.config import SurfaceKind
from shapecycle.data.folders import counted
from shapecycle.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from shapecycle.data.photos import Photo
    from shapecycle.mesh import Mesh
    from shapecycle.model import Model
    from shapecycle.seen import Hypothesis, Seen, SeeOptions

MISSED = 0.1
"""Silhouette IoU below which a redrawing has missed its object, or shows nothing."""
Behind = Callable[[tuple[int, int]], Any]
"""Gives what stands behind a render of some height and width."""


def check_surface(surface: SurfaceKind, model: "Model") -> None:
    """Raise if a surface is asked for that the model cannot give.

    Raises:
        ConfigError: If it remembers no shapes to carry.
    """
    if surface == "carried" and not model.memory.sources:
        raise ConfigError(
            "--surface carried needs a model that remembers shapes, and this one holds none",
            "leave --surface out, or train without --memory none",
        )


@dataclass(frozen=True)
class Result:
    """One line of the summary."""

    image: str
    silhouette_iou: float
    azimuth_degrees: float
    elevation_degrees: float
    plausibility: float
    half_turn_is_likely: bool
    shape_distance: float
    unlike_training_shapes: bool
    bare_mask: bool
    on_background: bool
    source: str | None
    neither_fits: bool


DOUBTS = {
    "half_turn_is_likely": "the object may as well face the other way",
    "unlike_training_shapes": "the shape is far from those trained on, as a rough warning",
    "neither_fits": "neither surface fits the mask well; another kind of object, or pose?",
    "bare_mask": "a mask alone, seen as a grey object's picture",
    "on_background": "without a mask, cut out from a background of one colour",
    "missed": f"what was seen is not where the mask is (silhouette_iou below {MISSED})",
}
"""What may be wrong with a result, in words."""


def doubts_of(results: Sequence[Result]) -> Counter[str]:
    """Count the doubts of some results."""
    return Counter(
        name
        for result in results
        for name in DOUBTS
        if (result.silhouette_iou < MISSED if name == "missed" else getattr(result, name))
    )


def remarks(doubts: Mapping[str, int], total: int, *, is_pose_chosen: bool) -> Iterator[str]:
    """Say, a line for each doubt, how many results it concerns; summary.json says which."""
    for name, doubt in DOUBTS.items():
        if count := doubts.get(name, 0):
            way_out = ""
            if name == "half_turn_is_likely" and not is_pose_chosen:
                way_out = "; --hypothesis 2 or --azimuth-hint takes another pose"
            named = "" if name == "missed" else f" ({name})"
            yield f"{count} of {counted(total, 'pictures')}: {doubt}{way_out}{named}"


@dataclass(frozen=True, eq=False)
class Drawn:
    """What was seen in a picture, and its drawing.

    Attributes:
        index: Number of the picture.
        seen: What was seen, on the processor.
        picture: Its drawing.
        mesh: Its surface.
    """

    index: int
    seen: "Seen"
    picture: "Float[np.ndarray, 'h w 4']"
    mesh: "Mesh"


def seen_and_drawn(
    model: "Model", photos: "Sequence[Photo]", options: "SeeOptions"
) -> Iterator[list[Drawn]]:
    """See photographs and draw them anew, some of them at a time."""
    from shapecycle.graphics_code import GraphicsCode

    if not photos:
        return
    seen = model.see_photos(photos, options)
    # Codes of one resolution together: stacked with finer ones they would be others.
    alike: dict[object, list[int]] = {}
    for k, one in enumerate(seen):
        alike.setdefault(_resolution(one), []).append(k)
    for same in alike.values():
        codes = GraphicsCode.stack([seen[k].code for k in same])
        sizes = [seen[k].size for k in same]
        for some, drawings in drawn(model, codes, sizes, fov_y=options.fov_y):
            meshes = model.meshes(codes[some])
            yield [
                Drawn(same[i], _on_cpu(seen[same[i]]), drawing, mesh)
                for i, drawing, mesh in zip(some, drawings, meshes, strict=True)
            ]


def _resolution(seen: "Seen") -> tuple[int | None, ...]:
    """Return the sides of a code's texels."""
    texture, surface = seen.code.texture, seen.code.surface
    images = (texture.texels, texture.fill, None if surface is None else surface.texels)
    return tuple(None if image is None else image.shape[-1] for image in images)


def _on_cpu(seen: "Seen") -> "Seen":
    import torch

    from shapecycle.camera import Pose

    start, *hypotheses = (
        replace(one, pose=Pose(one.pose.angles.cpu(), one.pose.translation.cpu()))
        for one in (seen.start, *seen.hypotheses)
    )
    code = seen.code.map(torch.Tensor.cpu)
    return replace(seen, code=code, start=start, hypotheses=hypotheses)


def _hypothesis_json(hypothesis: "Hypothesis", fov_y: float) -> dict[str, Any]:
    return {"plausibility": hypothesis.plausibility, **camera_json(hypothesis.pose, fov_y)}


def files_of_seen(photo: "Photo", drawn: Drawn, behind: Behind) -> tuple[dict[str, bytes], Result]:
    """Return what is written of a picture, by name, and its line of the summary."""
    from PIL import Image

    from shapecycle.code_to_image.compositing import pixels_over
    from shapecycle.evaluate.silhouettes import silhouette_iou
    from shapecycle.seen import NEITHER

    seen, picture = drawn.seen, drawn.picture
    render = BytesIO()
    Image.fromarray(pixels_over(picture, behind(seen.size))).save(render, "PNG")
    iou = silhouette_iou(picture[..., 3], photo.rgba[3])
    source = seen.surface_choice.source
    named = {} if source is None else {"carried_from": source}
    doubts: dict[str, Any] = {
        "half_turn_is_likely": seen.half_turn_is_likely,
        "shape_distance": seen.shape_distance,
        "unlike_training_shapes": seen.unlike_training_shapes,
        "bare_mask": photo.is_bare_mask,
        "on_background": photo.is_on_background,
    }
    record = {
        "image": photo.path.name,
        "size": list(seen.size),
        "code": seen.code.to_json(),
        **camera_json(seen.code.pose, seen.fov_y),
        "hypotheses": [_hypothesis_json(one, seen.fov_y) for one in seen.hypotheses],
        "start": _hypothesis_json(seen.start, seen.fov_y),
        "silhouette_iou": iou,
        **doubts,
        "surface": vars(seen.surface_choice),
    }
    files = {
        "render.png": render.getvalue(),
        "mesh.glb": drawn.mesh.to_glb(extras={"silhouette_iou": iou, **named}),
        "code.json": (json.dumps(record, indent=1) + "\n").encode(),
    }
    azimuth, elevation, _ = (degrees(x) for x in seen.code.pose.angles[0].tolist())
    result = Result(
        photo.path.name,
        iou,
        azimuth % 360,
        elevation,
        seen.start.plausibility,
        **doubts,
        source=source,
        neither_fits=seen.surface_choice.reason == NEITHER,
    )
    return files, result
