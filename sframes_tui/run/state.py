"""Events -> one frozen picture of a run, that every front end reads.

`fold` is pure and whoever sees the events has the same picture: the screen, the progress bar, the run's socket, and
those who attach, by the events that its journal stands for. What isn't drawn now has its own from its files
(`record/past_run.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from sframes_tui.run.events import (
    Event,
    ModelDownload,
    ModelLoadCompleted,
    ModelLoadStarted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
)
from sframes_tui.run.frame_events import (
    FrameCompleted,
    FrameFailed,
    FrameProgress,
    FramesKept,
    FrameSkipped,
    FramesStale,
    FrameStarted,
)

Phase = Literal["idle", "loading", "drawing", "paused", "completed", "cancelled", "failed"]
PLANNED, DRAWING, DONE, FAILED, SKIPPED, STALE = range(6)
"""A frame's mark."""


class Marks:
    """One of the six marks for each frame; `with_mark` gives a changed copy in time that hardly grows with the plan.

    The marks stand in blocks, and a copy shares all blocks but one with its original.
    """

    BLOCK = 512

    __slots__ = ("_blocks",)

    def __init__(self, blocks: tuple[bytes, ...] = ()) -> None:
        self._blocks = blocks

    @classmethod
    def planned(cls, frames: int) -> "Marks":
        return cls((bytes(cls.BLOCK),) * -(-frames // cls.BLOCK))

    def __getitem__(self, frame: int) -> int:
        return self._blocks[frame // self.BLOCK][frame % self.BLOCK]

    def between(self, start: int, stop: int) -> bytes:
        """The marks of the frames from `start` to just before `stop`."""
        first = start // self.BLOCK
        joined = b"".join(self._blocks[first : -(-stop // self.BLOCK)])
        return joined[start - first * self.BLOCK : stop - first * self.BLOCK]

    def with_marks(self, frames: Iterable[int], mark: int) -> "Marks":
        """As `with_mark` for each of `frames`, in the time of one copy."""
        blocks = [bytearray(block) for block in self._blocks]
        for frame in frames:
            blocks[frame // self.BLOCK][frame % self.BLOCK] = mark
        return Marks(tuple(map(bytes, blocks)))

    def count(self, mark: int) -> int:
        return sum(block.count(mark) for block in self._blocks)

    def with_mark(self, frame: int, mark: int) -> "Marks":
        number, place = divmod(frame, self.BLOCK)
        block = self._blocks[number]
        changed = block[:place] + bytes((mark,)) + block[place + 1 :]
        return Marks((*self._blocks[:number], changed, *self._blocks[number + 1 :]))


NO_MARKS = Marks()


@dataclass(frozen=True, slots=True)
class InFlight:
    """A frame that is being drawn."""

    frame: int
    name: str
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything that is known of a run."""

    phase: Phase = "idle"
    model: str = ""
    download: ModelDownload | None = None
    """How far the model's download is, while it is loaded."""
    frames: int = 0
    steps: int = 0
    """Denoising steps of the plan, without those of frames that were given up."""
    kept: int = 0
    """Frames whose pictures were there before."""
    drawn: int = 0
    """Since this drawing's begin."""
    failed: int = 0
    skipped: int = 0
    finished_steps: int = 0
    """Of frames that are saved."""
    started: float = 0.0
    """`time.monotonic()` of the drawing's begin."""
    now: float = 0.0
    paused_at: float | None = None
    """Since when nothing is drawn, if the run is paused."""
    pause: str = ""
    """Why it is paused."""
    in_flight: tuple[InFlight, ...] = ()
    landed: int | None = None
    """The frame that was drawn, given up or skipped last."""
    marks: Marks = NO_MARKS
    error: str = ""

    @property
    def settled(self) -> int:
        return self.kept + self.drawn + self.failed + self.skipped

    @property
    def steps_done(self) -> int:
        return self.finished_steps + sum(min(each.step, each.steps) for each in self.in_flight)

    @property
    def stale(self) -> int:
        """Frames whose base was drawn again since."""
        return self.marks.count(STALE)

    @property
    def seconds_drawing(self) -> float:
        """Without the pauses."""
        return (self.now if self.paused_at is None else self.paused_at) - self.started

    @property
    def pictures_per_minute(self) -> float:
        elapsed = self.seconds_drawing
        return 60 * self.drawn / elapsed if elapsed > 0 else 0.0

    @property
    def steps_per_second(self) -> float:
        elapsed = self.seconds_drawing
        return self.steps_done / elapsed if elapsed > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """From the steps that are left and the rate so far; None before there is a rate."""
        rate = self.steps_per_second
        return (self.steps - self.steps_done) / rate if rate > 0 else None


def fold(state: RunState, event: Event, now: float) -> RunState:
    """The state after `event`, which came at `now` (`time.monotonic()`)."""
    state = replace(state, now=now)
    match event:
        case ModelLoadStarted(model=model):
            return replace(state, phase="loading", model=model)
        case ModelDownload():
            return replace(state, download=event)
        case ModelLoadCompleted():
            return replace(state, download=None)
        case RunStarted():
            return _start(state, event)
        case RunPaused(reason=reason):
            return replace(state, phase="paused", pause=reason, paused_at=now)
        case RunResumed():
            paused = 0.0 if state.paused_at is None else now - state.paused_at
            return replace(state, phase="drawing", pause="", paused_at=None, started=state.started + paused)
        case RunCompleted():
            return replace(state, phase="completed")
        case RunCancelled():
            return replace(state, phase="cancelled", in_flight=())
        case RunFailed(error=error):
            return replace(state, phase="failed", in_flight=(), error=error)
        case _:
            return _fold_frame(state, event)


def _start(state: RunState, event: RunStarted) -> RunState:
    """A run that goes on counts what it finds as kept, and its own time and steps from now."""
    return RunState(
        phase="drawing",
        model=state.model,
        frames=event.frames,
        steps=event.steps,
        kept=len(event.kept),
        started=state.now,
        now=state.now,
        marks=Marks.planned(event.frames).with_marks(event.kept, DONE),
    )


def _fold_frame(state: RunState, event: Event) -> RunState:
    match event:
        case FrameStarted():
            return _begin(state, event)
        case FrameProgress(frame=frame, step=step):
            drawing = tuple(replace(each, step=step) if each.frame == frame else each for each in state.in_flight)
            return replace(state, in_flight=drawing)
        case FrameCompleted(frame=frame):
            return _finish(state, frame)
        case FrameFailed(frame=frame, steps=steps):
            state = _land(state, frame, FAILED)
            return replace(state, failed=state.failed + 1, steps=state.steps - steps)
        case FrameSkipped(frame=frame, steps=steps):
            state = _land(state, frame, SKIPPED)
            return replace(state, skipped=state.skipped + 1, steps=state.steps - steps)
        case FramesStale(frames=frames) | FramesKept(frames=frames):
            mark = STALE if isinstance(event, FramesStale) else DONE
            return replace(state, marks=state.marks.with_marks(frames, mark))
        case _:
            return state


def _begin(state: RunState, event: FrameStarted) -> RunState:
    """The frame is in flight, from its first step."""
    if state.marks[event.frame] in (DONE, STALE):
        # It is drawn again after all, since its base was.
        state = replace(state, kept=state.kept - 1, steps=state.steps + event.steps)
    others = (each for each in state.in_flight if each.frame != event.frame)
    drawing = (*others, InFlight(event.frame, event.name, 0, event.steps))
    return replace(state, in_flight=drawing, marks=state.marks.with_mark(event.frame, DRAWING))


def _finish(state: RunState, frame: int) -> RunState:
    """The frame is drawn and saved."""
    steps = sum(each.steps for each in state.in_flight if each.frame == frame)
    state = _land(state, frame, DONE)
    return replace(state, drawn=state.drawn + 1, finished_steps=state.finished_steps + steps)


def _land(state: RunState, frame: int, mark: int) -> RunState:
    """The frame is no longer in flight."""
    left = tuple(each for each in state.in_flight if each.frame != frame)
    return replace(state, in_flight=left, landed=frame, marks=state.marks.with_mark(frame, mark))
