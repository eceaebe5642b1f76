"""Bad input: one clear message with the file's name, exit code 2, and nothing written."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_world import few_samples, shapecycle, train_command

from shapecycle.atomic import partial_path
from shapecycle.cli.output import new_folder, write_new_file
from shapecycle.errors import CheckpointError, DataError
from shapecycle.model import Model
from shapecycle.train.lock import locked


def _refused(*arguments: object, message: tuple[str, ...]) -> None:
    """Run a command that must fail cleanly: message in a few lines, and nothing touched."""
    before = _everything()
    outcome = shapecycle(*arguments)
    assert outcome.code == 2, outcome.err
    for words in message:
        assert words in outcome.err
    assert outcome.err.count("error: ") == 1
    assert "Traceback" not in outcome.err
    assert outcome.out == ""
    assert _everything() == before


def _everything() -> dict[str, bytes | None]:
    """All that is in the folder that commands run in."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in Path().rglob("*")}


def _pictures(world: Path, folder: Path) -> Path:
    """Copy the world's pictures, to spoil some."""
    folder.mkdir()
    for path in (world / "images").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def _shapes(world: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in (world / "shapes").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def _pixels(world: Path) -> np.ndarray:
    with Image.open(min((world / "images").iterdir())) as picture:
        return np.asarray(picture).copy()


def _on_many_colours(world: Path) -> np.ndarray:
    """Return a picture without a mask, from whose background nothing can be told."""
    pixels = _pixels(world)
    noise = np.random.default_rng(0).integers(0, 256, (*pixels.shape[:2], 3))
    return np.where(pixels[..., 3:] > 0, pixels[..., :3], noise).astype(np.uint8)


def _without_mask(world: Path, path: Path) -> None:
    Image.fromarray(_on_many_colours(world)).save(path)


def _with_empty_mask(world: Path, path: Path) -> None:
    pixels = _pixels(world)
    pixels[..., 3] = 0
    Image.fromarray(pixels).save(path)


def _opaque(world: Path, path: Path) -> None:
    colours = _on_many_colours(world)
    whole = np.concatenate([colours, np.full_like(colours[..., :1], 255)], axis=2)
    Image.fromarray(whole).save(path)


def _cut_short(world: Path, path: Path) -> None:
    whole = min((world / "images").iterdir()).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _text(world: Path, path: Path) -> None:
    path.write_text("hello")


def _nothing(world: Path, path: Path) -> None:
    path.write_bytes(b"")


BAD_PICTURES: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "no mask.png": (_without_mask, "no mask"),
    "mäske leer.png": (_with_empty_mask, "its mask is empty"),
    "opaque.png": (_opaque, "no mask"),
    "cut.png": (_cut_short, "cannot be read"),
    "text.png": (_text, "not a picture in PNG"),
    "nothing.png": (_nothing, "the file is empty"),
}

