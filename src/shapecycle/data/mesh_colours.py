"""Colours of a mesh's file: points on its surface with the colours that it shows there."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from shapecycle.errors import DataError

POINTS = 60_000


def coloured_points(path: Path) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]] | None:
    """Draw points of a file's surface, in its coordinates, with their sRGB colours.

    Returns:
        Points and colours in [0, 1]; None if the file has no colours.

    Raises:
        DataError: If it cannot be read with its colours.
    """
    import trimesh

    try:
        scene = trimesh.load_scene(path)
        parts = [
            (scene.graph[node][0], scene.geometry[scene.graph[node][1]])
            for node in scene.graph.nodes_geometry
        ]
        parts = [(place, part) for place, part in parts if isinstance(part, trimesh.Trimesh)]
        if not parts or not any(part.visual.defined for _, part in parts):
            return None
        areas = np.array([part.area for _, part in parts])
        points, colours = [], []
        for (place, part), area in zip(parts, areas, strict=True):
            count = max(1, round(POINTS * area / areas.sum()))
            found, face = trimesh.sample.sample_surface(part, count, seed=0)
            colours.append(_colours(part, found, face))
            points.append(trimesh.transform_points(found, place))
    # Materials may lack anything, and point anywhere.
    except Exception as fault:
        raise DataError(f"{path}: its colours cannot be read ({fault})") from fault
    return np.concatenate(points), np.concatenate(colours)


def _colours(part: Any, points: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Return the colours at points of faces: of the texture where there is one."""
    import trimesh

    visual = part.visual
    if visual.kind != "texture" or visual.uv is None:
        plain: np.ndarray = visual.face_colors[face, :3] / 255
        return plain
    corners = part.vertices[part.faces[face]]
    weights = trimesh.triangles.points_to_barycentric(corners, points)
    uv = (visual.uv[part.faces[face]] * weights[:, :, None]).sum(1)
    found: np.ndarray = visual.material.to_color(uv)[:, :3] / 255
    return found
