"""The cycles: what must come back, which networks learn from it, and which do not."""

from collections.abc import Iterator

import pytest
import torch
from tiny_world import FOV_Y, few_samples, small_car, tiny_settings
from torch import nn

from shapecycle.camera import clip_from_camera
from shapecycle.code_to_image.compositing import premultiplied
from shapecycle.cycles.image_cycle import image_cycle
from shapecycle.cycles.random_cycle import draw_random_scene, random_cycle
from shapecycle.cycles.scenes import SceneSampler
from shapecycle.cycles.shape_autoencoder import shape_autoencoder
from shapecycle.cycles.shape_cycle import shape_cycle
from shapecycle.data.photo_sampler import PhotoSampler
from shapecycle.data.photo_set import PhotoSet
from shapecycle.data.shape_sampler import ShapeSampler
from shapecycle.graphics_code import GraphicsCode
from shapecycle.model_networks import Networks

CPU = torch.device("cpu")


@pytest.fixture
def networks() -> Networks:
    torch.manual_seed(0)
    return Networks(tiny_settings().model)


@pytest.fixture
def scenes() -> SceneSampler:
    generator = torch.Generator().manual_seed(0)
    rgba = torch.full((4, 4, 32, 32), 200, dtype=torch.uint8)
    rgba[:, :, :8] = 0
    windows = torch.tensor([[0.0, 0.0, 0.7]] * 4)
    photos = PhotoSampler(PhotoSet(rgba, windows, [], []), generator=generator, device=CPU)
    with few_samples():
        shapes = ShapeSampler.of([small_car(0), small_car(1)], generator=generator, device=CPU)
    settings = tiny_settings(pose_light_buffer=8)
    return SceneSampler(settings, shapes, photos, generator=generator, device=CPU)


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with few_samples():
        yield


def _learnt(networks: Networks) -> set[str]:
    """Name the parts that got a gradient."""
    parts: dict[str, nn.Module] = {
        "shape_encoder": networks.shape_encoder,
        "image_encoder": networks.image_encoder,
        "texture_head": networks.image_encoder.texture_head,
        "deformation": networks.renderer.deformation,
        "texture_decoder": networks.renderer.texture_decoder,
    }
    return {
        name
        for name, part in parts.items()
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())
    }


@torch.no_grad()
def _seen(networks: Networks, scenes: SceneSampler) -> GraphicsCode:
    return image_cycle(networks, scenes, 4).best.code


def test_windows_are_jittered_a_little(scenes: SceneSampler) -> None:
    shapes = scenes.warped_shapes(12, 1.0)
    camera = scenes.wide_pose(12).place(shapes.vertices)
    clip = clip_from_camera(camera, scenes.window(camera), fov_y=FOV_Y)
    reach = (clip[..., :2] / clip[..., 3:]).abs().amax((1, 2))
    assert reach.max() < 1.1
    assert reach.min() > 0.75
    assert reach.std() > 0.005


def test_half_the_poses_are_the_photographs_once_enough_are_known(scenes: SceneSampler) -> None:
    known, light = scenes.wide_pose(8), scenes.light(8)
    before = scenes.generator.get_state()
    wide = scenes.pose(6).angles
    scenes.pose_light_buffer.add(known, light)
    scenes.generator.set_state(before)
    mixed = scenes.pose(6).angles
    torch.testing.assert_close(mixed[:3], wide[:3])
    nearest = torch.cdist(mixed[3:], known.angles).amin(1)
    torch.testing.assert_close(nearest, torch.zeros(3), atol=1e-5, rtol=0)


def test_shapes_teach_shape_encoder_and_deformation(
    networks: Networks, scenes: SceneSampler
) -> None:
    losses = shape_autoencoder(networks, scenes, 4)
    assert all(value.ndim == 0 and value.isfinite() for value in losses.values())
    torch.stack(list(losses.values())).sum().backward()
    assert _learnt(networks) == {"shape_encoder", "deformation"}