BAD_SHAPES = {
    "no faces.obj": ("v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no faces"),
    "nan.obj": ("v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
    "nowhere.obj": ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "not there"),
    "line.obj": ("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "zero area"),
    "text.glb": ("hello", "GLB"),
}


# Folders of pictures and shapes


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_a_bad_picture_stops_training_and_reconstruction(
    name: str, world: Path, run: Path, here: Path
) -> None:
    spoil, message = BAD_PICTURES[name]
    spoil(world, _pictures(world, here / "pictures") / name)
    train = ["train", "--images", "pictures", "--shapes", world / "shapes", "--out", "o"]
    _refused(*train, message=("1 of 13 pictures", name, message, "--skip-bad"))
    _refused("reconstruct", run, f"pictures/{name}", "--out", "o", message=(name, message))
    _refused(
        *["reconstruct", run, "pictures", "--out", "o"],
        message=("1 of 13 pictures", name, message, "--skip-bad"),
    )


@pytest.mark.parametrize("name", BAD_SHAPES)
def test_a_bad_shape_stops_training_and_rendering(
    name: str, world: Path, run: Path, here: Path
) -> None:
    content, message = BAD_SHAPES[name]
    (_shapes(world, here / "shapes") / name).write_text(content)
    train = ["train", "--images", world / "images", "--shapes", "shapes", "--out", "o"]
    _refused(*train, message=("1 of 9 shapes", name, message, "--skip-bad"))
    _refused("render", run, f"shapes/{name}", "--out", "o", message=(name, message))
    _refused(
        *["render", run, "shapes", "--out", "o"],
        message=("1 of 9 shapes", name, message, "--skip-bad"),
    )


def test_many_bad_files_are_all_named_and_can_be_left_out(
    world: Path, run: Path, here: Path
) -> None:
    pictures, shapes = _pictures(world, here / "pictures"), _shapes(world, here / "shapes")
    for name, (spoil, _) in BAD_PICTURES.items():
        spoil(world, pictures / name)
    for name, (content, _) in BAD_SHAPES.items():
        (shapes / name).write_text(content)
    train = ["train", "--images", "pictures", "--shapes", "shapes", "--out", "o",
             "--config", world / "tiny.yaml", "--total-images", 4]  # fmt: skip
    _refused(*train, message=("6 of 18 pictures", *BAD_PICTURES))
    _refused("reconstruct", run, "pictures", "--out", "o", message=("6 of 18", *BAD_PICTURES))
    _refused("render", run, "shapes", "--out", "o", message=("5 of 13 shapes", *BAD_SHAPES))
    with few_samples():
        outcome = shapecycle(*train, "--skip-bad")
    assert outcome.code == 0, outcome.err
    for message in ("6 of 18 pictures", "5 of 13 shapes", *BAD_PICTURES, *BAD_SHAPES):
        assert message in outcome.err
    few = [pictures / "no mask.png", pictures / "text.png", min(pictures.glob("car*"))]
    outcome = shapecycle("reconstruct", run, *few, "--out", "p", "--refine-steps", 0, "--skip-bad")
    assert outcome.code == 0, outcome.err
    assert "left out 2 of 3 pictures" in outcome.err
    assert len(list(here.glob("p/*/mesh.glb"))) == 1


def test_nothing_but_bad_files_cannot_be_left_out(world: Path, run: Path, here: Path) -> None:
    for name in ("a.png", "b.png"):
        (here / name).write_text("hello")
    command = ["reconstruct", run, "a.png", "b.png", "--out", "o", "--skip-bad"]
    _refused(*command, message=("2 of 2 pictures", "a.png", "b.png"))


def test_too_few_of_either_is_too_few(world: Path, here: Path) -> None:
    few = here / "few"
    for kind in ("images", "shapes"):
        few.mkdir(exist_ok=True)
        for path in sorted((world / kind).iterdir())[:3]:
            (few / path.name).write_bytes(path.read_bytes())
    images, shapes = world / "images", world / "shapes"
    train = ["train", "--out", "o", "--images"]
    _refused(*train, few, "--shapes", shapes, message=("3 usable pictures", "at least 8"))
    _refused(*train, images, "--shapes", few, message=("3 usable shapes", "at least 8"))


@pytest.mark.parametrize("kind", ["images", "shapes"])
def test_folders_that_are_missing_empty_or_files_are_told_apart(
    kind: str, world: Path, here: Path
) -> None:
    (here / "empty").mkdir()
    (here / "file").write_text("x")
    other = {"images": "shapes", "shapes": "images"}[kind]
    train = ["train", "--out", "o", f"--{other}", world / other, f"--{kind}"]
    _refused(*train, "missing", message=("missing: there is no such folder",))
    _refused(*train, "empty", message=("empty: no", "it is empty"))
    _refused(*train, "file", message=("file: this is not a folder",))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_an_unreadable_folder_is_told(world: Path, run: Path, here: Path) -> None:
    (here / "shut").mkdir(mode=0o000)
    train = ["train", "--out", "o", "--shapes", world / "shapes", "--images", "shut"]
    _refused(*train, message=("shut: the folder cannot be read",))
    _refused("reconstruct", run, "shut", "--out", "o", message=("shut: the folder cannot be read",))


@pytest.mark.parametrize("verb", ["reconstruct", "render"])
def test_inputs_that_are_not_there_are_named(verb: str, run: Path, here: Path) -> None:
    (here / "empty").mkdir()
    _refused(verb, run, "none.png", "--out", "o", message=("there is no file or folder none.png",))
    _refused(verb, run, "empty", "--out", "o", message=("empty: no ",))
    _refused(verb, run, "--out", "o", message=("were given",))


def test_two_files_of_one_name_are_not_mixed_up(world: Path, run: Path, here: Path) -> None:
    picture = min((world / "images").iterdir())
    for name in ("a.png", "A.png", "b/a.png"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_bytes(picture.read_bytes())
    for other in ("b/a.png", "A.png"):
        command = ["reconstruct", run, "a.png", other, "--out", "o"]
        _refused(*command, message=("a.png and", "would both be written to"))


@pytest.mark.parametrize(
    ("again", "message"),
    [
        ("a.png", "error: a.png is given twice\n"),
        ("b/../a.png", "error: b/../a.png is given twice, also as a.png\n"),
        ("../here", "error: ../here/a.png is given twice, also as a.png\n"),
    ],
)
def test_a_file_given_twice_is_told_so(
    again: str,
    message: str,
    world: Path,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "here" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    Path("a.png").write_bytes(min((world / "images").iterdir()).read_bytes())
    command = ["reconstruct", run, "a.png", again, "--out", "o"]
    _refused(*command, message=(message, "hint: give every file once"))


@pytest.mark.parametrize("name", ["summary.json.png", "...png"])
def test_names_that_no_result_can_have_are_refused(
    name: str, world: Path, run: Path, here: Path
) -> None:
    (here / name).write_bytes(min((world / "images").iterdir()).read_bytes())
    _refused("reconstruct", run, name, "--out", "o", message=(name, "rename the file"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--up", "q"], "up axis is 'q'"),
        (["--up", "-z"], "lie along one line"),
        (["--seed", -1], "--seed must be"),
        (["--config", "none.yaml"], "none.yaml"),
        (["--shapes", "empty"], "empty: no shapes"),
        (["--shapes", "none"], "none: there is no such folder"),
    ],
)
def test_what_is_quickly_checked_is_checked_before_pictures_are_loaded(
    options: list[object], message: str, world: Path, here: Path
) -> None:
    (here / "empty").mkdir()
    (here / "bad").mkdir()
    _text(world, here / "bad" / "bad.png")
    command = ["train", "--images", "bad", "--out", "o", *options]
    _refused(
        *command, *([] if "--shapes" in options else ["--shapes", "empty"]), message=(message,)
    )


# Where results go


@pytest.mark.parametrize("verb", ["train", "reconstruct", "render", "generate"])
def test_nothing_is_overwritten(verb: str, world: Path, run: Path, here: Path) -> None:
    (here / "used").mkdir()
    (here / "used" / "mine.txt").write_text("keep")
    (here / "file").write_text("keep")
    command = {
        "train": ["train", "--images", world / "images", "--shapes", world / "shapes"],
        "reconstruct": ["reconstruct", run, world / "images"],
        "render": ["render", run, world / "shapes"],
        "generate": ["generate", run],
    }[verb]
    _refused(*command, "--out", "used", message=("used already holds something (mine.txt)",))
    _refused(*command, "--out", "file", message=("file is a file",))
    _refused(*command, "--out", "file/below", message=("cannot create file/below",))
    _refused(*command, "--out", os.devnull, message=(f"{os.devnull} is a file",))


def test_two_trainings_into_one_folder_do_not_mix(world: Path, here: Path) -> None:
    (here / "o").mkdir()
    command = train_command(world, here / "o", "--total-images", 4)
    with locked(here / "o"):
        (here / "o" / "settings.json").write_text("{}")
        for more in ([], ["--resume"]):
            _refused(*command, *more, message=(f"running in {here / 'o'}: it holds",))
        (here / "o" / "settings.json").unlink()
    with few_samples():
        outcome = shapecycle(*command)
    assert outcome.code == 0, outcome.err
    assert not list((here / "o").glob("training.lock*"))


def test_an_empty_folder_will_do(run: Path, here: Path) -> None:
    (here / "o").mkdir()
    outcome = shapecycle("generate", run, "--samples", 1, "--size", 16, "--out", "o")
    assert outcome.code == 0, outcome.err
    assert (here / "o" / "0.glb").is_file()


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:

    def write_half() -> None:
        with new_folder(tmp_path / "a" / "b") as out:
            (out / "first").write_text("done")
            raise DataError("half way")

    with pytest.raises(DataError, match="half way"):
        write_half()
    assert not list(tmp_path.iterdir())
    with new_folder(tmp_path / "a" / "b") as out:
        (out / "first").write_text("done")
        assert not (tmp_path / "a" / "b").exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_what_a_killed_process_left_is_cleared_when_the_same_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    out, own = tmp_path / "out", os.getpid()
    left = {}
    for name, process in (("out", ended.pid), ("out", os.getppid()), ("other", ended.pid)):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        left[name, process] = partial_path(tmp_path / name)
        left[name, process].mkdir()
        (left[name, process] / "half").write_text("half")
    monkeypatch.setattr(os, "getpid", lambda: own)
    elsewhere = tmp_path / f".out.elsewhere.{ended.pid}.partial"
    elsewhere.mkdir()
    with new_folder(out) as staging:
        (staging / "first").write_text("done")
    kept = {out, elsewhere, left["out", os.getppid()], left["other", ended.pid]}
    assert set(tmp_path.iterdir()) == kept


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "m.partial").write_text("somebody else's")
    write_new_file(tmp_path / "m.json", "{}")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CheckpointError, match=r"cannot create .*folder"):
        write_new_file(tmp_path / "folder", "{}")
    assert {path.name for path in tmp_path.iterdir()} == {"m.json", "m.partial", "folder"}


# Numbers


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_minutes_must_be_some(minutes: str, world: Path, here: Path) -> None:
    folders = ["--images", world / "images", "--shapes", world / "shapes", "--out", "o"]
    _refused("train", *folders, "--minutes", minutes, message=("--minutes must be a positive",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--total-images", 0], "--total-images must be positive"),
        (["--total-images", 5, "--minutes", 0], "--minutes must be a positive number"),
        (["--seed", 10**30], "--seed must be from 0"),
        (["--seed", -1], "--seed must be from 0"),
        (["--up", "q"], "up axis is 'q'"),
        (["--up", "+z"], "lie along one line"),
        (["--config", "none.yaml"], "cannot read settings from none.yaml"),
        (["--resume"], "cannot resume: o holds no settings.json"),
    ],
)
def test_options_of_training_have_a_range(
    options: list[object], message: str, world: Path, here: Path
) -> None:
    folders = ["--images", world / "images", "--shapes", world / "shapes", "--out", "o"]
    _refused("train", *folders, *options, message=(message,))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--samples", 0], "--samples must be from 1"),
        (["--samples", -3], "--samples must be from 1"),
        (["--size", 3], "--size must be from 16"),
        (["--size", 10**6], "--size must be from 16 to"),
        (["--seed", 2**64], "--seed must be from 0"),
    ],
)
def test_options_of_sampling_have_a_range(
    options: list[object], message: str, world: Path, run: Path, here: Path
) -> None:
    _refused("generate", run, "--out", "o", *options, message=(message,))
    _refused("render", run, world / "shapes", "--out", "o", *options, message=(message,))


