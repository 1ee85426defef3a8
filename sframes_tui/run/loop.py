"""Plan + engine -> pictures in a run folder.

The plan is a graph in which every frame waits for at most one other. The loop keeps up to `engine.capacity` frames
in flight: a frame is ready once its base is drawn, before the base's file is written.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from functools import partial

from PIL import Image

from sframes_tui.engine.protocol import Drawn, Engine, Outcome, Progress, Remark, Spoiled
from sframes_tui.engine.resolved import Resolved
from sframes_tui.errors import ModelError
from sframes_tui.plan.plan import Frame
from sframes_tui.printable import counted
from sframes_tui.run.archive import Archive, Unsaved
from sframes_tui.run.bases import Admitted, Bases
from sframes_tui.run.beside.watchdog import Watchdog
from sframes_tui.run.drawing import Drawing
from sframes_tui.run.events import Control, Emit, Notice, RunPaused, RunResumed
from sframes_tui.run.frame_events import (
    ChapterStarted,
    FrameCompleted,
    FrameFailed,
    FrameProgress,
    FramesKept,
    FrameSkipped,
    FramesStale,
    FrameStarted,
)
from sframes_tui.run.record.disk import is_full
from sframes_tui.run.record.recorder import LOG, open_log
from sframes_tui.run.schedule import Schedule, Tally

PAUSE_SECONDS = 0.1
"""How soon a paused run sees that it is wanted again."""


class Loop:
    """Draws what a drawing has to draw."""

    def __init__(self, drawing: Drawing, engine: Engine, emit: Emit, control: Control) -> None:
        self._drawing, self._plan, self._engine = drawing, drawing.plan, engine
        self._emit, self._control, self._patience = emit, control, drawing.folder.patience
        todo, follow = drawing.survey.todo, drawing.survey.follow
        self._slots = engine.capacity if engine.pinned else 1
        self._schedule = Schedule(drawing.plan, engine.capacity, self._slots, todo, follow)
        self._archive = Archive(drawing)
        self._bases = Bases(drawing.plan, drawing.folder, drawing.size)
        self._admitted: dict[int, Admitted] = {}
        self._attempts: dict[int, int] = {}
        self._begun_chapters: set[tuple[int, int]] = set()
        self._tally = Tally(left=len(todo))
        self._renewed: set[int] = set()
        self._told_to_finish = False
        self._watchdog = Watchdog(partial(open_log, drawing.folder.tree), self._tell_of_silence, control.stop)

    def run(self) -> bool:
        """Draws until every frame is settled or the control says stop; ends with `RunCompleted` or `RunCancelled`.

        Returns whether every frame has its picture. Raises `OSError` when a picture can't be written.
        """
        started = time.monotonic()
        try:
            with self._full_disk_passed_over():
                self._archive.write_grids()
                with self._watchdog:
                    self._draw()
        finally:
            self._archive.writer.close()
            self._tell_saved()
        with self._full_disk_passed_over():
            self._archive.writer.check()
        if lost := self._tally.give_up_unsaved():
            what = f"{counted(lost, 'picture')} did not fit on the full disk; resume draws them again"
            self._emit(Notice("warning", what))
        self._emit(self._tally.ending(self._drawing.folder.path, time.monotonic() - started))
        return self._tally.is_whole

    def _draw(self) -> None:
        while (self._schedule or self._admitted) and not self._control.stop.is_set():
            self._admit()
            if self._admitted:
                for outcome in self._advance():
                    self._settle(outcome)
                self._tell_saved()
                self._archive.writer.check()
            elif self._control.finish.is_set():
                break
            elif self._control.pause.is_set():
                self._wait()
            elif self._patience.waiting:
                self._control.stop.wait(PAUSE_SECONDS)
                self._tell_saved()

    def _advance(self) -> list[Outcome]:
        """The engine's outcomes; those of frames that were given up since no step was made for too long."""
        with self._watchdog.watched():
            outcomes = self._engine.advance(self._report, self._watchdog.cancelled)
        if not self._watchdog.cancelled.is_given_up():
            return outcomes
        outcomes += self._engine.advance(self._report, self._watchdog.cancelled)  # it lets go of what it has left
        seconds = self._watchdog.forgive()
        settled = {outcome.frame for outcome in outcomes if not isinstance(outcome, Remark)}
        reason = f"no step was made for {seconds:.0f} s"
        return [*outcomes, *(Spoiled(number, reason) for number in self._admitted if number not in settled)]

    def _tell_of_silence(self, seconds: float) -> None:
        names = ", ".join(self._plan.name(each.frame) for each in list(self._admitted.values()))
        text = f"no step for {seconds:.0f} s; where the program stands is in {LOG}. {names} will be given up once it "
        self._emit(Notice("error", f"{text}goes on; if it never does, kill -9 {os.getpid()} and resume lose no more"))

    @contextlib.contextmanager
    def _full_disk_passed_over(self) -> Iterator[None]:
        """A full disk is no failure where nobody wants to wait for it any longer."""
        try:
            yield
        except OSError as error:
            if not is_full(error) or not self._control.is_ending():
                raise

    def _wait(self) -> None:
        """Returns once a paused run may go on or is told to end."""
        self._emit(RunPaused("no picture is begun until it is told to go on"))
        control, resting = self._control, False
        while not control.is_ending() and (control.pause.is_set() or (resting and not self._is_awake())):
            resting = resting or self._is_resting()
            control.stop.wait(PAUSE_SECONDS)
            self._tell_saved()
            self._archive.writer.check()
        control.rest.clear()
        if not control.is_ending():
            self._emit(RunResumed())

    def _is_resting(self) -> bool:
        """Lets the engine give its device's memory back where that is wanted; whether it had any."""
        wanted = self._plan.config.generation_config.free_on_pause or self._control.rest.is_set()
        if not (wanted and self._engine.rest()):
            return False
        self._emit(Notice("info", "the model waits in main memory while the run is paused"))
        return True

    def _is_awake(self) -> bool:
        """Takes the memory again; a run that finds no room for its model stays paused."""
        try:
            self._engine.wake()
        except ModelError as error:
            self._emit(Notice("error", f"still paused: {error}; tell it to go on once there is"))
            self._control.pause.set()
            return False
        return True

    def _admit(self) -> None:
        """Fills the engine with ready frames; frames without steps are settled at once."""
        while self._may_begin() and (frame := self._schedule.take(self._engine.has_room)):
            self._begin(frame)
            admitted = self._bases.admitted(frame)
            self._admitted[frame.number] = admitted
            if (carried := admitted.carried_over) is not None:
                self._settle(Drawn(frame.number, carried))
            else:
                sent, attempt = self._drawing.fitted(frame).text, self._attempts.get(frame.number, 0)
                self._engine.admit(admitted.job(self._plan, sent, attempt))

    def _may_begin(self) -> bool:
        held = self._control.pause.is_set() or self._patience.waiting
        return not held and not self._control.finish.is_set()

    def _begin(self, frame: Frame) -> None:
        """Tells of a frame's beginning, once however often it is tried."""
        if (frame.variant, frame.chapter) not in self._begun_chapters:
            self._begun_chapters.add((frame.variant, frame.chapter))
            title = self._plan.story.chapters[frame.chapter].title
            self._emit(ChapterStarted(frame.variant, frame.chapter, title))
        if frame.number not in self._attempts:
            self._emit(FrameStarted(frame.number, self._plan.name(frame), self._plan.prompt(frame), frame.steps))

    def _report(self, progress: Progress) -> None:
        self._watchdog.step()
        self._emit(FrameProgress(progress.frame, progress.step, progress.steps, progress.preview))
        self._tell_saved()
        if self._control.finish.is_set() and not self._told_to_finish:
            self._told_to_finish = True
            self._emit(Notice("info", "stopping once the frames in hand are drawn; ask again to stop now"))

    def _tell_saved(self) -> None:
        for event in self._archive.writer.finished():
            self._tally.saved += isinstance(event, FrameCompleted)
            self._emit(event)

    def _settle(self, outcome: Outcome) -> None:
        """Takes in what became of a frame: its successors are ready, or skipped, or it is tried once more."""
        if isinstance(outcome, Remark):
            self._emit(Notice("warning", outcome.text))
            return
        admitted = self._admitted.pop(outcome.frame, None)
        if admitted is None:
            return  # of a frame that was given up: an engine may come back to it late
        if isinstance(outcome, Spoiled):
            if self._try_again(outcome):
                return
            self._give_up(admitted, outcome)
        else:
            self._keep(admitted, outcome.picture)
        self._archive.settle(self._plan.frames[outcome.frame])

    def _keep(self, admitted: Admitted, picture: Image.Image) -> None:
        frame = self._plan.frames[admitted.frame.number]
        self._tally.draw()
        self._redo(self._schedule.drawn(frame))
        self._leave_stale(frame)
        attempt = self._attempts.pop(frame.number, 0)
        resolved = Resolved.by(self._engine, self._plan.config.generation_config)
        self._archive.save(Unsaved(admitted, picture, attempt, resolved, self._place(frame)))
        if self._schedule.has_successors(frame):
            self._bases.keep(frame.number, picture)
        if admitted.frame.base is not None:
            # A picture has one successor only, and that is settled now.
            self._bases.drop(admitted.frame.base)

    def _place(self, frame: Frame) -> int | None:
        """Which row of a call is the frame's own; None where it takes whichever is free."""
        if self._engine.capacity == 1:
            return 0
        if not self._engine.pinned:
            return None
        return self._plan.chains[frame.number] % self._slots % self._engine.capacity

    def _redo(self, frames: list[Frame]) -> None:
        """Frames that had their pictures are drawn again; before the journal has the picture that makes them so."""
        for frame in frames:
            self._tally.left += 1
            self._archive.unsettle(frame)
        self._drawing.redo(frames)

    def _leave_stale(self, frame: Frame) -> None:
        """Tells of the pictures that started from one that gets another take now."""
        kept, todo = self._drawing.survey.kept, self._drawing.survey.todo
        if frame.number not in kept and todo.get(frame.number) != "asked":
            return
        self._renewed.add(frame.number)
        stale = [each.number for each in self._schedule.settled_behind(frame) if each.number in kept]
        if stale:
            self._emit(FramesStale(tuple(stale)))

    def _try_again(self, outcome: Spoiled) -> bool:
        """Gives a spoiled frame another seed, as often as is allowed."""
        tried = self._attempts.get(outcome.frame, 0)
        if not outcome.by_chance or tried >= self._plan.config.generation_config.retry_bad:
            return False
        self._attempts[outcome.frame] = tried + 1
        frame = self._plan.frames[outcome.frame]
        self._emit(Notice("warning", f"{self._plan.name(frame)}: {outcome.reason}; trying another seed"))
        self._schedule.give_back(frame)
        return True

    def _give_up(self, admitted: Admitted, outcome: Spoiled) -> None:
        frame = self._plan.frames[outcome.frame]
        self._attempts.pop(frame.number, None)
        name = self._plan.name(frame)
        self._tally.fail(name)
        self._emit(FrameFailed(frame.number, name, outcome.reason, frame.steps))
        stale = admitted.frame.base in self._renewed
        self._fall_back(frame, stale)
        if self._bases.survive:
            self._bases.fail(frame.number)
            self._schedule.pass_over(frame)
            return
        for lost in self._schedule.failed(frame):
            self._tally.skip()
            reason = f"it would start from {name}, which was not drawn"
            self._emit(FrameSkipped(lost.number, self._plan.name(lost), reason, lost.steps))
            self._fall_back(lost, stale)
            self._archive.settle(lost)
        if admitted.frame.base is not None:
            self._bases.drop(admitted.frame.base)

    def _fall_back(self, frame: Frame, stale: bool) -> None:
        """A frame that was to get another take keeps the one that it has, out of date or not."""
        if frame.number in self._drawing.survey.kept:
            self._emit(Notice("warning", f"{self._plan.name(frame)} keeps the picture that it had"))
            self._emit(FramesStale((frame.number,)) if stale else FramesKept((frame.number,)))
