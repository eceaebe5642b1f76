"""Journeys through the whole command line, on a tiny world and a model hardly trained."""

import json
import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
import yaml
from PIL import Image
from tiny_world import TINY, Outcome, few_samples, shapecycle, train_command

import shapecycle as package
from shapecycle import seen
from shapecycle.data.mesh_files import load_mesh
from shapecycle.evaluate import efficientnet_lite0
from shapecycle.graphics_code import GraphicsCode


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _assert_textured(path: Path, *, is_carried: bool = False) -> trimesh.Trimesh:
    mesh = trimesh.load(path, force="mesh")
    assert isinstance(mesh, trimesh.Trimesh)
    assert (len(mesh.faces) != 8 * TINY["model"]["subdivisions"] ** 2) == is_carried
    assert np.isfinite(mesh.vertices).all()
    texture = mesh.visual.material.baseColorTexture
    assert min(texture.size) >= TINY["model"]["texture_resolution"]
    assert mesh.visual.uv.min() >= 0
    assert mesh.visual.uv.max() <= 1
    return mesh


def _assert_picture(path: Path, width: int, height: int) -> None:
    with Image.open(path) as picture:
        assert picture.mode == "RGBA"
        assert picture.size == (width, height)
        alpha = np.asarray(picture)[..., 3]
    assert alpha.max() == 255, "something is seen"
    assert alpha.min() == 0, "and not everywhere"


def _assert_camera(message: dict[str, Any]) -> None:
    matrix = np.array(message["camera_from_object"])
    assert matrix.shape == (4, 4)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-5)
    assert matrix[2, 3] < 0
    assert message["fov_y"] == pytest.approx(np.radians(TINY["model"]["fov_y_degrees"]))


# Training


def test_training_says_what_it_does_and_prints_the_model(training: tuple[Path, Outcome]) -> None:
    run, outcome = training
    assert outcome.out == f"{run / 'model.safetensors'}\n"
    for message in (
        "12 pictures cropped",
        "8 shapes (8 PLY)",
        "diagonal 1",
        "model holds",
        "trained for",
    ):
        assert message in outcome.err
    names = {path.name for path in run.iterdir()}
    assert names == {
        "journal.jsonl",
        "model.safetensors",
        "model_card.md",
        "panels",
        "settings.json",
        "settings.yaml",
        "state",
        "surroundings.json",
    }


def test_the_settings_of_a_run_are_kept_and_can_be_used_again(run: Path) -> None:
    kept = _json(run / "settings.json")
    assert kept["settings"]["train"]["total_images"] == 96
    assert kept["settings"]["model"] | TINY["model"] == kept["settings"]["model"]
    assert [command[:2] for command in kept["commands"]] == [["shapecycle", "train"]]
    assert kept["seed"] == 0
    assert yaml.safe_load((run / "settings.yaml").read_text()) == kept["settings"]


def test_what_was_done_to_the_data_is_stored_in_the_model(run: Path) -> None:
    notes = " ".join(package.load(run).provenance.notes)
    assert "12 pictures cropped" in notes
    assert "diagonal 1" in notes


def test_a_dry_run_prints_settings_and_sizes_and_makes_nothing(world: Path, here: Path) -> None:
    outcome = shapecycle(*train_command(world, here / "run", "--dry-run"))
    assert outcome.code == 0
    message = outcome.out
    printed = yaml.safe_load(message[: message.index("shape encoder")])
    assert printed["model"] | TINY["model"] == printed["model"]
    for part in ("image encoder", "deformation", "texture decoder", "critics", "parameters"):
        assert part in message
    assert re.search(r"memory +about [\d,]+ MB of activations for a step of batch 4", message)
    for stage in ("shapes", "random cycle", "all cycles", "all"):
        assert re.search(rf"^{stage} +[\d,.]+ images per second", message, re.MULTILINE)
    assert not list(here.iterdir())


