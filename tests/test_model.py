"""The model in Python: see, read, draw, mesh, and what they refuse."""

from collections.abc import Callable
from dataclasses import replace
from math import atan, pi, radians, tan
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_world import small_car, tiny_model

import shapecycle
from shapecycle.camera import Pose
from shapecycle.errors import CheckpointError, ConfigError, DataError
from shapecycle.graphics_code import GraphicsCode, Texture
from shapecycle.mesh import Mesh
from shapecycle.model import MAX_DRAWN_SIDE, Model, load
from shapecycle.pose_distribution import NEARBY


@pytest.fixture(scope="module")
def model(run: Path) -> Model:
    return shapecycle.load(run)


@pytest.fixture(scope="module")
def picture(world: Path) -> Path:
    return min((world / "images").iterdir())


def _sampled(model: Model, count: int = 2, seed: int = 0) -> GraphicsCode:
    generator = torch.Generator().manual_seed(seed)
    shape = model.sample_shape(count, generator)
    return model.sample_appearance(shape, generator, texture="decoded")


def test_a_file_and_an_array_are_seen_alike(model: Model, picture: Path) -> None:
    rgba = np.asarray(Image.open(picture), dtype=np.float32) / 255
    seen = [model.see(given, refine_steps=0) for given in (picture, str(picture), rgba)]
    for other in seen[1:]:
        torch.testing.assert_close(other.code.shape, seen[0].code.shape)
        torch.testing.assert_close(other.code.pose.angles, seen[0].code.pose.angles)
    assert seen[0].size == (48, 48)
    assert len(seen[0].code) == 1


def test_the_first_hypothesis_is_the_unrefined_pose(model: Model, picture: Path) -> None:
    seen = model.see(picture, refine_steps=0)
    torch.testing.assert_close(seen.hypotheses[0].pose.angles, seen.code.pose.angles)
    assert seen.hypotheses[0].plausibility == max(h.plausibility for h in seen.hypotheses)


def test_refining_changes_shape_and_pose_a_little(model: Model, picture: Path) -> None:
    first, refined = (model.see(picture, refine_steps=n) for n in (0, 4))
    away = (refined.code.pose.translation - first.code.pose.translation).abs().max()
    assert 0 < away < 0.5


def test_a_picture_without_a_mask_is_refused(model: Model, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "untextured.png")
    with pytest.raises(DataError, match=r"untextured\.png: no mask"):
        model.see(tmp_path / "untextured.png")


def test_the_textures_of_photographs_are_finer_than_those_trained_on(
    model: Model, picture: Path
) -> None:
    texels = model.see(picture, refine_steps=0).code.texture.texels
    assert texels is not None
    assert texels.shape[-1] > tiny_model().texture_resolution
    assert texels[:, 3].max() > 0.5


def test_shapes_are_read_alike_wherever_and_however_large_they_are(model: Model) -> None:
    car = small_car(0)
    moved = Mesh(car.vertices * 12.5 + [3, -4, 5], car.faces)
    first, second = model.read(car), model.read(moved)
    assert first.shape == (1, tiny_model().shape_code_size)
    torch.testing.assert_close(first, second, atol=1e-3, rtol=0)
    assert (first - model.read(small_car(4))).abs().max() > 1e-4


def test_shapes_are_read_from_files_and_from_oriented_points(
    model: Model, world: Path, tmp_path: Path
) -> None:
    path = min((world / "shapes").iterdir())
    from_file = model.read(path)
    from shapecycle.data.mesh_files import load_mesh

    torch.testing.assert_close(model.read(load_mesh(path)), from_file)
    points, normals = small_car(0).sample(3000, np.random.default_rng(0))
    cloud = Mesh(points, np.zeros((0, 3), dtype=np.int64), normals=normals)
    # As encoded: this model has hardly been trained, and what it refines wanders far.
    from_file, cloud_code, other = (
        model.read(shape, refine_steps=0) for shape in (path, cloud, small_car(4))
    )
    assert (cloud_code - from_file).norm() < 0.8 * (other - from_file).norm()


def test_samples_repeat_with_their_seed_and_differ_without(model: Model) -> None:
    first, again, other = _sampled(model), _sampled(model), _sampled(model, seed=1)
    torch.testing.assert_close(first.shape, again.shape, atol=0, rtol=0)
    torch.testing.assert_close(first.pose.angles, again.pose.angles, atol=0, rtol=0)
    assert (first.shape - other.shape).abs().max() > 1e-4
    assert (first.texture.code[0] - first.texture.code[1]).abs().max() > 0.1


