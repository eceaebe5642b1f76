"""Several processes that train one model, or share out pictures; the one importer of distribution.

Gradients are averaged by the optimizers (`train.optimizers`), once per network and step, instead
of by `DistributedDataParallel`: a step calls the parts of one network several times, frozen and
not, which its hooks around `forward` do not see.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from shapecycle.errors import ConfigError, LostProcess, ShapecycleError
from shapecycle.torchrun import is_one_of_several

T = TypeVar("T")

JOIN_SECONDS = 120.0
"""Seconds in which all processes must have found each other."""
ANSWER_SECONDS = 600.0
"""Seconds that a process waits for the others; one that dies is noticed at once."""
POLL_SECONDS = 0.1
ROLL_CALL_SECONDS = 5.0
"""Seconds that processes have to say that they are there after one was lost."""


@dataclass(frozen=True)
class Team:
    """The processes that work together, seen from one of them; without the others, that one.

    Attributes:
        rank: Number of this process, from 0; that one writes and prints.
        size: Number of processes.
        local_rank: Number of this process among those on its machine.
        check_others: Raises if another process is known to be gone; called while waiting.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    check_others: Callable[[], None] = field(default=lambda: None, compare=False)

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> list[T]:
        """Return the items that are this process's work."""
        return list(items[self.rank :: self.size])

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their means over all processes, in one message."""
        if self.size == 1 or not tensors:
            return
        whole = torch.cat([tensor.detach().flatten() for tensor in tensors])
        with _noticing_loss(self):
            dist.all_reduce(whole)
        parts = whole.div_(self.size).split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.detach().copy_(part.view_as(tensor))

    def copy_first_(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by those of the first process."""
        if self.size == 1:
            return
        with _noticing_loss(self):
            for tensor in tensors:
                dist.broadcast(tensor.detach(), 0)

    def gathered(self, items: Tensor) -> Tensor:
        """Return the items of all processes, in the order of the whole batch.

        Gradients reach this process's own items, times the number of processes: averaged with
        those of the others they are the gradient of what is computed from all items.
        """
        if self.size == 1:
            return items
        parts = [torch.empty_like(items) for _ in range(self.size)]
        with _noticing_loss(self):
            dist.all_gather(parts, items.detach().contiguous())
        own = items.detach() + self.size * (items - items.detach())
        parts[self.rank] = own
        return torch.stack(parts, 1).flatten(0, 1)

    def largest(self, numbers: Sequence[int | float]) -> list[float]:
        """Return for each number the largest that any process named."""
        if self.size == 1:
            return [float(number) for number in numbers]
        named = torch.tensor(numbers, dtype=torch.float64)
        with _noticing_loss(self):
            dist.all_reduce(named, dist.ReduceOp.MAX)
        return named.tolist()

    def each(self, work: Callable[[], T]) -> list[T]:
        """Do something in every process; return what all returned, in the order of their numbers.

        Args:
            work: Its result is sent to the others, so it must be picklable and on the CPU.

        Raises:
            ShapecycleError, OSError: In all processes, if the work raised one in any of them.
            LostProcess: If another process is gone.
        """
        if self.size == 1:
            return [work()]
        answer: tuple[T | None, Exception | None]
        try:
            answer = work(), None
        except (ShapecycleError, OSError) as fault:
            answer = None, fault
        answers: list[tuple[T | None, Exception | None]] = [answer] * self.size
        with _noticing_loss(self):
            dist.all_gather_object(answers, answer)
        for _, found in answers:
            if found is not None:
                raise found
        return [cast(T, result) for result, _ in answers]

    def own(self, work: Callable[[], T]) -> T:
        """Do something in every process, and stop all if one fails; see `each`.

        Returns:
            This process's result, which is not sent.
        """
        results: list[T] = []
        self.each(lambda: results.append(work()))
        return results[0]

    def first(self, work: Callable[[], T]) -> T:
        """Do something in the first process alone, and tell all the result; see `each`."""
        return cast(T, self.each(lambda: work() if self.is_first else None)[0])

    def wait(self, what: str, seconds: float) -> None:
        """Wait until all processes have come this far.

        Raises:
            LostProcess: Naming those that have not.
        """
        if self.size == 1:
            return
        absent = _absent(self, what, seconds)
        if absent:
            raise _lost(absent, self.size)


ALONE = Team()


def joined(device: str) -> Team:
    """Join the other processes, as the variables that `torchrun` sets say; alone without them.

    Args:
        device: "cpu", or "cuda": each process then takes the GPU of its number.

    Raises:
        ConfigError: If they cannot be found.
    """
    if not is_one_of_several():
        return ALONE
    try:
        rank, size, local_rank = (
            int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        )
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    except (KeyError, ValueError) as fault:
        raise ConfigError(
            f"WORLD_SIZE says that several processes work together, but not where ({fault})",
            "start them with torchrun, or unset WORLD_SIZE",
        ) from fault
    return join(Team(rank, size, local_rank), device, "env://", where)


def join(team: Team, device: str, meeting: str, where: str = "this machine") -> Team:
    """Join the other processes of a team.

    Args:
        team: Which of how many this one is.
        device: "cpu", or "cuda": each process then takes the GPU of its number.
        meeting: Address by which they find each other, as `torch.distributed` names it.
        where: The same, for people.

    Raises:
        ConfigError: If they cannot be found.
    """
    kind = torch.device(device).type
    # The small messages about when to stop go over the processors.
    backend = "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo"
    if kind == "cuda":
        torch.cuda.set_device(team.local_rank)
    wait = timedelta(seconds=JOIN_SECONDS)
    try:
        dist.init_process_group(
            backend, init_method=meeting, rank=team.rank, world_size=team.size, timeout=wait
        )
        # Whether they reach each other shows with the first message.
        dist.all_reduce(torch.zeros(1))
        dist.distributed_c10d._set_pg_timeout(timedelta(seconds=ANSWER_SECONDS))
    except (RuntimeError, ValueError) as fault:
        raise ConfigError(
            f"process {team.rank} of {team.size} did not find the others at {where} within "
            f"{JOIN_SECONDS:.0f} seconds ({str(fault).splitlines()[0]})",
            "see that all of them run and reach that address; --processes 1 trains in one",
        ) from fault
    return team


def leave() -> None:
    """Take leave of the other processes, if there are some."""
    if dist.is_initialized():
        dist.destroy_process_group()


class _noticing_loss:
    """Turns what the messages raise when another process is gone into an error that names it."""

    def __init__(self, team: Team) -> None:
        self.team = team

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, RuntimeError):
            absent = _absent(self.team, "roll call", ROLL_CALL_SECONDS)
            raise _lost(absent, self.team.size) from fault


def _absent(team: Team, what: str, seconds: float) -> list[int]:
    """Return who has not come to a place after some time."""
    others = [rank for rank in range(team.size) if rank != team.rank]
    try:
        store = dist.distributed_c10d._get_default_store()
        store.set(f"{what}/{team.rank}", "here")
        names = {rank: f"{what}/{rank}" for rank in others}
        end = time.monotonic() + seconds
        while absent := [rank for rank, name in names.items() if not store.check([name])]:
            if time.monotonic() > end:
                return absent
            team.check_others()
            time.sleep(POLL_SECONDS)
    except RuntimeError:
        # The first process keeps the store.
        return [0]
    return []


def _lost(ranks: list[int], size: int) -> LostProcess:
    who = " and ".join(str(rank) for rank in ranks) or "another one"
    return LostProcess(
        f"of {size} processes that work together, number {who} ended or does not answer",
        "its own message says why; a training that has saved a state goes on from there with "
        "--resume, all else is begun anew",
    )
