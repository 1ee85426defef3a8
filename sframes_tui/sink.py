"""A standard stream that may break or stall while the run goes on, and on which nothing foreign does harm."""

import io
import os
import queue
import sys
import threading
from typing import Any, TextIO

from sframes_tui.printable import as_path

WAITING_LINES = 1000
"""What a terminal that isn't read may be behind; later lines are dropped, the run's log has them."""

PATIENCE = 3.0
"""Seconds that a terminal gets at the end to take what is still waiting."""


class Sink:
    """Text for a standard stream, written by a thread of its own: whoever tells something never waits."""

    def __init__(self, stream: TextIO | None) -> None:
        """`stream` is None where the program was started with it closed."""
        self.is_terminal = stream is not None and _is_terminal(stream)
        self._stream, self._broken = stream, stream is None
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sink", daemon=True)
        self._thread.start()

    def line(self, line: str) -> None:
        """A line that is harmless, whatever it holds; a path as the file system has it."""
        self.draw(as_path(line) + "\n")

    def draw(self, text: str) -> None:
        """As it is, with what moves a terminal's cursor."""
        if not self._broken and not (self.is_terminal and self._texts.qsize() >= WAITING_LINES):
            self._texts.put(text)

    def close(self, hurry: bool) -> None:
        """Waits for the reader, a terminal's or one in a `hurry` only so long."""
        self._texts.put(None)
        self._thread.join(PATIENCE if hurry or self.is_terminal else None)

    def _work(self) -> None:
        if self._stream is None:
            return
        try:
            while (text := self._texts.get()) is not None:
                _write(self._stream, _encoded(text))
        except (OSError, ValueError):
            self._broken = True
            _silence(self._stream)


def standard_sinks() -> tuple[Sink, Sink]:
    """Of stdout and stderr: one and the same where both lead to one file, so that its lines keep their order."""
    out = Sink(sys.stdout)
    return out, out if _same_file(sys.stdout, sys.stderr) else Sink(sys.stderr)


def _same_file(one: TextIO | None, other: TextIO | None) -> bool:
    try:
        return one is not None and other is not None and os.path.sameopenfile(one.fileno(), other.fileno())
    except (OSError, ValueError):
        return False


def _is_terminal(stream: TextIO) -> bool:
    try:
        return os.isatty(stream.fileno())
    except (OSError, ValueError):
        return False


def _encoded(text: str) -> bytes:
    """A path must come out as the file system has it, whatever the stream's own encoding."""
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode(sys.getfilesystemencoding(), "backslashreplace")


def _write(stream: TextIO, data: bytes) -> None:
    """Past Python's buffer where there is one: a write that never ends must not hold the buffer's lock at exit."""
    raw: Any = getattr(stream.buffer, "raw", stream.buffer)
    view = memoryview(data)
    while view:
        view = view[raw.write(view) :]


def _silence(stream: TextIO) -> None:
    """Lets Python flush a broken stream at its end without a word."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        return


class SinkFile(io.StringIO):
    """A terminal's sink as the file that rich draws on."""

    def __init__(self, sink: Sink) -> None:
        super().__init__()
        self._sink = sink

    def write(self, text: str) -> int:
        self._sink.draw(text)
        return len(text)

    def isatty(self) -> bool:
        return self._sink.is_terminal
