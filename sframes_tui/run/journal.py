"""The run's journal: one line a record, each with a checksum, appended whole or not at all. Must not import torch.

A line is `crc32hex SP json LF`, the checksum that of the JSON's bytes. Every record has a `kind` and the `time` of
its writing (seconds since 1970). One process writes, holding the run folder's lock; anybody may read along: what
stands after the first line that is torn or wrong doesn't count. What the kinds mean is in `replay.py`.
"""

import errno
import json
import os
import threading
import time
import zlib
from pathlib import Path
from typing import Any

from sframes_tui.run.disk import Patience, is_full
from sframes_tui.run.plain_folder import read_plain

Record = dict[str, Any]
"""JSON data; `kind` says what it tells of."""

NAME = "journal.jsonl"
MAX_BYTES = 2**31
"""Of a run of some millions of pictures."""
MAX_KEPT = 2**24
"""Of what doesn't count."""


def encode(record: Record) -> bytes:
    """A record as its line."""
    content = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def decode(data: bytes) -> tuple[list[Record], int]:
    """The records at the beginning of `data`, up to the first line that is torn or wrong, and where that begins."""
    records: list[Record] = []
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        record = _decode_line(data[start:end])
        if record is None:
            break
        records.append(record)
        start = end + 1
    return records, start


def _decode_line(line: bytes) -> Record | None:
    checksum, space, content = line.partition(b" ")
    if not space or checksum != b"%08x" % zlib.crc32(content):
        return None
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("kind"), str) else None


def read_journal(path: Path, offset: int = 0) -> tuple[list[Record], int]:
    """The whole records from byte `offset` on, and the offset after them: where to read on later.

    A journal that isn't there yet is empty. Raises `OSError`.
    """
    try:
        records, read = decode(read_plain(path, MAX_BYTES, offset))
    except FileNotFoundError:
        return [], offset
    return records, offset + read


class Journal:
    """Appends records; made by whoever holds the run folder's lock. May be used from any thread."""

    def __init__(self, path: Path, patience: Patience | None = None) -> None:
        """Opens or begins the journal at `path`; a torn or wrong rest is moved away first. Raises `OSError`."""
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        self._file = os.open(path, flags, 0o644)
        self._end = read_journal(path)[1]
        self._mend(path)

    def _mend(self, path: Path) -> None:
        """Cuts off what doesn't count; its begin is kept beside the run's hidden files, if the disk has room for it."""
        if os.fstat(self._file).st_size == self._end:
            return
        kept = path.parent / ".sframes" / f"journal.bad-{time.time_ns()}"
        kept.parent.mkdir(exist_ok=True)
        try:
            kept.write_bytes(os.pread(self._file, MAX_KEPT, self._end))
        except OSError as error:
            if not is_full(error):
                raise
            kept.unlink(missing_ok=True)
        os.ftruncate(self._file, self._end)
        os.fsync(self._file)

    def append(self, kind: str, **fields: Any) -> None:
        """Returns once the record is on the disk. Raises `OSError`; then it isn't there at all."""
        line = encode({"kind": kind, "time": round(time.time(), 3), **fields})
        self._patience(lambda: self._append(line))

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
