"""One step of training: whose terms it has, and that it goes on from a saved state to the bit."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_world import few_samples, tiny_settings
from torch import Tensor

from shapecycle.data.photo_set import PhotoSet, load_photos
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.data.shapes import ShapeSet, load_shape_folder
from shapecycle.train.steps import Trainer

NO_CRITICS = {"image_critic": 0.0, "texture_critic": 0.0, "shape_critic": 0.0}


@pytest.fixture(scope="module")
def data(world: Path) -> tuple[PhotoSet, ShapeSet]:
    photos = load_photos(world / "images", size=32)
    return photos, load_shape_folder(world / "shapes")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with few_samples():
        yield


def _trainer(data: tuple[PhotoSet, ShapeSet], **weights: float) -> Trainer:
    photos, shapes = data
    settings = tiny_settings()
    settings = replace(settings, weights=replace(settings.weights, **weights))
    generator = torch.Generator().manual_seed(3)
    pool = ShapeSampler.of(shapes.meshes[:3], generator=generator, device="cpu")
    return Trainer(settings, photos, pool, seed=3, device="cpu")


def _saved(trainer: Trainer) -> dict[str, object]:
    """Return what comes back of a state that was written."""
    file = io.BytesIO()
    torch.save(trainer.state(), file)
    file.seek(0)
    state: dict[str, object] = torch.load(file, weights_only=True)
    return state


@pytest.mark.parametrize("weights", [{}, {"texture_critic": 0.0}, NO_CRITICS])
def test_a_restored_trainer_goes_on_as_if_it_had_never_stopped(
    weights: dict[str, float], data: tuple[PhotoSet, ShapeSet]
) -> None:
    trainer = _trainer(data, **weights)
    trainer.prepare("all cycles", 0.0)
    for _ in range(2):
        trainer.cycles_step(1.0)
    again = _trainer(data, **weights)
    again.load_state(_saved(trainer))
    for _ in range(2):
        first, second = trainer.cycles_step(1.0), again.cycles_step(1.0)
        assert first == second
    for name, value in trainer.networks.state_dict().items():
        torch.testing.assert_close(again.networks.state_dict()[name], value, atol=0, rtol=0)


@pytest.mark.parametrize("name", ["image", "texture", "shape"])
def test_a_critic_of_weight_0_takes_no_part(name: str, data: tuple[PhotoSet, ShapeSet]) -> None:
    trainer = _trainer(data, **{f"{name}_critic": 0.0})
    terms = trainer.cycles_step(1.0)
    assert not [term for term in terms if term.startswith(f"{name}_critic")]
    others = {"image", "texture", "shape"} - {name}
    assert {f"{other}_critic_own" for other in others} < set(terms)
    state = trainer.state()
    assert set(state["critics"]) == others
    learnt = sum(len(critic) for critic in state["critics"].values())
    assert len(state["optimizers"]["critics"]["state"]) == learnt, "only they have an optimizer"


def test_a_training_needs_no_critics(data: tuple[PhotoSet, ShapeSet]) -> None:
    trainer = _trainer(data, **NO_CRITICS)
    assert not [term for term in trainer.cycles_step(1.0) if "critic" in term]
    assert trainer.state()["critics"] == {}
    assert "critics" not in trainer.state()["optimizers"]


def test_a_state_of_other_critics_is_refused(data: tuple[PhotoSet, ShapeSet]) -> None:
    kept = _saved(_trainer(data))
    with pytest.raises(ValueError, match=r"critics: image, shape, texture; .*settings: none"):
        _trainer(data, **NO_CRITICS).load_state(kept)


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_poses_term_is_told_plain_and_learnt_by_its_weight(
    weight: float, data: tuple[PhotoSet, ShapeSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = _trainer(data, pose_transport=weight)
    descended: list[Tensor] = []
    monkeypatch.setattr(trainer.poses, "step", lambda loss: descended.append(loss))
    message = trainer.cycles_step(1.0)["pose_transport"]
    torch.testing.assert_close(descended[0].detach(), weight * message)


def test_poses_of_weight_0_are_not_learnt(data: tuple[PhotoSet, ShapeSet]) -> None:
    moved = []
    for weight in (0.0, 1.0):
        trainer = _trainer(data, pose_transport=weight)
        before = [p.detach().clone() for p in trainer.poses.parameters]
        terms = trainer.cycles_step(1.0)
        assert ("pose_transport" in terms) == (weight > 0)
        after = trainer.poses.parameters
        moved.append(max((x - y).abs().max().item() for x, y in zip(before, after, strict=True)))
    assert moved[0] == 0
    assert moved[1] > 0


def test_templates_are_laid_and_then_shapes_carried_when_they_are_due(
    data: tuple[PhotoSet, ShapeSet],
) -> None:
    trainer = _trainer(data)
    shapes = trainer.scenes.shapes
    assert trainer.prepare("shapes", 0.9) == ""
    assert shapes.templates is None, "nothing can be read yet"
    assert trainer.prepare("random cycle", 0.0) == ""
    assert shapes.templates is not None
    assert trainer.carried is None, "nothing can be seen yet"
    assert not trainer.is_due("random cycle", 0.4)
    assert "photographs show" in trainer.prepare("random cycle", 0.5)
    first = trainer.carried
    assert first is not None
    assert torch.equal(shapes.mesh[len(shapes) :], first.source)
    assert "photographs show" in trainer.prepare("all cycles", 0.0)
    assert trainer.carried is not first, "more can be seen by then"
    assert not trainer.is_due("all cycles", 1.0)


def test_a_training_that_goes_back_to_shapes_forgets_what_was_made(
    data: tuple[PhotoSet, ShapeSet],
) -> None:
    trainer = _trainer(data)
    before = trainer.scenes.shapes.points.clone()
    trainer.prepare("all cycles", 0.0)
    assert len(trainer.scenes.shapes.points) > len(before)
    trainer.prepare("shapes", 0.2)
    assert trainer.carried is None
    assert trainer.scenes.shapes.templates is None
    assert torch.equal(trainer.scenes.shapes.points, before)
    assert trainer.shapes_step(1.0)
