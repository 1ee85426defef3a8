"""Reads pictures out of a run folder, which may have come from a stranger. Must not import torch or textual.

Only plain files are opened, never through a link and never with a call that could hang; nothing is decoded before its
size is known; whatever is wrong is one `OSError`.
"""

import io
import struct
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from sframes_tui.run.plain_folder import read_plain

MAX_BYTES = 2**28
MAX_PIXELS = 8192**2
"""What `width` and `height` allow."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_stored(path: Path, size: tuple[int, int] | None = None) -> Image.Image:
    """A frame's picture in RGB, whole; `size` is the (width, height) that it must have.

    Raises `OSError`, whose `strerror` says what is wrong, for anything but a sound PNG of that size.
    """
    return decoded(read_plain(path, MAX_BYTES), path, size)[0]


def decoded(data: bytes, path: Path, size: tuple[int, int] | None = None) -> tuple[Image.Image, Mapping[str, str]]:
    """A PNG file's picture and text chunks, which Pillow bounds; `path` is for messages. Raises as `read_stored`."""
    try:
        _check_size(data, size)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            return picture.convert("RGB"), getattr(picture, "text", {})
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
