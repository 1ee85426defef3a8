"""Reads a file that may come from a stranger, and writes one where a stranger may have put something.

No pipe is waited for, a link followed only where the user himself named the file, and never more than a bound read.
Imports nothing of the program.
"""

import contextlib
import errno
import os
import secrets
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


def write_plain(path: Path, data: bytes) -> None:
    """Puts `data` at `path`, whole or not at all, for its owner alone; what has that name is replaced, not followed.

    Raises `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name that nobody can foresee, and no link may have.
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
