"""What commands take: files in place, numbers in range, a device that is there."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from shapecycle.console import say
from shapecycle.data.folders import list_folder
from shapecycle.errors import ConfigError, DataError, ShapecycleError

if TYPE_CHECKING:
    from shapecycle.parallel import Team

T = TypeVar("T")
Device = Literal["auto", "cpu", "cuda", "mps"]

RESERVED = ("", ".", "..", "summary.json")
"""Stems that cannot name a result's folder."""
MAX_SEED = 2**63 - 1
OR_SKIP = "fix or remove them, or leave them out with --skip-bad"


def files_of(inputs: tuple[Path, ...], suffixes: tuple[str, ...], kind: str) -> list[Path]:
    """List files, and the fitting files directly in folders; their stems name the results.

    Raises:
        DataError: If nothing is found, a path is missing or unreadable, a file is given twice,
            two files share a stem, or a stem cannot name a result.
    """
    found: list[Path] = []
    for path in inputs:
        if path.is_dir():
            found += list_folder(path, kind, suffixes).files
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"there is no file or folder {path}", f"give {kind} or folders of them")
    if not found:
        raise DataError(f"no {kind} were given", f"give {kind} or folders of them")
    stems: dict[str, Path] = {}
    for path in found:
        if path.stem in RESERVED:
            raise DataError(f"{path}: no result can be named '{path.stem}'", "rename the file")
        # Some file systems do not tell upper from lower case.
        stem = path.stem.casefold()
        if stem in stems and path.samefile(stems[stem]):
            also = "" if path == stems[stem] else f", also as {stems[stem]}"
            raise DataError(f"{path} is given twice{also}", "give every file once")
        if stem in stems:
            raise DataError(
                f"{stems[stem]} and {path} would both be written to '{path.stem}'",
                "rename one, or give them in two calls",
            )
        stems[stem] = path
    return found


def load_share(
    files: list[Path],
    load: Callable[[Path], T],
    team: "Team",
    *,
    skip_bad: bool,
    kind: str,
    hint: str = OR_SKIP,
) -> dict[int, T]:
    """Load this process's share of files; bad ones are all named in one error, or skipped.

    Args:
        files: All files, alike in all processes.
        load: Loads one.
        team: The processes that share them out.
        skip_bad: Go on without bad ones.
        kind: What the files are, for messages.
        hint: What to do about bad ones.

    Returns:
        What was loaded, by its number in ``files``, in their order.
    """
    loaded: dict[int, T] = {}
    bad: dict[int, ShapecycleError] = {}

    def load_own() -> dict[int, ShapecycleError]:
        for number in team.share(range(len(files))):
            try:
                loaded[number] = load(files[number])
            except ShapecycleError as error:
                bad[number] = error
        return bad

    for found in team.each(load_own):
        bad |= found
    errors = [bad[number] for number in sorted(bad)]
    report_bad(errors, len(files), skip_bad=skip_bad, kind=kind, hint=hint)
    return loaded


def report_bad(
    bad: list[ShapecycleError],
    count: int,
    *,
    skip_bad: bool,
    kind: str,
    hint: str = OR_SKIP,
) -> None:
    """Raise one error that names all bad files, or name them and go on."""
    if not bad:
        return
    if count == 1:
        raise bad[0]
    listed = "\n".join(f"  {error.what}" for error in bad)
    if skip_bad and len(bad) < count:
        say(f"left out {len(bad)} of {count} {kind}:\n{listed}")
        return
    # Without any good ones there is nothing to go on with.
    raise DataError(
        f"{len(bad)} of {count} {kind} cannot be used:\n{listed}",
        hint if len(bad) < count else "fix or remove them",
    )


def check_range(value: int | float, low: int, high: int, option: str) -> None:
    """Raise if an option's value is too small or too large.

    Raises:
        ConfigError: Naming the option and its range.
    """
    if not low <= value <= high:
        raise ConfigError(f"{option} must be from {low} to {high}, found {value}")
