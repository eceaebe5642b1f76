"""The file that holds a trained model: weights, settings, and where they come from."""

import json
import os
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shapecycle import pretrained
from shapecycle.atomic import atomic_write
from shapecycle.config import ModelSettings, Settings, checked, merged
from shapecycle.errors import CheckpointError, ConfigError
from shapecycle.memory.memory import Memory, stripped
from shapecycle.model_networks import Networks

FORMAT = 2
MAX_WEIGHT = 1e6
"""Larger weights are refused; those of trained models reach 2."""
MODEL_NAME = "model.safetensors"
GIVE = (
    "give a run folder of `shapecycle train`, a model file, or a model that comes with the "
    f"package: {', '.join(pretrained.names())}"
)


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from; stored beside its weights.

    Attributes:
        settings: All settings of the training.
        images: Pictures and shapes seen in training.
        notes: What was done to normalise pictures and shapes.
        card: What is said of models that are given away: texts by title, and ``scores``, a table of
            numbers by row and column; empty for others.
    """

    settings: dict[str, Any]
    images: int
    notes: list[str]
    card: dict[str, Any] = field(default_factory=dict)


def save_model(
    networks: Networks, path: Path, provenance: Provenance, memory: Memory | None = None
) -> None:
    """Write weights, settings and memory into one safetensors file, all at once or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    from safetensors.torch import save

    about = {
        "format": FORMAT,
        "shapecycle": version("shapecycle"),
        "settings": provenance.settings,
        "images": provenance.images,
        "notes": provenance.notes,
        "card": provenance.card,
    }
    tensors = {k: _stored(v) for k, v in networks.state_dict().items()}
    tensors |= (memory or Memory()).tensors()
    with atomic_write(path) as partial:
        # Not by its `save_file`, which hides files from other users, whatever the umask.
        partial.write_bytes(save(tensors, metadata={"shapecycle": json.dumps(about)}))


def load_model(path: Path, device: str = "cpu") -> tuple[Networks, Provenance, Memory]:
    """Read a model file, the one in a run folder, or one that comes with the package.

    A path that exists is taken before a name of the same spelling.

    Raises:
        CheckpointError: If there is none, it is not one of ours, or does not fit.
    """
    from safetensors import SafetensorError, safe_open

    file = found_file(path)
    if not os.access(file, os.R_OK):
        raise CheckpointError(f"{file} cannot be read", "check its permissions")
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        about = json.loads(metadata["shapecycle"])
        _check_format(file, about["format"])
        settings: ModelSettings = merged(
            ModelSettings(), about["settings"]["model"], source=str(file)
        )
        checked(replace(Settings(), model=settings), source=str(file))
        provenance = Provenance(
            about["settings"], about["images"], about["notes"], about.get("card", {})
        )
        if not isinstance(provenance.card, dict):
            raise ValueError("its card is damaged")
        memory = Memory.of(tensors)
        if any(len(one.code) != settings.shape_code_size for one in memory.sources):
            raise ValueError("its memory is damaged (shape codes are of another length)")
        for one in memory.donors:
            sizes = one.code.shape.shape[1], one.code.texture.code.shape[1]
            if sizes != (settings.shape_code_size, settings.texture_code_size):
                raise ValueError("its memory is damaged (codes of donors are of another length)")
        vertices = 4 * settings.subdivisions**2 + 2
        if memory.handles is not None and not _are_rows(memory.handles, vertices):
            raise ValueError("its memory is damaged (handles are no vertices of the template)")
        tensors = stripped(tensors)
    except (
        SafetensorError,
        OSError,
        KeyError,
        ValueError,
        TypeError,
        RecursionError,
        ConfigError,
    ) as fault:
        reason = f"its metadata lacks {fault}" if isinstance(fault, KeyError) else str(fault)
        raise CheckpointError(
            f"{file} is not a shapecycle model: {reason.splitlines()[0]}",
            f"models are the files named {MODEL_NAME} in run folders",
        ) from fault
    _check_weights(file, tensors)
    _check_sizes(file, settings, tensors)
    networks = Networks(settings, solve_modes=False)  # the file holds them
    networks.load_state_dict(tensors)
    return networks.to(device).eval(), provenance, memory


def found_file(path: Path) -> Path:
    """Return the model file that a path, or a name of `pretrained`, means.

    Raises:
        CheckpointError: If there is none.
    """
    if path.is_dir():
        file = path / MODEL_NAME
        if not file.is_file():
            raise CheckpointError(f"{path} holds no {MODEL_NAME}", GIVE)
        return file
    known = None if path.exists() else pretrained.file_of(str(path))
    if known is None and not path.is_file():
        raise CheckpointError(f"there is no file {path}", GIVE)
    return known or path


def _stored(tensor: Tensor) -> Tensor:
    """Return a tensor in half precision where it fits in: decoded vertices move by a ten thousandth
    of the object's size.
    """
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype != torch.float32 or tensor.numel() == 0:
        return tensor
    fits = bool(tensor.abs().max() <= torch.finfo(torch.float16).max)
    return tensor.half() if fits else tensor


def _are_rows(index: Tensor, count: int) -> bool:
    """Whether all of an index are numbers of rows, each once."""
    is_index = index.ndim == 1 and index.dtype == torch.int64 and index.numel() > 0
    return (
        is_index
        and bool((index >= 0).all() and (index < count).all())
        and (len(index.unique()) == len(index))
    )


def _check_format(file: Path, found: Any) -> None:
    if found != FORMAT:
        raise CheckpointError(
            f"{file} has format {found!r}, this version reads format {FORMAT}",
            "use the version of shapecycle that wrote it",
        )


def _check_weights(file: Path, tensors: dict[str, Tensor]) -> None:
    """Raise if weights are not finite, or beyond all measure."""
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not tensor.numel():
            continue
        most = float(tensor.abs().max())
        if not isfinite(most):
            raise CheckpointError(
                f"{file}: its weights '{name}' are not finite", "train again, or copy it again"
            )
        if most > MAX_WEIGHT:
            raise CheckpointError(
                f"{file}: its weights '{name}' reach {most:.3g}, and no training comes to more "
                f"than {MAX_WEIGHT:,.0f}",
                "train again, or copy it again",
            )


def _check_sizes(file: Path, settings: ModelSettings, tensors: dict[str, Tensor]) -> None:
    """Raise if weights do not fit the settings, before those are given the memory they ask for."""
    with torch.device("meta"):
        expected = Networks(settings, solve_modes=False).state_dict()
    for name in sorted(expected.keys() | tensors.keys()):
        found = [None if name not in of else tuple(of[name].shape) for of in (tensors, expected)]
        if found[0] != found[1]:
            here, there = ("missing" if size is None else f"{size}" for size in found)
            raise CheckpointError(
                f"{file} does not fit its own settings: '{name}' is {here}, not {there}",
                "copy it again, or use the version of shapecycle that wrote it",
            )
