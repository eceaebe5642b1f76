"""The Khronos glTF validator finds nothing to say on any GLB file that is written."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from remembering import remembering_model
from test_glb import grey_sphere, seamed_tetrahedron, seamless_strip
from tiny_world import shapecycle, small_car

from shapecycle.demo.cars import write_ply
from shapecycle.export.glb import GlbCamera
from shapecycle.mesh import Mesh
from shapecycle.model_file import save_model

VALIDATOR = Path(__file__).parent.parent / "vendor" / "gltf-validator"
WARNING = 1
"""Severity of warnings; that of errors is 0."""
SCRIPT = """
const validator = require(process.argv[1]), fs = require("fs");
(async () => {
  const found = {};
  for (const file of process.argv.slice(2)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));
    found[file] = report.issues.messages.concat(report.issues.truncated ? ["more"] : []);
  }
  console.log(JSON.stringify(found));
})();
"""


def said_of(files: list[Path]) -> dict[str, list[Any]]:
    """Return what the validator says of files: errors, warnings and hints."""
    from playwright._impl._driver import compute_driver_executable

    node = compute_driver_executable()[0]
    done = subprocess.run(
        [node, "-e", SCRIPT, str(VALIDATOR), *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[Any]] = json.loads(done.stdout)
    return found


def kinds() -> Iterator[tuple[str, Mesh, dict[str, Any]]]:
    """Give every kind of mesh, and what is written with it."""
    camera = np.eye(4)
    camera[:3, 3] = (0.1, 0.2, 3)
    along = {"shape 1": np.ones((4, 3)), "shape 2": np.zeros((4, 3))}
    for name, mesh in (("seamed", seamed_tetrahedron()), ("strip", seamless_strip())):
        yield name, mesh, {}
        yield f"{name}_all", mesh, {
            "morphs": along, "camera": GlbCamera(camera, 0.6, 1.5), "extras": {"a": [1, None]},
        }  # fmt: skip
    yield "grey", grey_sphere(), {}
    yield "grüße & <name>", replace(seamed_tetrahedron(), normals=None), {}


def test_every_kind_of_mesh_is_valid(tmp_path: Path) -> None:
    files = []
    for name, mesh, options in kinds():
        files.append(tmp_path / f"{name}.glb")
        mesh.save(files[-1], **options)
    assert said_of(files) == {str(file): [] for file in files}


def test_the_validator_would_say_something(tmp_path: Path) -> None:
    broken = tmp_path / "broken.glb"
    broken.write_bytes(seamed_tetrahedron().to_glb().replace(b"POSITION", b"POSITIOM"))
    assert said_of([broken])[str(broken)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What verbs write of a picture and of a shape."""
    folder = tmp_path_factory.mktemp("written")
    model = remembering_model(3, 2)
    file, photo, shape = (folder / name for name in ("model.safetensors", "photo.png", "car.ply"))
    save_model(model.networks, file, model.provenance, model.memory)
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[12:36, 16:48] = (200, 80, 40, 255)
    Image.fromarray(pixels).save(photo)
    write_ply(shape, small_car(3))
    verbs = {
        "reconstruct": ("reconstruct", file, photo),
        "export": (
            *("export", file, photo, "--morphs", 2, "--camera", "--posed"),
            *("--texture-size", 128),
        ),
        "render": ("render", file, shape),
        "align": ("align", file, shape),
        "generate": ("generate", file, "--samples", 1),
    }
    for name, arguments in verbs.items():
        outcome = shapecycle(*arguments, "--out", folder / name)
        assert outcome.code == 0, outcome.err
    return sorted(folder.glob("*/**/*.glb"))


def test_what_verbs_write_is_valid(written: list[Path]) -> None:
    assert len(written) >= 5
    said = said_of(written)
    # What `align` turns keeps its own materials, as the library writes them: with hints at most.
    assert not [one for found in said.values() for one in found if one["severity"] <= WARNING]
    assert not said[str(next(file for file in written if file.name == "photo.glb"))]
