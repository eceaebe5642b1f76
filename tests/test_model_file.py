"""The model file: what comes back from it, and what files it is not."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tiny_world import tiny_model, tiny_settings
from torch import Tensor

from shapecycle import model_file
from shapecycle.code_to_image import deformation
from shapecycle.config import as_dict
from shapecycle.errors import CheckpointError
from shapecycle.model_file import MODEL_NAME, Provenance, load_model, save_model
from shapecycle.model_networks import Networks


@pytest.fixture(scope="module")
def networks() -> Networks:
    torch.manual_seed(0)
    return Networks(tiny_model())


@pytest.fixture
def file(networks: Networks, tmp_path: Path) -> Path:
    provenance = Provenance(as_dict(tiny_settings()), 1234, ["centred", "scaled"])
    save_model(networks, tmp_path / MODEL_NAME, provenance)
    return tmp_path / MODEL_NAME


def _altered(file: Path, change: Callable[[dict[str, Any], dict[str, Tensor]], None]) -> Path:
    """Copy a model file with its metadata and tensors changed in place by a function."""
    with safe_open(file, "pt") as opened:
        about = json.loads(opened.metadata()["shapecycle"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    change(about, tensors)
    altered = file.with_name("altered.safetensors")
    save_file(tensors, altered, metadata={"shapecycle": json.dumps(about)})
    return altered


def test_weights_come_back_in_half_precision_and_settings_and_notes_as_they_were(
    networks: Networks, file: Path
) -> None:
    for path in (file, file.parent):
        loaded, provenance, _ = load_model(path)
        assert loaded.settings == tiny_model()
        assert provenance == Provenance(as_dict(tiny_settings()), 1234, ["centred", "scaled"])
        assert not loaded.training
        for name, value in networks.state_dict().items():
            wanted = value.half().to(value.dtype) if value.is_floating_point() else value
            torch.testing.assert_close(loaded.state_dict()[name], wanted, atol=0, rtol=0)


def test_weights_too_large_for_half_precision_come_back_in_full(
    networks: Networks, tmp_path: Path
) -> None:
    large = copy.deepcopy(networks)
    with torch.no_grad():
        large.shape_prior.mean.fill_(1e5 / 3)
        large.shape_prior.factor.fill_(1e6 / 3)
    save_model(large, tmp_path / MODEL_NAME, Provenance(as_dict(tiny_settings()), 1, []))
    loaded = load_model(tmp_path)[0]
    factor = loaded.shape_prior.factor
    torch.testing.assert_close(factor, large.shape_prior.factor, atol=0, rtol=0)


def test_loading_solves_no_eigenproblem_for_what_the_file_holds(
    networks: Networks, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def solved(*_: object) -> Tensor:
        raise AssertionError("the modes are in the file")

    monkeypatch.setattr(deformation, "smooth_modes", solved)
    loaded, _, _ = load_model(file)
    code = torch.randn(2, tiny_model().shape_code_size, generator=torch.Generator().manual_seed(0))
    renderer = networks.renderer
    with torch.no_grad():
        again, first = loaded.renderer.vertices(code), renderer.vertices(code)
    torch.testing.assert_close(again, first, atol=1e-3, rtol=0)


def test_nothing_but_the_model_is_left_behind(file: Path) -> None:
    assert [path.name for path in file.parent.iterdir()] == [MODEL_NAME]


def test_a_path_to_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no file .*none"):
        load_model(tmp_path / "none")
    with pytest.raises(CheckpointError, match=rf"holds no {MODEL_NAME}"):
        load_model(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", bytes(range(256)) * 8, b"\x08" + b"\0" * 99])
def test_any_bytes_are_not_a_model(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"any\.safetensors is not a shapecycle model"):
        load_model(path)


def test_a_model_file_cut_short_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=f"{MODEL_NAME} is not a shapecycle model"):
        load_model(file)


def test_somebody_elses_weights_are_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    nested = {"shapecycle": "[" * 100_000}
    for metadata in (None, {"format": "pt"}, {"shapecycle": "[]"}, {"shapecycle": "{"}, nested):
        save_file({"weight": torch.ones(2)}, path, metadata=metadata)
        with pytest.raises(CheckpointError, match=r"other\.safetensors is not a shapecycle model"):
            load_model(path)


def test_another_format_says_so_whatever_else_it_holds(file: Path) -> None:
    def newer(about: dict[str, Any], _: dict[str, Tensor]) -> None:
        about["format"] = 99
        about["settings"]["model"]["not_invented_yet"] = 1

    with pytest.raises(CheckpointError, match="has format 99, this version reads format"):
        load_model(_altered(file, newer))


@pytest.mark.parametrize(("name", "value"), [("shape_width", 0), ("nonsense", 1), ("symmetric", 3)])
def test_settings_that_cannot_be_are_refused(name: str, value: int, file: Path) -> None:
    def change(about: dict[str, Any], _: dict[str, Tensor]) -> None:
        about["settings"]["model"][name] = value

    with pytest.raises(CheckpointError, match=f"is not a shapecycle model: .*{name}"):
        load_model(_altered(file, change))


def test_weights_of_another_size_are_refused(file: Path) -> None:
    def change(about: dict[str, Any], _: dict[str, Tensor]) -> None:
        about["settings"]["model"]["shape_code_size"] += 1

    with pytest.raises(CheckpointError, match=r"does not fit its own settings: '.+' is .+, not"):
        load_model(_altered(file, change))


@pytest.mark.parametrize("name", ["shape_prior.mean", "renderer.deformation.basis"])
def test_missing_weights_are_refused(name: str, file: Path) -> None:
    def change(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        del tensors[name]

    with pytest.raises(CheckpointError, match=f"does not fit .*{re.escape(name)}"):
        load_model(_altered(file, change))


def test_settings_of_huge_networks_are_refused_before_they_get_memory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(about: dict[str, Any], _: dict[str, Tensor]) -> None:
        about["settings"]["model"] |= {"image_width": 1024, "texture_width": 1024}

    changed, made = _altered(file, change), []
    networks = model_file.Networks

    def counted(*arguments: Any, **named: Any) -> Any:
        made.append(torch.get_default_device().type)
        return networks(*arguments, **named)

    monkeypatch.setattr(model_file, "Networks", counted)
    with pytest.raises(CheckpointError, match="does not fit its own settings"):
        load_model(changed)
    assert made == ["meta"]


def test_weights_beyond_all_measure_are_refused_by_name(file: Path) -> None:
    def change(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        tensors["light_prior.mean"] = 1e30 * torch.ones_like(tensors["light_prior.mean"]).float()

    with pytest.raises(CheckpointError, match=r"'light_prior\.mean' reach 1e\+30"):
        load_model(_altered(file, change))


def test_weights_that_are_not_finite_are_refused_by_name(file: Path) -> None:
    def change(_: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        tensors["light_prior.mean"][0] = torch.nan

    with pytest.raises(CheckpointError, match=r"'light_prior\.mean' are not finite"):
        load_model(_altered(file, change))
