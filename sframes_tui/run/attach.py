"""Another process's run as events, while it draws. Must not import torch. Writes nothing.

    for when, event in follow(folder, left): ...

tells what happened since the drawing's begin and then what happens, up to its last event. The journal is what is
told; how far single frames are is asked of the run's socket, where it answers.
"""

import shlex
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sframes_tui.errors import SteeringError
from sframes_tui.printable import counted
from sframes_tui.run.events import (
    Event,
    FrameCompleted,
    FrameFailed,
    FrameProgress,
    FrameSkipped,
    FrameStarted,
    Notice,
    RunCancelled,
    RunCompleted,
    RunFailed,
)
from sframes_tui.run.folder import holder
from sframes_tui.run.journal import NAME, Record, read_journal
from sframes_tui.run.resume import PastRun, open_run
from sframes_tui.run.retell import Retelling
from sframes_tui.run.steering import Status, Steering

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

    def __init__(self, past: PastRun, left: threading.Event) -> None:
        self._past, self._left = past, left
        self._steering = Steering(past.path)
        self._offset = 0
        self._retelling: Retelling | None = None
        self._earlier: list[Record] = []
        self._steps: dict[int, int] = {}
        """Of each frame in flight the step that was told."""
        self._drawn = 0
        self._ended = False

    def events(self) -> Iterator[TimedEvent]:
        while not self._ended and not self._left.is_set():
            status = self._status()
            alive = status is not None or holder(self._past.path) is not None
            # After the look at the process: what it wrote before it went is told.
            yield from self._news()
            if status is not None and not self._ended:
                yield from ((time.monotonic(), event) for event in self._progress(status))
            elif not alive and not self._ended:
                yield from ((time.monotonic(), event) for event in self._vanished())
            self._left.wait(LOOK_SECONDS)

    def _status(self) -> Status | None:
        try:
            return self._steering.status()
        except SteeringError:
            return None

    def _news(self) -> Iterator[TimedEvent]:
        """What was written since the last look, of the newest drawing only."""
        records, self._offset = read_journal(self._past.path / NAME, self._offset)
        shift = time.monotonic() - time.time()
        for record in self._since_begin(records):
            assert self._retelling is not None
            for event in self._retelling.retell(record):
                self._note(event)
                yield float(record.get("time", 0.0)) + shift, event

    def _since_begin(self, records: list[Record]) -> list[Record]:
        """Waits for the drawing's begin, which a run that is gone on with writes after its model is loaded."""
        if self._retelling is not None:
            return records
        self._earlier += records
        begins = [number for number, record in enumerate(self._earlier) if record["kind"] == "planned"]
        if not begins or any(record["kind"] == "ended" for record in self._earlier[begins[-1] :]):
            return []
        known, self._earlier = self._earlier, []
        self._retelling = Retelling(open_run(self._past.path), known[: begins[-1]])
        return known[begins[-1] :]

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
        for each in status.get("in_flight", ()):
            number, step = each["frame"], each["step"]
            if self._steps.get(number, step) < step:
                self._steps[number] = step
                yield FrameProgress(number, step, each["steps"])

    def _vanished(self) -> Iterator[Event]:
        self._ended = True
        past = open_run(self._past.path)
        if self._earlier and self._earlier[-1]["kind"] == "ended":
            # It ended before it began to draw, say without its model.
            yield from Retelling(past, self._earlier[:-1]).retell(self._earlier[-1])
            return
        yield Notice("error", f"the process that drew it is gone without a word; go on with: {resume(past)}")
        yield RunCancelled(past.path, self._drawn, len(past.survey.todo))
