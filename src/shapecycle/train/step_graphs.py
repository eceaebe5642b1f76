"""Parts of a training step, recorded once on a GPU and replayed from then on.

A step is some thousand small operations, and to launch each from Python takes longer than to carry
it out. A CUDA graph launches all at once. It repeats what was recorded, at the same addresses: what
changes from step to step must lie in tensors, and nothing may wait for the GPU.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

T = TypeVar("T")

WARM_UP = 2
"""Times that a part runs as usual first: libraries choose and allocate what they need."""


class StepGraphs:
    """Runs parts of steps, from recordings where that is possible.

    Args:
        device: Where the parts compute.
        generator: What they draw random numbers from.
        is_wanted: False to run every part as usual: gradients that are averaged among processes
            are not recorded.

    Attributes:
        obstacle: Why nothing is recorded any more; None unless that failed.
    """

    def __init__(
        self, device: torch.device, generator: torch.Generator, *, is_wanted: bool = True
    ) -> None:
        self.generator = generator
        # Elsewhere "cuda" may mean another maker's GPUs.
        self.is_on = is_wanted and device.type == "cuda" and torch.version.cuda is not None
        self.obstacle: str | None = None
        self._calls: Counter[Hashable] = Counter()
        self._recorded: dict[Hashable, tuple[torch.cuda.CUDAGraph, Any]] = {}
        if self.is_on:
            self._stream = torch.cuda.Stream(device)
            self._pool = torch.cuda.graph_pool_handle()

    def run(self, name: Hashable, part: Callable[[], T]) -> T:
        """Run a part of a step.

        Args:
            name: Names the part, and whatever changes the operations that it consists of.
            part: The part; it returns nothing, or tensors in dictionaries and tuples.
        """
        if not self.is_on:
            return part()
        outside = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(outside)
        with torch.cuda.stream(self._stream):
            result = self._run(name, part)
        outside.wait_stream(self._stream)
        return result

    def forget(self) -> None:
        """Record everything anew, after tensors were replaced that steps read or write."""
        self._calls.clear()
        self._recorded.clear()
        if self.is_on:
            # Once its last recording is gone, a pool takes no new one.
            self._pool = torch.cuda.graph_pool_handle()

    def _run(self, name: Hashable, part: Callable[[], T]) -> T:
        if name not in self._recorded:
            self._calls[name] += 1
            if self._calls[name] <= WARM_UP or not self._record(name, part):
                return part()
        graph, result = self._recorded[name]
        graph.replay()
        # Recordings share memory: the next one may write over this one's results.
        return tree_map_only(Tensor, torch.clone, result)

    def _record(self, name: Hashable, part: Callable[[], Any]) -> bool:
        """Record a part, which does not run it; return whether that was possible."""
        graph = torch.cuda.CUDAGraph()
        # The state that a generator of our own class shares with one of PyTorch's.
        graph.register_generator_state(self.generator.graphsafe_get_state())
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                result = part()
        except RuntimeError as fault:
            # For example for lack of memory: recordings keep theirs.
            self.is_on, self.obstacle = False, str(fault).splitlines()[0]
            self.forget()
            return False
        self._recorded[name] = graph, result
        return True
