"""Python's and the system's own settings for the whole process, each turned for a block and then put back."""

import atexit
import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

NICENESS = 10
"""Of threads that make way for the screen: on two cores a key's echo comes twice as soon."""
SWITCH_SECONDS = 0.001


class Shared:
    """A knob that several may want at once, from any thread: the first turns it, the last puts it back."""

    def __init__(self, turn: Callable[[], Callable[[], object]]) -> None:
        """`turn` gives what puts the knob back to where it was found."""
        self._turn, self._lock, self._users = turn, threading.Lock(), 0
        self._put_back: Callable[[], object] = lambda: None

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._put_back = self._turn()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._put_back()


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


def _stop_collecting() -> Callable[[], object]:
    collected = gc.isenabled()
    gc.disable()

    def go_on() -> None:
        count_as_old()
        if collected:
            gc.enable()

    return go_on


uncollected = Shared(_stop_collecting)
"""Makes many objects that hold no cycles without the garbage collector looking through them again and again."""


@cache
def end_quickly() -> None:
    """At the process's end nobody looks for garbage any more: among a model's libraries that would take a second."""
    atexit.register(gc.freeze)


@contextlib.contextmanager
def signals_kept(*numbers: signal.Signals) -> Iterator[None]:
    """Signals that a library sets handlers for, and leaves."""
    before = [(number, signal.getsignal(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            if handler is not None:  # one that C code set, which Python can't set again
                signal.signal(number, handler)


@contextlib.contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """An environment variable, for what reads it when it is loaded."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def threads() -> frozenset[int]:
    """This process's threads, by the system's numbers; empty where they have no niceness of their own."""
    tasks = Path("/proc/self/task").iterdir() if sys.platform == "linux" else ()
    return frozenset(int(task.name) for task in tasks)


def make_way(numbers: frozenset[int]) -> None:
    """Lets other threads go before these and all that they start from now on. It can't be taken back."""
    for number in numbers:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, number, NICENESS)
