"""How far a model's download is, told to whoever loads the model, and stopped by them.

Engines are made by factories that take no arguments, so the one who waits is found by context, not handed through.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits for a download."""

    tell: Callable[[int, int, float], None]
    """Bytes that are here, bytes of all, bytes a second since it began."""
    is_stopped: Callable[[], bool]


_waiting: ContextVar[Waiting | None] = ContextVar("waiting", default=None)


@contextlib.contextmanager
def waited_for(tell: Callable[[int, int, float], None], is_stopped: Callable[[], bool]) -> Iterator[None]:
    """Downloads within this context are told of about once a second, and end where `is_stopped` says so."""
    token = _waiting.set(Waiting(tell, is_stopped))
    try:
        yield
    finally:
        _waiting.reset(token)


class _StoppedError(Exception):
    """Ends the threads of a download that nobody waits for any more."""


class Meter:
    """Counts what several threads bring in."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._first: tuple[float, int] | None = None

    def count(self, size: float) -> None:
        """So many more bytes are here."""
        if self.stopped.is_set():
            raise _StoppedError
        with self._lock:
            self.done += int(size)

    def rate(self) -> float:
        """Bytes a second since this was first asked: what lay here before has been counted by then."""
        now = time.monotonic()
        self._first = self._first or (now, self.done)
        began, before = self._first
        return (self.done - before) / max(now - began, 1e-3)


def metered(meter: Meter, fetch: Callable[[type], Result]) -> Result:
    """Runs `fetch` with a class to use as its progress bar, and tells of it; raises what it raises.

    `KeyboardInterrupt` where the one who waits stops it: what is here by then stays for the next time.
    """
    waiting = _waiting.get()
    outcome: list[Result | BaseException] = []

    def work() -> None:
        try:
            outcome.append(fetch(_bar(meter)))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=work, name="download", daemon=True)
    thread.start()
    told = -1
    while thread.is_alive():
        thread.join(0.2)
        if waiting and waiting.is_stopped():
            meter.stopped.set()
            raise KeyboardInterrupt
        if waiting and (second := int(time.monotonic())) != told:
            told = second
            waiting.tell(min(meter.done, meter.total), meter.total, meter.rate())
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _bar(meter: Meter) -> type:
    """A progress bar that shows nothing; the one over the bytes of all files counts them.

    `huggingface_hub.snapshot_download` makes three of one class, and tells them apart by their descriptions alone.
    """
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            self._counts = str(options.get("desc", "")).startswith("Reconstructing")
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            if self._counts:
                meter.count(n or 0)

    return Bar
