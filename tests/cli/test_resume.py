"""A training that goes on keeps what it was begun with, and says so where it is told otherwise."""

import json
import re
import shlex
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from tiny_world import Outcome, few_samples, shapecycle, train_command

import shapecycle as package
from shapecycle.data import photo_set
from shapecycle.losses import Losses
from shapecycle.train.steps import Trainer

BEGUN = (
    "--seed", 5, "--up", "y", "--front", "-x", "--skip-bad", "--processes", 1,
    "--total-images", 8,
)  # fmt: skip


@pytest.fixture(scope="module")
def _begun(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("begun") / "run"
    with few_samples():
        outcome = shapecycle(*train_command(world, run, *BEGUN))
    assert outcome.code == 0, outcome.err
    return run


@pytest.fixture
def begun(_begun: Path, here: Path) -> Path:
    """A run folder of its own, that was begun with `BEGUN`."""
    return Path(shutil.copytree(_begun, here / "run"))


def _resume(world: Path, run: Path, *more: object, **folders: Path) -> Outcome:
    paths = {"images": world / "images", "shapes": world / "shapes"} | folders
    options = [part for name, path in paths.items() for part in (f"--{name}", path)]
    with few_samples():
        return shapecycle("train", *options, "--out", run, "--resume", "--device", "cpu", *more)


def _refused(outcome: Outcome, run: Path, before: dict[Path, bytes], *message: str) -> None:
    assert outcome.code == 2, outcome.err
    for words in message:
        assert words in outcome.err
    assert "hint: " in outcome.err
    assert outcome.out == ""
    assert _files(run) == before


def _files(run: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def _kept(run: Path) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads((run / "settings.json").read_text())
    return kept


def test_a_run_folder_keeps_what_it_was_begun_with(world: Path, begun: Path) -> None:
    kept = _kept(begun)
    message = {"preset": "laptop", "seed": 5, "minutes": None, "minutes_are_limit": False,
            "up": "+y", "front": "-x",
            "skip_bad": True, "processes": 1, "picture_count": 12, "shape_count": 8,
            "images": str(world / "images"), "shapes": str(world / "shapes")}  # fmt: skip
    assert {name: kept[name] for name in message} == message
    assert len(kept["commands"]) == 1


def test_going_on_takes_axes_seed_and_skipping_from_the_run(world: Path, begun: Path) -> None:
    outcome = _resume(world, begun, "--total-images", 24)
    assert outcome.code == 0, outcome.err
    assert "the files' +y is up and their -x is the front" in outcome.err
    kept = _kept(begun)
    found = (kept["seed"], kept["front"], kept["skip_bad"], kept["processes"])
    assert found == (5, "-x", True, 1)


def test_every_command_is_kept_in_order(world: Path, begun: Path) -> None:
    for total in (24, 36):
        assert _resume(world, begun, "--total-images", total).code == 0
    commands = _kept(begun)["commands"]
    assert [command[-1] for command in commands] == ["8", "24", "36"]
    assert ["--resume" in command for command in commands] == [False, True, True]


def test_what_was_given_at_the_beginning_may_be_given_again(world: Path, begun: Path) -> None:
    again = ("--seed", 5, "--up", "+Y", "--front", "-x", "--skip-bad", "--preset", "laptop")
    outcome = _resume(world, begun, *again)
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(
    ("given", "before"),
    [
        ("--preset standard", "--preset laptop"),
        ("--seed 0", "--seed 5"),
        ("--up +z", "--up +y"),
        ("--front +z", "--front -x"),
        ("--no-skip-bad", "--skip-bad"),
    ],
)
def test_an_option_that_contradicts_the_run_is_refused_with_both_values(
    given: str, before: str, world: Path, begun: Path
) -> None:
    files = _files(begun)
    outcome = _resume(world, begun, *given.split())
    message = f"{given} was given, but the run in {begun} was begun with {before}"
    _refused(outcome, begun, files, message, "leave --")


def test_folders_may_have_moved(world: Path, begun: Path, here: Path) -> None:
    pictures = Path(shutil.copytree(world / "images", here / "moved"))
    outcome = _resume(world, begun, "--total-images", 24, images=pictures)
    assert outcome.code == 0, outcome.err
    assert _kept(begun)["images"] == str(pictures)


def test_fewer_images_than_were_seen_are_refused_with_both_numbers(
    world: Path, begun: Path, here: Path
) -> None:
    (here / "less.yaml").write_text("train: {total_images: 9}")
    files = _files(begun)
    message = "a total of {} images is fewer than the 12 that were seen"
    outcome = _resume(world, begun, "--total-images", 11)
    _refused(outcome, begun, files, message.format(11), "--total-images")
    outcome = _resume(world, begun, "--config", here / "less.yaml")
    _refused(outcome, begun, files, message.format(9))


def test_a_finished_training_that_goes_on_has_nothing_left_to_do(world: Path, begun: Path) -> None:
    state = _files(begun / "state")
    outcome = _resume(world, begun)
    assert outcome.code == 0, outcome.err
    assert _files(begun / "state").keys() == state.keys()


def test_a_run_begun_by_the_clock_ends_at_the_total_that_is_given(world: Path, here: Path) -> None:
    run = here / "run"
    with few_samples():
        begun = shapecycle(*train_command(world, run, "--minutes", 0.02))
    assert begun.code == 0, begun.err
    seen = package.load(run).provenance.images
    outcome = _resume(world, run, "--total-images", seen + 40)
    assert outcome.code == 0, outcome.err
    # Each of the three stages ends with a whole step of four.
    assert seen + 40 <= package.load(run).provenance.images < seen + 40 + 3 * 4


def test_a_limit_that_is_long_enough_leaves_the_number_of_images(world: Path, here: Path) -> None:
    run = here / "run"
    with few_samples():
        begun = shapecycle(*train_command(world, run, "--total-images", 24, "--minutes", 30))
    assert begun.code == 0, begun.err
    assert re.search(r"^saw \d\d images in ", begun.err, re.MULTILINE)
    assert 24 <= package.load(run).provenance.images < 24 + 3 * 4
    kept = _kept(run)
    assert (kept["minutes"], kept["minutes_are_limit"]) == (30, True)


def test_images_and_their_limit_stay_with_a_run_where_only_one_is_given_again(
    world: Path, here: Path
) -> None:
    run = here / "run"
    with few_samples():
        begun = shapecycle(*train_command(world, run, "--total-images", 9000, "--minutes", 1e-6))
    assert begun.code == 0, begun.err
    assert "of 9,000 images in" in begun.err
    assert "--resume with --minutes that count those before goes on" in begun.err
    for more, minutes, total in (
        ((), 1e-6, 9000),
        (("--total-images", 8000), 1e-6, 8000),
        (("--minutes", 1e-5), 1e-5, 8000),
    ):
        outcome = _resume(world, run, *more)
        assert outcome.code == 0, outcome.err
        kept = _kept(run)
        assert (kept["minutes"], kept["minutes_are_limit"]) == (minutes, True)
        assert kept["settings"]["train"]["total_images"] == total
    seen = package.load(run).provenance.images
    files = _files(run)
    _refused(_resume(world, run, "--total-images", 99), run, files, f"fewer than the {seen} that")


def test_a_run_takes_both_where_both_are_given(world: Path, begun: Path) -> None:
    outcome = _resume(world, begun, "--total-images", 24, "--minutes", 30)
    assert outcome.code == 0, outcome.err
    assert 24 <= package.load(begun).provenance.images < 24 + 3 * 4
    assert _kept(begun)["minutes_are_limit"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_state_and_says_how_to_go_on(
    number: signal.Signals, world: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, step = here / "my run", Trainer.random_step

    def signalled(trainer: Trainer, pace: float) -> Losses:
        signal.raise_signal(number)
        return step(trainer, pace)

    with monkeypatch.context() as patch, few_samples():
        patch.setattr(Trainer, "random_step", signalled)
        outcome = shapecycle(*train_command(world, run, "--total-images", 24))
    assert outcome.code == 130
    assert "Traceback" not in outcome.err
    assert "error" not in outcome.err
    assert [path.suffix for path in (run / "state").iterdir()] == [".pt"]
    assert not (run / "training.lock").exists()
    message = next(line for line in outcome.err.splitlines() if "to go on: " in line)
    words = shlex.split(message.partition("to go on: ")[2])
    with few_samples():
        outcome = shapecycle(*words[1:], "--device", "cpu")
    assert outcome.code == 0, outcome.err
    assert package.load(run).provenance.images >= 24


def test_a_run_that_was_killed_before_its_first_save_begins_anew_as_it_was_begun(
    world: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise SystemExit(9)

    run = here / "run"
    with monkeypatch.context() as patch, few_samples():
        patch.setattr(Trainer, "shapes_step", killed)
        outcome = shapecycle(*train_command(world, run, *BEGUN))
    assert outcome.code == 9
    assert not (run / "state").exists()
    outcome = _resume(world, run)
    assert outcome.code == 0, outcome.err
    assert "was stopped before its first save: it begins anew" in outcome.err
    assert (_kept(run)["seed"], _kept(run)["up"], _kept(run)["skip_bad"]) == (5, "+y", True)
    assert package.load(run).provenance.images >= 8


def test_a_signal_while_loading_leaves_nothing(
    world: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signalled(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(photo_set, "load_photos", signalled)
    outcome = shapecycle(*train_command(world, here / "a" / "run"))
    assert outcome.code == 130
    assert outcome.err.endswith("stopped\n")
    assert not list(here.iterdir())


def test_fewer_pictures_are_refused_with_both_numbers(world: Path, begun: Path, here: Path) -> None:
    fewer = Path(shutil.copytree(world / "images", here / "fewer"))
    min(fewer.iterdir()).unlink()
    files = _files(begun)
    message = (f"begun with 12 pictures, {fewer} gives 11", "train into a new folder")
    _refused(_resume(world, begun, images=fewer), begun, files, *message)


def test_more_shapes_are_refused_with_both_numbers(world: Path, begun: Path, here: Path) -> None:
    more = Path(shutil.copytree(world / "shapes", here / "more"))
    shutil.copy(min(more.iterdir()), more / "other.ply")
    files = _files(begun)
    message = (f"begun with 8 shapes, {more} gives 9", "train into a new folder")
    _refused(_resume(world, begun, shapes=more), begun, files, *message)


@pytest.mark.parametrize(
    "change", [{"up": 3}, {"skip_bad": "yes"}, {"picture_count": "12"}, {"commands": 4}]
)
def test_a_record_of_another_kind_is_refused(
    change: dict[str, Any], world: Path, begun: Path
) -> None:
    (begun / "settings.json").write_text(json.dumps(_kept(begun) | change))
    files = _files(begun)
    _refused(_resume(world, begun), begun, files, "settings.json is not what")


def test_a_training_goes_on_from_its_best_state(world: Path, begun: Path) -> None:
    (best,) = (begun / "state").glob("best-*.pt")
    seen = int(best.name.split("-")[1])
    outcome = _resume(world, begun, "--best", "--total-images", 32)
    assert outcome.code == 0, outcome.err
    assert f"resumed after {seen} images" in outcome.err
    for best in (begun / "state").glob("best-*.pt"):
        best.unlink()
    outcome = _resume(world, begun, "--best")
    assert outcome.code == 2
    assert "holds no best state" in outcome.err
    outcome = shapecycle(*train_command(world, begun / "other", "--best"))
    assert outcome.code == 2
    assert "give --resume with it" in outcome.err
