"""A picture's file, read with suspicion: it may be gone, half-written, broken, huge, or no file at all. No textual."""

import stat
from pathlib import Path

from PIL import Image

from sframes_tui.errors import SFramesError, message_of

MOST_PIXELS = 64_000_000
"""About 200 MB; a grid of a long chapter has that."""

KEPT_SIDE = 2048
"""Pixels; more than any terminal shows."""


class PictureError(SFramesError):
    """A picture can't be shown."""


def read_picture(path: Path) -> Image.Image:
    """The whole picture as RGB, at most `KEPT_SIDE` wide and high; raises `PictureError`."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PictureError("no picture: not a plain file")
        with Image.open(path, formats=["PNG"]) as file:
            if file.width * file.height > MOST_PIXELS:
                raise PictureError(f"no picture: {file.width} x {file.height} pixels are too many")
            file.load()
            picture = file.convert("RGB")
    except PictureError:
        raise
    except FileNotFoundError:
        raise PictureError("the file is gone") from None
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files.
        raise PictureError(f"can't be shown: {message_of(error)}") from None
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE))
    return picture


def file_mark(path: Path) -> tuple[str, int, int]:
    """Changes when the file does; raises `PictureError` where it is gone."""
    try:
        status = path.stat()
    except OSError:
        raise PictureError("the file is gone") from None
    return str(path), status.st_mtime_ns, status.st_size
