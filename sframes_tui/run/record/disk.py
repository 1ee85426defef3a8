"""Waits where the disk takes no more, and keeps a reserve so that this can be written down.

A full disk is no failure: the run pauses, says so, and goes on by itself once there is space. What can't get better
by waiting (a read-only file system, a folder that is gone) is raised at once.
"""

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable

from sframes_tui.run.events import Emit, RunPaused, RunResumed
from sframes_tui.run.record.plain_folder import HIDDEN
from sframes_tui.run.record.tree import Tree

RESERVE = f"{HIDDEN}/reserve"
RESERVE_BYTES = 2**20
"""Given up when the disk is full, so that the journal can tell of it."""
LEAST_BYTES = 2**16
"""Free beside the reserve before a full disk is tried again: else the reserve itself would be written over and over."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
CHECK_SECONDS = 2.0
"""How often a full disk is tried again."""
WAKE_SECONDS = 0.2
"""How soon a waiting run sees that it is told to end."""


def is_full(error: BaseException) -> bool:
    """Whether an error means that waiting for space may help."""
    return isinstance(error, OSError) and error.errno in FULL


class Reserve:
    """A file of real bytes that can be given up."""

    def __init__(self, tree: Tree) -> None:
        """That of a run folder."""
        self._tree = tree

    def has_room(self) -> bool:
        """Whether trying to write is worth it; a quota isn't seen here."""
        return self._tree.free_bytes > RESERVE_BYTES + LEAST_BYTES

    def make(self) -> None:
        """Writes it, unless it is there; raises `OSError` with nothing left behind where the disk doesn't take it."""
        found = self._tree.status(RESERVE)
        if found is not None and stat.S_ISREG(found.st_mode) and found.st_size == RESERVE_BYTES:
            return
        try:
            with os.fdopen(self._tree.open(RESERVE, os.O_WRONLY | os.O_CREAT), "wb") as file:
                file.write(bytes(RESERVE_BYTES))
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.drop()
            raise

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self._tree.remove(RESERVE)


class Patience:
    """Does a piece of writing; this kind has none, and raises what it raises."""

    @property
    def waiting(self) -> bool:
        """Whether it waits for the disk, in whichever thread."""
        return False

    def tell(self, emit: Emit) -> None:
        """From now on this is told whether it waits."""

    def __call__(self, write: Callable[[], None]) -> None:
        write()


class DiskPatience(Patience):
    """Does pieces of writing for any number of threads; where the disk is full, again and again until it isn't.

    Called with a piece of writing that can be repeated. While it waits, `waiting` is true; `RunPaused` is emitted
    before and `RunResumed` after it, from the thread that waits.
    """

    def __init__(self, reserve: Reserve, emit: Emit, told_to_end: Callable[[], bool]) -> None:
        """`told_to_end` ends the waiting: the error that began it is raised then."""
        self._reserve, self._emit, self._told_to_end = reserve, emit, told_to_end
        self._waiting: set[int] = set()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    def tell(self, emit: Emit) -> None:
        self._emit = emit

    def __call__(self, write: Callable[[], None]) -> None:
        """Raises whatever `write` does, but for a full disk, unless the run is told to end.

        What a thread that waits wants to write down meanwhile, such as that it waits, is written if it fits.
        """
        try:
            write()
        except OSError as error:
            if not is_full(error) or self._told_to_end():
                raise
            if threading.get_ident() not in self._waiting:
                self._wait_and_write(error, write)

    def _wait_and_write(self, error: OSError, write: Callable[[], None]) -> None:
        try:
            self._begin_waiting(error)
            self._try_until_written(write)
        finally:
            self._end_waiting()

    def _begin_waiting(self, error: OSError) -> None:
        with self._lock:
            first = not self._waiting
            self._waiting.add(threading.get_ident())
        if first:
            self._reserve.drop()
            self._emit(RunPaused(f"the disk is full ({error.strerror}); it goes on by itself once there is space"))

    def _try_until_written(self, write: Callable[[], None]) -> None:
        checked = threading.Event()
        while True:
            ending = self._wait(checked)
            if not ending and not self._reserve.has_room():
                continue
            try:
                if not ending:
                    self._reserve.make()
                write()
            except OSError as error:
                self._reserve.drop()
                if ending or not is_full(error):
                    raise
            else:
                return

    def _wait(self, never: threading.Event) -> bool:
        """Returns when it is time to look again; whether the run is told to end."""
        for _ in range(round(CHECK_SECONDS / WAKE_SECONDS)):
            if self._told_to_end():
                return True
            never.wait(WAKE_SECONDS)
        return self._told_to_end()

    def _end_waiting(self) -> None:
        with self._lock:
            self._waiting.discard(threading.get_ident())
            last = not self._waiting
        if last and not self._told_to_end():
            self._emit(RunResumed())
