"""Whether a run folder may be written into at all, and its files read: it may come from a stranger.

A link in it could lead writing, or the tidying up at a run's end, to the user's own files; a pipe would hang it. Must
not import torch or textual.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from sframes_tui.errors import UsageError
from sframes_tui.plain_file import read_plain as read_plain

HIDDEN = ".sframes"
"""Of a run folder the part that is the program's own."""
SOCKET = f"{HIDDEN}/control"
"""What a run that was killed leaves behind; it is replaced."""
NEVER_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]")
MAX_PART = 255
"""Of one part of a name; every file system's is at most that."""


def require_plain(folder: Path) -> None:
    """Raises `UsageError`, naming the first thing in a run folder that is neither a file nor a folder.

    A file with other names is fine where all of them are in the folder: old takes are kept so.
    """
    if folder.is_symlink():
        raise UsageError(f"{folder}: a link; name the run folder itself, {folder.resolve()}")
    # A run that is drawn just now may have given a take its second name in between.
    if _linked_elsewhere(folder) and (file := _linked_elsewhere(folder)):
        cure = "go on with a copy of the folder, made by: cp -r"
        raise UsageError(f"{folder}: {file} has another name elsewhere (a hard link); {cure}")


def _linked_elsewhere(folder: Path) -> str | None:
    """A file in a folder that has names outside of it. Raises `UsageError` for what is no file."""
    names: dict[tuple[int, int], list[str]] = {}
    links: dict[tuple[int, int], int] = {}
    for file, status in _entries(folder):
        if not stat.S_ISREG(status.st_mode) and file != SOCKET:
            kind = "a link, which could lead elsewhere" if stat.S_ISLNK(status.st_mode) else "no plain file"
            raise UsageError(f"{folder}: {file} is {kind}; take it away first")
        if status.st_nlink > 1:
            names.setdefault((status.st_dev, status.st_ino), []).append(file)
            links[status.st_dev, status.st_ino] = status.st_nlink
    return next((found[0] for key, found in names.items() if len(found) < links[key]), None)


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Whatever lies below a folder but folders, and what it is. Raises `UsageError`."""
    places = [folder]
    try:
        while places:
            with contextlib.suppress(FileNotFoundError), os.scandir(places.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        places.append(Path(entry.path))
                    else:
                        with contextlib.suppress(FileNotFoundError):  # gone since, as a folder may be
                            yield os.path.relpath(entry.path, folder), entry.stat(follow_symlinks=False)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: can't be looked at: {error.strerror}") from None


def parts(file: str) -> tuple[str, ...]:
    """The parts of a file's name in a run folder, as journals have it: `variant-1/oil 0-0.png`.

    The one way from a name to a path. Raises `ValueError` for a name that isn't in normal form (no part empty, `.` or
    `..`), or that no file of this program has.
    """
    made = tuple(file.split("/"))
    if NEVER_IN_NAMES.search(file) or not all(part.strip(".") and len(part) <= MAX_PART for part in made):
        raise ValueError(f"{file!r} is no name of a file in a run folder")
    return made


def is_inside(file: str) -> bool:
    """Whether a name is one that a file in a run folder can have."""
    try:
        return bool(parts(file))
    except ValueError:
        return False
