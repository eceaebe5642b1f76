"""Folders of shards that are made one by one: begun once, gone on with, shared out.

A shard appears whole or not at all, and is made from its number alone. So whoever makes it, however
often it is begun, it is there once.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from shapecycle.cli.output import check_creatable, check_unused, write_new_file
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import CheckpointError, ConfigError, MissingExtra
from shapecycle.torchrun import is_one_of_several

if TYPE_CHECKING:
    from shapecycle.parallel import Team


@dataclass(frozen=True)
class Made:
    """What came of a shard.

    Attributes:
        shard: Its number.
        pictures: How many are in it.
        doubts: What is to be said at the end, by what it concerns.
    """

    shard: int
    pictures: int
    doubts: Mapping[str, str] = field(default_factory=dict)


Work = Callable[[int], Made]
"""Makes the shard of a number."""


@runtime_checkable
class Job(Protocol):
    """What makes the shards of a folder; it can be sent to other processes."""

    def prepared(self) -> Work:
        """Load what it takes."""


def check_workers(workers: int | None) -> None:
    """Raise if Ray cannot share work out.

    Raises:
        ConfigError: If the number is none, or torchrun does.
        MissingExtra: If Ray is not installed.
    """
    if workers is None:
        return
    if not 1 <= workers <= 100_000:
        raise ConfigError(f"--workers must be from 1 to 100000, found {workers}")
    if is_one_of_several():
        raise ConfigError(
            "--workers shares work out on Ray, and torchrun started several processes",
            "leave one of them out",
        )
    if find_spec("ray") is None or find_spec("pyarrow") is None:
        raise MissingExtra(
            "--workers needs Ray Data, which is not installed",
            'pip install "shapecycle[ray]"; without it, torchrun shares work out on one machine',
        )


def begin(out: Path, name: str, settings: Mapping[str, Any], *, resume: bool) -> None:
    """Make a folder, or see that it was begun with the same options.

    Args:
        out: The folder.
        name: Of the file in it that holds the options.
        settings: What decides the shards.
        resume: Whether it was begun before.

    Raises:
        CheckpointError: If it holds something else.
    """
    begun = out / name
    if not resume:
        check_unused(out)
        check_creatable(out)
        out.mkdir(parents=True, exist_ok=True)
        write_new_file(begun, json.dumps(settings, indent=1) + "\n")
        return
    try:
        before = json.loads(begun.read_text())
    except FileNotFoundError as fault:
        raise CheckpointError(
            f"{out} was not begun: it holds no {name}", "name a new folder"
        ) from fault
    except (OSError, ValueError, RecursionError) as fault:
        raise CheckpointError(f"{begun} is damaged: {fault}", "name a new folder") from fault
    if not isinstance(before, dict):
        raise CheckpointError(f"{begun} is damaged: no options in it", "name a new folder")
    for option, now in settings.items():
        if before.get(option) != now:
            told = " ".join(f"({x!s:.60})" for x in (before.get(option), now))
            raise CheckpointError(
                f"{out} was begun with another {option}: before and now {told}",
                "give the same options and files, or name a new folder",
            )


def forget(out: Path, name: str) -> None:
    """Take a folder back that was begun, where no shard was made."""
    if not any(out.glob("*.tar")):
        (out / name).unlink(missing_ok=True)
        with suppress(OSError):
            out.rmdir()


def make(rounds: Iterable[Sequence[Made]], count: int, missing: int) -> dict[str, str]:
    """Say how it goes while shards are made; return all doubts."""
    done, drawn, start = count - missing, 0, time.monotonic()
    doubts: dict[str, str] = {}
    if done:
        say(f"{done} of {counted(count, 'shards')} are there already")
    for some in rounds:
        done += len(some)
        drawn += sum(one.pictures for one in some)
        for one in some:
            doubts |= one.doubts
        speed = drawn / (time.monotonic() - start)
        say(f"  {done} of {counted(count, 'shards')}  {speed:.0f} pictures/s")
    return doubts


def shared_out(team: "Team", work: Work, missing: Sequence[int]) -> Iterator[list[Made]]:
    """Make shards in the processes that torchrun started, one in each at a time."""
    for first in range(0, len(missing), team.size):
        own = team.share(missing[first : first + team.size])
        shares = team.each(partial(_each, work, own))
        yield [one for share in shares for one in share]


def _each(work: Work, shards: Sequence[int]) -> list[Made]:
    return [work(shard) for shard in shards]


def fingerprint(files: Sequence[Path]) -> str:
    """Return what only these files have, in this order, with these names."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode(errors="surrogateescape") + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest() if files else ""
