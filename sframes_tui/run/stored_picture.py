"""Reads pictures out of a run folder, which may have come from a stranger. Must not import torch or textual.

Only plain files are opened, never through a link and never with a call that could hang; nothing is decoded before its
size is known; whatever is wrong is one `OSError`.
"""

import io
import os
import stat
import struct
from pathlib import Path

from PIL import Image

MAX_BYTES = 2**28
MAX_PIXELS = 8192**2
"""What `width` and `height` allow."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_stored(path: Path, size: tuple[int, int] | None = None) -> Image.Image:
    """A frame's picture in RGB, whole; `size` is the (width, height) that it must have.

    Raises `OSError`, whose `strerror` says what is wrong, for anything but a sound PNG of that size.
    """
    data = _plain_bytes(path)
    try:
        _check_size(data, size)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, struct.error) as error:  # Pillow's, on bad files
        raise OSError(0, f"no PNG that can be read: {error}", str(path)) from None


def _check_size(data: bytes, wanted: tuple[int, int] | None) -> None:
    """Looks at the file's header alone."""
    if not data.startswith(SIGNATURE):
        raise ValueError("it is something else")
    width, height = struct.unpack_from(">II", data, 16)
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width} x {height} pixels are more than any picture here has")
    if wanted is not None and (width, height) != wanted:
        raise ValueError(f"{width} x {height} pixels instead of {wanted[0]} x {wanted[1]}")


def _plain_bytes(path: Path) -> bytes:
    """What a regular file holds; a link, pipe or device is not opened, or not waited for."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a plain file", str(path))
        if status.st_size > MAX_BYTES:
            raise OSError(0, f"larger than {MAX_BYTES // 2**20} MB", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES)
    finally:
        os.close(descriptor)
