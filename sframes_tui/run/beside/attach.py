"""Another process's run as events, while it draws. Writes nothing.

    for when, event in follow(folder, left): ...

tells what happened since the drawing's begin and then what happens, up to its last event. The journal is what is
told; how far single frames are is asked of the run's socket, where it answers. `watch` does the same for a front end
that can steer its own runs: what it asks by a `Control` is passed on.
"""

import shlex
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sframes_tui.errors import DiskError, NotOursError, SteeringError
from sframes_tui.printable import counted
from sframes_tui.run.beside.steering import Status, Steering
from sframes_tui.run.events import Control, Event, Notice, RunCancelled, RunCompleted, RunFailed
from sframes_tui.run.frame_events import FrameCompleted, FrameFailed, FrameProgress, FrameSkipped, FrameStarted
from sframes_tui.run.record.folder import holder
from sframes_tui.run.record.journal import NAME, Reader, Record
from sframes_tui.run.record.past_run import PastRun, open_run
from sframes_tui.run.record.replay import Retelling

LOOK_SECONDS = 0.25
"""How often the journal and the socket are looked at."""

TimedEvent = tuple[float, Event]
"""When it happened, by this process's `time.monotonic()`, and the event."""


def follow(folder: Path, left: threading.Event) -> Iterator[TimedEvent]:
    """The events of the run that another process draws in a folder; ends with the run, or soon after `left` is set.

    The last event is `RunCompleted`, `RunCancelled` or `RunFailed`; a process that vanished in the middle is told of
    by a notice and `RunCancelled`. Raises `SteeringError` where nobody draws, `SFramesError` for what is no run folder.
    """
    past = open_run(folder)
    if holder(folder) is None:
        raise SteeringError(nobody_draws(past))
    return _Follower(past, left).events()


def watch(folder: Path, left: threading.Event, tell: Callable[[Event, float], None], control: Control) -> None:
    """Tells of another process's run, steered by `control`, until it ends or `left` is set.

    `tell` gets every event and when it happened. Raises `SFramesError` for what is no run folder.
    """
    for when, event in _Follower(open_run(folder), left, control).events():
        tell(event, when)


def nobody_draws(past: PastRun) -> str:
    """A sentence on a run that nobody draws now: how far it is, and how it goes on."""
    total, there = len(past.plan.frames), len(past.survey.kept)
    if past.is_finished:
        return f"{past.path}: nobody draws this run, since all its {counted(total, 'picture')} are there"
    return f"{past.path}: nobody draws this run now, {there} of {total} pictures are there; go on with: {resume(past)}"


def resume(past: PastRun) -> str:
    """The command that goes on with a run."""
    return f"resume {shlex.quote(str(past.path))} --batch"


class _Follower:
    """One process's look at another's run."""

    def __init__(self, past: PastRun, left: threading.Event, control: Control | None = None) -> None:
        self._past, self._left = past, left
        self._steering = Steering(past.path)
        self._orders = _Orders(self._steering, control or Control())
        self._journal = Reader(past.path / NAME)
        self._last: Record | None = None
        self._begin: int | None = None
        """Where in the journal the newest drawing begins."""
        self._retelling: Retelling | None = None
        self._steps: dict[int, int] = {}
        """Of each frame in flight the step that was told."""
        self._drawn = 0
        self._ended = False
        self._doubt: str | None = None
        """Why the run can't be asked, where that is odd."""

    def events(self) -> Iterator[TimedEvent]:
        while not self._ended and not self._left.is_set():
            status = self._status()
            alive = status is not None or holder(self._past.path) is not None
            # After the look at the process: what it wrote before it went is told.
            yield from self._news()
            yield from self._doubted()
            if status is not None and not self._ended:
                yield from ((time.monotonic(), event) for event in self._progress(status))
            elif not alive and not self._ended:
                yield from ((time.monotonic(), event) for event in self._vanished())
            if not self._ended:
                self._left.wait(LOOK_SECONDS)

    def _status(self) -> Status | None:
        try:
            return self._orders.exchange(self._steering.status())
        except NotOursError as error:
            self._doubt = str(error) if self._doubt is None else ""
        except SteeringError:
            pass
        return None

    def _doubted(self) -> Iterator[TimedEvent]:
        if self._doubt:
            yield time.monotonic(), Notice("warning", self._doubt)
            self._doubt = ""

    def _news(self) -> Iterator[TimedEvent]:
        """What was written since the last look, of the newest drawing only."""
        try:
            self._retelling = self._retelling or self._begun()
            if self._retelling is None:
                return
            shift = time.monotonic() - time.time()
            for record in self._journal:
                for event in self._retelling.retell(record):
                    self._note(event)
                    yield record.get("time", 0.0) + shift, event
        except OSError as error:
            raise DiskError(f"{self._past.path}: its journal can't be read: {error.strerror}") from None

    def _begun(self) -> Retelling | None:
        """Waits for the drawing's begin, which a run that is gone on with writes after its model is loaded."""
        before = self._journal.offset
        for record in self._journal:
            if record["kind"] == "planned":
                self._begin = before
            elif record["kind"] == "ended":
                self._begin = None
            self._last, before = record, self._journal.offset
        if self._begin is None:
            return None
        path = self._past.path
        self._journal = Reader(path / NAME, self._begin)
        return Retelling(open_run(path).layout, Reader(path / NAME, end=self._begin))

    def _note(self, event: Event) -> None:
        match event:
            case FrameStarted(frame=frame):
                self._steps[frame] = 0
            case FrameCompleted(frame=frame) | FrameFailed(frame=frame) | FrameSkipped(frame=frame):
                self._steps.pop(frame, None)
                self._drawn += isinstance(event, FrameCompleted)
            case RunCompleted() | RunCancelled() | RunFailed():
                self._ended = True
            case _:
                return

    def _progress(self, status: Status) -> Iterator[Event]:
        """The steps of frames in flight that are new."""
        for each in status.in_flight:
            if self._steps.get(each.frame, each.step) < each.step:
                self._steps[each.frame] = each.step
                yield FrameProgress(each.frame, each.step, each.steps)

    def _vanished(self) -> Iterator[Event]:
        self._ended = True
        past = open_run(self._past.path)
        if self._retelling is None and self._last and self._last["kind"] == "ended":
            # It ended before it began to draw, say without its model.
            yield from Retelling(past.layout, ()).retell(self._last)
            return
        yield Notice("error", f"the process that drew it is gone without a word; go on with: {resume(past)}")
        yield RunCancelled(past.path, self._drawn, len(past.survey.todo))


class _Orders:
    """What a front end's `Control` asks, given to another process; a pause that others asked for is taken over."""

    def __init__(self, steering: Steering, control: Control) -> None:
        self._steering, self._control = steering, control
        self._paused = False

    def exchange(self, status: Status) -> Status:
        """Gives what the run wasn't asked yet; returns its newest status. Raises `SteeringError`."""
        control, asked = self._control, status.asked
        if control.stop.is_set():
            return status if asked == "stop" else self._steering.stop()
        if control.finish.is_set():
            return status if asked in ("finish", "stop") else self._steering.finish()
        if control.pause.is_set() != self._paused:
            self._paused = not self._paused
            return self._steering.pause() if self._paused else self._steering.resume()
        if (asked == "pause") != self._paused:
            self._paused = not self._paused
            control.pause.set() if self._paused else control.pause.clear()
        return status
