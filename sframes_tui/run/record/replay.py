"""Journal records -> what is known of a run's pictures, and the events that its own front end saw. Writes nothing.

Replaying records twice, or a record that tells what was told before, changes nothing. `Replay` has a method for each
kind that changes what is known, by its name; which events a record stands for, it knows by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sframes_tui.errors import UsageError, message_of
from sframes_tui.plan.change import Change
from sframes_tui.plan.plan import Frame
from sframes_tui.printable import counted
from sframes_tui.run.events import Ended, Event, RunPaused, RunResumed, RunStarted
from sframes_tui.run.frame_events import Failed, Running, Skipped
from sframes_tui.run.record.folder import Layout
from sframes_tui.run.record.journal import NAME, Reader, Record
from sframes_tui.run.record.kinds import checked
from sframes_tui.run.record.records import Changed, Chosen, Grids, Kept, Planned, Saved, Void
from sframes_tui.run.record.takes import Takes

MOST, MOST_OF_A_FRAME, MOST_OF_FRAMES = 100_000, 200, 10_000_000
"""What the records of a run may tell: so much in any case, and so much more of each frame that was planned, of all
frames together. A drawing tells of a frame three or four times.
"""


CUT_OFF = Ended("cancelled")
"""What a drawing that nobody told the end of counts as: its process draws on, or is gone."""


class Sheet(NamedTuple):
    """A grid that was on disk, whole."""

    size: int
    sha256: str
    shows: str
    """A hash over those of the pictures on it."""


@dataclass
class Replay:
    """What the records so far tell."""

    header: Record = field(default_factory=dict)
    """The first drawing's circumstances."""
    last_header: Record = field(default_factory=dict)
    takes: Takes = field(default_factory=Takes)
    void: set[str] = field(default_factory=set)
    """Files whose pictures don't count unless their bases are exactly those that they started from."""
    accepted: dict[str, str] = field(default_factory=dict)
    """File -> SHA-256 of the base that it counts with, though it was drawn from another."""
    failed: dict[str, str] = field(default_factory=dict)
    """File -> why."""
    skipped: dict[str, str] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    """Begun and, as far as anybody told, not ended."""
    grids: dict[str, Sheet] = field(default_factory=dict)
    paused: str | None = None
    ended: Ended = CUT_OFF
    """How the last drawing ended."""

    records: int = field(default=0, compare=False)
    """How many there were."""
    _told: int = field(default=0, compare=False)
    _frames: int = 0
    """The most that were planned."""

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Replay":
        replay = cls()
        for record in records:
            replay.apply(record)
        return replay

    def apply(self, record: Record) -> Any:
        """Takes in one record, and returns what it tells, of a type in `kinds.KINDS`; None of a later version's.

        Raises `UsageError` for a record that this program doesn't write, and for more than a run can ever need.
        """
        self.records += 1
        kind = record["kind"]
        try:
            told = checked(record)
        except ValueError as error:
            what = f"a record of kind {kind[:40]!r} is not of this program's making: {message_of(error)}"
            raise UsageError(f"{NAME}, line {self.records}: {what}") from None
        if told is not None and (take_in := getattr(self, f"_{kind}", None)):
            take_in(told)
        self._told += 1
        if self._told > MOST + min(MOST_OF_A_FRAME * self._frames, MOST_OF_FRAMES):
            frames = counted(self._frames, "picture")
            raise UsageError(f"{NAME}, line {self.records}: it tells more than a run of {frames} can have done")
        return told

    def _planned(self, told: Planned) -> None:
        self.header = self.header or told.fields
        self.last_header = told.fields
        self._frames = max(self._frames, told.frames)
        self.ended, self.paused = CUT_OFF, None

    def _running(self, told: Running) -> None:
        self.running.add(told.file)

    def _saved(self, told: Saved) -> None:
        self.takes.add(told)
        self._settle(told.file)
        self.accepted.pop(told.file, None)

    def _settle(self, file: str) -> None:
        for names in (self.running, self.void):
            names.discard(file)
        for reasons in (self.failed, self.skipped):
            reasons.pop(file, None)

    def _failed(self, told: Failed) -> None:
        """A take that was asked for and went wrong leaves the picture before it as it was."""
        self.running.discard(told.file)
        if not self.takes.give_up(told.file):
            self.failed[told.file] = told.reason

    def _skipped(self, told: Skipped) -> None:
        if not self.takes.give_up(told.file):
            self.skipped[told.file] = told.reason

    def _grids(self, told: Grids) -> None:
        self._told += len(told.files)
        for file, size, sha256, shows in told.files:
            self.grids[file] = Sheet(size, sha256, shows)

    def _void(self, told: Void) -> None:
        self._told += len(told.files)
        self.void.update(told.files)

    def _changed(self, told: Changed) -> None:
        self._told += len(told.wishes)
        for file, take, seed, prompt, strength in told.wishes:
            self.takes.wish(file, Change(take, seed, prompt, strength), told.follow)

    def _chosen(self, told: Chosen) -> None:
        if self.takes.choose(told.file, told.take):
            self._settle(told.file)

    def _kept(self, told: Kept) -> None:
        self._told += len(told.files)
        self.accepted.update(told.files)

    def _paused(self, told: RunPaused) -> None:
        self.paused = told.reason

    def _resumed(self, _: RunResumed) -> None:
        self.paused = None

    def _ended(self, told: Ended) -> None:
        self.ended = told
        self.paused = None


class Retelling:
    """Takes records in one by one. Pictures and chapters that the plan no longer has are passed over."""

    def __init__(self, layout: Layout, before: Iterable[Record]) -> None:
        """`layout`: of the plan without changes of frames; `before`: what was written before the drawing told of."""
        self.path, self.plan, self._unchanged = layout.path, layout.plan, layout.plan
        self._replay = Replay.of(before)
        self._frames = {layout.picture_file(frame): frame.number for frame in layout.plan.frames}
        self._chapters: set[tuple[int, int]] = set()

    def retell(self, record: Record) -> list[Event]:
        """The events that a record stands for; none for what no front end is told.

        Raises `UsageError` for a record that this program doesn't write.
        """
        told = self._replay.apply(record)
        return [] if told is None else list(told.retold(self))

    def frame(self, file: str) -> Frame | None:
        """The frame whose picture this is, as it is wanted now."""
        return self.plan.frames[self._frames[file]] if file in self._frames else None

    def numbers(self, files: Iterable[str]) -> tuple[int, ...]:
        """The frames of those pictures that the plan has."""
        return tuple(self._frames[file] for file in files if file in self._frames)

    def begins_chapter(self, frame: Frame) -> bool:
        """Whether no frame of its chapter was begun before."""
        key = (frame.variant, frame.chapter)
        is_first = key not in self._chapters
        self._chapters.add(key)
        return is_first

    def begin(self) -> RunStarted:
        """A drawing begins, with the changes that are wanted by now."""
        takes, frames = self._replay.takes, self._frames.items()
        changes = {number: change for file, number in frames if (change := takes.change(file))}
        self.plan = self._unchanged.with_changes(changes)
        kept = {number for file, number in frames if takes.saved(file) and file not in takes.wishes}
        steps = sum(frame.steps for frame in self.plan.frames if frame.number not in kept)
        return RunStarted(self.path, len(self.plan.frames), steps, tuple(sorted(kept)))


def replay(folder: Path) -> Replay:
    """What the journal of a run folder tells; nothing where there is none. Raises `OSError`, `UsageError`."""
    return Replay.of(Reader(folder / NAME))