def test_shapes_are_learnt_by_minimising_their_losses(
    networks: Networks, scenes: SceneSampler
) -> None:
    adam = torch.optim.Adam(networks.parameters(), lr=3e-3)
    distances = []
    for _ in range(40):
        losses = shape_autoencoder(networks, scenes, 4)
        distances.append(losses["shape_distance"].item())
        adam.zero_grad()
        (losses["shape_distance"] + 0.1 * losses["shape_normals"]).backward()
        adam.step()
    assert sum(distances[-4:]) < 0.7 * sum(distances[:4])


def test_a_random_scene_knows_its_own_truth(networks: Networks, scenes: SceneSampler) -> None:
    render = draw_random_scene(networks, scenes, 12)
    with torch.no_grad():
        torch.testing.assert_close(render.shape, networks.read(render.points))
        vertices = networks.renderer.vertices(render.shape)
    torch.testing.assert_close(render.vertices, vertices)
    assert render.rgba.shape == (12, 4, 32, 32)
    assert render.albedo.shape == (12, 3, 32, 32)
    assert not render.vertices.requires_grad
    assert not render.shape.requires_grad


def test_random_scenes_teach_to_see(networks: Networks, scenes: SceneSampler) -> None:
    cycle = random_cycle(networks, scenes, 4)
    assert cycle.texture_codes.shape == (2, 8), "textures are compared on half the batch"
    torch.stack(list(cycle.losses.values())).sum().backward()
    assert {"image_encoder", "texture_head", "texture_decoder"} <= _learnt(networks)
    assert "shape_encoder" not in _learnt(networks), "the truth is not taught"


def test_photographs_are_redrawn_and_teach_encoder_and_decoders(
    networks: Networks, scenes: SceneSampler
) -> None:
    cycle = image_cycle(networks, scenes, 3)
    names = {"image_cycle_colour", "image_cycle_silhouette", "image_cycle_structure"}
    assert set(cycle.losses) == names
    assert cycle.best.drawing.shape == (3, 4, 32, 32)
    texels = cycle.best.code.texture.texels
    assert texels is not None
    assert not texels.requires_grad, "colours do not pull geometry"
    torch.stack(list(cycle.losses.values())).sum().backward()
    assert {"image_encoder", "deformation", "texture_decoder"} <= _learnt(networks)
    assert "shape_encoder" not in _learnt(networks)


def test_hypotheses_in_one_batch_cost_what_they_cost_one_by_one(
    networks: Networks, scenes: SceneSampler
) -> None:
    start = scenes.generator.get_state()
    cycle = image_cycle(networks, scenes, 3)
    scenes.generator.set_state(start)
    photos, window = scenes.photos.sample(3)
    encoding, view = networks.encode_image(photos, window), networks.view(window)
    vertices = networks.renderer.vertices(encoding.shape)
    bins, plausibility = encoding.pose.hypotheses(scenes.settings.train.image_hypotheses)
    expected = torch.zeros(())
    for k, share in enumerate((plausibility / plausibility.sum(1, keepdim=True)).unbind(1)):
        code = networks.code_of(photos, encoding, bins[:, k], view, vertices=vertices)
        drawing = networks.renderer.draw(code, view)
        away = (drawing[:, :3] - premultiplied(photos)[:, :3]).abs().mean((1, 2, 3))
        expected = expected + (away * share).mean()
        if k == 0:
            torch.testing.assert_close(cycle.best.drawing, drawing, atol=1e-4, rtol=0)
            torch.testing.assert_close(cycle.best.code.pose.angles, code.pose.angles)
    torch.testing.assert_close(cycle.losses["image_cycle_colour"], expected, atol=1e-5, rtol=1e-4)


def test_drawings_teach_colour_and_leave_geometry_alone(
    networks: Networks, scenes: SceneSampler
) -> None:
    cycle = shape_cycle(networks, scenes, 4, _seen(networks, scenes))
    (cycle.drawing.square().mean() + cycle.albedo.square().mean()).backward()
    assert _learnt(networks) == {"texture_decoder"}


def test_what_is_seen_again_sends_nothing_back_to_what_drew_it(
    networks: Networks, scenes: SceneSampler
) -> None:
    cycle = shape_cycle(networks, scenes, 4, _seen(networks, scenes))
    gradients = torch.autograd.grad(
        torch.stack(list(cycle.losses.values())).sum(), [cycle.drawing], allow_unused=True
    )
    assert gradients == (None,), "no messages can be hidden in what is seen again"
