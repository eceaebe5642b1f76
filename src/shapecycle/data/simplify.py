"""Fewer vertices and faces for the same surface."""

import numpy as np

from shapecycle.mesh import Mesh


def simplify(mesh: Mesh, target_faces: int = 4000) -> Mesh:
    """Reduce a mesh to about ``target_faces`` faces, if it has more.

    Edges are collapsed where that costs least (Garland and Heckbert, Surface simplification
    using quadric error metrics, SIGGRAPH 1997). Where that would eat the surface away, as it
    does with triangles that do not share vertices, near vertices are joined first.

    Args:
        mesh: A mesh; a point cloud comes back as it is.
        target_faces: The most faces wanted, > 0.

    Returns:
        A mesh without normals or texture, or the very one given if it is small enough.
    """
    if len(mesh.faces) <= target_faces:
        return mesh
    untextured = Mesh(mesh.vertices, mesh.faces)
    area = _area(untextured)
    diagonal = float(np.linalg.norm(np.ptp(untextured.vertices, axis=0)))
    best: Mesh | None = None
    for cells in (0, 1024, 512, 256, 128, 64, 32):
        joined = _clustered(untextured, diagonal / cells) if cells else untextured
        reduced = _collapsed(joined, target_faces) if joined is not None else None
        if reduced is None:
            continue
        if _area(reduced) >= 0.8 * area:
            return reduced
        if best is None or _area(reduced) > _area(best):
            best = reduced
    return best or untextured


def _collapsed(mesh: Mesh, target_faces: int) -> Mesh | None:
    """Collapse edges down to a number of faces; None if nothing usable is left."""
    if len(mesh.faces) <= target_faces:
        return mesh
    import fast_simplification  # type: ignore[import-untyped]

    vertices, faces = fast_simplification.simplify(
        mesh.vertices.astype(np.float64), mesh.faces, target_count=target_faces
    )[:2]
    if not len(faces) or not np.isfinite(vertices).all():
        return None
    return welded(Mesh(vertices, np.asarray(faces, dtype=np.int64)))


def _clustered(mesh: Mesh, side: float) -> Mesh | None:
    """Join the vertices in each cubic cell at their mean; None if all faces collapse.

    Source:
        Rossignac and Borrel, Multi-resolution 3D approximations for rendering complex scenes,
        Modeling in Computer Graphics 1993.
    """
    cells = np.floor(mesh.vertices / side).astype(np.int64)
    _, cell, size = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    cell = cell.reshape(-1)
    sums = [np.bincount(cell, mesh.vertices[:, k], len(size)) for k in range(3)]
    faces = cell[mesh.faces]
    whole = (np.diff(np.sort(faces, axis=1), axis=1) > 0).all(1)
    if not whole.any():
        return None
    # Two faces with the same corners would be one sheet twice.
    kept = np.unique(np.sort(faces[whole], axis=1), axis=0, return_index=True)[1]
    return welded(Mesh(np.stack(sums, axis=1) / size[:, None], faces[whole][np.sort(kept)]))


def welded(mesh: Mesh) -> Mesh:
    """Join vertices at exactly the same position and drop those without a face."""
    used, corners = np.unique(mesh.faces, return_inverse=True)
    vertices, joined = np.unique(mesh.vertices[used], axis=0, return_inverse=True)
    faces = joined.reshape(-1)[corners.reshape(-1, 3)]
    return Mesh(vertices, faces.astype(np.int64))


def _area(mesh: Mesh) -> float:
    return float(mesh.face_normals()[1].sum())