def test_refinement_cannot_run_backwards(world: Path, run: Path, here: Path) -> None:
    command = ["reconstruct", run, world / "images", "--out", "o", "--refine-steps", -1]
    _refused(*command, message=("--refine-steps must be from 0",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hypothesis", 0], "--hypothesis must be from 1 to 4, found 0"),
        (["--hypothesis", 5], "--hypothesis must be from 1 to 4, found 5"),
        (["--azimuth-hint", 361], "--azimuth-hint must be from -360 to 360, found 361"),
        (["--azimuth-hint", "nan"], "--azimuth-hint must be from -360 to 360, found nan"),
        (["--fov", 0.5], "--fov must be from 5 to 120, found 0.5"),
        (["--fov", 180], "--fov must be from 5 to 120, found 180"),
        (["--hypothesis", 1, "--azimuth-hint", 90], "both choose the pose\n  hint: give one"),
    ],
)
def test_options_of_seeing_have_a_range(
    options: list[object], message: str, world: Path, run: Path, here: Path
) -> None:
    _refused("reconstruct", run, world / "images", "--out", "o", *options, message=(message,))


def test_a_grey_photograph_is_not_taken_for_a_mask(world: Path, run: Path, here: Path) -> None:
    Image.fromarray(_on_many_colours(world)).convert("L").save("grey.png")
    hint = "or give the mask alone: a single channel, white on the object"
    _refused("reconstruct", run, "grey.png", "--out", "o", message=("grey.png: no mask", hint))


