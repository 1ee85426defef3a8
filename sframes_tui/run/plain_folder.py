"""Whether a run folder may be written into at all, and its files read: it may come from a stranger.

A link in it could lead writing, or the tidying up at a run's end, to the user's own files; a pipe would hang it. Must
not import torch or textual.
"""

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from sframes_tui.errors import UsageError

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


def read_plain(path: Path, most: int, offset: int = 0) -> bytes:
    """What a regular file of at most `most` bytes holds from `offset` on.

    A link, pipe or device is not opened, or not waited for. Raises `OSError`.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"larger than {most // 2**20} MB", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            file.seek(offset)
            return file.read(most)
    finally:
        os.close(descriptor)


def is_inside(file: str) -> bool:
    """Whether a file's name, as a journal has it, stays within the run folder: parts joined by slashes, none `..`."""
    path = PurePosixPath(file)
    return bool(file) and not path.is_absolute() and ".." not in path.parts and "\0" not in file and "\\" not in file
