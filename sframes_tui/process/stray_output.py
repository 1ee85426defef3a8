"""What C code, child processes, Python's warnings and log records say, kept off the screen and told in the log.

Textual draws on descriptor 2, and so would CUDA's complaints. While the screen is up both standard descriptors lead
into a file, which the log shows as it grows; after a crash it is still there to be read.
"""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

import platformdirs

from sframes_tui.errors import UsageError

FOLDER = platformdirs.user_state_path("sframes")
MAX_BYTES = 64_000
"""Read in one go; of more than that the beginning is passed over."""

STREAMS = ("__stdout__", "__stderr__")

Tell = Callable[[Literal["warning", "error"], str], object]
FORMAT = "%(name)s: %(message)s"


class NativeOutput:
    """The file's growing end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")

    def read_lines(self) -> list[str]:
        """What was written since the last call; of a line that was written over, its last state."""
        size = os.fstat(self._file.fileno()).st_size
        if size - self._file.tell() > MAX_BYTES:
            self._file.seek(size - MAX_BYTES)
        text = self._file.read(MAX_BYTES).decode(errors="replace").replace("\r\n", "\n")
        lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
        return [line for line in lines if line.strip()]

    def keep(self) -> None:
        """Reads no more, but leaves the file to be looked at."""
        self._file.close()

    def drop(self) -> None:
        """Once everything has gone well."""
        self._file.close()
        self.path.unlink(missing_ok=True)


@contextmanager
def native_output(folder: Path = FOLDER) -> Iterator[NativeOutput]:
    """Leads descriptors 1 and 2 into a file of this process; Python's own `sys.__stdout__` and `sys.__stderr__` stay
    on the terminal, where Textual draws.

    To be entered before textual is imported. Where `folder` takes no file, it is one for temporary files; raises
    `UsageError` where there is none either.
    """
    log, path = _file_in(folder)
    before = [getattr(sys, name) for name in STREAMS]
    terminal = [os.dup(number) for number in (1, 2)]
    output = NativeOutput(path)
    try:
        streams = [open(number, "w", encoding="utf-8", closefd=False) for number in terminal]  # noqa: SIM115
        _set_streams(streams)
        for number in (1, 2):
            os.dup2(log, number)
        yield output
    except BaseException:
        output.keep()
        raise
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        for number, original in zip((1, 2), terminal, strict=True):
            os.dup2(original, number)
        _set_streams(before)
        for number in (log, *terminal):
            os.close(number)
    output.drop()


def _file_in(folder: Path) -> tuple[int, Path]:
    """A new file that is appended to, and its path."""
    path = folder / f"output-{os.getpid()}.log"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # That of a process which crashed, or a link that somebody put there, which isn't followed.
        path.unlink(missing_ok=True)
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600), path
    except OSError:
        pass
    try:
        made, name = tempfile.mkstemp(prefix="sframes-", suffix=".log")
        os.close(made)
        return os.open(name, flags | os.O_NOFOLLOW), Path(name)
    except OSError as error:
        raise UsageError(f"{path}: can't be made: {error.strerror}; set XDG_STATE_HOME or TMPDIR to a folder") from None


def _set_streams(streams: Iterable[TextIO]) -> None:
    for name, stream in zip(STREAMS, streams, strict=True):
        setattr(sys, name, stream)


class _Handler(logging.Handler):
    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self.setFormatter(logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        self._tell("error" if record.levelno >= logging.ERROR else "warning", self.format(record))


@contextmanager
def python_output(tell: Tell) -> Iterator[None]:
    """Hands warnings and log records to `tell`, from whatever thread they come, in place of stderr."""
    handler, root = _Handler(tell), logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
