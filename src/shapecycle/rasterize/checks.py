"""Cheap checks of arguments, with messages that name the argument and the value."""

from numbers import Integral

import torch
from torch import Tensor

from shapecycle.rasterize.topology import Topology
from shapecycle.rasterize.visibility import Visibility


def check_size(size: tuple[int, int]) -> None:
    """Refuse images without pixels."""
    pair = isinstance(size, tuple | list) and len(size) == 2
    if not pair or not all(isinstance(n, Integral) and n is not True and n >= 1 for n in size):
        raise ValueError(f"size is {size!r}; expected (height, width), whole and at least 1")


def check_float(tensor: Tensor, name: str, shape: str, *sizes: int | None) -> None:
    """Refuse a tensor of another type or shape than described.

    Args:
        tensor: What the caller gave.
        name: The argument's name.
        shape: The expected shape, for people.
        sizes: The expected length of every axis; None for any length.
    """
    check_tensor(tensor, name)
    fits = tensor.ndim == len(sizes) and all(
        want is None or have == want for have, want in zip(tensor.shape, sizes, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {shape}")
    if tensor.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name} has type {tensor.dtype}; expected float32 or float64")


def check_tensor(value: object, name: str) -> None:
    """Refuse what is no tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} is a {type(value).__name__}; expected a torch.Tensor")


def check_finite(tensor: Tensor, name: str) -> None:
    """Refuse NaN and infinity; a sum finds both at a tenth of the price of ``isfinite``.

    A CUDA graph cannot look; kernels draw nothing where positions are not finite.
    """
    if tensor.device.type == "cuda" and torch.cuda.is_current_stream_capturing():
        return
    if bool(torch.isfinite(tensor.detach().sum())):
        return
    bad = ~torch.isfinite(tensor.detach()).reshape(-1)
    if not bool(bad.any()):
        return
    where = int(bad.nonzero()[0])
    index = []
    for length in reversed(tensor.shape):
        index.append(where % length)
        where //= length
    value = tensor[tuple(reversed(index))].item()
    raise ValueError(
        f"{name} has {int(bad.sum())} non-finite values; "
        f"the first is {value} at index {tuple(reversed(index))}"
    )


def check_clip(clip: Tensor, topology: Topology) -> None:
    """Refuse clip-space positions that the topology cannot index."""
    check_float(clip, "clip", "(b, v, 4)", None, None, 4)
    if len(clip) == 0:
        raise ValueError("clip holds no items; expected at least one")
    check_topology(topology, clip, "clip")


def check_topology(topology: Topology, vertices: Tensor, name: str) -> None:
    """Refuse a topology of other meshes, on another device or with indices out of range."""
    if not isinstance(topology, Topology):
        raise TypeError(
            f"topology is a {type(topology).__name__}; expected what Topology.from_faces returns"
        )
    if topology.batch is not None and topology.batch != vertices.shape[0]:
        raise ValueError(f"topology holds {topology.batch} meshes, {name} {vertices.shape[0]}")
    if topology.device != vertices.device:
        raise ValueError(f"topology is on {topology.device}, {name} on {vertices.device}")
    if topology.vertex_count > vertices.shape[1]:
        raise ValueError(
            f"topology names vertex {topology.vertex_count - 1}, "
            f"but {name} has only {vertices.shape[1]} vertices"
        )


def check_visibility(visibility: Visibility, clip: Tensor, topology: Topology) -> None:
    """Refuse a visibility of another batch, device or mesh."""
    if not isinstance(visibility, Visibility):
        raise TypeError(
            f"visibility is a {type(visibility).__name__}; expected what rasterize returns"
        )
    key = visibility.key
    if key.ndim != 3 or key.dtype != torch.int64:
        raise ValueError(
            f"visibility's key has shape {tuple(key.shape)} and type {key.dtype}; "
            "expected (b, h, w) of int64"
        )
    if len(key) != len(clip) or key.device != clip.device:
        raise ValueError(
            f"visibility holds {len(key)} images on {key.device}, clip {len(clip)} on {clip.device}"
        )
    faces = topology.faces.shape[-2]
    seen = visibility.face_count
    if visibility.min_face_count > faces if seen is None else seen != faces:
        raise ValueError(
            f"visibility is of a mesh of {seen or visibility.min_face_count} faces, "
            f"topology has {faces}; give the topology that was rasterised"
        )


def check_companion(tensor: Tensor, name: str, other: Tensor, other_name: str) -> None:
    """Refuse two tensors of different type or device."""
    if tensor.dtype != other.dtype or tensor.device != other.device:
        raise ValueError(
            f"{name} is {tensor.dtype} on {tensor.device}, "
            f"{other_name} {other.dtype} on {other.device}; they must agree"
        )


_ranges: "torch.utils.weak.WeakTensorKeyDictionary" = torch.utils.weak.WeakTensorKeyDictionary()


def check_indices(faces: Tensor, name: str, count: int) -> None:
    """Refuse indices outside [0, count); remembers the range of tensors it has seen."""
    known = _ranges.get(faces)
    if known is None or known[0] != faces._version:
        low, high = (int(x) for x in faces.aminmax()) if faces.numel() else (0, -1)
        known = (faces._version, low, high)
        _ranges[faces] = known
    _, low, high = known
    if low < 0 or high >= count:
        raise ValueError(f"{name} holds indices {low}..{high}, but there are {count} rows")
