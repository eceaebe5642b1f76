"""``shapecycle export``."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import DisallowNone, Positional, arg

from shapecycle.cli.inputs import RESERVED, Device, check_range
from shapecycle.cli.output import new_folder
from shapecycle.cli.seen_files import check_surface
from shapecycle.config import SurfaceKind
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import ConfigError, DataError, ShapecycleError

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from shapecycle.graphics_code import GraphicsCode
    from shapecycle.mesh import Mesh
    from shapecycle.model import Model

Format = Literal["glb", "obj", "ply", "gif", "html"]
MAX_TEXTURE = 4096
CODE = "code.json"
"""What `reconstruct` writes beside each mesh."""
NO_CODE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading another JSON file comes to."""
OTHER_JSON = ("summary.json", "findings.json", "metrics.json", "cameras.json", "keypoints.json")
"""What else the verbs write."""
PAGE_MORPHS = 6
"""Sliders of a page."""


@dataclass(frozen=True)
class Export:
    """Write what is seen in pictures, or was seen before, as files for other programs.

    Example: shapecycle export run photo.png --formats glb obj html --out exported
    """

    model: Positional[Path]
    """Run folder, model file, or a model that comes with the package: cars or chairs."""
    inputs: Positional[tuple[Path, ...]]
    """Masked pictures; code files (JSON) of reconstruct, render and generate; or folders of
    these."""
    out: Path
    """Folder to create; its files are named after the inputs."""
    formats: tuple[Format, ...] = ("glb",)
    """glb; obj with mtl and png; ply with coloured vertices; gif, a turntable; html, a page that
    shows the mesh with sliders, in one file that needs no server and no network."""
    texture_size: Annotated[
        DisallowNone[int | None], arg(help_behavior_hint="(default: as fine as it was seen)")
    ] = None
    """Side of the texture, in pixels."""
    morphs: int = 0
    """GLB: morph targets along so many principal directions of the training shapes; weight 1 is one
    standard deviation."""
    posed: bool = False
    """Meshes: leave the object where it was in front of the camera, which is at the origin, instead
    of in the frame of the training shapes."""
    camera: bool = False
    """GLB: put the picture's camera into the file."""
    turntable: int = 36
    """GIF: views around the object."""
    size: int = 256
    """GIF: side of the views, in pixels."""
    shape: Annotated[DisallowNone[Path | None], arg(help_behavior_hint="(default: none)")] = None
    """The mesh file that `render` was given, for codes that it wrote."""
    up: str = "+y"
    """That file's axis that points up."""
    front: str = "+z"
    """That file's axis that points to the front."""
    surface: SurfaceKind = "auto"
    """Of pictures: the decoded template, a remembered shape that is carried to it, or whichever
    fits."""
    device: Device = "auto"
    """Where to compute."""

    def run(self) -> None:
        """Write all files, or none if an input is bad."""
        from shapecycle.devices import chosen_device
        from shapecycle.model import load

        self._check()
        inputs = _named(self.inputs)
        with new_folder(self.out) as out:
            model = load(self.model, device=chosen_device(self.device))
            check_surface(self.surface, model)
            if self.morphs and len(model.memory.sources) < 2:
                raise ConfigError(
                    f"--morphs needs shapes to find directions of, and {self.model} remembers none",
                    "leave it out, or train without --memory none",
                )
            if self.shape is not None:
                model.canvas(self.shape, up=self.up, front=self.front)
            bad: list[ShapecycleError] = []
            for name, path in inputs.items():
                try:
                    one = Exported.of(model, name, path, self.surface)
                except ShapecycleError as error:
                    bad.append(error)
                    continue
                if not bad:
                    self._write(model, one, out)
            if len(bad) > 1:
                listed = "\n".join(f"  {error.what}" for error in bad)
                hints = "; ".join(dict.fromkeys(error.hint for error in bad if error.hint))
                raise DataError(
                    f"{len(bad)} of {len(inputs)} inputs cannot be used:\n{listed}", hints
                )
            if bad:
                raise bad[0]
        say(f"{counted(len(inputs), 'objects')} written to")
        print(self.out)

    def _check(self) -> None:
        if not self.formats:
            raise ConfigError("--formats names none", "glb, obj, ply, gif or html")
        if self.texture_size is not None:
            check_range(self.texture_size, 16, MAX_TEXTURE, "--texture-size")
        check_range(self.morphs, 0, 16, "--morphs")
        check_range(self.turntable, 2, 360, "--turntable")
        check_range(self.size, 16, 2048, "--size")
        for option, given in (("--morphs", self.morphs), ("--camera", self.camera)):
            if given and "glb" not in self.formats:
                raise ConfigError(f"{option} is for GLB files", "add glb to --formats")

    def _write(self, model: "Model", one: "Exported", out: Path) -> None:
        import numpy as np

        from shapecycle.turntable import save_animation, turned

        mesh = model.mesh(one.code)
        if self.texture_size is not None:
            mesh = _with_texture_of_size(mesh, self.texture_size)
        camera_from_object = one.code.pose.camera_from_object()[0].double().cpu().numpy()
        to = camera_from_object if self.posed else np.eye(4)
        for ending in dict.fromkeys(self.formats):
            path = out / f"{one.name}.{ending}"
            if ending == "gif":
                save_animation(path, turned(model, one.code, self.size, self.turntable), None)
            elif ending == "html":
                page = page_of(model, one, mesh, camera_from_object)
                path.write_text(page, encoding="utf-8", errors="surrogateescape")
            else:
                is_glb = ending == "glb"
                options = self._options(model, one, to, camera_from_object) if is_glb else {}
                mesh.placed(to).save(path, **options)

    def _options(
        self,
        model: "Model",
        one: "Exported",
        target_from_object: "Float[np.ndarray, '4 4']",
        camera_from_object: "Float[np.ndarray, '4 4']",
    ) -> dict[str, Any]:
        """Return what a GLB file holds beside the mesh."""
        import numpy as np

        from shapecycle.export.glb import GlbCamera

        options: dict[str, Any] = {}
        if self.morphs:
            turn = target_from_object[:3, :3].T
            moves = model.shape_morphs(one.code, self.morphs)
            options["morphs"] = {label: rows @ turn for label, rows in moves.items()}
        if self.camera:
            at = target_from_object @ np.linalg.inv(camera_from_object)
            options["camera"] = GlbCamera(at, one.fov_y, one.aspect)
        return options


