"""The process's standard streams: whatever is said there, by whom ever, is harmless to a terminal.

`harmless_streams` is for all that Python writes: the commands, argparse, warnings, tracebacks, libraries. What a run
tells goes through a `sink.Sink` instead.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from sframes_tui.errors import ConfigError, SFramesError, UsageError
from sframes_tui.printable import as_line, as_path, printable


class HarmlessStream:
    """A text stream on which control characters become symbols; newlines and tabs stay.

    It is no terminal to those who would send one colours, which would come out as symbols.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(printable(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def harmless_streams() -> Iterator[None]:
    """All that Python writes to stdout and stderr in the block is harmless."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (each and cast("TextIO", HarmlessStream(each)) for each in before)
    try:
        with _any_letter(before[0]), _any_letter(before[1]):
            yield
    finally:
        sys.stdout, sys.stderr = before


@contextlib.contextmanager
def _any_letter(stream: TextIO | None) -> Iterator[None]:
    """A letter that the stream's encoding lacks is written as its number."""
    if not isinstance(stream, io.TextIOWrapper) or stream.closed:
        yield
        return
    before = stream.errors
    stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # of a stream that broke or was closed meanwhile
            stream.reconfigure(errors=before)


def print_lines(lines: Iterable[str]) -> int:
    """Plain text on stdout, a line each whatever it holds; a reader that went away has seen enough.

    Returns exit code 0. Raises `UsageError` where nothing can be written.
    """
    if sys.stdout is None:
        return 0
    try:
        for line in lines:
            sys.stdout.write(as_line(line) + "\n")
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            # Python must not complain once more when it flushes stdout at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise UsageError(f"stdout can't be written: {error.strerror}") from None
    return 0


def complain(line: str) -> None:
    """A line on stderr, if there is one that takes it: the exit code tells the rest."""
    with contextlib.suppress(OSError):
        if sys.stderr is not None:
            sys.stderr.write(as_line(line) + "\n")
            sys.stderr.flush()


def complain_of(error: SFramesError) -> None:
    """A line for each fault."""
    for problem in error.problems if isinstance(error, ConfigError) else (str(error),):
        complain(f"sframes: {problem}")


def require_tellable(folder: Path | str, named: str) -> None:
    """Raises `UsageError` for a folder in which pictures' paths can't stand on stdout byte by byte, one a line."""
    if as_path(str(folder)) != str(folder):
        raise UsageError(f"{named}: rename it, since control characters in its name break the one path a line")
