"""A run's journal -> the events that its own front end saw. Must not import torch. Writes nothing."""

from collections.abc import Iterable, Iterator

from sframes_tui.plan.plan import Frame
from sframes_tui.run.events import (
    ChapterCompleted,
    ChapterStarted,
    Event,
    FrameCompleted,
    FrameFailed,
    FramesKept,
    FrameSkipped,
    FramesStale,
    FrameStarted,
    ModelLoadCompleted,
    Notice,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
)
from sframes_tui.run.record.header import facts_of
from sframes_tui.run.record.journal import Record
from sframes_tui.run.record.past_run import PastRun
from sframes_tui.run.record.records import (
    Ended,
    Files,
    Grids,
    Kept,
    Paused,
    Planned,
    Resumed,
    Running,
    Said,
    Saved,
    Undrawn,
)
from sframes_tui.run.record.replay import Replay


class Retelling:
    """Takes records in one by one. Pictures and chapters that the plan no longer has are passed over."""

    def __init__(self, past: PastRun, before: Iterable[Record]) -> None:
        """`before`: what was written before the drawing that is told of."""
        self._past, self._plan = past, past.plan
        self._replay = Replay.of(before)
        self._frames = {past.file(frame): frame for frame in past.plan.frames}
        self._chapters: set[tuple[int, int]] = set()

    def retell(self, record: Record) -> list[Event]:
        """The events that a record stands for; none for what no front end is told.

        Raises `UsageError` for a record that this program doesn't write.
        """
        told = self._replay.apply(record)
        retold = None if told is None else getattr(self, f"_{record['kind']}", None)
        if retold is None:
            return []
        return list(retold(told))

    def _frame(self, file: str) -> Frame | None:
        return self._frames.get(file)

    def _numbers(self, files: Iterable[str]) -> tuple[int, ...]:
        return tuple(self._frames[file].number for file in files if file in self._frames)

    def _planned(self, told: Planned) -> Iterator[Event]:
        facts = facts_of(told.fields)
        yield ModelLoadCompleted(facts.model, facts.device, facts.dtype, facts.engine, 0.0, facts.card)
        replay, frames = self._replay, self._frames.items()
        changes = {frame.number: change for file, frame in frames if (change := replay.takes.change(file))}
        self._plan = self._past.plan.with_changes(changes)
        kept = {frame.number for file, frame in frames if replay.takes.saved(file) and file not in replay.takes.wishes}
        steps = sum(frame.steps for frame in self._plan.frames if frame.number not in kept)
        yield RunStarted(self._past.path, len(self._plan.frames), steps, tuple(sorted(kept)))

    def _running(self, told: Running) -> Iterator[Event]:
        if (known := self._frame(told.file)) is None:
            return
        frame = self._plan.frames[known.number]
        key = (frame.variant, frame.chapter)
        if key not in self._chapters:
            self._chapters.add(key)
            yield ChapterStarted(*key, self._plan.story.chapters[frame.chapter].title)
        yield FrameStarted(frame.number, self._plan.name(frame), self._plan.prompt(frame), frame.steps)

    def _saved(self, told: Saved) -> Iterator[Event]:
        if frame := self._frame(told.file):
            yield FrameCompleted(frame.number, self._past.path / told.file, told.seconds, told.take)

    def _failed(self, told: Undrawn) -> Iterator[Event]:
        if frame := self._frame(told.file):
            steps = self._plan.frames[frame.number].steps
            yield FrameFailed(frame.number, self._plan.name(frame), told.reason, steps)

    def _skipped(self, told: Undrawn) -> Iterator[Event]:
        if frame := self._frame(told.file):
            steps = self._plan.frames[frame.number].steps
            yield FrameSkipped(frame.number, self._plan.name(frame), told.reason, steps)

    def _grids(self, told: Grids) -> Iterator[Event]:
        grids = tuple(self._past.path / file for file, *_ in told.files)
        yield ChapterCompleted(told.variant, told.chapter, grids)

    def _stale(self, told: Files) -> Iterator[Event]:
        yield FramesStale(self._numbers(told.files))

    def _kept(self, told: Kept) -> Iterator[Event]:
        yield FramesKept(self._numbers(file for file, _ in told.files))

    def _paused(self, told: Paused) -> Iterator[Event]:
        yield RunPaused(told.reason)

    def _resumed(self, _: Resumed) -> Iterator[Event]:
        yield RunResumed()

    def _notice(self, told: Said) -> Iterator[Event]:
        yield Notice(told.level, told.text)

    def _ended(self, told: Ended) -> Iterator[Event]:
        match told.how:
            case "completed":
                yield RunCompleted(self._past.path, told.drawn, told.failed, told.skipped, told.seconds)
            case "cancelled":
                yield RunCancelled(self._past.path, told.drawn, told.left)
            case "failed":
                yield RunFailed(told.error)
