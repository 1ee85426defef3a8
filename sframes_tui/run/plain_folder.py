"""Whether a run folder may be written into at all, and its files read: it may come from a stranger.

A link in it could lead writing, or the tidying up at a run's end, to the user's own files; a pipe would hang it. Must
not import torch or textual.
"""

import os
import stat
from pathlib import Path, PurePosixPath

from sframes_tui.errors import UsageError
from sframes_tui.plain_file import read_plain as read_plain

SOCKET = ".sframes/control"
"""What a run that was killed leaves behind; it is replaced."""


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


def is_inside(file: str) -> bool:
    """Whether a file's name, as a journal has it, stays within the run folder: parts joined by slashes, none `..`."""
    path = PurePosixPath(file)
    return bool(file) and not path.is_absolute() and ".." not in path.parts and "\0" not in file and "\\" not in file