def test_a_longer_training_goes_on_from_the_saved_state(world: Path, here: Path) -> None:
    with few_samples():
        begun = shapecycle(*train_command(world, here / "run", "--total-images", 8, "--seed", 5))
        assert begun.code == 0, begun.err
        folders = ["--images", world / "images", "--shapes", world / "shapes"]
        more = shapecycle(
            "train", *folders, "--out", here / "run", "--resume", "--total-images", 24
        )
    assert more.code == 0, more.err
    assert "resumed after 12 images" in more.err  # three stages of a step each
    kept = _json(here / "run" / "settings.json")
    assert kept["seed"] == 5, "the run keeps its own seed"
    assert kept["settings"]["train"]["total_images"] == 24
    # Each of the three stages ends with a whole step of four.
    assert 24 <= package.load(here / "run").provenance.images < 24 + 3 * 4


# Pictures to meshes


@pytest.fixture(scope="module")
def reconstructed(
    run: Path, world: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    out = tmp_path_factory.mktemp("reconstruct") / "out"
    outcome = shapecycle("reconstruct", run, world / "images", "--out", out, "--refine-steps", 2)
    assert outcome.code == 0, outcome.err
    return out, outcome


def test_every_picture_becomes_a_textured_mesh_a_render_and_a_code(
    reconstructed: tuple[Path, Outcome], world: Path
) -> None:
    out, outcome = reconstructed
    assert outcome.out == f"{out}\n"
    pictures = sorted((world / "images").iterdir())
    assert {path.name for path in out.iterdir()} == {p.stem for p in pictures} | {"summary.json"}
    for picture in pictures:
        folder = out / picture.stem
        assert {path.name for path in folder.iterdir()} == {"mesh.glb", "render.png", "code.json"}
        source = _json(folder / "code.json")["surface"]["source"]
        mesh = _assert_textured(folder / "mesh.glb", is_carried=source is not None)
        assert mesh.extents.max() < 3
        with Image.open(picture) as given:
            _assert_picture(folder / "render.png", *given.size)


def test_a_wide_picture_gets_a_wide_render(
    reconstructed: tuple[Path, Outcome], world: Path
) -> None:
    wide = max((world / "images").iterdir(), key=lambda path: path.name[-6:])  # the last one
    _assert_picture(reconstructed[0] / wide.stem / "render.png", 72, 48)


def test_codes_tell_camera_field_of_view_hypotheses_and_fit(
    reconstructed: tuple[Path, Outcome],
) -> None:
    for path in reconstructed[0].glob("*/code.json"):
        message = _json(path)
        _assert_camera(message)
        assert 0 <= message["silhouette_iou"] <= 1
        assert message["hypotheses"]
        plausibility = [hypothesis["plausibility"] for hypothesis in message["hypotheses"]]
        assert plausibility == sorted(plausibility, reverse=True)
        assert all(0 <= x <= 1 for x in plausibility)
        for hypothesis in message["hypotheses"]:
            _assert_camera(hypothesis)
        code = GraphicsCode.from_json(message["code"])
        np.testing.assert_allclose(
            code.pose.camera_from_object()[0].numpy(), message["camera_from_object"], atol=1e-5
        )


def test_the_summary_has_every_picture_and_their_mean(
    reconstructed: tuple[Path, Outcome],
) -> None:
    out = reconstructed[0]
    summary = _json(out / "summary.json")
    fits = [_json(path)["silhouette_iou"] for path in out.glob("*/code.json")]
    assert len(summary["pictures"]) == len(fits)
    assert summary["mean_silhouette_iou"] == pytest.approx(np.mean(fits))


def test_one_picture_is_seen_the_same_alone(
    reconstructed: tuple[Path, Outcome], run: Path, world: Path, here: Path
) -> None:
    picture = min((world / "images").iterdir())
    command = ["reconstruct", run / "model.safetensors", picture, "--out", "o"]
    outcome = shapecycle(*command, "--refine-steps", 2)
    assert outcome.code == 0, outcome.err
    alone = _json(here / "o" / picture.stem / "code.json")
    among = _json(reconstructed[0] / picture.stem / "code.json")
    # The convolutions run in bfloat16, whose rounding depends on the batch.
    np.testing.assert_allclose(alone["camera_from_object"], among["camera_from_object"], atol=0.05)
    np.testing.assert_allclose(alone["code"]["shape"], among["code"]["shape"], atol=0.05)


def test_masks_beside_the_pictures_will_do(run: Path, world: Path, here: Path) -> None:
    pictures = here / "rgb"
    (pictures / "masks").mkdir(parents=True)
    for path in sorted((world / "images").iterdir())[:2]:
        with Image.open(path) as picture:
            picture.convert("RGB").save(pictures / path.name)
            picture.getchannel("A").save(pictures / "masks" / path.name)
    outcome = shapecycle("reconstruct", run, pictures, "--out", "o", "--refine-steps", 0)
    assert outcome.code == 0, outcome.err
    assert len(list(here.glob("o/*/mesh.glb"))) == 2


def test_another_pose_can_be_taken(run: Path, world: Path, here: Path) -> None:
    picture = min((world / "images").iterdir())
    command = ["reconstruct", run, picture, "--refine-steps", 0]
    assert shapecycle(*command, "--out", "first").code == 0
    ranked = _json(here / "first" / picture.stem / "code.json")["hypotheses"]
    outcome = shapecycle(*command, "--hypothesis", 2, "--out", "second")
    assert outcome.code == 0, outcome.err
    second = _json(here / "second" / picture.stem / "code.json")
    # The convolutions run in bfloat16, whose rounding depends on the batch.
    for matrix in (second["camera_from_object"], second["start"]["camera_from_object"]):
        np.testing.assert_allclose(matrix, ranked[1]["camera_from_object"], atol=0.05)
    summary = _json(here / "second" / "summary.json")["pictures"][0]
    assert summary["plausibility"] == second["start"]["plausibility"]
    outcome = shapecycle(*command, "--azimuth-hint", -90, "--out", "hint")
    assert outcome.code == 0, outcome.err
    summary = _json(here / "hint" / "summary.json")["pictures"][0]
    assert 240 <= summary["azimuth_degrees"] <= 300
    assert "--azimuth-hint" not in outcome.err, "that was decided"


def test_pictures_of_another_field_of_view_are_redrawn_with_it(
    run: Path, world: Path, here: Path
) -> None:
    picture = min((world / "images").iterdir())
    fits = []
    for fov in (30, 50, 70):
        command = ["reconstruct", run, picture, "--fov", fov, "--out", f"o{fov}"]
        outcome = shapecycle(*command, "--refine-steps", 20, "--surface", "template")
        assert outcome.code == 0, outcome.err
        message = _json(here / f"o{fov}" / picture.stem / "code.json")
        views = [message, message["start"], *message["hypotheses"]]
        assert [view["fov_y"] for view in views] == [pytest.approx(np.radians(fov))] * len(views)
        fits.append(message["silhouette_iou"])
    assert min(fits) > max(fits) - 0.1


def test_doubts_are_written_and_counted(
    run: Path, world: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "HALF_TURN_SHARE", 0.0)
    monkeypatch.setattr(seen, "NEARBY", np.pi)
    monkeypatch.setattr(seen, "MAX_SHAPE_DISTANCE", 0.0)
    with Image.open(min((world / "images").iterdir())) as picture:
        picture.save("whole.png")
        picture.getchannel("A").save("mask.png")
    command = ["reconstruct", run, "whole.png", "mask.png", "--refine-steps", 0, "--out", "o"]
    outcome = shapecycle(*command)
    assert outcome.code == 0, outcome.err
    for message in (
        "2 of 2 pictures: the object may as well face the other way; --hypothesis 2 or",
        "2 of 2 pictures: the shape is far from those trained on",
        "1 of 2 pictures: a mask alone, seen as a grey object's picture (bare_mask)",
    ):
        assert message in outcome.err
    summary = _json(here / "o" / "summary.json")["pictures"]
    for row, is_mask in zip(summary, (False, True), strict=True):
        code = _json(here / "o" / row["image"].removesuffix(".png") / "code.json")
        assert row["half_turn_is_likely"] is code["half_turn_is_likely"] is True
        assert row["unlike_training_shapes"] is code["unlike_training_shapes"] is True
        assert row["shape_distance"] == code["shape_distance"] > 0
        assert row["bare_mask"] is code["bare_mask"] is is_mask


def test_without_doubts_nothing_is_said(
    run: Path, world: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "HALF_TURN_SHARE", 2.0)
    monkeypatch.setattr(seen, "MAX_SHAPE_DISTANCE", np.inf)
    command = ["reconstruct", run, world / "images", "--refine-steps", 0, "--out", "o"]
    outcome = shapecycle(*command)
    assert outcome.code == 0, outcome.err
    assert "pictures:" not in outcome.err
    rows = _json(here / "o" / "summary.json")["pictures"]
    names = ("half_turn_is_likely", "unlike_training_shapes", "bare_mask")
    assert not any(row[name] for row in rows for name in names)


def test_names_with_spaces_and_other_letters_survive(run: Path, world: Path, here: Path) -> None:
    picture = min((world / "images").iterdir())
    name = "une photo, 图 é.v2"
    (here / f"{name}.png").write_bytes(picture.read_bytes())
    outcome = shapecycle(
        "reconstruct", run, here / f"{name}.png", "--out", "où ?", "--refine-steps", 0
    )
    assert outcome.code == 0, outcome.err
    assert (here / "où ?" / name / "mesh.glb").is_file()


# Shapes to pictures, and neither to both


def _assert_samples(folder: Path, count: int, size: int, *, is_carried: bool = True) -> None:
    for k in range(count):
        _assert_picture(folder / f"{k}.png", size, size)
        _assert_textured(folder / f"{k}.glb", is_carried=is_carried)
        message = _json(folder / f"{k}.json")
        _assert_camera(message)
        GraphicsCode.from_json(message["code"])
    assert len(list(folder.iterdir())) == 3 * count


def test_shapes_become_pictures_in_several_looks(run: Path, world: Path, here: Path) -> None:
    shapes = sorted((world / "shapes").iterdir())[:2]
    outcome = shapecycle(
        "render", run, *shapes, "--samples", 2, "--seed", 1, "--size", 40, "--out", "o"
    )
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (here / "o").iterdir()} == {path.stem for path in shapes}
    for shape in shapes:
        _assert_samples(here / "o" / shape.stem, 2, 40)
    first, second = (_json(here / "o" / shapes[0].stem / f"{k}.json")["code"] for k in (0, 1))
    assert first["shape"] == second["shape"]
    for part in ("texture", "pose", "light"):
        assert first[part] != second[part]


