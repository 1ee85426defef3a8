"""A story's file -> decoded text: where it is looked for, what is read at all, and in which encoding.

The file may come from a stranger: only regular files up to `MAX_BYTES` are
opened, and never with a call that could hang.
"""

import codecs
import io
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import charset_normalizer

from sframes_tui.errors import Note, StoryError
from sframes_tui.plain_file import read_plain
from sframes_tui.text.epub import is_zip, read_epub

MAX_BYTES = 64 * 1024 * 1024

BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

DETECTED = [
    *(f"cp125{page}" for page in (2, 0, 1, 3, 4, 5, 6, 7)),
    *("cp874", "koi8_r", "koi8_u", "cp866", "cp437", "cp850", "mac_roman", "iso8859_2", "iso8859_15"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
]
"""The encodings that text files really have; the exotic ones would win too often on short texts."""

NOT_FOR_FILES = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
"""Python's codecs for other things than texts; some take quadratic time."""

SAMPLE_BYTES = 64 * 1024
NOT_ASCII = re.compile(rb"[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file's text, its line ends made one newline character each, without byte order mark."""

    text: str
    notes: tuple[Note, ...] = ()
    chapters: tuple[tuple[str, str], ...] | None = None
    """Title and text of each chapter, where the file itself has chapters (EPUB)."""


def find_source(source: str, near: Path | None) -> Path:
    """The file that `source` means: beside the configuration file (in its folder `near`), else in the working folder.

    Raises `StoryError` naming the places where it was looked for. What is found may still be no readable text.
    """
    try:
        wanted = Path(source).expanduser()
    except RuntimeError:
        raise StoryError(f"source {source!r}: there is no such user's home folder") from None
    places = list(dict.fromkeys((root or Path.cwd()).absolute() for root in (near, None)))
    for place in places:
        if os.path.lexists(place / wanted):
            return place / wanted
    looked = "" if wanted.is_absolute() else " in " + " or ".join(repr(str(place)) for place in places)
    raise StoryError(f"source {source!r}: no such file{looked}")


def read_source(path: Path, encoding: str | None, follow: bool = True) -> SourceText:
    """Reads a plain text file or an EPUB; links are followed unless it may be a stranger's.

    `encoding` is Python's name of it; without one the text is taken for UTF-8, with a byte order mark for what
    that says, and otherwise for what it looks like, with a note. Raises `StoryError`.
    """
    data = _read_bytes(path, follow)
    if is_zip(data):
        chapters, notes = read_epub(data, path.name)
        text = "\n".join(f"{chapter.heading}\n{chapter.text}" for chapter in chapters)
        return SourceText(text, notes, tuple((chapter.title, chapter.text) for chapter in chapters))
    if path.suffix.casefold() == ".epub":
        raise StoryError(f"{_named(path)} is no EPUB: it is not a ZIP archive")
    text, notes = _decode(path, data, encoding)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if (at := text.find("\0")) >= 0:
        raise StoryError(
            f"{_named(path)} is no text: it holds a NUL character at offset {at:,}; "
            'if it is UTF-16 without a byte order mark, set encoding = "utf-16-le" or "utf-16-be"'
        )
    if not text.strip():
        raise StoryError(f"{_named(path)} is {'blank' if data else 'empty'}: there is nothing to draw")
    return SourceText(text, notes)


def _named(path: Path) -> str:
    return f"source {str(path)!r}"


def _read_bytes(path: Path, follow: bool) -> bytes:
    try:
        _regular(path, path.stat(follow_symlinks=follow))
        return read_plain(path, MAX_BYTES, follow=follow)
    except (OSError, ValueError) as error:
        raise StoryError(f"{_named(path)} can't be read: {getattr(error, 'strerror', None) or error}") from None


def _regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise StoryError(f"{_named(path)} is a folder; name a text file or an EPUB")
    if not stat.S_ISREG(status.st_mode):
        kind = "link" if stat.S_ISLNK(status.st_mode) else "pipe, socket or device"
        raise StoryError(f"{_named(path)} is a {kind}; name a text file or an EPUB")
    if status.st_size > MAX_BYTES:
        raise StoryError(f"{_named(path)} is larger than {MAX_BYTES // 2**20} MB; split it into smaller files")


def _decode(path: Path, data: bytes, encoding: str | None) -> tuple[str, tuple[Note, ...]]:
    if encoding is not None:
        return _decode_as(path, data, encoding), ()
    for mark, marked in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decode_as(path, data, marked), ()
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        return _detect(path, data, error)


def _decode_as(path: Path, data: bytes, encoding: str) -> str:
    try:
        if codecs.lookup(encoding).name in NOT_FOR_FILES:
            raise LookupError
        text = data.decode(encoding)
        text.encode()  # some codecs let lone surrogates through, which are no characters
        return text
    except (LookupError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise StoryError(f"{_named(path)} is not {encoding}: {_undecodable(error)}") from None
        if isinstance(error, UnicodeError):
            raise StoryError(f"{_named(path)} is not {encoding}: {error}") from None
        raise StoryError(f'encoding {encoding!r} is not known; known are "utf-8", "cp1252", "shift_jis" …') from None


def _undecodable(error: UnicodeDecodeError) -> str:
    return f"the byte 0x{error.object[error.start]:02x} at offset {error.start:,} doesn't fit ({error.reason})"


def _detect(path: Path, data: bytes, not_utf8: UnicodeDecodeError) -> tuple[str, tuple[Note, ...]]:
    for encoding in () if b"\0" in data else _likely(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text, (Note("info", f"The text was decoded as {encoding}, since it is not UTF-8."),)
    raise StoryError(f"{_named(path)} is not UTF-8: {_undecodable(not_utf8)}; set encoding if it is a text")


def _likely(data: bytes) -> Iterator[str]:
    matches = charset_normalizer.from_bytes(_telling_lines(data), cp_isolation=DETECTED)
    best = matches.best()
    # Western European text often fits its neighbours' code pages as well: then the most common one is meant.
    if best and any("cp1252" in m.could_be_from_charset and m.coherence >= best.coherence for m in matches):
        yield "cp1252"
    yield from (match.encoding for match in matches)


def _telling_lines(data: bytes) -> bytes:
    """Whole lines that are not ASCII, up to `SAMPLE_BYTES`: in a long text the others would drown them.

    Of a line that is longer, a part around its first such byte, from blank to blank.
    """
    sample = bytearray()
    for line in io.BytesIO(data):
        if not line.isascii():
            sample += line if len(line) <= SAMPLE_BYTES else _telling_part(line)
            if len(sample) > SAMPLE_BYTES:
                break
    return bytes(sample)


def _telling_part(line: bytes) -> bytes:
    first = NOT_ASCII.search(line)
    start = line.rfind(b" ", 0, first.start()) + 1 if first else 0
    part = line[start : start + SAMPLE_BYTES]
    return part[: part.rfind(b" ") + 1] or part
