"""Which vertices make which faces, and which edges join them: built once, shared by a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

MAX_VERTICES = 1 << 31

IntArray: TypeAlias = NDArray[np.int64]
Faces: TypeAlias = Int[Tensor, "f 3"] | Int[np.ndarray, "f 3"]


@dataclass(frozen=True, eq=False)
class Topology:
    """The connectivity of one mesh shared by a batch, or of one mesh per batch item.

    Build it with ``from_faces`` or ``stack``. Triangle soups, edges with more than two faces and
    repeated faces are welcome; faces that name a vertex twice are kept (so that face numbers
    stay the caller's) but are never drawn.

    Attributes:
        faces: Vertex indices, counter-clockwise seen from outside: (f 3), or (b f 3) padded
            with faces (0, 0, 0).
        edges: Two end vertices, then the opposite vertex in the first and in the last of the
            edge's faces, -1 for "none": (e 4), or (b e 4) padded with (0, 0, -1, -1).
        vertex_count: One more than the largest vertex index.
    """

    faces: Int[Tensor, "*b f 3"]
    edges: Int[Tensor, "*b e 4"]
    vertex_count: int

    @staticmethod
    def from_faces(faces: Faces) -> "Topology":
        """Read one mesh's faces, to be shared by every item of a batch.

        Args:
            faces: Vertex indices, any integer type, on any device (the result stays there).

        Raises:
            ValueError: If the shape is not (f, 3), the type not integer or an index negative.
        """
        array = _as_array(faces, "faces")
        device = faces.device if isinstance(faces, Tensor) else torch.device("cpu")
        return Topology(
            faces=torch.from_numpy(array).to(device),
            edges=torch.from_numpy(edges_of(array)).to(device),
            vertex_count=int(array.max(initial=-1)) + 1,
        )

    @staticmethod
    def stack(meshes: Sequence[Int[Tensor, "_ 3"] | Int[np.ndarray, "_ 3"]]) -> "Topology":
        """Read a different mesh for each item of a batch, padded to common counts.

        Args:
            meshes: One face array per item, as for ``from_faces``. The caller pads the vertices
                to a common count, with any finite value.

        Raises:
            ValueError: If there is no mesh, or one is not a face array.
        """
        if not meshes:
            raise ValueError("meshes is empty: stack needs the faces of at least one mesh")
        arrays = [_as_array(faces, f"meshes[{k}]") for k, faces in enumerate(meshes)]
        first = meshes[0]
        device = first.device if isinstance(first, Tensor) else torch.device("cpu")
        return Topology(
            faces=torch.from_numpy(_pad(arrays, (0, 0, 0))).to(device),
            edges=torch.from_numpy(_pad([edges_of(a) for a in arrays], (0, 0, -1, -1))).to(device),
            vertex_count=max(int(a.max(initial=-1)) for a in arrays) + 1,
        )

    @property
    def batch(self) -> int | None:
        """The number of meshes, or None when one mesh is shared by any batch."""
        return len(self.faces) if self.faces.ndim == 3 else None

    @property
    def device(self) -> torch.device:
        """Where the indices live."""
        return self.faces.device

    def to(self, device: torch.device | str) -> "Topology":
        """Copy the indices to a device (or return this, if they are there)."""
        if torch.empty(0, device=device).device == self.device:
            return self
        return Topology(self.faces.to(device), self.edges.to(device), self.vertex_count)

    @cached_property
    def faces_int32(self) -> Int[Tensor, " n"]:
        """The faces as one flat int32 array, as the compiled kernels read them."""
        return self.faces.to(torch.int32).reshape(-1).contiguous()

    @cached_property
    def edges_int32(self) -> Int[Tensor, " n"]:
        """The edges as one flat int32 array, as the compiled kernels read them."""
        return self.edges.to(torch.int32).reshape(-1).contiguous()


def edges_of(faces: IntArray) -> IntArray:
    """List each undirected edge once, with its opposite vertices.

    Args:
        faces: Vertex indices (f 3); faces that name a vertex twice contribute no edge.

    Returns:
        (e 4): the ends (smaller index first), the smallest and the largest opposite vertex;
        the last is -1 on a boundary. Repeated faces count once, and of three or more faces
        on one edge only those two are kept.
    """
    a, b, c = faces[:, 0], faces[:, 1], faces[:, 2]
    proper = faces[(a != b) & (b != c) & (c != a)]
    if len(proper) == 0:
        return np.zeros((0, 4), np.int64)
    start = proper.T.reshape(-1)
    end = np.roll(proper, -1, axis=1).T.reshape(-1)
    opposite = np.roll(proper, -2, axis=1).T.reshape(-1)
    low, high, opposite = _unique_rows(np.minimum(start, end), np.maximum(start, end), opposite)
    opens = np.ones(len(low), bool)
    opens[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(low)) - 1
    second = np.where(last > first, opposite[last], -1)
    return np.stack([low[first], high[first], opposite[first], second], axis=1)


def _unique_rows(
    low: IntArray, high: IntArray, opposite: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Sort triples and drop repeats; as single integers where they fit, four times as fast."""
    count = int(high.max()) + 1
    if count >= 1 << 21:
        rows = np.unique(np.stack([low, high, opposite], axis=1), axis=0)
        return rows[:, 0], rows[:, 1], rows[:, 2]
    key = np.unique((low * count + high) * count + opposite)
    pair, apex = np.divmod(key, count)
    return pair // count, pair % count, apex


def _pad(arrays: list[IntArray], filler: tuple[int, ...]) -> IntArray:
    padded = np.empty((len(arrays), max(len(a) for a in arrays), len(filler)), np.int64)
    padded[:] = filler
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded


def _as_array(faces: Faces, name: str) -> IntArray:
    array = faces.detach().cpu().numpy() if isinstance(faces, Tensor) else np.asarray(faces)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ValueError(f"{name} has shape {array.shape}; expected (f, 3)")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} has type {array.dtype}; expected integers")
    if array.size and array.min() < 0:
        raise ValueError(f"{name} contains the index {array.min()}; indices start at 0")
    if array.size and int(array.max()) >= MAX_VERTICES:
        raise ValueError(f"{name} contains the index {array.max()}; expected below 2^31")
    return np.array(array, np.int64)
