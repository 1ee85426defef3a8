"""The run that the screen shows, one after the other: its thread, its events, its state and what draws it.

The run's thread and the screen's share a mailbox of events in one direction and the flags of a `Control` in the other:
neither ever waits for the other.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sframes_tui.engine.protocol import KeptModel
from sframes_tui.errors import SFramesError
from sframes_tui.process.knobs import count_as_old, make_way, threads
from sframes_tui.run.beside.attach import watch
from sframes_tui.run.beside.hangup import Underway
from sframes_tui.run.events import Control, Emit, Event, ModelLoadCompleted
from sframes_tui.run.frame_events import FrameProgress
from sframes_tui.run.state import RunState, fold
from sframes_tui.ui.gpu import GpuLoad, GpuWatch

Draw = Callable[[Emit, Control], None]
"""Draws a run to its end; raises the `SFramesError` that its last event tells of."""
TimedEvent = tuple[float, Event]
"""`time.monotonic()` of its coming, and the event."""

PROGRESS_SECONDS = 0.1
"""Progress reaches the screen no more often."""


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


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What draws; empty where nothing is loaded."""

    model: str = ""
    device: str = ""
    dtype: str = ""
    gpu: str = ""
    """Load, memory, temperature and power in words."""
    asked: str = ""
    """What the run was asked to do and hasn't done yet, such as "stopping"."""


class RunSession:
    """The one run that this process draws or watches, if there is one, each begun by `start` or `attach`."""

    def __init__(
        self, wake: Callable[[], object], tell_gpu: Callable[[GpuLoad], object], kept: KeptModel | None = None
    ) -> None:
        """`wake`: there are events to `take`; `tell_gpu` gets a reading. Both are called from other threads.

        `kept` is the model that stays loaded from one run to the next, if any does.
        """
        self.mailbox = Mailbox(wake)
        self.state, self._facts = RunState(), SessionFacts()
        self._asked = ""
        self._attached = False
        """Whether another process draws the run."""
        self._control = Control()
        self._thread: threading.Thread | None = None
        self._left = threading.Event()
        self._kept = kept
        self._tell_gpu = tell_gpu
        self._gpu: GpuWatch | None = None

    # The run's thread.

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def drawing(self) -> bool:
        """Whether this process draws a run, which would end with it."""
        return self.running and not self._attached

    @property
    def underway(self) -> Underway | None:
        """What hang-ups and signals have to do with: not another process's run."""
        return None if self._thread is None or self._attached else Underway(self._thread, self._control)

    def start(self, draw: Draw) -> None:
        """Draws a run in a thread of its own; `RuntimeError` while one is under way."""
        self._begin(lambda control: self._draw(draw, control), attached=False)

    def attach(self, folder: Path) -> None:
        """Watches and steers the run that another process draws; `RuntimeError` while one is under way."""
        self._left.clear()
        self._begin(lambda control: watch(folder, self._left, self.mailbox.put, control), attached=True)

    def _begin(self, work: Callable[[Control], None], attached: bool) -> None:
        if self.running:
            raise RuntimeError("a run is under way")
        self._control, self._attached = Control(), attached
        self.show(RunState())
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

    def join(self, seconds: float | None = None) -> bool:
        """Waits until the run that this process draws has ended, at most so long; whether it has."""
        if self._thread is not None and not self._attached:
            self._thread.join(seconds)
        return self._attached or not self.running

    # What is known of it.

    @property
    def facts(self) -> SessionFacts:
        if not self.running and self._kept is not None and (kept := self._kept.facts):
            return replace(self._facts, model=f"{kept.model} loaded", device=kept.device, dtype=kept.dtype)
        asked = self._asked if self.running else ""
        if not asked and self._pausing and self.state.phase == "drawing":
            asked = "pausing"
        return replace(self._facts, asked=asked)

    @property
    def conditions(self) -> frozenset[str]:
        """What the footer goes by: values of `commands.When`."""
        loaded = {"loaded"} if self.holds_memory else set()
        if not self.running:
            return frozenset({"idle"} | loaded)
        return frozenset({"running", "paused"} | loaded if self._pausing else {"running"})

    def show(self, state: RunState) -> None:
        """Shows the state of a run that nobody draws, or not yet."""
        self.state, self._facts, self._asked = state, SessionFacts(), ""

    def take(self) -> list[Event]:
        """What has happened since the last call, taken into `state`."""
        taken = self.mailbox.take()
        for when, event in taken:
            self.state = fold(self.state, event, when)
            if isinstance(event, ModelLoadCompleted):
                self._facts = SessionFacts(event.model, event.device, event.dtype)
                self._watch_gpu(event.card)
        return [event for _, event in taken]

    def take_gpu(self, load: GpuLoad) -> None:
        self._facts = replace(self._facts, gpu=str(load))

    def _watch_gpu(self, card: str) -> None:
        self.unwatch_gpu()
        if card:
            self._gpu = GpuWatch(card, self._tell_gpu)

    def unwatch_gpu(self) -> None:
        if self._gpu is not None:
            self._gpu.close()
            self._gpu = None

    # Steering.

    @property
    def _pausing(self) -> bool:
        """Whether the run is paused, or will be."""
        return self._control.pause.is_set()

    def pause_or_resume(self) -> None:
        """Draws the pictures in hand and then none, or goes on."""
        if self._pausing:
            self._control.pause.clear()
        else:
            self._control.pause.set()

    def finish(self) -> None:
        """Draws the pictures in hand, then stops."""
        self._control.finish.set()
        self._asked = "stopping after this"

    def stop(self) -> None:
        """Stops within a denoising step."""
        self._control.stop.set()
        self._asked = "stopping"

    def leave(self) -> None:
        """Stops the run that this process draws within a denoising step; looks no longer at another's."""
        self._left.set()
        if not self._attached:
            self._control.stop.set()

    @property
    def holds_memory(self) -> bool:
        """Whether there is a model whose memory `let_go` gives back."""
        if self.running:
            on_gpu = self._facts.device not in ("", "cpu")
            resting = self._control.rest.is_set()
            return self.state.phase == "paused" and on_gpu and not self._attached and not resting
        return self._kept is not None and self._kept.facts is not None

    def let_go(self) -> None:
        """Gives back the memory of the kept model, or until it goes on that of the paused run; may take a second."""
        if self.running:
            self._control.rest.set()
        elif self._kept is not None:
            self._kept.let_go()