def test_a_shape_is_drawn_as_it_was_given_or_as_it_was_read(
    run: Path, world: Path, here: Path
) -> None:
    shape = min((world / "shapes").iterdir())
    given = load_mesh(shape)
    command = ["render", run, shape, "--samples", 1, "--size", 40, "--light", "even"]
    assert shapecycle(*command, "--azimuth", 90, "--framed", "--out", "given").code == 0
    written = load_mesh(here / "given" / shape.stem / "0.glb")
    assert len(written.faces) == len(given.faces)
    np.testing.assert_allclose(np.ptp(written.vertices, 0), np.ptp(given.vertices, 0), rtol=1e-5)
    message = _json(here / "given" / shape.stem / "0.json")
    assert message["code"]["pose"]["azimuth"] == pytest.approx(np.pi / 2, abs=1e-5)
    with Image.open(here / "given" / shape.stem / "0.png") as file:
        columns, rows = (np.flatnonzero(np.asarray(file)[..., 3].any(k)) for k in (0, 1))
    assert max(np.ptp(columns), np.ptp(rows)) > 32, "it fills the picture"
    outcome = shapecycle(*command, "--surface", "template", "--out", "read")
    assert outcome.code == 0, outcome.err
    _assert_samples(here / "read" / shape.stem, 1, 40, is_carried=False)