def test_bare_masks_do_not_train(world: Path, run: Path, here: Path) -> None:
    pictures = _pictures(world, here / "pictures")
    Image.fromarray(_pixels(world)[..., 3]).save(pictures / "mask.png")
    train = ["train", "--images", "pictures", "--shapes", world / "shapes", "--out", "o"]
    _refused(*train, message=("1 of 13 pictures", "mask.png: no mask"))


def test_too_little_memory_is_told(
    world: Path, run: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines")

    monkeypatch.setattr(Model, "see_photos", refuse)
    command = ["reconstruct", run, world / "images", "--out", "o"]
    _refused(*command, message=("out of memory: CUDA", "smaller or fewer inputs"))


# Models and runs


@pytest.mark.parametrize("verb", ["reconstruct", "render", "generate"])
def test_what_is_no_model_is_named(verb: str, world: Path, here: Path) -> None:
    (here / "empty").mkdir()
    (here / "junk").write_bytes(bytes(range(256)))
    inputs = {"reconstruct": [world / "images"], "render": [world / "shapes"], "generate": []}
    for model, message in (
        ("none", "there is no file none"),
        ("empty", "empty holds no model.safetensors"),
        ("junk", "junk is not a shapecycle model"),
    ):
        _refused(verb, model, *inputs[verb], "--out", "o", message=(message, "hint"))


@pytest.mark.parametrize("content", ["garbage", "[1]", '{"a": 1}', '{"settings": {"x": 1}}'])
def test_a_run_folder_with_other_settings_does_not_resume(
    content: str, world: Path, here: Path
) -> None:
    (here / "o" / "state").mkdir(parents=True)
    (here / "o" / "state" / "1.pt").write_bytes(b"x")
    (here / "o" / "settings.json").write_text(content)
    folders = ["--images", world / "images", "--shapes", world / "shapes", "--out", "o"]
    _refused(
        "train", *folders, "--resume", message=("cannot resume", "settings.json", "run folder")
    )


def test_a_model_without_a_state_is_not_trained_over(world: Path, run: Path, here: Path) -> None:
    (here / "o").mkdir()
    for name in ("settings.json", "model.safetensors"):
        (here / "o" / name).write_bytes((run / name).read_bytes())
    folders = ["--images", world / "images", "--shapes", world / "shapes", "--out", "o"]
    message = ("o holds a model, but no state to go on from", "train into a new folder")
    _refused("train", *folders, "--resume", message=message)


def test_a_folder_that_holds_a_training_says_how_to_go_on(
    world: Path, run: Path, here: Path
) -> None:
    message = (f"{run} already holds a training", "go on with it by --resume")
    _refused(*train_command(world, run), message=message)


def test_a_folder_without_a_training_does_not_resume(world: Path, here: Path) -> None:
    (here / "o").mkdir()
    message = ("o holds no settings.json", "to begin one, leave it out")
    folders = ["--images", world / "images", "--shapes", world / "shapes", "--out", "o"]
    _refused("train", *folders, "--resume", message=message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model: {shape_code_size: 3}", "more.yaml changes 'model'"),
        ("scenes: {photographed_shapes: 9}", "more.yaml changes 'scenes.photographed_shapes'"),
    ],
)
def test_a_resumed_training_keeps_its_networks_and_shapes(
    change: str, message: str, world: Path, run: Path, here: Path
) -> None:
    (here / "more.yaml").write_text(change)
    folders = ["--images", world / "images", "--shapes", world / "shapes", "--out", run]
    _refused(
        "train",
        *folders,
        "--resume",
        "--config",
        "more.yaml",
        message=(message,),
    )


