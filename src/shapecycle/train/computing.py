"""How a training computes: number format, threads and processes, chosen by measurement.

A batch may be shared out among processes of one thread each, or every operation among threads.
Which is faster depends on the processor: small operations gain little from threads, and processes
have to send each other their gradients.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch.nn import functional as F

from shapecycle.config import Settings
from shapecycle.devices import Precision, has_native_bfloat16, precision_on, use_precision
from shapecycle.errors import ConfigError
from shapecycle.image_to_code.backbone import Backbone
from shapecycle.model_networks import Networks
from shapecycle.parallel import Team
from shapecycle.torchrun import local_processes
from shapecycle.train.benchmark import step_seconds
from shapecycle.train.step_graphs import WARM_UP, StepGraphs

Wish: TypeAlias = Literal["auto", "float32", "bfloat16"]
"""A number format, or the faster one."""
MIN_SHARE = 8
"""Items of a batch that a process must have: fewer cost more in overhead than they gain."""
SMALLEST = {"image_width": 32, "texture_width": 16}
"""Widths of networks from which bfloat16 is used unasked: with several threads oneDNN's bfloat16
convolutions (PyTorch 2.13) corrupt memory in networks of width 8."""
GAIN = 1.05
"""How much faster bfloat16 must be to be worth its rounding."""
SHARED = 1.2
"""How much longer a step takes beside another process's, which shares caches and memory."""
SENT = 2e-3
"""Seconds to average a megabyte of gradients among processes of one machine."""
WORTH_PROBING = 20_000
"""Images of a training that is long enough to try both ways for some seconds."""