def test_parts_are_taken_from_pictures_and_stand_before_a_background(
    run: Path, world: Path, here: Path
) -> None:
    shape, picture = min((world / "shapes").iterdir()), min((world / "images").iterdir())
    command = ["render", run, shape, "--samples", 1, "--size", 32, "--background", "#ff0000"]
    for part in ("texture", "pose", "light"):
        command += [f"--{part}-from", picture]
    outcome = shapecycle(*command, "--turntable", 3, "--out", "o")
    assert outcome.code == 0, outcome.err
    with Image.open(here / "o" / shape.stem / "0.png") as file:
        assert file.mode == "RGB"
        assert file.getpixel((0, 0)) == (255, 0, 0)
    with Image.open(here / "o" / shape.stem / "0.gif") as file:
        assert file.n_frames == 3
    assert shapecycle("reconstruct", run, picture, "--out", "seen").code == 0
    seen = _json(here / "seen" / picture.stem / "code.json")["code"]
    drawn = _json(here / "o" / shape.stem / "0.json")["code"]
    np.testing.assert_allclose(drawn["light"], seen["light"], atol=0.02)
    assert drawn["pose"]["azimuth"] == pytest.approx(seen["pose"]["azimuth"], abs=0.05)


def test_a_picture_goes_to_another_or_to_a_shape_in_steps(
    run: Path, world: Path, here: Path
) -> None:
    first, second = sorted((world / "images").iterdir())[:2]
    shape = min((world / "shapes").iterdir())
    for end, parts in ((second, []), (shape, ["--parts", "texture", "light"])):
        out = f"to {end.stem}"
        outcome = shapecycle(
            "interpolate", run, first, end, "--steps", 3, "--size", 32, "--out", out, *parts
        )
        assert outcome.code == 0, outcome.err
        codes = [_json(here / out / f"{k}.json")["code"] for k in range(3)]
        assert (codes[0]["shape"] == codes[2]["shape"]) == bool(parts)
        assert codes[0]["light"] != codes[1]["light"] != codes[2]["light"]
        assert (here / out / "2.glb").is_file()
        with Image.open(here / out / "strip.png") as file:
            assert file.size == (96, 32)
    outcome = shapecycle("interpolate", run, first, "none.png", "--out", "o")
    assert outcome.code == 2
    assert "none.png" in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--background", "no-such-colour"], "is no colour"),
        (["--texture", "palette", "--texture-from", "a.png"], "give one of them"),
        (["--framed", "--distance", 2], "give one of them"),
        (["--azimuth", 400], "--azimuth must be from -360 to 360"),
        (["--texture-from", "none.png"], "none.png"),
        (["--up", "+q"], "is '\\+q'"),
    ],
)
def test_odd_appearances_are_refused(
    run: Path, world: Path, here: Path, options: list[object], message: str
) -> None:
    shape = min((world / "shapes").iterdir())
    outcome = shapecycle("render", run, shape, "--out", "o", *options)
    assert outcome.code == 2
    assert re.search(message, outcome.err)
    assert not (here / "o").exists()