def test_a_device_that_is_not_there_is_told(world: Path, here: Path) -> None:
    import torch

    absent = [
        name
        for name, there in (
            ("cuda", torch.cuda.is_available()),
            ("mps", torch.backends.mps.is_available()),
        )
        if not there
    ]
    for name in absent:
        command = [*train_command(world, here / "o"), "--device", name]
        _refused(*command, message=(f"device {name}", "there is: cpu"))


# Scores


def test_evaluation_checks_everything_before_it_begins(world: Path, run: Path, here: Path) -> None:
    pictures, shapes = _pictures(world, here / "pictures"), _shapes(world, here / "shapes")
    (here / "cameras.json").write_bytes((world / "cameras.json").read_bytes())
    (here / "m.json").write_text("keep")
    (here / "file").write_text("keep")
    (here / "few.json").write_text('{"views": {}}')
    (here / "list.json").write_text("[]")
    (here / "used").mkdir()
    (here / "used" / "x").write_text("keep")

    def refused(*message: str, **changes: object) -> None:
        options = {
            "--images": "pictures",
            "--shapes": "shapes",
            "--cameras": "cameras.json",
            "--out": "n.json",
        } | {f"--{name}": value for name, value in changes.items()}
        arguments = [part for pair in options.items() for part in pair]
        _refused("evaluate", run, *arguments, message=message)

    refused("m.json is there already", out="m.json")
    refused("--out x and --keep x are the same place", out="x", keep="x")
    refused("--out x and --keep y/../x are the same place", out="x", keep="y/../x")
    refused("--out x/m.json and --keep x overlap: the first", out="x/m.json", keep="x", images="-")
    refused("--out x and --keep x/y overlap: the second", out="x", keep="x/y", shapes="none")
    refused("cannot create", out="file/m.json")
    refused("used already holds something", keep="used")
    refused("there is no file or folder none", images="none")
    refused("none.json cannot be read", cameras="none.json")
    refused("few.json holds no camera", cameras="few.json")
    refused("list.json holds a JSON list", cameras="list.json")
    refused("has no shape", "none", shapes="none")
    (shapes / "car3.ply").write_text("hello")
    refused("1 of 8 shapes", "car3.ply")
    (shapes / "car3.ply").unlink()
    refused("has no shape", "car3_03.png")
    (shapes / "car3.ply").write_bytes((world / "shapes" / "car3.ply").read_bytes())
    _text(world, pictures / "car0.png")
    refused("1 of 13 pictures have names", "first: pictures/car0.png", "chair7_00.png shows")
    (pictures / "car0.png").unlink()
    _text(world, pictures / "car0_99.png")
    refused("no camera for 1 of 13 pictures; first: car0_99.png")
    (pictures / "car0_99.png").unlink()
    _text(world, pictures / "car0_00.png")
    refused("1 of 12 pictures", "car0_00.png: this is not a picture")
