"""Triangle meshes on the host: what files hold and what reports measure.

Batches of meshes on their way through the networks are plain tensors ``(b v 3)`` that share
one template's faces; this type is for single meshes that come from disk or go to it.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from shapecycle.atomic import atomic_write
from shapecycle.errors import GeometryError

if TYPE_CHECKING:
    from shapecycle.export.glb import GlbCamera

ENDINGS = (".glb", ".obj", ".ply")


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh, or an oriented point cloud when it has no faces.

    Frame: right-handed, +y up, the object's front +z.

    Attributes:
        vertices: Positions, in object units.
        faces: Indices into ``vertices``, counter-clockwise seen from outside; (0, 3) for clouds.
        normals: Unit normals per vertex; needed for clouds, optional for meshes.
        uv_faces: Indices into ``uv`` per face corner, or None without texture coordinates.
        uv: Texture coordinates in [0, 1], origin bottom-left.
        texture: sRGB albedo image in [0, 1], row 0 on top.

    Example:
        >>> corner = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
        >>> mesh = Mesh(corner, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
        >>> normals, areas = mesh.face_normals()
        >>> areas[:3].tolist(), normals[0].tolist()
        ([0.5, 0.5, 0.5], [0.0, 0.0, -1.0])
        >>> mesh.to_glb()[:4]
        b'glTF'

    Raises:
        GeometryError: If there are no vertices, some are not finite, faces point at vertices that
            are not there, or there are neither faces nor normals.
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    normals: Float[np.ndarray, "v 3"] | None = None
    uv_faces: Int[np.ndarray, "f 3"] | None = None
    uv: Float[np.ndarray, "n 2"] | None = None
    texture: Float[np.ndarray, "th tw 3"] | None = None

    def __post_init__(self) -> None:
        if len(self.vertices) == 0:
            raise GeometryError("the mesh has no vertices")
        if not np.isfinite(self.vertices).all():
            bad = int((~np.isfinite(self.vertices).all(1)).sum())
            raise GeometryError(
                f"{bad} of {len(self.vertices)} vertices are not finite",
                "export the mesh again from its source; nothing is repaired silently",
            )
        if len(self.faces) and (self.faces.min() < 0 or self.faces.max() >= len(self.vertices)):
            raise GeometryError(
                f"face indices reach {int(self.faces.min())}..{int(self.faces.max())}, "
                f"but there are {len(self.vertices)} vertices"
            )
        if not len(self.faces) and self.normals is None:
            raise GeometryError(
                "the file has no faces and no normals",
                "give a triangle mesh, or a point cloud with normals (nx ny nz)",
            )

    @property
    def is_point_cloud(self) -> bool:
        """Whether this is an oriented point cloud rather than a surface."""
        return len(self.faces) == 0

    def save(self, path: str | Path, **options: Any) -> None:
        """Write the mesh as the name says: ``.glb``, ``.obj`` or ``.ply``, whole or not at all.

        Beside ``x.obj`` come its material, ``x_surface.mtl``, and where there is a texture,
        ``x_surface.png``. PLY files have coloured vertices.

        Args:
            path: Where the file goes; its folder is made if need be.
            options: Of GLB files alone: see `to_glb`; named after the file by default.

        Raises:
            GeometryError: As `to_glb` does.
            ValueError: As `to_glb` does, or if the path has another ending.
        """
        path = Path(path)
        if path.suffix.lower() not in ENDINGS:
            raise ValueError(
                f"{path}: meshes are written as GLB, OBJ or PLY files, name one ending in "
                f"{', '.join(ENDINGS)}"
            )
        if options and path.suffix.lower() != ".glb":
            raise ValueError(f"{path}: {', '.join(options)}: for GLB files only")
        if "\n" in path.name:
            raise ValueError(f"{path!r}: the name has two lines")
        files = self._files(path, options)
        path.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            # Put in place together when all are written.
            for name, contents in files.items():
                stack.enter_context(atomic_write(path.with_name(name))).write_bytes(contents)

    def _files(self, path: Path, options: dict[str, Any]) -> dict[str, bytes]:
        """Return the contents of the files that are written, by their names."""
        from shapecycle.export.obj import obj_of
        from shapecycle.export.ply import ply_of

        self._check_surface()
        surface = (self.vertices, self.faces, self.uv, self.uv_faces, self.texture)
        if path.suffix.lower() == ".obj":
            files = obj_of(*surface, name=path.stem)
            return {path.name: files.pop(f"{path.stem}.obj"), **files}
        if path.suffix.lower() == ".ply":
            return {path.name: ply_of(*surface)}
        return {path.name: self.to_glb(**{"name": path.stem} | options)}

    def to_glb(
        self,
        *,
        extras: Mapping[str, Any] | None = None,
        name: str = "mesh",
        morphs: Mapping[str, Float[np.ndarray, "v 3"]] | None = None,
        camera: "GlbCamera | None" = None,
    ) -> bytes:
        """Return the contents of a GLB file.

        Args:
            extras, name, morphs, camera: See `export.glb.glb_of`.

        Raises:
            GeometryError: If the mesh has no faces, a texture without texture coordinates, or
                texture values that are not finite.
            ValueError: If ``extras`` holds a number that is not finite.
        """
        from shapecycle.export.glb import glb_of

        self._check_surface()
        return glb_of(
            self.vertices,
            self.faces,
            normals=self.normals,
            uv=self.uv,
            uv_faces=self.uv_faces,
            texture=self.texture,
            extras=extras,
            name=name,
            morphs=morphs,
            camera=camera,
        )

    def _check_surface(self) -> None:
        if self.is_point_cloud:
            raise GeometryError(
                "a point cloud has no faces to write as a surface", "give a triangle mesh"
            )
        if self.texture is not None and (self.uv is None or self.uv_faces is None):
            raise GeometryError("the mesh has a texture but no texture coordinates", "give both")
        if self.texture is not None and not np.isfinite(self.texture).all():
            raise GeometryError("the texture holds values that are not finite")

    def placed(self, target_from_mesh: Float[np.ndarray, "4 4"]) -> "Mesh":
        """Return this mesh in another frame, brought there by a rigid transform."""
        rotation, translation = target_from_mesh[:3, :3], target_from_mesh[:3, 3]
        dtype = self.vertices.dtype
        return replace(
            self,
            vertices=(self.vertices @ rotation.T + translation).astype(dtype),
            normals=None if self.normals is None else (self.normals @ rotation.T).astype(dtype),
        )

    def textured(self, texture: Float[np.ndarray, "th tw 3"] | None) -> "Mesh":
        """Return this mesh with another texture, or without one."""
        return replace(self, texture=texture)

    def face_normals(self) -> tuple[Float[np.ndarray, "f 3"], Float[np.ndarray, " f"]]:
        """Measure all faces.

        Returns:
            Unit normals, in the mesh's frame (zero for faces without area), and areas, in squared
            object units.
        """
        a, b, c = (self.vertices[self.faces[:, k]].astype(np.float64) for k in range(3))
        cross = np.cross(b - a, c - a)
        length = np.linalg.norm(cross, axis=1)
        unit = cross / np.maximum(length, 1e-300)[:, None]
        return unit, length / 2

    def sample(
        self, count: int, generator: np.random.Generator
    ) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
        """Draw points uniformly by area, with the normals of their faces.

        Args:
            count: Number of points.
            generator: Source of randomness.

        Returns:
            Points and unit normals; for a cloud, a random choice of its own points.

        Raises:
            GeometryError: If all faces have zero area.
        """
        if self.normals is not None and self.is_point_cloud:
            pick = generator.choice(len(self.vertices), count, replace=len(self.vertices) < count)
            return self.vertices[pick], self.normals[pick]
        normals, areas = self.face_normals()
        if areas.sum() <= 0:
            raise GeometryError("all faces have zero area")
        face = generator.choice(len(self.faces), count, p=areas / areas.sum())
        r = np.sqrt(generator.random(count))
        s = generator.random(count)
        weights = np.stack([1 - r, r * (1 - s), r * s], axis=1)
        points = (self.vertices[self.faces[face]] * weights[:, :, None]).sum(1)
        return points.astype(np.float32), normals[face].astype(np.float32)
