"""Contact sheets from saved pictures. Must not import torch."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from sframes_tui.errors import DiskError
from sframes_tui.run.record.stored_picture import read_stored

MAX_SIDE = 16_384
"""Pixels; a sheet of more pictures than fit shows them smaller."""


def make_grid(paths: Sequence[Path], size: tuple[int, int]) -> Image.Image:
    """Pictures of `size` in reading order, `ceil(sqrt(n))` columns and rows, the rest black.

    The pictures are read one at a time, so memory doesn't grow with their number beyond the sheet itself. Raises
    `DiskError`.
    """
    columns = math.ceil(math.sqrt(len(paths)))
    scale = min(1.0, MAX_SIDE / (columns * max(size)))
    cell = (max(1, int(size[0] * scale)), max(1, int(size[1] * scale)))
    sheet = Image.new("RGB", (columns * cell[0], columns * cell[1]))
    for place, path in enumerate(paths):
        picture = _read(path)
        fitted = picture if picture.size == cell else picture.resize(cell, Image.Resampling.LANCZOS)
        sheet.paste(fitted, (place % columns * cell[0], place // columns * cell[1]))
    return sheet


def _read(path: Path) -> Image.Image:
    try:
        return read_stored(path)
    except OSError as error:
        what = f"{path}: can't be read for its grid: {error.strerror}; take it away, and resume draws it again"
        raise DiskError(what) from None
