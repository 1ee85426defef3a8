"""What is asked of the whole process and its threads: that keys are answered soon, and that starting is quick."""

import atexit
import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NICENESS = 10
"""Of threads that make way for the screen: on two cores a key's echo comes twice as soon."""
SWITCH_SECONDS = 0.001
IDLE_SECONDS = 3.0
"""After a key, before anything is done that nobody asked for."""


@contextlib.contextmanager
def quick_switches() -> Iterator[None]:
    """A key's echo takes Python's lock several times, and each time waits so long for a thread that draws."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def count_as_old() -> None:
    """Makes the garbage collector look through all that there is now as seldom as through what is old.

    Young objects are looked through again and again; a million of them, as a model's libraries or a long story are,
    would stop the screen for a third of a second each time. Nothing is looked at for it, and what becomes garbage is
    still found: frozen and thawed, objects are among the oldest.
    """
    gc.freeze()
    gc.unfreeze()


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Makes many objects that hold no cycles without the garbage collector looking through them again and again."""
    gc.disable()
    try:
        yield
    finally:
        count_as_old()
        gc.enable()


def end_quickly() -> None:
    """At the process's end nobody looks for garbage any more: among a model's libraries that would take a second."""
    atexit.register(gc.freeze)


class UnawaitedThreads(ThreadPoolExecutor):
    """Threads of a screen whose end doesn't wait for them: to search a stranger's text may take a minute.

    Python would wait at its own end: `end_without` ends the process instead.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - as declared there
        super().shutdown(wait=False, cancel_futures=True)

    def end_without(self, code: int) -> None:
        """Ends the process if one of the threads is still at work; what is to be put back has been put back."""
        for thread in self._threads:
            thread.join(0.2)  # those without work end at once
        if any(thread.is_alive() for thread in self._threads):
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(code)


def threads() -> frozenset[int]:
    """This process's threads, by the system's numbers; empty where they have no niceness of their own."""
    tasks = Path("/proc/self/task").iterdir() if sys.platform == "linux" else ()
    return frozenset(int(task.name) for task in tasks)


def make_way(numbers: frozenset[int]) -> None:
    """Lets other threads go before these and all that they start from now on. It can't be taken back."""
    for number in numbers:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, number, NICENESS)


class IdleWork(threading.Thread):
    """Work that nobody waits for, piece by piece, in a thread that makes way and stands still while keys are pressed.

    A daemon: a piece that takes long doesn't keep the program from ending.
    """

    def __init__(self, pieces: Callable[[], Iterator[object]], last_key: Callable[[], float]) -> None:
        """`last_key` is when a key was pressed last, in `time.monotonic()`."""
        super().__init__(name="idle work", daemon=True)
        self._pieces, self._last_key = pieces, last_key
        self._begun, self._ended = time.monotonic(), threading.Event()

    def run(self) -> None:
        make_way(frozenset({threading.get_native_id()}))
        with contextlib.suppress(Exception):  # whoever needs what couldn't be had says so
            pieces = self._pieces()
            while self._is_idle():
                with uncollected():
                    next(pieces)

    def _is_idle(self) -> bool:
        """Returns once nothing was pressed for long enough; False if it is to end."""
        while (left := max(self._begun, self._last_key()) + IDLE_SECONDS - time.monotonic()) > 0:
            if self._ended.wait(left):
                return False
        return not self._ended.is_set()

    def end(self) -> None:
        """After the piece in hand."""
        self._ended.set()
