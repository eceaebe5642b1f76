"""Shards made on Ray: every one once, though a worker is killed, and the same as without."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from shapecycle.cli.on_ray import made_on_ray
from shapecycle.cli.shard_work import Made, Work, check_workers
from shapecycle.errors import ConfigError, DataError, MissingExtra

COUNT = 6

SCRIPT = f"""
import logging
import ray
from pathlib import Path
from test_on_ray import Copy
from shapecycle.cli.on_ray import made_on_ray
from shapecycle.errors import ShapecycleError

quiet = {{"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}}
ray.init("local", num_cpus=2, **quiet)
for how in ("killed", "bad"):
    try:
        job = Copy(Path("out"), how)
        rounds = list(made_on_ray(job, list(range({COUNT})), 2, on_gpu=False))
    except ShapecycleError as fault:
        print(f"error: {{fault}}")
    else:
        made = [one for some in rounds for one in some]
        print(sorted((one.shard, one.pictures, dict(one.doubts)) for one in made))
try:
    list(made_on_ray(job, [0, 1, 2], 3, on_gpu=False))
except ShapecycleError as fault:
    print(f"error: {{fault}}")
"""


@dataclass(frozen=True)
class Copy:
    """Writes a file for each shard; the worker that makes the third one dies, the first time."""

    out: Path
    how: str

    def prepared(self) -> Work:
        return self._write

    def _write(self, shard: int) -> Made:
        with (self.out / f"{self.how}.txt").open("a") as log:
            log.write(f"{shard} {os.getpid()}\n")
        if shard == 3 and self.how == "bad":
            raise DataError("the third is bad", "leave it out")
        if shard == 3 and self.how == "killed" and not (self.out / "died").exists():
            (self.out / "died").touch()
            time.sleep(0.2)
            os.kill(os.getpid(), 9)
        (self.out / f"{shard}.tar").write_text(str(shard))
        return Made(shard, 10 * shard, {"x": "a doubt"} if shard == 1 else {})


def test_a_shard_whose_worker_was_killed_is_made_by_another_and_bad_input_is_named(
    here: Path,
) -> None:
    pytest.importorskip("ray")
    (here / "out").mkdir()
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(paths)),
        cwd=here, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    killed, *bad = said.stdout.splitlines()
    assert killed == str([(k, 10 * k, {"x": "a doubt"} if k == 1 else {}) for k in range(COUNT)])
    assert bad == [
        "error: the third is bad",
        "  hint: leave it out",
        "error: --workers 3: Ray has 2 CPUs",
        "  hint: give fewer workers, or more machines",
    ]
    made = sorted(path.name for path in Path("out").glob("*.tar"))
    assert made == [f"{k}.tar" for k in range(COUNT)]
    begun = [line.split() for line in Path("out/killed.txt").read_text().splitlines()]
    assert len(begun) == COUNT + 1
    assert len({pid for _, pid in begun}) >= 2


def test_workers_and_torchrun_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="torchrun"):
        check_workers(2)


@pytest.mark.parametrize("count", [0, -1, 10**6])
def test_numbers_of_workers_out_of_range_are_refused(count: int) -> None:
    with pytest.raises(ConfigError, match="--workers must be"):
        check_workers(count)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shapecycle.cli.shard_work.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"shapecycle\[ray\]"):
        check_workers(2)
    check_workers(None)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "must be HOST:PORT"),
        ("ray://127.0.0.1:10001", "must be HOST:PORT"),
        ("127.0.0.1:1", "nobody answers at RAY_ADDRESS 127.0.0.1:1"),
    ],
)
def test_addresses_that_are_none_are_refused_at_once(
    address: str, said: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ConfigError, match=said):
        next(made_on_ray(Copy(here, "well"), [0], 1, on_gpu=False))
