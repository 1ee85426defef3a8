"""Whether a run folder may be written into at all, and its files read: it may come from a stranger.

A link in it could lead writing, or the tidying up at a run's end, to the user's own files; a pipe would hang it. Must
not import torch or textual.
"""

import os
import re
import stat
from pathlib import Path

from sframes_tui.errors import UsageError
from sframes_tui.plain_file import read_plain as read_plain

SOCKET = ".sframes/control"
"""What a run that was killed leaves behind; it is replaced."""
NEVER_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]")
MAX_PART = 255
"""Of one part of a name; every file system's is at most that."""


def require_plain(folder: Path) -> None:
    """Raises `UsageError`, naming the first thing in a run folder that is neither a file nor a folder."""
    if folder.is_symlink():
        raise UsageError(f"{folder}: a link; name the run folder itself, {folder.resolve()}")
    places = [folder]
    while places:
        with os.scandir(places.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                mode = entry.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    places.append(path)
                elif not stat.S_ISREG(mode) and path.relative_to(folder).as_posix() != SOCKET:
                    kind = "a link, which could lead elsewhere" if stat.S_ISLNK(mode) else "no plain file"
                    raise UsageError(f"{folder}: {path.relative_to(folder)} is {kind}; take it away first")


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
