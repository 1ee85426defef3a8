"""Threads that keep nobody waiting: neither for their end, nor while keys are pressed."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from sframes_tui.process.knobs import make_way, uncollected

IDLE_SECONDS = 3.0
"""After a key, before anything is done that nobody asked for."""


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
