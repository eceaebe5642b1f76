"""Sharing work out among the threads that PyTorch's own operations run on."""

import ctypes
import itertools
import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import torch


def available_threads() -> int:
    """Return how many threads ``parallel_for`` may use: PyTorch's number, or 1 without them."""
    inside = getattr(_here, "work", None) is not None
    if inside or _forked or _team() is None:
        return 1
    return torch.get_num_threads()


def parallel_for(parts: int, run: Callable[[int], None]) -> None:
    """Call ``run(0)`` to ``run(parts - 1)``, each once, at the same time where possible.

    The threads are those of PyTorch's OpenMP runtime. Threads of our own would compete with
    them: between two operations PyTorch's keep their cores busy for milliseconds, waiting.

    Raises:
        BaseException: The first that a call raised, after all have ended.
    """
    work = _Work(parts, run)
    if parts == 1 or available_threads() == 1:
        work.take_part()
    else:
        number = next(_numbers)
        _works[number] = work
        try:
            _team()(_member, number, parts, 0)
        finally:
            del _works[number]
    if work.faults:
        raise work.faults[0]
    if work.done < parts:
        # An interrupt that meets a thread before it has begun is dropped by the C code there.
        raise KeyboardInterrupt


class _Work:
    """Parts that the threads of a team take one by one; a team may be smaller than asked for."""

    def __init__(self, parts: int, run: Callable[[int], None]) -> None:
        self.left = iter(range(parts))
        self.run = run
        self.faults: list[BaseException] = []
        self.done = 0

    def take_part(self) -> None:
        outer, _here.work = getattr(_here, "work", None), self
        try:
            for number in self.left:
                self.run(number)
                with _counting:
                    self.done += 1
        except BaseException as error:  # the C code that called would drop it
            self.faults.append(error)
        finally:
            _here.work = outer


_here = threading.local()
_counting = threading.Lock()
_works: dict[int, _Work] = {}
_numbers = itertools.count(1)
_BODY = ctypes.CFUNCTYPE(None, ctypes.c_size_t)


def _take_part(number: int) -> None:
    _works[number].take_part()


_member = _BODY(_take_part)

_forked = False


def _note_fork() -> None:
    """Work alone from now on: the parent's threads are not in its copies."""
    global _forked
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


@cache
def _team() -> Any:
    """Find the entry to parallel regions of the OpenMP runtime that PyTorch loaded, or None.

    Source: libgomp's ``GOMP_parallel(body, data, threads, flags)``; LLVM's runtime has it too.
    """
    try:
        enter = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):
        return None
    enter.argtypes = [_BODY, ctypes.c_size_t, ctypes.c_uint, ctypes.c_uint]
    enter.restype = None
    return enter
