"""Starts a run in a thread of its own and brings its events to the screen. Must not import torch or a widget."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from sframes_tui.errors import SFramesError
from sframes_tui.process import count_as_old, make_way, threads
from sframes_tui.run.beside.attach import watch
from sframes_tui.run.beside.hangup import Underway
from sframes_tui.run.events import Control, Emit, Event, FrameProgress, ModelLoadCompleted

Draw = Callable[[Emit, Control], None]
"""Draws a run to its end; raises the `SFramesError` that its last event tells of."""
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
        self._closed = False

    def put(self, event: Event, when: float | None = None) -> None:
        """Takes an event in, from any thread; `when` it happened, if that isn't now."""
        now = time.monotonic() if when is None else when
        with self._lock:
            if self._closed:
                return
            if isinstance(event, FrameProgress):
                self._progress[event.frame] = (now, event)
                due = now - self._taken >= PROGRESS_SECONDS
            else:
                self._events.append((now, event))
                due = True
            wake, self._told = due and not self._told, self._told or due
        if wake:
            # The screen may be closing right now, and its loop with it: nothing that the run should end for.
            with contextlib.suppress(RuntimeError):
                self._wake()

    def take(self) -> tuple[TimedEvent, ...]:
        """What has come since the last call, oldest first; of progress, the newest of each frame."""
        with self._lock:
            taken = sorted([*self._events, *self._progress.values()], key=lambda each: each[0])
            self._events, self._progress = [], {}
            self._told, self._taken = False, time.monotonic()
        return tuple(taken)

    def close(self) -> None:
        """Nobody will take anything any more: what comes is forgotten."""
        with self._lock:
            self._closed = True
            self._events, self._progress = [], {}


class RunControl:
    """The one run that this process draws or watches, if there is one."""

    def __init__(self, wake: Callable[[], object]) -> None:
        """`wake` is called from the run's thread where `mailbox` has something to take."""
        self.mailbox = Mailbox(wake)
        self._control = Control()
        self._thread: threading.Thread | None = None
        self._left = threading.Event()
        self.attached = False
        """Whether another process draws the run."""

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, draw: Draw) -> None:
        """Draws in a thread; `RuntimeError` while a run is under way."""
        self._begin(lambda control: self._draw(draw, control), attached=False)

    def attach(self, folder: Path) -> None:
        """Watches and steers the run that another process draws; `RuntimeError` while one is under way."""
        self._left.clear()
        self._begin(lambda control: watch(folder, self._left, self.mailbox.put, control), attached=True)

    def _begin(self, work: Callable[[Control], None], attached: bool) -> None:
        if self.running:
            raise RuntimeError("a run is under way")
        self._control, self.attached = Control(), attached
        # A daemon: a model that takes minutes to load must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, args=(work, self._control), name="run", daemon=True)
        self._thread.start()

    def _work(self, work: Callable[[Control], None], control: Control) -> None:
        # What goes wrong is told of by the run's last event.
        with contextlib.suppress(SFramesError):
            work(control)

    def _draw(self, draw: Draw, control: Control) -> None:
        own = threading.get_native_id()
        others = threads() - {own}

        def put(event: Event) -> None:
            if isinstance(event, ModelLoadCompleted):
                count_as_old()
                if event.device == "cpu":
                    # The same work is done in the same time, and keys are answered before it. What a GPU draws needs
                    # a thread that is there at once when it is asked for more.
                    make_way(threads() - others)
            self.mailbox.put(event)

        draw(put, control)

    def leave(self) -> None:
        """Stops the run that this process draws within a denoising step; looks no longer at another's."""
        self._left.set()
        if not self.attached:
            self.stop()

    @property
    def underway(self) -> Underway | None:
        """What hang-ups and signals have to do with: not another process's run."""
        return None if self._thread is None or self.attached else Underway(self._thread, self._control)

    @property
    def pausing(self) -> bool:
        """Whether the run is paused, or will be."""
        return self._control.pause.is_set()

    @property
    def resting(self) -> bool:
        """Whether the paused run was told to give its device's memory back."""
        return self._control.rest.is_set()

    def pause(self) -> None:
        """Draws the pictures in hand, and then none until `resume`."""
        self._control.pause.set()

    def rest(self) -> None:
        """Gives the device's memory back for the pause that the run is in."""
        self._control.rest.set()

    def resume(self) -> None:
        self._control.pause.clear()

    def finish(self) -> None:
        """Draws the pictures in hand, then stops."""
        self._control.finish.set()

    def stop(self) -> None:
        """Stops within a denoising step."""
        self._control.stop.set()

    def join(self, seconds: float | None = None) -> bool:
        """Waits until the run that this process draws has ended, at most so long; whether it has."""
        if self._thread is not None and not self.attached:
            self._thread.join(seconds)
        return self.attached or not self.running
