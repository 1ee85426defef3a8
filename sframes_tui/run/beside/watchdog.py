"""Notices that no step was made for far too long: dumps every thread's stack, and gives the frames in hand up.

A thread that is stuck in a driver can't be stopped from within its process; it is told to leave at its next step, and
people are told how to go on if that never comes.
"""

import contextlib
import faulthandler
import os
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Self

SHORTEST = 60.0
"""Seconds without a step that nobody needs to worry about."""
BEFORE_THE_FIRST = 1800.0
"""Seconds until the first step: compiling a model takes minutes."""
MEDIANS, FIRSTS = 10, 20
"""How many median steps, or first steps, may go by without one."""
REMEMBERED = 200
TICK = 1.0


class Interruption(threading.Event):
    """Set by the watchdog, or seen as set once the run is told to stop."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def is_set(self) -> bool:
        return super().is_set() or self._stop.is_set()

    def is_given_up(self) -> bool:
        return super().is_set()


class Watchdog:
    """Watches one worker: a context manager with a thread of its own.

    The worker works `watched()`, tells of each step with `step()`, and looks at `cancelled` at every step. After a
    silence that is too long `cancelled` is set, until somebody calls `forgive()`.
    """

    def __init__(self, open_log: Callable[[], int], bark: Callable[[float], None], stop: threading.Event) -> None:
        """`open_log` opens what gets the stacks; `bark` gets the seconds of silence, in the watchdog's thread."""
        self._open_log, self._bark = open_log, bark
        self.cancelled = Interruption(stop)
        self._steps: deque[float] = deque(maxlen=REMEMBERED)
        self._first: float | None = None
        self._begun: float | None = None
        self._silence = self._given_up_after = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """While the worker is in here, steps are expected."""
        self._silence, self._begun = 0.0, time.monotonic()
        try:
            yield
        finally:
            self._begun = None

    def step(self) -> None:
        now = time.monotonic()
        if self._begun is not None:
            taken = now - self._begun
            self._first = taken if self._first is None else self._first
            if taken * 10 > self._first:  # frames that are drawn together tell of their common step one by one
                self._steps.append(taken)
        self._silence, self._begun = 0.0, now

    @property
    def limit(self) -> float:
        """Seconds of silence that are too long, by the steps so far."""
        if self._first is None:
            return BEFORE_THE_FIRST
        return max(SHORTEST, MEDIANS * statistics.median(self._steps.copy()), FIRSTS * self._first)

    def forgive(self) -> float:
        """Watches on; returns for how many seconds there was silence."""
        seconds, self._given_up_after = self._given_up_after, 0.0
        self.cancelled.clear()
        return seconds

    def _watch(self) -> None:
        before = time.monotonic()
        while not self._over.wait(TICK):
            now = time.monotonic()
            if self._begun is not None:
                # While the whole process, or the machine, stood still, nobody could make steps.
                self._silence += min(now - before, 2 * TICK)
                if self._silence > self.limit and not self.cancelled.is_given_up():
                    self._give_up()
            before = now

    def _give_up(self) -> None:
        self._given_up_after = self._silence
        self.cancelled.set()
        with contextlib.suppress(OSError), os.fdopen(self._open_log(), "a") as file:
            file.write(f"no step for {self._silence:.0f} s; the stacks of all threads:\n")
            file.flush()
            faulthandler.dump_traceback(file, all_threads=True)
        self._bark(self._silence)