def test_new_objects_differ_in_everything(run: Path, here: Path) -> None:
    outcome = shapecycle("generate", run, "--samples", 2, "--size", 40, "--out", "new/o")
    assert outcome.code == 0, outcome.err
    _assert_samples(here / "new" / "o", 2, 40)
    first, second = (_json(here / "new" / "o" / f"{k}.json")["code"] for k in (0, 1))
    for part in ("shape", "texture", "pose", "light"):
        assert first[part] != second[part]


def test_the_same_seed_makes_the_same_files_and_another_others(run: Path, here: Path) -> None:
    for out, seed in (("a", 7), ("b", 7), ("c", 8)):
        command = ["generate", run, "--samples", 1, "--size", 32, "--seed", seed, "--out", out]
        assert shapecycle(*command).code == 0
    for name in ("0.png", "0.glb", "0.json"):
        a, b, c = ((here / out / name).read_bytes() for out in "abc")
        assert a == b
        assert a != c


# Scores


def test_evaluating_scores_every_picture_on_what_is_written(
    run: Path, world: Path, here: Path
) -> None:
    command = ["evaluate", run, "--images", world / "images", "--shapes", world / "shapes",
               "--cameras", world / "cameras.json", "--refine-steps", 0]  # fmt: skip
    outcome = shapecycle(*command, "--out", here / "scores" / "m.json", "--keep", here / "kept")
    assert outcome.code == 0, outcome.err
    metrics = _json(here / "scores" / "m.json")
    assert len(metrics["pictures"]) == 12
    names = {
        "chamfer",
        "f_score",
        "normal_consistency",
        "silhouette_iou",
        "azimuth_error_degrees",
        "rotation_error_degrees",
        "novel_view_iou",
        "novel_view_normals_degrees",
    }
    assert names <= set(metrics["summary"])
    for name in names:
        values = [row[name] for row in metrics["pictures"]]
        assert metrics["summary"][name]["mean"] == pytest.approx(np.mean(values))
        assert metrics["summary"][name]["median"] == pytest.approx(np.median(values))
        low, high = metrics["summary"][name]["interval"]
        assert low <= metrics["summary"][name]["mean"] <= high
    has_weights = find_spec(efficientnet_lite0.PACKAGE) is not None
    assert ("look_distance" in metrics["summary"]) == has_weights
    assert outcome.err.count("shapecycle[pretrained]") == (not has_weights)
    assert len(list((here / "kept").glob("*/mesh.glb"))) == 12
    assert sorted(path.name for path in here.iterdir()) == ["kept", "scores"]


