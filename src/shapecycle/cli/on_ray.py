"""Shards made on Ray: on this machine, or on the cluster that ``RAY_ADDRESS`` names.

Ray starts workers anew that were killed, and gives their shard to another one. All workers must
see the same folders.
"""

import json
import logging
import os
import secrets
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from shapecycle.cli.shard_work import Job, Made, Work
from shapecycle.errors import ConfigError, DataError, ShapecycleError


def made_on_ray(
    job: Job, missing: Sequence[int], workers: int, *, on_gpu: bool
) -> Iterator[list[Made]]:
    """Make shards in so many workers, each of which loads what it takes once.

    Args:
        job: What makes them.
        missing: Their numbers.
        workers: How many.
        on_gpu: Whether each worker has a GPU.

    Raises:
        ConfigError: If there are fewer processors or GPUs.
        DataError: What a worker found wrong.
    """
    if not missing:
        return
    # Neither is anything sent to its makers, nor a page served, unless somebody asks for it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Ray Data starts its workers in a way that Ray itself calls an error, each time.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # One that is empty is none.
    address = os.environ.get("RAY_ADDRESS") or "local"
    if not os.environ.get("RAY_ADDRESS"):
        os.environ.pop("RAY_ADDRESS", None)
    _check_address(address)
    workers = min(workers, len(missing))
    if address == "local":
        # Its processes listen to the whole network, and do what they are told by who knows this.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    import ray
    import ray.data

    started_here = not ray.is_initialized()
    if started_here:
        page = False if address == "local" else None
        try:
            ray.init(
                address, include_dashboard=page, log_to_driver=False, logging_level=logging.ERROR
            )
        except Exception as fault:  # whatever Ray makes of an address
            raise ConfigError(
                f"Ray cannot be had at {address} ({type(fault).__name__}: "
                f"{str(fault).strip().splitlines()[0]})",
                "see that the cluster runs, or unset RAY_ADDRESS to use this machine",
            ) from fault
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        kind = "GPU" if on_gpu else "CPU"
        if there.get(kind, 0) < workers:
            raise ConfigError(
                f"--workers {workers}: Ray has {there.get(kind, 0):.0f} {kind}s",
                "give fewer workers, or more machines",
            )
        # A worker is given a block: a shard. Made here, for the workers hold all processors.
        rows = [{"shard": k} for k in missing]
        made = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _worker_for(job, Path.cwd()),
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
            num_cpus=max(1, int(there["CPU"]) // workers),
            num_gpus=int(on_gpu),
        )
        # What Ray says of workers that died goes to where progress goes.
        with redirect_stdout(sys.stderr):
            for row in made.iter_rows():
                yield [_made(row["made"])]
    finally:
        if started_here:
            ray.shutdown()


def _check_address(address: str) -> None:
    """Raise if nobody listens at an address: Ray itself tries for minutes.

    Raises:
        ConfigError: If it is none, or nobody does.
    """
    if address in ("local", "auto"):
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdigit():
        raise ConfigError(
            f"RAY_ADDRESS is {address!r}, and must be HOST:PORT of a cluster's head",
            "run this on one of the cluster's machines (as `ray job submit` does)",
        )
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as fault:
        raise ConfigError(
            f"nobody answers at RAY_ADDRESS {address} ({fault})",
            "see that the cluster runs, or unset RAY_ADDRESS to use this machine",
        ) from fault


def _worker_for(job: Job, folder: Path) -> type:
    """Return what Ray starts; arguments would lie where a worker that is started anew may not find
    them.
    """

    class Worker:
        """A process of Ray's that makes shards."""

        def __init__(self) -> None:
            # What was given is named from there.
            os.chdir(folder)
            self.work: Work | None = None

        def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
            """Make a shard; what is wrong with what was given is told: another try is no use."""
            try:
                self.work = self.work or job.prepared()
                return {"made": json.dumps(vars(self.work(int(row["shard"]))), default=dict)}
            except ShapecycleError as fault:
                return {"made": json.dumps({"what": fault.what, "hint": fault.hint})}
            except OSError as fault:
                return {"made": json.dumps({"what": f"a worker failed: {fault}", "hint": ""})}

    return Worker


def _made(answer: str) -> Made:
    found = json.loads(answer)
    if "what" in found:
        raise DataError(found["what"], found["hint"])
    return Made(**found)
