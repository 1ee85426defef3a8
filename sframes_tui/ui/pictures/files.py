"""A picture's file, read with suspicion: it may be gone, half-written, broken, huge, or no file at all. No textual."""

from pathlib import Path

from PIL import Image

from sframes_tui.errors import SFramesError
from sframes_tui.run.record.stored_picture import read_stored

KEPT_SIDE = 2048
"""Pixels; more than any terminal shows."""


class PictureError(SFramesError):
    """A picture can't be shown."""


def read_picture(path: Path) -> Image.Image:
    """The whole picture as RGB, at most `KEPT_SIDE` wide and high; raises `PictureError`."""
    try:
        picture = read_stored(path)
    except FileNotFoundError:
        raise PictureError("the file is gone") from None
    except OSError as error:
        raise PictureError(f"can't be shown: {error.strerror}") from None
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE))
    return picture


def file_mark(path: Path) -> tuple[str, int, int]:
    """Changes when the file does; raises `PictureError` where it is gone."""
    try:
        status = path.stat()
    except OSError:
        raise PictureError("the file is gone") from None
    return str(path), status.st_mtime_ns, status.st_size
