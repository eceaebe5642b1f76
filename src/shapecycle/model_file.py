"""The file that holds a trained model: weights, settings, and where they come from."""

import json
import os
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shapecycle.atomic import atomic_write
from shapecycle.config import ModelSettings, Settings, checked, merged
from shapecycle.errors import CheckpointError, ConfigError
from shapecycle.memory.memory import Memory, stripped
from shapecycle.model_networks import Networks

FORMAT = 2
MODEL_NAME = "model.safetensors"


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from; stored beside its weights.

    Attributes:
        settings: All settings of the training.
        images: Pictures and shapes seen in training.
        notes: What was done to normalise pictures and shapes.
    """

    settings: dict[str, Any]
    images: int
    notes: list[str]


def save_model(
    networks: Networks, path: Path, provenance: Provenance, memory: Memory | None = None
) -> None:
    """Write weights, settings and memory into one safetensors file, all at once or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    from safetensors.torch import save_file

    about = {
        "format": FORMAT,
        "shapecycle": version("shapecycle"),
        "settings": provenance.settings,
        "images": provenance.images,
        "notes": provenance.notes,
    }
    tensors = {k: _stored(v) for k, v in networks.state_dict().items()}
    tensors |= (memory or Memory()).tensors()
    with atomic_write(path) as partial:
        save_file(tensors, partial, metadata={"shapecycle": json.dumps(about)})
        # It hides files from other users, from whom the folder may not be hidden.
        partial.chmod(partial.parent.stat().st_mode & 0o644)


def load_model(path: Path, device: str = "cpu") -> tuple[Networks, Provenance, Memory]:
    """Read a model file, or the one in a run folder.

    Raises:
        CheckpointError: If there is none, it is not one of ours, or does not fit.
    """
    from safetensors import SafetensorError, safe_open

    file = path / MODEL_NAME if path.is_dir() else path
    if not file.is_file():
        where = f"{path} holds no {MODEL_NAME}" if path.is_dir() else f"there is no file {path}"
        raise CheckpointError(where, "give a run folder of `shapecycle train`, or a model file")
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
        provenance = Provenance(about["settings"], about["images"], about["notes"])
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
    _check_finite(file, tensors)
    networks = Networks(settings, solve_modes=False)  # the file holds them
    try:
        networks.load_state_dict(tensors)
    except RuntimeError as fault:
        first = str(fault).splitlines()[-1].strip()
        raise CheckpointError(
            f"{file} does not fit its own settings: {first}",
            "copy it again, or use the version of shapecycle that wrote it",
        ) from fault
    return networks.to(device).eval(), provenance, memory


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


def _check_finite(file: Path, tensors: dict[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise CheckpointError(
                f"{file}: its weights '{name}' are not finite", "train again, or copy it again"
            )
