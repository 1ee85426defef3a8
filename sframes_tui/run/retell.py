"""A run's journal -> the events that its own front end saw. Must not import torch. Writes nothing."""

from collections.abc import Iterator

from sframes_tui.errors import UsageError
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
from sframes_tui.run.header import facts_of
from sframes_tui.run.journal import NAME, Record
from sframes_tui.run.replay import Replay
from sframes_tui.run.resume import PastRun
from sframes_tui.story.plan import Frame

KINDS = frozenset(
    (
        "planned",
        "running",
        "saved",
        "failed",
        "skipped",
        "grids",
        "stale",
        "kept",
        "paused",
        "resumed",
        "notice",
        "ended",
    )
)
"""Each has a method of `Retelling`; others are nothing that front ends are told."""


class Retelling:
    """Takes records in one by one. Pictures and chapters that the plan no longer has are passed over."""

    def __init__(self, past: PastRun, before: list[Record]) -> None:
        """`before`: what was written before the drawing that is told of."""
        self._past, self._plan = past, past.plan
        self._replay = Replay.of(before)
        self._frames = {past.file(frame): frame for frame in past.plan.frames}
        self._chapters: set[tuple[int, int]] = set()

    def retell(self, record: Record) -> list[Event]:
        """The events that a record stands for; none for what no front end is told.

        Raises `UsageError` for a record that this program doesn't write.
        """
        self._replay.apply(record)
        if record["kind"] not in KINDS:
            return []
        try:
            return list(getattr(self, f"_{record['kind']}")(record))
        except (KeyError, TypeError, ValueError):
            raise UsageError(f"{NAME}: a record of kind {record['kind']!r} is not of this program's making") from None

    def _frame(self, record: Record) -> Frame | None:
        return self._frames.get(record["file"])

    def _numbers(self, files: list[str]) -> tuple[int, ...]:
        return tuple(self._frames[file].number for file in files if file in self._frames)

    def _planned(self, record: Record) -> Iterator[Event]:
        facts = facts_of(record)
        yield ModelLoadCompleted(facts.model, facts.device, facts.dtype, facts.engine, 0.0, facts.card)
        replay, frames = self._replay, self._frames.items()
        changes = {frame.number: change for file, frame in frames if (change := replay.change(file))}
        self._plan = self._past.plan.with_changes(changes)
        kept = {frame.number for file, frame in frames if replay.saved(file) and file not in replay.wishes}
        steps = sum(frame.steps for frame in self._plan.frames if frame.number not in kept)
        yield RunStarted(self._past.path, len(self._plan.frames), steps, tuple(sorted(kept)))

    def _running(self, record: Record) -> Iterator[Event]:
        if (known := self._frame(record)) is None:
            return
        frame = self._plan.frames[known.number]
        key = (frame.variant, frame.chapter)
        if key not in self._chapters:
            self._chapters.add(key)
            yield ChapterStarted(*key, self._plan.story.chapters[frame.chapter].title)
        yield FrameStarted(frame.number, self._plan.name(frame), self._plan.prompt(frame), frame.steps)

    def _saved(self, record: Record) -> Iterator[Event]:
        if frame := self._frame(record):
            path = self._past.path / record["file"]
            yield FrameCompleted(frame.number, path, record["seconds"], record["take"])

    def _failed(self, record: Record) -> Iterator[Event]:
        if frame := self._frame(record):
            steps = self._plan.frames[frame.number].steps
            yield FrameFailed(frame.number, self._plan.name(frame), str(record["reason"]), steps)

    def _skipped(self, record: Record) -> Iterator[Event]:
        if frame := self._frame(record):
            steps = self._plan.frames[frame.number].steps
            yield FrameSkipped(frame.number, self._plan.name(frame), str(record["reason"]), steps)

    def _grids(self, record: Record) -> Iterator[Event]:
        grids = tuple(self._past.path / file for file, *_ in record["files"])
        yield ChapterCompleted(record["variant"], record["chapter"], grids)

    def _stale(self, record: Record) -> Iterator[Event]:
        yield FramesStale(self._numbers(record["files"]))

    def _kept(self, record: Record) -> Iterator[Event]:
        yield FramesKept(self._numbers([file for file, _ in record["files"]]))

    def _paused(self, record: Record) -> Iterator[Event]:
        yield RunPaused(str(record["reason"]))

    def _resumed(self, _: Record) -> Iterator[Event]:
        yield RunResumed()

    def _notice(self, record: Record) -> Iterator[Event]:
        level = record["level"]
        yield Notice(level if level in ("warning", "error") else "info", str(record["text"]))

    def _ended(self, record: Record) -> Iterator[Event]:
        how = record["how"]
        if how == "completed":
            counts = (record["drawn"], record["failed"], record["skipped"], record["seconds"])
            yield RunCompleted(self._past.path, *counts)
        elif how == "cancelled":
            yield RunCancelled(self._past.path, record["drawn"], record["left"])
        else:
            yield RunFailed(str(record.get("error", "")))
