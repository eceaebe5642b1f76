"""``shapecycle prepare``."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import DisallowNone, Positional, arg

from shapecycle.cli.inputs import check_range, files_of, report_bad
from shapecycle.cli.output import check_separate, new_folder
from shapecycle.cli.progress import Progress
from shapecycle.console import say
from shapecycle.data.folders import counted
from shapecycle.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from jaxtyping import Float

    from shapecycle.prepare.folder import Prepared


@dataclass(frozen=True)
class Prepare:
    """Check folders of one's own pictures, shapes, or both; find masks; write what trainings take.

    Example: shapecycle prepare my-photos --out ready
    """

    folders: Positional[tuple[Path, ...]]
    """Folders of pictures (PNG, JPEG, WebP), shapes (GLB, OBJ, PLY, OFF, STL), or both. Nothing in
    them is changed."""
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

    def run(self) -> None:
        """Prepare all that can be used, and name what cannot."""
        from shapecycle.data import mesh_files, photos
        from shapecycle.prepare.folder import PictureOptions, prepare_pictures, prepare_shapes
        from shapecycle.prepare.sheet import sheet_of

        check_range(self.size, 64, 8192, "--size")
        for place in self.folders:
            if not place.is_dir():
                raise DataError(f"{place}: there is no such folder", "check its name")
            check_separate(("the folder", place), ("--out", self.out))
        options = PictureOptions(self.size, self.crop, self._background(), self.masker)
        pictures, shapes = self._files(photos.SUFFIXES), self._files(mesh_files.SUFFIXES)
        if not pictures and not shapes:
            names = ", ".join(map(str, self.folders))
            inner = [p for place in self.folders for p in place.iterdir() if p.is_dir()]
            hint = f"they end in {' '.join((*photos.SUFFIXES, *mesh_files.SUFFIXES))}"
            if inner:
                hint = f"name the folders that hold them: prepare {' '.join(map(str, inner[:2]))}"
            raise DataError(f"{names}: there are neither pictures nor shapes in there", hint)
        with new_folder(self.out) as out:
            done: dict[str, Prepared] = {}
            for kind, folder, files in (
                ("pictures", "images", pictures),
                ("shapes", "shapes", shapes),
            ):
                if not files:
                    continue
                (out / folder).mkdir()
                tell = partial(_tell, Progress(is_end_said=True), len(files), kind)
                if kind == "pictures":
                    done[folder] = prepare_pictures(files, out / folder, options, tell)
                else:
                    done[folder] = prepare_shapes(files, out / folder, tell)
                bad, count = done[folder].faults, len(files)
                if len(bad) == count:
                    report_bad(bad, count, skip_bad=False, kind=kind, hint=bad[0].hint)
            entries = [entry for one in done.values() for entry in one.entries]
            page = sheet_of(f"What was found in {', '.join(map(str, self.folders))}", entries)
            (out / "sheet.html").write_text(page, encoding="utf-8")
            found = {folder: one.records for folder, one in done.items()}
            (out / "findings.json").write_text(json.dumps(found, indent=1) + "\n")
        for one in done.values():
            for entry in one.entries:
                for problem in entry.problems:
                    fate = "left out: " if entry.is_left_out else ""
                    say(f"  {entry.name}: {fate}{problem}")
        counts = {"pictures" if k == "images" else k: one for k, one in done.items()}
        written = " and ".join(
            counted(len(one.entries) - len(one.faults), kind) for kind, one in counts.items()
        )
        odd = sum(bool(entry.problems) for entry in entries)
        faults = [fault for one in done.values() for fault in one.faults]
        if faults:
            hints = dict.fromkeys(fault.hint for fault in faults)
            say(f"left out {counted(len(faults), 'files')}: {'; '.join(hints)}")
        for note in self._ignored((*photos.SUFFIXES, *mesh_files.SUFFIXES)):
            say(note)
        say(f"{written} written, {odd} with something odd: see {self.out / 'sheet.html'}")
        print(self.out)

    def _files(self, suffixes: tuple[str, ...]) -> list[Path]:
        # Without any `list_folder` raises, and there may be others.
        holding = [
            folder
            for folder in self.folders
            if any(path.suffix.lower() in suffixes for path in folder.iterdir())
        ]
        return files_of(tuple(holding), suffixes, "files") if holding else []

    def _ignored(self, suffixes: tuple[str, ...]) -> "Iterator[str]":
        """Name what is neither picture nor shape, and what would have to be converted first."""
        from shapecycle.data.folders import list_folder

        for folder in self.folders:
            if note := list_folder(folder, "files", suffixes).ignored_note:
                yield f"in {folder}: {note}; convert them first if they are pictures or shapes"

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


def _tell(progress: Progress, count: int, kind: str, number: int) -> None:
    progress(number, count, kind)
