"""Plan + engine -> pictures in a run folder. Must not import torch, textual or a front end.

The plan is a graph in which every frame waits for at most one other. The loop keeps up to `engine.capacity` frames
in flight: a frame is ready once its base is drawn, before the base's file is written.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from sframes_tui.engine.protocol import Drawn, Engine, Job, Outcome, Progress, Remark, Spoiled
from sframes_tui.run.archive import Archive, Prompts
from sframes_tui.run.events import (
    ChapterStarted,
    Event,
    FrameFailed,
    FrameProgress,
    FrameSkipped,
    FrameStarted,
    Notice,
    RunCancelled,
    RunCompleted,
    RunPaused,
    RunResumed,
)
from sframes_tui.run.folder import RunFolder
from sframes_tui.run.schedule import Schedule
from sframes_tui.story.plan import Frame, Plan

Emit = Callable[[Event], None]

PAUSE_SECONDS = 0.1
"""How soon a paused run sees that it is wanted again."""


@dataclass(frozen=True, slots=True)
class Control:
    """How a front end stops a run; set from any thread."""

    finish: threading.Event = field(default_factory=threading.Event)
    """Finish the frames in hand, then stop."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Stop within one denoising step; what is half drawn is lost."""
    pause: threading.Event = field(default_factory=threading.Event)
    """While it is set, the frames in hand are finished and no others begun; the other two still work."""
    begun: threading.Event = field(default_factory=threading.Event)
    """Set by the run when it begins to draw: before, nobody looks at the other two in time."""


class Loop:
    """One drawing of a plan."""

    def __init__(
        self, plan: Plan, engine: Engine, folder: RunFolder, prompts: Prompts, emit: Emit, control: Control
    ) -> None:
        self._plan, self._engine, self._folder, self._prompts = plan, engine, folder, prompts
        self._emit, self._control = emit, control
        self._schedule = Schedule(plan, engine.capacity, engine.capacity if engine.pinned else 1)
        self._archive = Archive(plan, folder, prompts, engine.facts)
        self._in_flight: dict[int, float] = {}
        self._pictures: dict[int, Image.Image] = {}
        self._begun_chapters: set[tuple[int, int]] = set()
        self._drawn = self._failed = self._skipped = 0
        self._told_to_finish = False

    def run(self) -> bool:
        """Draws until every frame is settled or the control says stop; ends with `RunCompleted` or `RunCancelled`.

        Returns whether every frame is settled.

        Raises `OSError` when a picture can't be written.
        """
        started = time.monotonic()
        try:
            while (self._schedule or self._in_flight) and not self._control.stop.is_set():
                self._admit()
                if not self._in_flight:
                    if self._control.finish.is_set() or not self._schedule:
                        break
                    self._wait()
                    continue
                for outcome in self._engine.advance(self._report, self._control.stop):
                    self._settle(outcome)
                self._tell_saved()
                self._archive.writer.check()
        finally:
            self._archive.writer.close()
            self._tell_saved()
        self._archive.writer.check()
        ending = self._ending(time.monotonic() - started)
        self._emit(ending)
        return isinstance(ending, RunCompleted)

    def _wait(self) -> None:
        """Returns once a paused run may go on or is told to end."""
        control = self._control
        if not control.pause.is_set():
            return
        self._emit(RunPaused("no picture is begun until it is told to go on"))
        while control.pause.is_set() and not control.finish.is_set() and not control.stop.wait(PAUSE_SECONDS):
            self._tell_saved()
            self._archive.writer.check()
        if not control.finish.is_set() and not control.stop.is_set():
            self._emit(RunResumed())

    def _ending(self, seconds: float) -> Event:
        left = len(self._plan.frames) - self._drawn - self._failed - self._skipped
        if left:
            return RunCancelled(self._folder.path, self._drawn, left)
        return RunCompleted(self._folder.path, self._drawn, self._failed, self._skipped, seconds)

    def _admit(self) -> None:
        """Fills the engine with ready frames; frames without steps are settled at once."""
        while self._may_begin() and (frame := self._schedule.take(self._engine.has_room)):
            self._begin_chapter(frame)
            self._emit(FrameStarted(frame.number, self._plan.name(frame), self._plan.prompt(frame), frame.steps))
            self._in_flight[frame.number] = time.monotonic()
            base = self._base(frame)
            if base is not None and frame.steps == 0:
                self._settle(Drawn(frame.number, base))
            else:
                self._engine.admit(self._job(frame, base))

    def _may_begin(self) -> bool:
        return not self._control.finish.is_set() and not self._control.pause.is_set()

    def _begin_chapter(self, frame: Frame) -> None:
        if (frame.variant, frame.chapter) not in self._begun_chapters:
            self._begun_chapters.add((frame.variant, frame.chapter))
            title = self._plan.story.chapters[frame.chapter].title
            self._emit(ChapterStarted(frame.variant, frame.chapter, title))

    def _base(self, frame: Frame) -> Image.Image | None:
        return None if frame.base is None else self._pictures[frame.base]

    def _job(self, frame: Frame, base: Image.Image | None) -> Job:
        sent = self._prompts[self._plan.prompt(frame), self._plan.style_text(frame)]
        chain = self._plan.chains[frame.number]
        return Job(frame.number, sent, self._plan.frame_seed(frame), frame.strength, base, chain)

    def _report(self, progress: Progress) -> None:
        self._emit(FrameProgress(progress.frame, progress.step, progress.steps, progress.preview))
        self._tell_saved()
        if self._control.finish.is_set() and not self._told_to_finish:
            self._told_to_finish = True
            self._emit(Notice("info", "stopping once the frames in hand are drawn; ask again to stop now"))

    def _tell_saved(self) -> None:
        for event in self._archive.writer.finished():
            self._emit(event)

    def _settle(self, outcome: Outcome) -> None:
        """Takes in what became of a frame: its successors are ready, or skipped."""
        if isinstance(outcome, Remark):
            self._emit(Notice("warning", outcome.text))
            return
        frame = self._plan.frames[outcome.frame]
        started = self._in_flight.pop(frame.number)
        if isinstance(outcome, Drawn):
            self._keep(frame, outcome.picture, started)
        else:
            self._give_up(frame, outcome)
        if frame.base is not None:
            # A base has one successor only, and that is settled now: memory doesn't grow with the run.
            self._pictures.pop(frame.base)
        self._archive.settle(frame)

    def _keep(self, frame: Frame, picture: Image.Image, started: float) -> None:
        self._drawn += 1
        self._archive.save(frame, picture, self._base(frame), started)
        if self._schedule.has_successors(frame):
            self._pictures[frame.number] = picture
        self._schedule.drawn(frame)

    def _give_up(self, frame: Frame, outcome: Spoiled) -> None:
        self._failed += 1
        name = self._plan.name(frame)
        self._emit(FrameFailed(frame.number, name, outcome.reason, frame.steps))
        for lost in self._schedule.failed(frame):
            self._skipped += 1
            reason = f"it would start from {name}, which was not drawn"
            self._emit(FrameSkipped(lost.number, self._plan.name(lost), reason, lost.steps))
            self._archive.settle(lost)