@dataclass(frozen=True, eq=False)
class Exported:
    """What is exported.

    Attributes:
        name: Of its files.
        code: A batch of one.
        fov_y: Of the picture, in radians.
        aspect: Width over height of the picture.
    """

    name: str
    code: "GraphicsCode"
    fov_y: float
    aspect: float

    @staticmethod
    def of(model: "Model", name: str, path: Path, surface: SurfaceKind) -> "Exported":
        """See a picture, or read a code.

        Raises:
            DataError: If it cannot be used, or is the code of another model.
        """
        from shapecycle.data.photos import load_photo
        from shapecycle.seen import SeeOptions

        if path.suffix.lower() == ".json":
            return Exported.read(model, name, path)
        photo = load_photo(path, to_see=True)
        (seen,) = model.see_photos([photo], SeeOptions(surface=surface))
        height, width = seen.size
        return Exported(name, seen.code, seen.fov_y, width / height)

    @staticmethod
    def read(model: "Model", name: str, path: Path) -> "Exported":
        """Read a code that was written before.

        Raises:
            DataError: If there is none, or it is another model's.
        """
        from shapecycle.graphics_code import GraphicsCode
        from shapecycle.validation import checked_fov_y

        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            code = GraphicsCode.from_json(found["code"])
            height, width = found.get("size", (1, 1))
            if not (0 < float(height) < inf and 0 < float(width) < inf):
                raise ValueError(f"its size is {height} x {width}")
            fov_y, aspect = checked_fov_y(float(found["fov_y"])), float(width) / float(height)
            if not 1e-3 < aspect < 1e3:
                raise ValueError(f"its size is {height} x {width}")
            model.meshes(code)
        except DataError as error:
            is_given = "not remember" in error.what
            hint = "give the mesh that render was given: --shape FILE" if is_given else error.hint
            raise DataError(f"{path}: {error.what}", hint) from error
        except OSError as fault:
            raise DataError(f"{path} cannot be read: {fault.strerror}") from fault
        except NO_CODE as fault:
            raise DataError(
                f"{path} does not hold a code of this model ({fault})",
                "give code.json of reconstruct, or the JSON files of render and generate",
            ) from fault
        return Exported(name, code, fov_y, aspect)


