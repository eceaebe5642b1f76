"""What training steps cost: a few of every stage on made-up data, timed and weighed."""

import time
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary, finalize

import torch
from torch import Tensor

from shapecycle.code_to_image.template import octasphere
from shapecycle.config import Settings
from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.mesh import Mesh
from shapecycle.train.steps import Trainer

BATCH = 8
"""Items per measured step; no more, or a large model would take minutes."""
STAGE_SECONDS = 1.5
STAGE_STEPS = 4
"""Parts of a step come round every fourth time."""


@dataclass(frozen=True)
class Cost:
    """What steps cost.

    Attributes:
        batch: Items per measured step.
        kept_bytes: The most that such a step keeps for its backward pass, the weights left out.
        images_per_second: Images per second by stage.
    """

    batch: int
    kept_bytes: int
    images_per_second: dict[str, float]


def step_seconds(settings: Settings, stage: str, *, batch: int, threads: int) -> float:
    """Return the better time of two steps of a stage on the processor, after one that is not timed.

    Args:
        settings: Sizes of networks and pictures.
        stage: Its name.
        batch: Items of a step.
        threads: How many take part.
    """
    settings = replace(settings, train=replace(settings.train, batch=batch))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        step, best = _trainer(settings, "cpu").stage(stage), float("inf")
        for is_timed in (False, True, True):
            start = time.perf_counter()
            step(1.0)
            if is_timed:
                best = min(best, time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    return best


def _trainer(settings: Settings, device: str) -> Trainer:
    """Return a trainer with untrained networks on made-up pictures and shapes."""
    generator = torch.Generator().manual_seed(0)
    shapes = ShapeSampler.of([_ball()], generator=generator, device=device)
    return Trainer(settings, _discs(settings.model.image_size), shapes, seed=0, device=device)


def benchmark(settings: Settings, stages: list[str], device: str) -> Cost:
    """Take some steps of every stage with untrained networks on made-up pictures and shapes."""
    batch = min(BATCH, settings.train.batch)
    settings = replace(settings, train=replace(settings.train, batch=batch))
    trainer = _trainer(settings, device)
    kept = Kept({p.untyped_storage().data_ptr() for p in trainer.networks.parameters()})
    speeds = {name: _speed(trainer, name, kept) for name in stages}
    return Cost(batch, kept.most, speeds)


class Kept:
    """Adds up the memory that is kept for backward passes, each piece of it once.

    Args:
        known: Addresses of memory that does not count.
    """

    def __init__(self, known: set[int]) -> None:
        self.known = known
        self.pieces: WeakValueDictionary[int, _Piece] = WeakValueDictionary()
        self.now = self.most = 0

    def pack(self, tensor: Tensor) -> "tuple[_Piece, Tensor]":
        """Take a tensor into the account until the graph lets it go."""
        memory = tensor.untyped_storage()
        piece = self.pieces.get(memory.data_ptr())
        if piece is None:
            piece = self.pieces[memory.data_ptr()] = _Piece()
            size = 0 if memory.data_ptr() in self.known else memory.nbytes()
            self._add(size)
            finalize(piece, self._add, -size)
        # Detached: a graph that holds its own output would never be freed.
        return piece, tensor.detach()

    def _add(self, size: int) -> None:
        self.now += size
        self.most = max(self.most, self.now)


class _Piece:
    """Lives while anything kept uses a piece of memory."""


def _speed(trainer: Trainer, name: str, kept: Kept) -> float:
    """Weigh a first step and time some more, unless that one was slow enough to tell."""
    step, batch, device = trainer.stage(name), trainer.settings.train.batch, trainer.device
    trainer.steps = 0
    start = time.perf_counter()
    with torch.autograd.graph.saved_tensors_hooks(kept.pack, lambda kept: kept[1]):
        step(1.0)
    _wait(device)
    if (used := time.perf_counter() - start) > STAGE_SECONDS:
        return batch / used
    start, steps = time.perf_counter(), 0
    while steps < STAGE_STEPS and time.perf_counter() - start < STAGE_SECONDS:
        step(1.0)
        _wait(device)
        steps += 1
    return steps * batch / (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _ball() -> Mesh:
    ball = octasphere(16)
    return Mesh(ball.vertices.numpy() / 3**0.5 / 2, ball.faces.numpy())


def _discs(side: int) -> PhotoSet:
    """Make eight grey discs on nothing."""
    line = torch.linspace(-1, 1, side)
    disc = (line[:, None] ** 2 + line**2 < 0.8).to(torch.uint8)
    rgba = torch.stack([128 * disc, 128 * disc, 128 * disc, 255 * disc]).expand(8, -1, -1, -1)
    windows = torch.tensor([[0.0, 0.0, 0.5]]).expand(8, 3)
    return PhotoSet(rgba.contiguous(), windows.contiguous(), [], [])
