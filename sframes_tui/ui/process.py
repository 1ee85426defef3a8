"""What the screen asks of the whole process and its threads, so that keys are answered soon. No widget, no torch."""

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

NICENESS = 10
"""Of threads that make way for the screen: on two cores a key's echo comes twice as soon."""
SWITCH_SECONDS = 0.001


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


def threads() -> frozenset[int]:
    """This process's threads, by the system's numbers; empty where they have no niceness of their own."""
    tasks = Path("/proc/self/task").iterdir() if sys.platform == "linux" else ()
    return frozenset(int(task.name) for task in tasks)


def make_way(numbers: frozenset[int]) -> None:
    """Lets other threads go before these and all that they start from now on. It can't be taken back."""
    for number in numbers:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, number, NICENESS)