def page_of(
    model: "Model", one: Exported, mesh: "Mesh", camera_from_object: "Float[np.ndarray, '4 4']"
) -> str:
    """Return a page that shows one object."""
    import numpy as np

    from shapecycle.page.light import in_object_frame
    from shapecycle.page.share import Shown, share_page

    morphs = model.shape_morphs(one.code, PAGE_MORPHS)
    return share_page(
        Shown(
            name=one.name,
            glb=mesh.to_glb(name=one.name, morphs=morphs),
            morphs=list(morphs),
            light=in_object_frame(one.code.light, one.code.pose),
            object_from_camera=np.linalg.inv(camera_from_object),
            fov_y=one.fov_y,
            aspect=one.aspect,
        )
    )


def _with_texture_of_size(mesh: "Mesh", side: int) -> "Mesh":
    """Return a mesh with a texture of so many pixels along each side."""
    import torch

    from shapecycle.code_to_image.compositing import resized

    assert mesh.texture is not None
    texels = torch.from_numpy(mesh.texture).permute(2, 0, 1)[None]
    return mesh.textured(resized(texels, (side, side))[0].permute(1, 2, 0).clamp(0, 1).numpy())


def _named(inputs: tuple[Path, ...]) -> dict[str, Path]:
    """List inputs by the names of their results.

    Raises:
        DataError: If there are none, one is missing or of another kind, or two share a name.
    """
    found: dict[str, Path] = {}
    taken: dict[str, Path] = {}
    for name, path in (one for given in inputs for one in _listed(given)):
        if name in RESERVED:
            raise DataError(f"{path}: no result can be named '{name}'", "rename the file")
        # Some file systems do not tell upper from lower case.
        other = taken.get(name.casefold())
        if other is not None and other.samefile(path):
            raise DataError(f"{path} is given twice", "give every file once")
        if other is not None:
            raise DataError(
                f"{other} and {path} would both be written to '{name}'",
                "give one of them, or give them in two calls",
            )
        found[name] = taken[name.casefold()] = path
    return found


def _listed(path: Path) -> Iterator[tuple[str, Path]]:
    """List a file, or what a folder holds, with the names of the results.

    Of a folder these are the code that `reconstruct` wrote into it; or else all codes in it and in
    its folders, and the pictures of which there is no code.
    """
    from shapecycle.data.photos import SUFFIXES

    hint = "give masked pictures, code files (JSON), or folders of them"
    if path.is_file():
        if path.suffix.lower() not in (*SUFFIXES, ".json"):
            raise DataError(f"{path} is neither a picture nor a code", hint)
        yield _name_of(path), path
        return
    if not path.is_dir():
        raise DataError(f"there is no file or folder {path}", hint)
    if (path / CODE).is_file():
        yield _name_of(path / CODE), path / CODE
        return
    own = [file for file in sorted(path.glob("*.json")) if file.name not in OTHER_JSON]
    yield from ((_name_of(file), file) for file in own)
    inner = [file for file in sorted(path.glob("*/*.json")) if file.name not in OTHER_JSON]
    for file in inner:
        is_seen = file.name == CODE
        yield _name_of(file) if is_seen else f"{file.parent.name}_{file.stem}", file
    drawn = {file.stem for file in own}
    pictures = [
        file
        for file in sorted(path.iterdir())
        if file.suffix.lower() in SUFFIXES and file.stem not in drawn and file.is_file()
    ]
    yield from ((_name_of(file), file) for file in pictures)
    if not (own or inner or pictures):
        raise DataError(f"{path}: there are neither pictures nor codes in this folder", hint)


def _name_of(path: Path) -> str:
    return path.absolute().parent.name if path.name == CODE else path.stem
