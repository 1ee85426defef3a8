"""Reads a file that may come from a stranger: no link followed, no pipe waited for, never more than a bound.

Imports nothing of the program.
"""

import errno
import os
import stat
from pathlib import Path


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
            raise OSError(errno.EFBIG, f"larger than {most:,} bytes", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            file.seek(offset)
            return file.read(most)
    finally:
        os.close(descriptor)
