"""A folder is filled with shards, in this process, in torchrun's, or by workers on Ray."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shapecycle.cli.on_ray import made_on_ray
from shapecycle.cli.shard_work import Job, Work, begin, forget, make, shared_out
from shapecycle.console import say
from shapecycle.errors import ShapecycleError

if TYPE_CHECKING:
    import torch

    from shapecycle.parallel import Team


def fill(
    out: Path,
    job: Job,
    work: Work,
    team: "Team",
    device: "torch.device",
    *,
    name: str,
    settings: Mapping[str, Any],
    missing: Callable[[], list[int]],
    count: int,
    resume: bool,
    workers: int | None,
) -> dict[str, str]:
    """Make the shards of a folder that are not there yet.

    Args:
        out: The folder; made, if it is not gone on with.
        job: What makes shards in other processes.
        work: What makes them in this one.
        team: The processes that torchrun started.
        device: On which they compute.
        name: Of the file in the folder that holds the options.
        settings: The options, which decide the shards.
        missing: Finds out which are not there.
        count: How many there are to be.
        resume: Whether the folder was begun before.
        workers: How many make them on Ray; None without.

    Returns:
        What is to be said at the end, by what it concerns.

    Raises:
        CheckpointError: If the folder holds something else.
        DataError: If a shard cannot be made; one that was begun for it, and holds none, is gone.
    """
    team.first(lambda: begin(out, name, settings, resume=resume))
    try:
        numbers = team.first(missing)
        if workers is None:
            rounds = shared_out(team, work, numbers)
        else:
            rounds = made_on_ray(job, numbers, workers, on_gpu=device.type == "cuda")
        return make(rounds, count, len(numbers))
    except KeyboardInterrupt:
        say("what is whole stays; to go on: the same command with --resume")
        raise
    except ShapecycleError:
        if not resume:
            team.first(lambda: forget(out, name))
        raise
