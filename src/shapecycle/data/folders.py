"""Which files of a training folder are taken, and how bad ones among them are reported."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from shapecycle.errors import DataError, ShapecycleError

MAX_NAMED = 20
"""How many bad files a message names before it only counts the rest."""

Item = TypeVar("Item")
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Listing:
    """The files of one folder that a loader will try.

    Attributes:
        folder: The folder itself.
        kind: What its files hold, in the plural ("pictures", "shapes").
        files: Files of the wanted types, sorted by name.
        ignored: How many other visible files there are, by lower-case extension.
    """

    folder: Path
    kind: str
    files: list[Path]
    ignored: Counter[str]

    @property
    def ignored_note(self) -> str:
        """The other files in words ("3 other files ignored: 2 .csv, 1 .txt"); "" for none."""
        if not self.ignored:
            return ""
        parts = ", ".join(
            f"{n:,} {suffix or 'unnamed'}" for suffix, n in sorted(self.ignored.items())
        )
        return f"{counted(self.ignored.total(), 'other files')} ignored: {parts}"


@dataclass(frozen=True)
class Loaded(Generic[Item]):
    """What came out of a folder.

    Attributes:
        paths: The files that could be used, in order.
        items: What each of them held.
        notes: One line about the ones left out, if there were any.
    """

    paths: list[Path]
    items: list[Item]
    notes: list[str]


def counted(count: int, plural: str) -> str:
    """Say a count and its noun ("1 picture", "1,920 pictures")."""
    return f"{count:,} {plural.removesuffix('s') if count == 1 else plural}"


def list_folder(folder: Path, kind: str, suffixes: Sequence[str]) -> Listing:
    """List the files that belong to one training set; subfolders and hidden files do not.

    Args:
        folder: Where to look, not recursively.
        kind: What is looked for, in the plural ("pictures", "shapes").
        suffixes: Lower-case extensions with their dot; the case of a file's own does not matter.

    Returns:
        The sorted files of those types, and a count of the others.

    Raises:
        DataError: If the folder is missing, no folder, unreadable, or holds no such file.
    """
    try:
        visible = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except FileNotFoundError as error:
        raise DataError(
            f"{folder}: there is no such folder", f"give the folder that holds the {kind}"
        ) from error
    except NotADirectoryError as error:
        raise DataError(
            f"{folder}: this is not a folder", f"give the folder that holds the {kind}"
        ) from error
    except OSError as error:
        raise DataError(
            f"{folder}: the folder cannot be read ({error.strerror})",
            "check its permissions and that its disk is there",
        ) from error
    present = [p for p in visible if not p.is_dir()]
    files = [p for p in present if p.suffix.lower() in suffixes]
    ignored = Counter(p.suffix.lower() for p in present if p.suffix.lower() not in suffixes)
    listing = Listing(folder, kind, files, ignored)
    if not files:
        found = listing.ignored_note.replace(" ignored", "") or "it is empty"
        if not present and visible:
            found = f"only subfolders, such as {visible[0].name}/"
        raise DataError(
            f"{folder}: no {kind} in this folder ({found})",
            f"{kind} are files ending in {' '.join(suffixes)}, directly in the folder",
        )
    return listing


def load_all(
    folder: Path,
    kind: str,
    count: int,
    files: Iterable[tuple[Path, Callable[[], Item]]],
    *,
    skip_bad: bool,
    minimum: int,
    tell: Tell | None = None,
) -> Loaded[Item]:
    """Load files, and tell of all the bad ones together.

    Args:
        folder: Where they lie.
        kind: What they hold, in the plural.
        count: About how many they are.
        files: Their names, and what loads each; it raises a ShapecycleError whose ``what`` begins
            with "PATH: ".
        skip_bad: Leave bad files out and name them in the notes, instead of raising.
        minimum: The fewest usable files that will do.
        tell: Is told after each file how many were looked at, of how many, and their kind.

    Returns:
        The usable files and what they hold.

    Raises:
        DataError: If any file is bad and ``skip_bad`` is not set, or too few are usable.
    """
    paths, items, bad, number = [], [], [], 0
    for number, (path, load) in enumerate(files, 1):
        try:
            items.append(load())
            paths.append(path)
        except ShapecycleError as error:
            bad.append((path, error))
        if tell is not None:
            tell(number, max(number, count), kind)
    found = f"{len(bad):,} of {counted(number, kind)} in {folder}"
    if bad and not skip_bad:
        raise DataError(_report(f"{found} cannot be used", folder, bad), _fix_hint(bad))
    left_out = _report(f"{found} were left out", folder, bad) if bad else ""
    if len(items) < minimum:
        also = f"\n{left_out}" if bad else ""
        raise DataError(
            f"{folder}: {counted(len(items), 'usable ' + kind)}, "
            f"but at least {minimum} are needed{also}",
            f"add more {kind}",
        )
    return Loaded(paths, items, [left_out] if bad else [])


def _report(headline: str, folder: Path, bad: Sequence[tuple[Path, ShapecycleError]]) -> str:
    """Name bad files with their reasons, one a line."""
    lines = [headline]
    for path, error in bad[:MAX_NAMED]:
        name = path.relative_to(folder)
        lines.append(f"    {name}: {error.what.removeprefix(f'{path}: ')}")
    if len(bad) > MAX_NAMED:
        lines.append(f"    and {len(bad) - MAX_NAMED:,} more")
    return "\n".join(lines)


def _fix_hint(bad: Sequence[tuple[Path, ShapecycleError]]) -> str:
    """Say what to do about bad files: their own hint where they share one."""
    hints = {error.hint for _, error in bad}
    own = hints.pop() if len(hints) == 1 else ""
    return f"{own or 'fix or remove them'}; or go on without them: --skip-bad"
