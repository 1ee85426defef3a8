"""Events -> the journal and `run.log`, before anybody else is told.

What is told was written down: a front end that is lost, and with it the process, takes nothing along.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TextIO

from sframes_tui.run.describe import describe
from sframes_tui.run.events import Emit, Event
from sframes_tui.run.record.disk import DiskPatience
from sframes_tui.run.record.folder import RunFolder
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.tree import Tree

LOG = "run.log"


class RunLog:
    """Every event as its line, with time and level. Its loss never hurts a run."""

    def __init__(self) -> None:
        self._file: TextIO | None = None
        self._waiting: list[str] = []

    def open(self, tree: Tree) -> None:
        """Begins to write, with what was seen before there was a folder."""
        with contextlib.suppress(OSError):
            self._file = os.fdopen(open_log(tree), "a", encoding="utf-8", errors="backslashreplace")
        self._write("".join(self._waiting))
        self._waiting.clear()

    def see(self, event: Event) -> None:
        level, line = describe(event)
        if not line:
            return
        told = f"{datetime.now():%Y-%m-%d %H:%M:%S} {level:7} {line}\n"
        if self._file is None:
            self._waiting.append(told)
        else:
            self._write(told)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._file is not None:
                self._file.write(text)
                self._file.flush()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
        self._file = None


def open_log(tree: Tree) -> int:
    """A descriptor that appends to `run.log`. Raises `OSError`."""
    return tree.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


class Recorder:
    """Hands events on to a front end once they are in the journal, where there is one already, and in `run.log`."""

    def __init__(self, emit: Emit, told_to_end: Callable[[], bool] | None = None) -> None:
        """`told_to_end` ends the waiting for a full disk; without it there is none."""
        self._emit, self._log, self._told_to_end = emit, RunLog(), told_to_end
        self._lock = threading.RLock()
        self._folder: RunFolder | None = None
        self._journal: Journal | None = None

    def emit(self, event: Event) -> None:
        """May be called from any thread; one event at a time goes on."""
        with self._lock:
            if self._journal and self._folder:
                event.write(self._journal, self._folder)
            self._log.see(event)
            self._emit(event)

    def own(self, folder: RunFolder) -> RunFolder:
        """From now on events go into the folder's `run.log`; it is let go of at the end.

        Returns the folder, as one that waits where the disk is full.
        """
        if self._told_to_end is not None:
            patience = DiskPatience(folder.reserve, self.emit, self._told_to_end)
            folder = replace(folder, patience=patience)
        self._folder = folder
        self._log.open(folder.tree)
        return folder

    def open_journal(self) -> None:
        """From now on events are written down; the journal is closed at the end. Raises `OSError`."""
        assert self._folder is not None
        self._journal = Journal(self._folder.tree, self._folder.patience)

    @property
    def journal(self) -> Journal:
        assert self._journal is not None
        return self._journal

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()
        if self._journal:
            self._journal.close()
        if self._folder:
            self._folder.reserve.drop()
            self._folder.close()
