"""Reads a file that may come from a stranger: no pipe waited for, never more than a bound, links only on demand.

Imports nothing of the program.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_plain(path: Path, *, follow: bool = False) -> Iterator[int]:
    """A descriptor that reads a regular file. A pipe or device is not opened, or not waited for.

    Nor is a link, unless `follow` says that the user himself named the file. Raises `OSError`.
    """
    links = 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | links)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        yield descriptor
    finally:
        os.close(descriptor)


def read_plain(path: Path, most: int, *, follow: bool = False) -> bytes:
    """What a regular file of at most `most` bytes holds. Raises as `open_plain`, and for a larger one."""
    with open_plain(path, follow=follow) as descriptor, open(descriptor, "rb", closefd=False) as file:
        if os.fstat(descriptor).st_size <= most:
            data: bytes | None = file.read(most + 1)  # None: a file of the system's that has nothing to give
            if data is None or len(data) <= most:
                return data or b""
        raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