@dataclass(frozen=True)
class Computing:
    """How a training computes.

    Attributes:
        device: "cpu", "cuda", "cuda:1" or "mps".
        precision: Number format of convolutions and matrix products.
        processes: How many train together on this machine.
        threads: How many threads each of them has.
        reason: Why this.
        is_deterministic: Whether the same command gives the same weights to the bit.
    """

    device: str
    precision: Precision
    processes: int = 1
    threads: int = 1
    reason: str = ""
    is_deterministic: bool = False

    def __str__(self) -> str:
        how = f"{self.precision} ({self.reason})"
        if self.device == "cpu":
            processes = "1 process" if self.processes == 1 else f"{self.processes} processes"
            threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
            how = f"{processes} of {threads}, {how}"
        return f"computing on {self.device}: {how}"

    @property
    def adapts_threads(self) -> bool:
        """Whether threads are counted anew now and then: other programs come and go."""
        return self.device == "cpu" and self.processes == 1 and not self.is_deterministic

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Make this process compute so for a while."""
        kind = torch.device(self.device).type
        before = precision_on(kind), torch.get_num_threads()
        was_deterministic = torch.are_deterministic_algorithms_enabled()
        was_tuned = torch.backends.cudnn.benchmark
        use_precision(kind, self.precision)
        if kind == "cpu":
            torch.set_num_threads(self.threads)
        torch.use_deterministic_algorithms(self.is_deterministic or was_deterministic)
        # Every step has the same shapes: on a GPU the fastest convolutions are found out once.
        torch.backends.cudnn.benchmark = kind == "cuda" or was_tuned
        try:
            yield
        finally:
            use_precision(kind, before[0])
            torch.set_num_threads(before[1])
            torch.backends.cudnn.benchmark = was_tuned
            torch.use_deterministic_algorithms(was_deterministic)


def chosen_computing(
    settings: Settings,
    device: str,
    *,
    precision: Wish = "auto",
    processes: int | None = None,
    is_deterministic: bool = False,
    team: Team | None = None,
) -> Computing:
    """Choose what was not asked for, by timing this machine.

    Args:
        settings: The training's.
        device: Where to compute.
        precision: Number format, or "auto" for the faster one.
        processes: How many on this machine; None to choose.
        is_deterministic: Whether results must be the same to the bit on this machine: one
            thread, float32 and deterministic algorithms.
        team: The processes that were started by torchrun, if they were.

    Raises:
        ConfigError: If that cannot be had.
    """
    kind = torch.device(device).type
    if is_deterministic:
        _check_deterministic(kind, precision, processes)
        return Computing(device, "float32", 1, 1, "deterministic", is_deterministic=True)
    if kind != "cpu" and (processes or 1) > 1:
        raise ConfigError(
            f"--processes is for processors, the device is {device}",
            "torchrun starts a process for each of several GPUs",
        )
    cores = available_cores()
    if team is not None and team.size > 1:
        # OMP_NUM_THREADS is of each process, torchrun sees to that.
        threads = cores if "OMP_NUM_THREADS" in os.environ else cores // local_processes()
        count, threads, why = 1, max(1, threads), ""
    elif kind != "cpu":
        count, threads, why = 1, torch.get_num_threads(), ""
    else:
        before = torch.get_num_threads()
        torch.set_num_threads(cores)
        count, why = (processes, "") if processes else chosen_processes(settings, cores)
        torch.set_num_threads(before)
        threads = max(1, cores // count)
    check_shares(settings.train.batch, (team.size if team else 1) * count)
    before = torch.get_num_threads()
    if kind == "cpu":
        torch.set_num_threads(threads)
    chosen, reason = chosen_precision(settings, device, precision)
    # Until the others are there, loading has all threads.
    torch.set_num_threads(before)
    return Computing(device, chosen, count, threads, f"{reason}{why}")


def check_shares(batch: int, processes: int) -> None:
    """Raise unless a batch can be shared out among processes.

    Raises:
        ConfigError: Naming the numbers that fit.
    """
    if processes > 1 and (batch % processes or batch // processes < 4):
        fitting = [n for n in range(1, batch // 4 + 1) if batch % n == 0] or [1]
        raise ConfigError(
            f"a batch of {batch} (train.batch) cannot be shared out among {processes} processes, "
            "at least 4 items each",
            f"take one of {', '.join(map(str, fitting))} processes, or another train.batch",
        )


def available_cores() -> int:
    """Return how many cores this process may use; OMP_NUM_THREADS sets a lower number."""
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    asked = os.environ.get("OMP_NUM_THREADS", "")
    # torchrun sets it to 1 for every process of several.
    return min(cores, int(asked)) if asked.isdigit() and int(asked) else cores


def chosen_processes(settings: Settings, cores: int) -> tuple[int, str]:
    """Return how many processes of one machine train fastest, and the times that say so."""
    count = _fitting_processes(settings.train.batch, cores)
    if count == 1 or settings.train.total_images < WORTH_PROBING:
        return 1, ""
    batch, threads = settings.train.batch, cores // count
    together = alone = 0.0
    for stage in ("random cycle", "all cycles"):
        together += step_seconds(settings, stage, batch=batch, threads=cores)
        alone += step_seconds(settings, stage, batch=batch // count, threads=threads)
    with torch.device("meta"):
        networks = Networks(settings.model, solve_modes=False)
    megabytes = 4 * sum(p.numel() for p in networks.parameters()) / 1e6
    shared_out = SHARED * alone + 2 * SENT * megabytes
    times = f"; two steps took {together:.2f} s by {cores} threads, about {shared_out:.2f} s by "
    return count if shared_out < together else 1, f"{times}{count} processes"


def _fitting_processes(batch: int, cores: int) -> int:
    """Return the largest power of two that cores and batch allow."""
    count = 1
    while 2 * count <= cores and batch % (2 * count * MIN_SHARE) == 0:
        count *= 2
    return count


def _check_deterministic(kind: str, precision: str, processes: int | None) -> None:
    if kind != "cpu":
        raise ConfigError(
            f"--deterministic cannot be had on {kind}: sums over pixels have no fixed order there",
            "give --device cpu",
        )
    if precision == "bfloat16" or (processes or 1) > 1:
        raise ConfigError(
            "--deterministic computes in float32 in one process of one thread",
            "leave --precision and --processes out",
        )


# Precision ---------------------------------------------------------------------------------------


def chosen_precision(settings: Settings, device: str, wish: Wish = "auto") -> tuple[Precision, str]:
    """Return a number format and why: the asked-for one, or the faster one on these networks."""
    kind = torch.device(device).type
    is_native = has_native_bfloat16(kind)
    if wish != "auto":
        slow = "" if is_native or wish == "float32" else ", emulated: this is slow"
        return wish, f"asked for{slow}"
    if not is_native:
        return "float32", f"no native bfloat16 on this {kind}"
    for name, least in SMALLEST.items():
        if (width := getattr(settings.model, name)) < least:
            return "float32", f"model.{name} is {width}, below {least}"
    seconds = {form: _timed_encoder(settings, device, form) for form in ("float32", "bfloat16")}
    ratio = seconds["float32"] / seconds["bfloat16"]
    return (
        "bfloat16" if ratio > GAIN else "float32",
        f"bfloat16 took {1 / ratio:.2f} of float32's time",
    )


def _timed_encoder(settings: Settings, device: str, precision: Precision) -> float:
    """Return the best time of the image encoder's trunk, forward and backward."""
    model, kind = settings.model, torch.device(device).type
    batch = min(16, settings.train.batch) if kind == "cpu" else settings.train.batch
    with torch.random.fork_rng(devices=[]):
        trunk = Backbone(
            width=model.image_width, image_size=model.image_size, features=model.image_features
        ).to(device)
    pictures = torch.full((batch, 4, model.image_size, model.image_size), 0.5, device=device)

    def work() -> None:
        trunk.zero_grad(set_to_none=True)
        with torch.autocast(kind, torch.bfloat16, enabled=precision == "bfloat16"):
            loss = trunk(pictures).sum()
        loss.backward()

    if kind == "cuda":
        return _best_time(_recorded(work, device), repeats=3)
    return _best_time(work, repeats=3)


def _recorded(work: Callable[[], None], device: str) -> Callable[[], None]:
    """Return work as a training repeats it on a GPU: there launching it would take the time."""
    place = torch.device(device)
    graphs = StepGraphs(place, torch.Generator(place))

    def repeat() -> None:
        graphs.run("work", work)
        torch.cuda.synchronize()

    for _ in range(WARM_UP):
        repeat()
    return repeat


def _best_time(work: Callable[[], object], repeats: int) -> float:
    work()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


# Threads -----------------------------------------------------------------------------------------


def choose_threads(repeats: int = 3) -> int:
    """Time a step-like workload with one thread and with all, and set the faster count.

    With a foreign process on one of two cores, two threads can be thirty times slower than one,
    because each parallel loop waits for the descheduled one.
    """
    most = available_cores()
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
