"""The run's journal: one line a record, each with a checksum, appended whole or not at all.

A line is `crc32hex SP json LF`, the checksum that of the JSON's bytes. Every record has a `kind` and the `time` of
its writing (seconds since 1970). One process writes, holding the run folder's lock; anybody may read along: what
stands after the first line that is torn or wrong doesn't count. What the kinds hold is in `kinds.py`.

A journal may come from a stranger: it is read in blocks, one record at a time, never what lies after the torn place.
"""

import contextlib
import errno
import json
import os
import re
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from sframes_tui.plain_file import open_plain
from sframes_tui.run.record.disk import Patience, is_full
from sframes_tui.run.record.plain_folder import HIDDEN
from sframes_tui.run.record.tree import Tree

Record = dict[str, Any]
"""JSON data; `kind` says what it tells of."""

NAME = "journal.jsonl"
BLOCK = 2**20
LONG_LINE = 2**20
"""Bytes; lists that would be longer are told in several records."""
MAX_LINE = 2**24
"""Earlier versions wrote any list in one."""
MAX_BYTES = 2**32
"""Of a run of some millions of pictures."""
MAX_KEPT = 2**22
"""Of what doesn't count."""
BEGIN = re.compile(rb"[0-9a-f]{0,8}|[0-9a-f]{8} [^\0]*")
"""Of a line that isn't all there."""


def encode(record: Record) -> bytes:
    """A record as its line; what is no character in it, such as parts of paths that are no text, is told as `?`."""
    content = json.dumps(record, separators=(",", ":")).encode()
    if b"\\ud" in content:
        content = json.dumps(_readable(content), separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _line(kind: str, fields: Record) -> bytes:
    return encode({"kind": kind, "time": round(time.time(), 3), **fields})


def _readable(content: bytes) -> Any:
    """The same JSON data without lone surrogates, which nothing could print, hash or write."""
    return json.loads(json.dumps(json.loads(content), ensure_ascii=False).encode(errors="replace"))


def _decode(line: bytes) -> Record | None:
    checksum, _, content = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(content):
        return None
    try:
        # Refuses lone surrogates, which earlier versions wrote.
        record = _readable(content) if b"\\ud" in content else from_json(content, cache_strings="keys")
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("kind"), str) else None


class Reader:
    """The whole records of a journal, from byte `offset` on: iterated over again, it reads on where it ended.

    A journal that isn't there yet is empty. Iterating raises `OSError`.
    """

    def __init__(self, path: Path, offset: int = 0, end: int | None = None) -> None:
        """`end`: where to stop at the latest."""
        self._path, self._end = path, end
        self.offset = offset
        """After the record that was read last."""

    def __iter__(self) -> Iterator[Record]:
        try:
            with open_plain(self._path) as file:
                yield from self.read(file)
        except FileNotFoundError:
            return

    def read(self, file: int) -> Iterator[Record]:
        """The same from a descriptor of the file."""
        for line in self._lines(file):
            if (record := _decode(line)) is None:
                return
            self.offset += len(line) + 1
            yield record

    def _lines(self, file: int) -> Iterator[bytes]:
        """What is written while this reads is left for the next time: it would come to no end."""
        end = os.fstat(file).st_size if self._end is None else self._end
        place, rest = self.offset, b""
        if place and os.pread(file, 1, place - 1) not in (b"\n", b""):
            raise OSError(errno.EINVAL, "changed by somebody else while it was read", str(self._path))
        while block := os.pread(file, max(0, min(BLOCK, end - place)), place):
            place += len(block)
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
            if not BEGIN.fullmatch(rest):
                return
            if len(rest) > MAX_LINE:
                raise OSError(errno.EFBIG, "a line is longer than any that S-Frames writes", str(self._path))
            if place > MAX_BYTES:
                raise OSError(errno.EFBIG, f"larger than {MAX_BYTES // 2**30} GB", str(self._path))


class Journal:
    """Appends records; made by whoever holds the run folder's lock. May be used from any thread."""

    def __init__(self, tree: Tree, patience: Patience | None = None) -> None:
        """Opens or begins a run's journal; a torn or wrong rest is moved away first. Raises `OSError`."""
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._file = tree.open(NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        known = Reader(tree.path / NAME)
        for _ in known.read(self._file):
            pass
        self._end = known.offset
        self._mend(tree)

    def _mend(self, tree: Tree) -> None:
        """Cuts off what doesn't count; its begin is kept beside the run's hidden files, if the disk has room for it."""
        if os.fstat(self._file).st_size == self._end:
            return
        try:
            tree.write(f"{HIDDEN}/journal.bad-{time.time_ns()}", os.pread(self._file, MAX_KEPT, self._end))
        except OSError as error:
            if not is_full(error):
                raise
        os.ftruncate(self._file, self._end)
        os.fsync(self._file)

    def append(self, kind: str, **fields: Any) -> None:
        """Returns once the record is on the disk. Raises `OSError`; then it isn't there at all."""
        line = _line(kind, fields)
        self._patience(lambda: self._append(line))

    def append_if_it_fits(self, kind: str, **fields: Any) -> None:
        """The same of what isn't worth waiting for: what is told of may be that the disk takes nothing."""
        with contextlib.suppress(OSError):
            self.append(kind, **fields)

    def append_list(self, kind: str, key: str, entries: Sequence[Any], **fields: Any) -> None:
        """The same for a list of any length, in as many records as it takes. Raises `OSError`, perhaps halfway."""
        if len(entries) > 1 and len(_line(kind, {**fields, key: entries})) > LONG_LINE:
            middle = len(entries) // 2
            self.append_list(kind, key, entries[:middle], **fields)
            self.append_list(kind, key, entries[middle:], **fields)
        else:
            self.append(kind, **fields, **{key: entries})

    def _append(self, line: bytes) -> None:
        with self._lock:
            try:
                if os.write(self._file, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, self._end)
                raise
            self._end += len(line)

    def close(self) -> None:
        os.close(self._file)
