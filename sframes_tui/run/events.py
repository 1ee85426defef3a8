"""What happens in a run: the contract between the loop and every front end.

An event that the journal keeps says here how it is written and, in the class of its record, how that is read; one whose
record has the same fields is its own. What happens to frames is in `frame_events.py`; what the journal keeps that is no
event by itself, in `record/records.py`.

A new kind touches two files: it is a class in one of these three, and it is told in `describe.py`, or changes which
pictures count in `record/replay.py`. What front ends should show of it otherwise than as a line is in `state.py`.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sframes_tui.run.record.kinds import Count, Seconds, Text, Told

if TYPE_CHECKING:
    from sframes_tui.run.record.folder import Layout
    from sframes_tui.run.record.journal import Journal
    from sframes_tui.run.record.replay import Retelling

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Event(Told):
    """What front ends are told."""


Emit = Callable[[Event], None]
"""Tells a front end; from any thread."""


@dataclass(frozen=True, slots=True)
class KeptEvent(Event):
    """One whose record has the same fields."""

    def write(self, journal: "Journal", _: "Layout") -> None:
        journal.append(self.kind, **self.fields)

    def retold(self, _: "Retelling") -> Iterable[Event]:
        return (self,)


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """The run folder exists and drawing is about to begin."""

    folder: Path
    frames: int
    steps: int
    """Denoising steps that are still to run: the whole plan's, without those of `kept`."""
    kept: tuple[int, ...] = ()
    """Frames whose pictures are there already."""


@dataclass(frozen=True, slots=True)
class RunPaused(KeptEvent):
    """No frame is in hand, and none is begun until `RunResumed`."""

    kind = "paused"
    reason: Text


@dataclass(frozen=True, slots=True)
class RunResumed(KeptEvent):
    """A paused run goes on."""

    kind = "resumed"


@dataclass(frozen=True, slots=True)
class ModelLoadStarted(Event):
    """The model is being loaded."""

    model: str


@dataclass(frozen=True, slots=True)
class ModelDownload(Event):
    """The model comes over the network, once."""

    done: int
    """Bytes that are here."""
    total: int
    rate: float
    """Bytes a second."""


@dataclass(frozen=True, slots=True)
class ModelLoadCompleted(Event):
    """The model is ready."""

    model: str
    device: str
    dtype: str
    engine: str
    seconds: float
    """How long it took; 0 where nobody knows any more."""
    card: str = ""
    """A GPU's UUID, where it is known."""
    kept: bool = False
    """Whether it was there already, since the run before was drawn with it."""


@dataclass(frozen=True, slots=True)
class Notice(KeptEvent):
    """Something a person should know."""

    kind = "notice"
    level: Level
    text: Text

    def write(self, journal: "Journal", _: "Layout") -> None:
        journal.append_if_it_fits(self.kind, **self.fields)


@dataclass(frozen=True, slots=True)
class RunCompleted(Event):
    """Every frame was drawn, skipped or failed."""

    folder: Path
    drawn: int
    failed: int
    skipped: int
    seconds: float
    failures: tuple[str, ...] = ()
    """Names of the frames that failed, in the order of their failing; the first few."""

    def write(self, journal: "Journal", _: "Layout") -> None:
        counts = {"drawn": self.drawn, "failed": self.failed, "skipped": self.skipped}
        journal.append(Ended.kind, how="completed", **counts, seconds=round(self.seconds, 3))


@dataclass(frozen=True, slots=True)
class RunCancelled(Event):
    """Somebody stopped the run."""

    folder: Path | None
    """None where it was stopped before there was one."""
    drawn: int
    left: int

    def write(self, journal: "Journal", _: "Layout") -> None:
        journal.append_if_it_fits(Ended.kind, how="cancelled", drawn=self.drawn, left=self.left)


@dataclass(frozen=True, slots=True)
class RunFailed(Event):
    """The run could not go on."""

    error: str

    def write(self, journal: "Journal", _: "Layout") -> None:
        journal.append_if_it_fits(Ended.kind, how="failed", error=self.error)


@dataclass(frozen=True, slots=True)
class Ended(Told):
    """The record of all three endings."""

    kind = "ended"
    how: Literal["completed", "cancelled", "failed"]
    drawn: Count = 0
    failed: Count = 0
    skipped: Count = 0
    left: Count = 0
    seconds: Seconds = 0.0
    error: Text = ""

    def retold(self, run: "Retelling") -> Iterator[Event]:
        match self.how:
            case "completed":
                yield RunCompleted(run.path, self.drawn, self.failed, self.skipped, self.seconds)
            case "cancelled":
                yield RunCancelled(run.path, self.drawn, self.left)
            case "failed":
                yield RunFailed(self.error)


@dataclass(frozen=True, slots=True)
class Control:
    """How a front end stops a run; set from any thread."""

    finish: threading.Event = field(default_factory=threading.Event)
    """Finish the frames in hand, then stop."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Stop within one denoising step; what is half drawn is lost."""
    pause: threading.Event = field(default_factory=threading.Event)
    """While it is set, the frames in hand are finished and no others begun; the other two still work."""
    rest: threading.Event = field(default_factory=threading.Event)
    """Give the device's memory back for the pause that the run is in."""
    begun: threading.Event = field(default_factory=threading.Event)
    """Set by the run when it begins to draw: before, nobody looks at the other two in time."""

    def is_ending(self) -> bool:
        return self.finish.is_set() or self.stop.is_set()