def test_evaluating_scores_references_beside_the_model(run: Path, world: Path, here: Path) -> None:
    command = ["evaluate", run, "--images", world / "images", "--shapes", world / "shapes",
               "--cameras", world / "cameras.json", "--refine-steps", 0]  # fmt: skip
    assert shapecycle(*command, "--out", "without.json").code == 0
    outcome = shapecycle(*command, "--out", "with.json", "--training-shapes", world / "shapes")
    assert outcome.code == 0, outcome.err
    without, beside = (_json(here / f"{name}.json") for name in ("without", "with"))
    references = beside["summary"].pop("references")
    few = {name: references[name] for name in ("two_samplings", "read")}
    assert without["summary"].pop("references") == few
    assert without["summary"] == beside["summary"]
    # The true shapes were trained on, so the nearest one is the truth, sampled twice.
    nearest = references["nearest_training_shape"]
    assert nearest["chamfer"] == pytest.approx(references["two_samplings"]["chamfer"], rel=0.02)
    assert nearest["novel_view_iou"] > 0.99
    for name in ("typical_training_shape", "random_training_shape"):
        assert references[name]["chamfer"] > nearest["chamfer"]
        values = [row["references"][name]["chamfer"] for row in beside["pictures"]]
        assert references[name]["chamfer"] == pytest.approx(np.mean(values))
    refused = shapecycle(*command, "--out", "other.json", "--training-shapes", here / "none")
    assert refused.code == 2
    assert "there is no file or folder" in refused.err


# In Python


def test_the_same_verbs_work_in_python(run: Path, world: Path, here: Path) -> None:
    model = package.load(run)
    first = model.see(min((world / "images").iterdir()), refine_steps=0)
    shape = model.read(min((world / "shapes").iterdir()))
    code = replace(first.code, shape=shape)
    assert model.draw(code, 24).shape == (1, 24, 24, 4)
    model.mesh(code).save(here / "x.glb")
    _assert_textured(here / "x.glb")
