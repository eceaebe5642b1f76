"""What a training computes with: asked for, or chosen by measurement; never half of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny_world import shapecycle, tiny_settings, train_command

from shapecycle import devices
from shapecycle.config import Settings
from shapecycle.devices import autocast, precision_on
from shapecycle.errors import ConfigError
from shapecycle.train import computing
from shapecycle.train.computing import Computing, chosen_computing, chosen_precision

CPU = torch.device("cpu")


def test_without_native_bfloat16_the_answer_is_float32_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def untimed(*arguments: object) -> float:
        raise AssertionError("nothing is to be timed")

    monkeypatch.setattr(computing, "has_native_bfloat16", lambda kind: False)
    monkeypatch.setattr(computing, "_timed_encoder", untimed)
    assert chosen_precision(Settings(), "cpu")[0] == "float32"


@pytest.mark.parametrize(("half_takes", "chosen"), [(0.5, "bfloat16"), (0.99, "float32")])
def test_the_faster_format_is_taken_if_it_is_much_faster(
    monkeypatch: pytest.MonkeyPatch, half_takes: float, chosen: str
) -> None:
    seconds = {"float32": 1.0, "bfloat16": half_takes}
    monkeypatch.setattr(computing, "has_native_bfloat16", lambda kind: True)
    monkeypatch.setattr(computing, "_timed_encoder", lambda *given: seconds[given[-1]])
    assert chosen_precision(Settings(), "cpu")[0] == chosen
    # Asking is stronger than timing.
    assert chosen_precision(Settings(), "cpu", "bfloat16")[0] == "bfloat16"
    # oneDNN's bfloat16 convolutions corrupt memory on networks this small.
    assert chosen_precision(tiny_settings(), "cpu")[0] == "float32"


def test_the_timed_encoder_is_the_one_that_trains() -> None:
    assert computing._timed_encoder(tiny_settings(), "cpu", "float32") > 0


def test_a_computing_applies_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_chosen", {})
    before = precision_on("cpu"), torch.get_num_threads()
    for precision, is_half in (("float32", False), ("bfloat16", True)):
        with Computing("cpu", precision, threads=1).applied(), autocast(CPU):
            assert torch.is_autocast_enabled("cpu") == is_half
    assert (precision_on("cpu"), torch.get_num_threads()) == before


@pytest.mark.parametrize(
    ("cores", "batch", "processes"), [(1, 32, 1), (2, 32, 2), (3, 32, 2), (8, 32, 4), (2, 8, 1)]
)
def test_every_process_has_enough_of_a_batch(cores: int, batch: int, processes: int) -> None:
    assert computing._fitting_processes(batch, cores) == processes


def test_omp_num_threads_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    chosen = chosen_computing(Settings(), "cpu", precision="float32")
    assert (chosen.processes, chosen.threads) == (1, 1)


def test_a_deterministic_training_has_one_thread_and_float32() -> None:
    chosen = chosen_computing(Settings(), "cpu", is_deterministic=True)
    assert (chosen.precision, chosen.processes, chosen.threads) == ("float32", 1, 1)
    with chosen.applied():
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("device", "precision", "processes"),
    [("cuda", "auto", None), ("cpu", "bfloat16", None), ("cpu", "auto", 2)],
)
def test_what_cannot_be_deterministic_is_refused(
    device: str, precision: computing.Wish, processes: int | None
) -> None:
    with pytest.raises(ConfigError, match="deterministic"):
        chosen_computing(
            Settings(), device, precision=precision, processes=processes, is_deterministic=True
        )


def test_deterministic_trainings_give_the_same_model_to_the_bit(
    world: Path, tmp_path: Path
) -> None:
    models = []
    for name in "ab":
        command = train_command(world, tmp_path / name, "--total-images", 48, "--deterministic")
        outcome = shapecycle(*command)
        assert outcome.code == 0, outcome.err
        assert "1 process of 1 thread, float32 (deterministic)" in outcome.err
        models.append((tmp_path / name / "model.safetensors").read_bytes())
    assert models[0] == models[1]


def test_processes_that_do_not_find_each_other_say_where_they_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = (
        "from shapecycle import parallel\n"
        "parallel.JOIN_SECONDS = 2.0\n"
        "try:\n    parallel.joined('cpu')\n"
        "except Exception as fault:\n    print(type(fault).__name__, fault)"
    )
    lonely = {
        "RANK": "1",
        "LOCAL_RANK": "1",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | lonely,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("ConfigError process 1 of 2 did not find the others at 127.0.0.1")
