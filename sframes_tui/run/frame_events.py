"""What happens to frames and chapters; `events.py` says how it belongs together.

Front ends know a frame by its number in the plan, the journal by its picture's file, since numbers change when a story
is edited: so the records here have classes of their own, which find the frame again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from PIL import Image
from pydantic import FailFast

from sframes_tui.run.events import Event
from sframes_tui.run.record.kinds import PictureFile, Text, Told

if TYPE_CHECKING:
    from sframes_tui.run.record.folder import Layout
    from sframes_tui.run.record.journal import Journal
    from sframes_tui.run.record.replay import Retelling


@dataclass(frozen=True, slots=True)
class ChapterStarted(Event):
    """The first frame of a chapter is about to be drawn."""

    variant: int
    chapter: int
    title: str


@dataclass(frozen=True, slots=True)
class ChapterCompleted(Event):
    """Every frame of a chapter is drawn, skipped or failed, and its grids are saved."""

    variant: int
    chapter: int
    grids: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class FrameStarted(Event):
    """A frame is being drawn."""

    frame: int
    name: str
    """Its picture's file name without ending: style, chapter and prompt."""
    prompt: str
    steps: int
    """Denoising steps it will take."""

    def write(self, journal: "Journal", layout: "Layout") -> None:
        take = layout.plan.take(layout.plan.frames[self.frame])
        journal.append(Running.kind, frame=self.frame, file=_file(layout, self.frame), take=take)


@dataclass(frozen=True, slots=True)
class Running(Told):
    """The record of `FrameStarted`."""

    kind = "running"
    file: PictureFile

    def retold(self, run: "Retelling") -> Iterator[Event]:
        if frame := run.frame(self.file):
            if run.begins_chapter(frame):
                yield ChapterStarted(frame.variant, frame.chapter, run.plan.story.chapters[frame.chapter].title)
            yield FrameStarted(frame.number, run.plan.name(frame), run.plan.prompt(frame), frame.steps)


@dataclass(frozen=True, slots=True)
class FrameProgress(Event):
    """A denoising step of a frame is done."""

    frame: int
    step: int
    steps: int
    preview: Callable[[], Image.Image] | None = field(default=None, compare=False, repr=False)
    """Makes a small picture of what the frame is going to look like: from any thread, when it is called."""


@dataclass(frozen=True, slots=True)
class FrameCompleted(Event):
    """A frame's picture is on disk, whole."""

    frame: int
    path: Path
    seconds: float
    """From its admission to the engine to its file."""
    take: int = 0
    """Which drawing of this frame it is: 0 is the first."""


@dataclass(frozen=True, slots=True)
class FrameSkipped(Event):
    """A frame can't be drawn because its base wasn't."""

    frame: int
    name: str
    reason: str
    steps: int
    """Denoising steps that the plan had for it."""

    def write(self, journal: "Journal", layout: "Layout") -> None:
        journal.append(Skipped.kind, frame=self.frame, file=_file(layout, self.frame), reason=self.reason)


@dataclass(frozen=True, slots=True)
class FrameFailed(Event):
    """A frame gave no usable picture."""

    frame: int
    name: str
    reason: str
    steps: int
    """Denoising steps that the plan had for it."""

    def write(self, journal: "Journal", layout: "Layout") -> None:
        journal.append(Failed.kind, frame=self.frame, file=_file(layout, self.frame), reason=self.reason)


@dataclass(frozen=True, slots=True)
class Undrawn(Told):
    """What both kinds of frames without a picture leave in the journal."""

    file: PictureFile
    reason: Text


@dataclass(frozen=True, slots=True)
class Skipped(Undrawn):
    """The record of `FrameSkipped`."""

    kind = "skipped"

    def retold(self, run: "Retelling") -> Iterator[Event]:
        if frame := run.frame(self.file):
            yield FrameSkipped(frame.number, run.plan.name(frame), self.reason, frame.steps)


@dataclass(frozen=True, slots=True)
class Failed(Undrawn):
    """The record of `FrameFailed`."""

    kind = "failed"

    def retold(self, run: "Retelling") -> Iterator[Event]:
        if frame := run.frame(self.file):
            yield FrameFailed(frame.number, run.plan.name(frame), self.reason, frame.steps)


@dataclass(frozen=True, slots=True)
class FramesStale(Event):
    """These have pictures, but of a base that was drawn again since."""

    frames: tuple[int, ...]

    def write(self, journal: "Journal", layout: "Layout") -> None:
        journal.append_list(Stale.kind, "files", [_file(layout, frame) for frame in self.frames])


@dataclass(frozen=True, slots=True)
class Stale(Told):
    """The record of `FramesStale`."""

    kind = "stale"
    files: Annotated[list[PictureFile], FailFast()]

    def retold(self, run: "Retelling") -> Iterator[Event]:
        yield FramesStale(run.numbers(self.files))


@dataclass(frozen=True, slots=True)
class FramesKept(Event):
    """These are stale no longer: their pictures count as they are."""

    frames: tuple[int, ...]


def _file(layout: "Layout", frame: int) -> str:
    return layout.picture_file(layout.plan.frames[frame])
