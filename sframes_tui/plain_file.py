"""Reads a file that may come from a stranger: no link followed, no pipe waited for, never more than a bound.

Imports nothing of the program.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_plain(path: Path) -> Iterator[int]:
    """A descriptor that reads a regular file. A link, pipe or device is not opened, or not waited for.

    Raises `OSError`.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        yield descriptor
    finally:
        os.close(descriptor)


def read_plain(path: Path, most: int) -> bytes:
    """What a regular file of at most `most` bytes holds. Raises as `open_plain`, and for a larger one."""
    with open_plain(path) as descriptor:
        if os.fstat(descriptor).st_size > most:
            raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)