@pytest.mark.parametrize("size", [20, (20, 20), (24, 40), (33, 17)])
def test_drawings_have_the_asked_size_and_straight_colours(
    model: Model, size: int | tuple[int, int]
) -> None:
    height, width = (size, size) if isinstance(size, int) else size
    pictures = model.draw(_sampled(model), size)
    assert pictures.shape == (2, height, width, 4)
    assert pictures.dtype == np.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert (pictures[pictures[..., 3] == 0] == 0).all()


def test_framed_drawings_are_filled_by_their_object(model: Model) -> None:
    code = _sampled(model)
    code = replace(code, pose=replace(code.pose, translation=torch.tensor([[0.9, 0.4, -4.0]] * 2)))
    plain, framed = (model.draw(code, 32, framed=framed)[..., 3] for framed in (False, True))
    assert plain.mean() < 0.1
    assert framed.mean() > 0.2
    assert framed[:, [0, -1]].max() < 0.5


def test_a_very_large_drawing_looks_like_a_small_one(model: Model) -> None:
    code = _sampled(model, 1)
    side = MAX_DRAWN_SIDE // 2 + 200  # too large to be drawn at two samples per pixel
    large = model.draw(code, (side // 8, side))[0]
    assert large.shape == (side // 8, side, 4)
    small = model.draw(code, (side // 64, side // 8))[0]
    height, width = small.shape[:2]
    blocks = large[: height * 8, : width * 8, 3].reshape(height, 8, width, 8).mean((1, 3))
    assert np.abs(blocks - small[..., 3]).mean() < 0.01


def test_a_mesh_is_one_codes_and_closed(model: Model) -> None:
    code = _sampled(model)
    mesh = model.mesh(code[1])
    n = tiny_model().subdivisions
    assert mesh.vertices.shape == (4 * n * n + 2, 3)
    assert mesh.texture is not None
    assert mesh.texture.shape == (tiny_model().texture_resolution,) * 2 + (3,)
    with pytest.raises(ValueError, match="one code, not of 2"):
        model.mesh(code)


def test_a_code_survives_json_on_its_way_to_a_drawing(model: Model, picture: Path) -> None:
    code = model.see(picture, refine_steps=0).code
    again = GraphicsCode.from_json(code.to_json())
    np.testing.assert_allclose(model.draw(again, 24), model.draw(code, 24), atol=0.02)


def _masked(height: int = 40, width: int = 48) -> np.ndarray:
    rgba = np.full((height, width, 4), 0.5, dtype=np.float32)
    rgba[..., 3] = 0
    rgba[8:-8, 8:-8, 3] = 1
    return rgba


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.transpose(2, 0, 1), "found 4 x 40 x 48: put channels last"),
        (lambda x: x[..., :3], "found 40 x 48 x 3: add the object's mask"),
        (lambda x: (x * 255).astype(np.int32), "found int32: divide"),
        (lambda x: x[..., 0], "found 40 x 48 that is no mask"),
        (lambda x: x * 255, "found 0 to 255: divide by 255"),
        (lambda x: x[:7], "found 7 x 48 x 4"),
        (lambda x: x * np.nan, "must be finite"),
        (lambda x: x * 0, "empty mask"),
    ],
)
def test_arrays_that_are_no_masked_pictures_are_refused(
    change: Callable[[np.ndarray], np.ndarray], message: str, model: Model
) -> None:
    with pytest.raises(ValueError, match=f"the picture .*{message}"):
        model.see(change(_masked()))
    with pytest.raises(ValueError, match=f"picture 2 of 3 .*{message}"):
        model.see_all([_masked(), torch.from_numpy(change(_masked()).copy()), _masked()])


def test_arrays_of_numpy_and_of_torch_are_seen_alike(model: Model) -> None:
    array, tensor = model.see_all([_masked(), torch.from_numpy(_masked())], refine_steps=0)
    torch.testing.assert_close(array.code.shape, tensor.code.shape)
    assert array.size == tensor.size == (40, 48)


def test_pillow_images_and_eight_bits_are_seen_like_their_file(model: Model, picture: Path) -> None:
    with Image.open(picture) as file:
        opened = file.copy()
        images = [picture, file, opened, np.asarray(opened), torch.from_numpy(np.array(opened))]
        first, *others = model.see_all(images, refine_steps=0)
    for other in others:
        torch.testing.assert_close(other.code.shape, first.code.shape)
        torch.testing.assert_close(other.code.pose.angles, first.code.pose.angles)
    with pytest.raises(ValueError, match="the picture has no mask: alpha is 1 everywhere"):
        model.see(opened.convert("RGB"))


def test_a_pillow_image_whose_file_is_cut_short_is_refused(
    model: Model, picture: Path, tmp_path: Path
) -> None:
    whole = picture.read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with (
        Image.open(tmp_path / "cut.png") as cut,
        pytest.raises(ValueError, match="the picture cannot be read: "),
    ):
        model.see(cut)


def test_a_bare_mask_is_seen_as_a_grey_object(model: Model, picture: Path, tmp_path: Path) -> None:
    with Image.open(picture) as file:
        alpha = file.getchannel("A")
    alpha.save(tmp_path / "mask.png")
    grey = np.full((48, 48, 4), 0.5, dtype=np.float32)
    grey[..., 3] = np.asarray(alpha) / 255
    masks = [tmp_path / "mask.png", alpha, np.asarray(alpha), grey[..., 3], grey]
    first, *others = model.see_all(masks, refine_steps=0)
    for other in others:
        torch.testing.assert_close(other.code.shape, first.code.shape)
        torch.testing.assert_close(other.code.pose.angles, first.code.pose.angles)
    silhouettes = model.see_all([alpha.point(lambda x: 255 * (x > 127)).convert("1"), alpha])
    assert [seen.size for seen in silhouettes] == [(48, 48)] * 2
    assert silhouettes[0].code.texture.texels is not None


# Choosing the pose


def test_any_hypothesis_can_be_taken_by_its_rank(model: Model, picture: Path) -> None:
    first = model.see(picture, refine_steps=0)
    for rank, hypothesis in enumerate(first.hypotheses, start=1):
        seen = model.see(picture, refine_steps=0, hypothesis=rank)
        torch.testing.assert_close(seen.code.pose.angles, hypothesis.pose.angles)
        torch.testing.assert_close(seen.code.pose.translation, hypothesis.pose.translation)
        assert seen.start.plausibility == pytest.approx(hypothesis.plausibility, abs=1e-6) or (
            hypothesis.plausibility == 0
        )
        assert seen.hypotheses[0].plausibility == first.hypotheses[0].plausibility


def test_a_hint_takes_an_estimate_near_to_it_of_all_directions(model: Model, picture: Path) -> None:
    for hint in (0.3, -2.0, 3.1, 9.0):
        pose = model.see(picture, refine_steps=0, azimuth_hint=hint).code.pose
        away = (pose.angles[0, 0].item() - hint + pi) % (2 * pi) - pi
        assert abs(away) <= NEARBY + 1e-5


def test_refinement_and_texture_start_from_the_chosen_pose(model: Model, picture: Path) -> None:
    first = model.see(picture, refine_steps=0)
    azimuth = first.code.pose.angles[0, 0].item()
    turned = model.see(picture, refine_steps=3, azimuth_hint=azimuth + pi, surface="template")
    start = turned.start.pose
    assert torch.equal(turned.code.pose.angles, start.angles)
    assert (turned.code.pose.translation - start.translation).abs().max() > 0
    assert (turned.code.shape - first.code.shape).abs().max() > 0
    unrefined = model.see(picture, refine_steps=0, azimuth_hint=azimuth + pi)
    texels, others = unrefined.code.texture.texels, first.code.texture.texels
    assert texels is not None
    assert others is not None
    assert (texels[:, 3] - others[:, 3]).abs().max() > 0.5, "another side is seen"


def test_given_poses_are_taken_as_they_are(model: Model, picture: Path) -> None:
    pose = Pose(
        torch.tensor([[0.4, 0.2, 0.1], [2.4, 0.3, 0.0]], dtype=torch.float64),
        torch.tensor([[0.1, 0.0, -2.0], [0.0, 0.1, -1.8]], dtype=torch.float64),
    )
    seen = model.see_all([picture, picture], refine_steps=0, pose=pose)
    for k, one in enumerate(seen):
        torch.testing.assert_close(one.code.pose.angles, pose[k].angles.float())
        torch.testing.assert_close(one.start.pose.translation, pose[k].translation.float())
        assert 0 <= one.start.plausibility <= 1
    with pytest.raises(ValueError, match="`pose` must be 1 poses, found 2"):
        model.see(picture, pose=pose)
    with pytest.raises(ValueError, match="all choose the pose: give one of them"):
        model.see(picture, pose=pose[0], azimuth_hint=0.0)


# Fields of view


def test_a_wider_field_of_view_is_a_larger_frame_around_the_same_picture(
    model: Model, picture: Path
) -> None:
    with Image.open(picture) as file:
        pixels = np.asarray(file)
    wide = np.pad(pixels, [(24, 24), (24, 24), (0, 0)])
    fov_y = 2 * atan(2 * tan(model.networks.fov_y / 2))
    for steps in (0, 3):
        plain, padded = (
            model.see(pixels, refine_steps=steps),
            model.see(wide, refine_steps=steps, fov_y=fov_y),
        )
        assert (plain.fov_y, padded.fov_y) == (model.networks.fov_y, fov_y)
        torch.testing.assert_close(padded.code.shape, plain.code.shape, atol=1e-3, rtol=0)
        torch.testing.assert_close(
            padded.code.pose.translation, plain.code.pose.translation, atol=1e-3, rtol=0
        )
    code = padded.code
    inner = model.draw(code, 96, fov_y=fov_y)[0, 24:-24, 24:-24]
    assert np.abs(inner - model.draw(code, 48)[0]).mean() < 0.01
    assert np.abs(model.draw(code, 96)[0, 24:-24, 24:-24] - inner).mean() > 0.05


def test_a_narrower_field_of_view_puts_the_object_farther_away(model: Model, picture: Path) -> None:
    distances = [
        -model.see(picture, refine_steps=0, fov_y=radians(degrees)).code.pose.translation[0, 2]
        for degrees in (20, 40, 80)
    ]
    assert distances[0] > 1.5 * distances[1] > 2 * distances[2]
    for fov_y in (0.0, 4.0):
        with pytest.raises(ValueError, match=r"`fov_y` must be in "):
            model.see(picture, fov_y=fov_y)
        with pytest.raises(ValueError, match=r"`fov_y` must be in "):
            model.draw(_sampled(model), fov_y=fov_y)


def test_every_shape_has_a_distance_from_the_training_shapes(model: Model, picture: Path) -> None:
    seen = model.see(picture, refine_steps=2)
    expected = model.networks.shape_prior.distance(seen.code.shape).item()
    assert seen.shape_distance == pytest.approx(expected, rel=1e-4)
    assert np.isfinite(seen.shape_distance)


def test_what_was_drawn_can_be_seen(model: Model) -> None:
    drawn = model.draw(_sampled(model), 64, framed=True)
    assert [seen.size for seen in model.see_all(list(drawn), refine_steps=0)] == [(64, 64)] * 2


@pytest.mark.usefixtures("unchecked")
def test_one_path_is_no_list_of_pictures(model: Model) -> None:
    with pytest.raises(TypeError, match="`images` must be a list of pictures; `see` takes one"):
        model.see_all("photo.png")  # type: ignore[arg-type]


def test_a_device_that_is_not_there_is_refused(run: Path) -> None:
    for name in ("tpu", "tpu:1"):
        with pytest.raises(ConfigError, match=rf"device {name}: .*none\n  hint: there is: cpu"):
            load(run, device=name)
    assert load(run, device="cpu:0").device.type == "cpu"


def test_nothing_to_see_is_nothing_seen(model: Model) -> None:
    assert model.see_all([]) == []


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_picture_or_shape_is_refused(model: Model) -> None:
    with pytest.raises(TypeError, match=r"the picture must be a file, a Pillow .* found None"):
        model.see(None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`shape` must be a mesh or its file, found Tensor"):
        model.read(torch.zeros(1, 8))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`refine_steps` must be at least 0, found -1"):
        model.see(_masked(), refine_steps=-1)


def test_fewer_than_one_sample_or_pixel_is_refused(model: Model) -> None:
    generator = torch.Generator().manual_seed(0)
    for count in (0, -1):
        with pytest.raises(ValueError, match=f"`count` must be at least 1, found {count}"):
            model.sample_shape(count, generator)
        for size in (count, (8, count)):
            with pytest.raises(ValueError, match=f"`size` must be at least 1, found {count}"):
                model.draw(_sampled(model), size)


def test_codes_of_another_model_are_refused_by_part_and_length(model: Model) -> None:
    message = _sampled(model, 1).to_json()
    message["shape"] = message["shape"] * 2
    other = GraphicsCode.from_json(message)
    for verb in (model.draw, model.mesh):
        with pytest.raises(ValueError, match=r"`code\.shape` must be 1 x 8 .*, found 1 x 16"):
            verb(other)
    with pytest.raises(ValueError, match=r"`shape` must be 1 x 8 numbers .*, found 1 x 16"):
        model.sample_appearance(other.shape, torch.Generator())
    untextured = replace(_sampled(model), texture=Texture(torch.zeros(2, 3)))
    with pytest.raises(ValueError, match=r"`code\.texture\.code` must be 2 x 8 .*, found 2 x 3"):
        model.draw(untextured)


def test_codes_of_another_precision_are_drawn_alike(model: Model) -> None:
    code = _sampled(model, 1)
    np.testing.assert_array_equal(
        model.draw(code.map(torch.Tensor.double), 16), model.draw(code, 16)
    )


def test_loading_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no model\.safetensors"):
        shapecycle.load(tmp_path)


def test_the_package_names_its_parts_and_no_others() -> None:
    for name in shapecycle.__all__:
        assert getattr(shapecycle, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = shapecycle.nonsense
