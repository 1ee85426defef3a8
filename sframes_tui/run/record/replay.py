"""Journal records -> what is known of a run's pictures. Plain data; must not import torch.

Replaying records twice, or a record that tells what was told before, changes nothing. The kinds are in `records.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sframes_tui.errors import UsageError, message_of
from sframes_tui.plan.change import Change
from sframes_tui.printable import counted
from sframes_tui.run.record.journal import NAME, Reader, Record
from sframes_tui.run.record.records import (
    Changed,
    Chosen,
    Ended,
    Files,
    Grids,
    Kept,
    Paused,
    Planned,
    Resumed,
    Running,
    Saved,
    Undrawn,
    checked,
)
from sframes_tui.run.record.takes import Takes

MOST, MOST_OF_A_FRAME, MOST_OF_FRAMES = 100_000, 200, 10_000_000
"""What the records of a run may tell: so much in any case, and so much more of each frame that was planned, of all
frames together. A drawing tells of a frame three or four times.
"""


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
    ended: Ended | None = None
    """How the last drawing ended; None if nobody knows."""

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
        """Takes in one record, and returns what it tells, of a type in `records.KINDS`; None of a later version's.

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
        self.ended = self.paused = None

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

    def _failed(self, told: Undrawn) -> None:
        """A take that was asked for and went wrong leaves the picture before it as it was."""
        self.running.discard(told.file)
        if not self.takes.give_up(told.file):
            self.failed[told.file] = told.reason

    def _skipped(self, told: Undrawn) -> None:
        if not self.takes.give_up(told.file):
            self.skipped[told.file] = told.reason

    def _grids(self, told: Grids) -> None:
        self._told += len(told.files)
        for file, size, sha256, shows in told.files:
            self.grids[file] = Sheet(size, sha256, shows)

    def _void(self, told: Files) -> None:
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

    def _paused(self, told: Paused) -> None:
        self.paused = told.reason

    def _resumed(self, _: Resumed) -> None:
        self.paused = None

    def _ended(self, told: Ended) -> None:
        self.ended = told
        self.paused = None


def replay(folder: Path) -> Replay:
    """What the journal of a run folder tells; nothing where there is none. Raises `OSError`, `UsageError`."""
    return Replay.of(Reader(folder / NAME))
