"""Reads pictures out of a run folder, which may have come from a stranger.

Only plain files are opened, never through a link and never with a call that could hang; nothing is decoded before its
size is known; whatever is wrong is one `OSError`.
"""

import hashlib
import io
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from sframes_tui.errors import message_of
from sframes_tui.plain_file import open_plain, read_plain

MAX_BYTES = 2**28
MAX_PIXELS = 8192**2
"""What `width` and `height` allow."""
MAX_SIDE = 16_384
"""A grid's; a picture one pixel wide takes far more memory than its pixels do."""
MAX_CHUNKS = 100_000
"""Of a file; each takes time, even an empty one."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEPT = frozenset([b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tEXt", b"zTXt", b"iTXt"])
"""The chunks that reach the decoder: what RGB pixels and recipes are made of. Transparency is dropped anyhow."""


def read_stored(path: Path, size: tuple[int, int] | None = None) -> Image.Image:
    """A frame's picture in RGB, whole; `size` is the (width, height) that it must have.

    Raises `OSError`, whose `strerror` says what is wrong, for anything but a sound PNG of that size.
    """
    return decoded(read_plain(path, MAX_BYTES), path, size)[0]


def decoded(data: bytes, path: Path, size: tuple[int, int] | None = None) -> tuple[Image.Image, Mapping[str, str]]:
    """A PNG file's picture and text chunks, which Pillow bounds; `path` is for messages. Raises as `read_stored`."""
    try:
        with Image.open(io.BytesIO(_plain(data, size)), formats=["PNG"]) as picture:
            _check_size(picture.size, size)
            return picture.convert("RGB"), getattr(picture, "text", {})
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files.
        what = "it is damaged" if isinstance(error, UnidentifiedImageError) else message_of(error)
        raise OSError(0, f"no PNG that can be read: {what}", str(path)) from None


def _plain(data: bytes, size: tuple[int, int] | None) -> bytes:
    """The same picture without what isn't needed: no animation, colour profile or camera data can do any harm then."""
    chunks, view = _chunks(data), memoryview(data)
    kind, start, end = next(chunks, (b"", 0, 0))
    if kind != b"IHDR" or end - start != 25:
        raise ValueError("it doesn't begin with a header")
    _check_size(struct.unpack_from(">II", data, start + 8), size)
    kept = [memoryview(SIGNATURE), view[start:end]]
    for kind, start, end in chunks:
        if kind == b"IHDR":
            raise ValueError("it has two headers")
        if kind in KEPT:
            kept.append(view[start:end])
    return b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk, where it begins and where it ends; a torn one is the last."""
    if not data.startswith(SIGNATURE):
        raise ValueError("it is something else")
    start = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if start >= len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        yield kind, start, start + length + 12
        if kind == b"IEND":
            return
        start += length + 12
    raise ValueError(f"it has more than {MAX_CHUNKS:,} parts")


def _check_size(found: tuple[int, ...], wanted: tuple[int, int] | None) -> None:
    width, height = found
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ValueError(f"{width} x {height} pixels are more than any picture here has")
    if wanted is not None and found != wanted:
        raise ValueError(f"{width} x {height} pixels instead of {wanted[0]} x {wanted[1]}")


def matches(path: Path, size: int, sha256: str) -> bool:
    """Whether a plain file has exactly this content."""
    try:
        with open_plain(path) as descriptor, open(descriptor, "rb", closefd=False) as file:
            if os.fstat(descriptor).st_size != size:
                return False
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False
