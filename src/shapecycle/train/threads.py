"""How many processor threads to use: more are slower when something else is running."""

import os
import time

import torch
from torch.nn import functional as F


def choose_threads(repeats: int = 3) -> int:
    """Time a step-like workload with one thread and with all, and set the faster count.

    With a foreign process on one of two cores, two threads can be thirty times slower than one,
    because each parallel loop waits for the descheduled one.
    """
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if most == 1 or "OMP_NUM_THREADS" in os.environ:
        return torch.get_num_threads()
    candidates = sorted({1, most})
    seconds = dict.fromkeys(candidates, float("inf"))
    for _ in range(repeats):
        for count in candidates:
            torch.set_num_threads(count)
            seconds[count] = min(seconds[count], _timed_workload())
    best = min(candidates, key=lambda count: seconds[count])
    torch.set_num_threads(best)
    return best


def _timed_workload() -> float:
    pictures, weight = torch.ones(16, 16, 32, 32), torch.ones(16, 16, 3, 3)
    start = time.perf_counter()
    for _ in range(10):
        F.silu(F.conv2d(pictures, weight, padding=1)).mean()
    return time.perf_counter() - start
