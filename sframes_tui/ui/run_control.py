"""Starts a run in a thread of its own and brings its events to the screen. Must not import torch or a widget."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from textual.message import Message

from sframes_tui.engine.protocol import Engine
from sframes_tui.errors import SFramesError
from sframes_tui.run.events import Event, FrameProgress
from sframes_tui.run.execute import execute
from sframes_tui.run.loop import Control
from sframes_tui.story.draft import Draft

MakeEngine = Callable[[Draft], Engine]
TimedEvent = tuple[float, Event]
"""`time.monotonic()` of its coming, and the event."""

PROGRESS_SECONDS = 0.1
"""Progress reaches the screen no more often."""


class RunNews(Message):
    """There are events to `take` from the run's control."""


class Mailbox:
    """Events on their way from the run's thread to the screen's.

    One message is under way at a time, however slow the screen is: progress that it had no time for is replaced by
    newer progress of the same frame, and nothing else is ever dropped.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        """`wake` is called from the run's thread where there is something to take and nobody was told yet."""
        self._wake, self._lock = wake, threading.Lock()
        self._events: list[TimedEvent] = []
        self._progress: dict[int, TimedEvent] = {}
        self._told, self._taken = False, 0.0

    def put(self, event: Event) -> None:
        """Takes an event in, from any thread."""
        now = time.monotonic()
        with self._lock:
            if isinstance(event, FrameProgress):
                self._progress[event.frame] = (now, event)
                due = now - self._taken >= PROGRESS_SECONDS
            else:
                self._events.append((now, event))
                due = True
            wake, self._told = due and not self._told, self._told or due
        if wake:
            self._wake()

    def take(self) -> tuple[TimedEvent, ...]:
        """What has come since the last call, oldest first; of progress, the newest of each frame."""
        with self._lock:
            taken = sorted([*self._events, *self._progress.values()], key=lambda each: each[0])
            self._events, self._progress = [], {}
            self._told, self._taken = False, time.monotonic()
        return tuple(taken)


class Steers(Protocol):
    """How a run is steered, wherever it draws."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def finish(self) -> None: ...
    def stop(self) -> None: ...


class RunControl:
    """The one run that this process draws, if there is one."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self.mailbox = Mailbox(wake)
        self.control = Control()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, draft: Draft, make_engine: MakeEngine, root: Path) -> None:
        """Draws a draft below `root`; `RuntimeError` while a run is under way."""
        if self.running:
            raise RuntimeError("a run is under way")
        self.control = Control()
        self._thread = threading.Thread(target=self._draw, args=(draft, make_engine, root), name="run")
        self._thread.start()

    def _draw(self, draft: Draft, make_engine: MakeEngine, root: Path) -> None:
        try:
            execute(draft, lambda: make_engine(draft), root, self.mailbox.put, self.control)
        except SFramesError:
            return  # The run's last event told of it.

    def finish(self) -> None:
        self.control.finish.set()

    def stop(self) -> None:
        self.control.stop.set()

    def join(self) -> None:
        """Waits until the run has ended."""
        if self._thread is not None:
            self._thread.join()
