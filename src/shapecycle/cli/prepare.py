"""``shapecycle prepare``."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import DisallowNone, Positional, arg

from shapecycle.cli.inputs import check_range, files_of, report_bad
from shapecycle.cli.output import check_separate, new_folder
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from jaxtyping import Float

    from shapecycle.prepare.folder import Prepared


@dataclass(frozen=True)
class Prepare:
    """Check a folder of one's own pictures, shapes, or both; find masks; write what trainings take.

    Example: shapecycle prepare my-photos --out ready
    """

    folder: Positional[Path]
    """Folder of pictures (PNG, JPEG, WebP), shapes (GLB, OBJ, PLY, OFF, STL), or both. Nothing in
    it is changed."""
    out: Path
    """Folder to create: images/ and shapes/, sheet.html with everything that was found, and the
    same as findings.json."""
    background: Annotated[
        DisallowNone[str | None], arg(help_behavior_hint="(default: that of the rim)")
    ] = None
    """Colour of the background of pictures without masks, such as white or "#c0d0e0"."""
    masker: Annotated[DisallowNone[str | None], arg(help_behavior_hint="(default: none)")] = None
    """Command that makes the masks which neither alpha, nor masks/, nor a background of one colour
    give; it is called with two paths: the picture, and the mask to write."""
    size: int = 1024
    """Longest side of the pictures that are written, in pixels; larger ones are shrunk."""
    crop: bool = False
    """Write squares around the objects instead of whole frames. What perspective tells is lost."""
    skip_bad: bool = False
    """Leave files that cannot be used out instead of stopping; all are named."""

    def run(self) -> None:
        """Prepare everything in the folder, or nothing if a file cannot be used."""
        from shapecycle.data import mesh_files, photos
        from shapecycle.prepare.folder import PictureOptions, prepare_pictures, prepare_shapes
        from shapecycle.prepare.sheet import sheet_of

        check_range(self.size, 64, 8192, "--size")
        if not self.folder.is_dir():
            raise DataError(f"{self.folder}: there is no such folder", "check its name")
        check_separate(("the folder", self.folder), ("--out", self.out))
        options = PictureOptions(self.size, self.crop, self._background(), self.masker)
        pictures, shapes = self._files(photos.SUFFIXES), self._files(mesh_files.SUFFIXES)
        if not pictures and not shapes:
            raise DataError(
                f"{self.folder}: there are neither pictures nor shapes in this folder",
                f"they end in {' '.join((*photos.SUFFIXES, *mesh_files.SUFFIXES))}",
            )
        with new_folder(self.out) as out:
            done: dict[str, Prepared] = {}
            for kind, folder, files in (
                ("pictures", "images", pictures),
                ("shapes", "shapes", shapes),
            ):
                if not files:
                    continue
                (out / folder).mkdir()
                tell = _progress(len(files), kind)
                if kind == "pictures":
                    done[folder] = prepare_pictures(files, out / folder, options, tell)
                else:
                    done[folder] = prepare_shapes(files, out / folder, tell)
                report_bad(
                    done[folder].faults, len(files), skip_bad=self.skip_bad, kind=kind,
                    hint=f"{done[folder].faults[0].hint}; or leave them out: --skip-bad"
                    if done[folder].faults else "",
                )  # fmt: skip
            entries = [entry for one in done.values() for entry in one.entries]
            page = sheet_of(f"What was found in {self.folder}", entries)
            (out / "sheet.html").write_text(page, encoding="utf-8")
            found = {folder: one.records for folder, one in done.items()}
            (out / "findings.json").write_text(json.dumps(found, indent=1) + "\n")
        for one in done.values():
            for entry in one.entries:
                for problem in entry.problems:
                    if not entry.is_left_out:
                        say(f"  {entry.name}: {problem}")
        counts = {"pictures" if k == "images" else k: one for k, one in done.items()}
        written = " and ".join(
            counted(len(one.entries) - len(one.faults), kind) for kind, one in counts.items()
        )
        odd = sum(bool(entry.problems) for entry in entries)
        say(f"{written} written, {odd} with something odd: see {self.out / 'sheet.html'}")
        print(self.out)

    def _files(self, suffixes: tuple[str, ...]) -> list[Path]:
        # Without any `list_folder` raises, and there may be others.
        if not any(path.suffix.lower() in suffixes for path in self.folder.iterdir()):
            return []
        return files_of((self.folder,), suffixes, "files")

    def _background(self) -> "Float[np.ndarray, '3'] | None":
        import numpy as np
        from PIL import ImageColor

        if self.background is None:
            return None
        try:
            return np.array(ImageColor.getrgb(self.background)[:3]) / 255
        except ValueError as fault:
            raise ConfigError(
                f"--background {self.background} is no colour",
                'give one such as white or "#c0d0e0"',
            ) from fault


def _progress(count: int, kind: str) -> "Callable[[int], None]":
    def tell(number: int) -> None:
        if number % 25 == 0 or number == count:
            say(f"  {number} of {counted(count, kind)}")

    return tell
