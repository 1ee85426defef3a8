"""What the journal keeps that is no event by itself: written by whoever does it, before anybody is told.

Pictures are known by their file's path in the run folder, since numbers change when a story is edited. A new kind is a
class here, and what it changes of what is known of the run's pictures, in `replay.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import FailFast, TypeAdapter

from sframes_tui.config.option_types import LARGEST_SIDE
from sframes_tui.engine.protocol import Facts
from sframes_tui.errors import UsageError
from sframes_tui.plan.change import Prompt, Seed, Strength, Take
from sframes_tui.run.events import Event, ModelLoadCompleted
from sframes_tui.run.frame_events import ChapterCompleted, FrameCompleted, FramesKept
from sframes_tui.run.record.journal import NAME, Record
from sframes_tui.run.record.kinds import (
    Bytes,
    GridBytes,
    GridFile,
    Identity,
    Number,
    PictureFile,
    Seconds,
    Sha256,
    Short,
    Told,
    Word,
)

if TYPE_CHECKING:
    from sframes_tui.run.record.replay import Retelling


@dataclass(frozen=True, slots=True)
class Planned(Told):
    """A drawing of the run begins, under these circumstances."""

    kind = "planned"
    run: Word = ""
    time: float = 0.0
    frames: Number = 0
    kept: Number = 0
    identity_version: Number = 2
    """Told from version 3 on."""
    model: Word = ""
    facts: Annotated[dict[str, Any], Short] = field(default_factory=dict)
    """See `facts_of`."""
    text: Word = ""
    """The name of the run's copy of its text; empty where an earlier version drew."""
    circumstances: Annotated[dict[Word, Word], Short] = field(default_factory=dict)

    def retold(self, run: "Retelling") -> Iterator[Event]:
        facts = facts_of(self.fields)
        yield ModelLoadCompleted(facts.model, facts.device, facts.dtype, facts.engine, 0.0, facts.card)
        yield run.begin()


@dataclass(frozen=True, slots=True)
class Saved(Told):
    """A picture is on disk, whole."""

    kind = "saved"
    file: PictureFile
    """Its path in the run folder."""
    frame: Number
    variant: Number
    chapter: Number
    prompt: Number
    style: Number
    take: Take
    size: Bytes
    sha256: Sha256
    identity: Identity
    base: Sha256 | None
    """SHA-256 of the picture file that it started from."""
    base_identity: Identity | None
    seconds: Seconds

    def retold(self, run: "Retelling") -> Iterator[Event]:
        if frame := run.frame(self.file):
            yield FrameCompleted(frame.number, run.path / self.file, self.seconds, self.take)


@dataclass(frozen=True, slots=True)
class Grids(Told):
    """A chapter's grids are on disk."""

    kind = "grids"
    variant: Number
    chapter: Number
    files: Annotated[list[tuple[GridFile, GridBytes, Sha256, Sha256]], FailFast()]
    """Name, size, hash of the file and one over those of the pictures on it."""

    def retold(self, run: "Retelling") -> Iterator[Event]:
        yield ChapterCompleted(self.variant, self.chapter, tuple(run.path / file for file, *_ in self.files))


@dataclass(frozen=True, slots=True)
class Void(Told):
    """These pictures are to be drawn again, since their bases are."""

    kind = "void"
    files: Annotated[list[PictureFile], FailFast()]


@dataclass(frozen=True, slots=True)
class Changed(Told):
    """Other takes are wanted."""

    kind = "changed"
    wishes: Annotated[list[tuple[PictureFile, Take, Seed | None, Prompt | None, Strength | None]], FailFast()]
    follow: bool
    """Whether what descends from them is drawn again too."""


@dataclass(frozen=True, slots=True)
class Chosen(Told):
    """An older take counts again, or the wish for a new one is given up."""

    kind = "chosen"
    file: PictureFile
    take: Take


@dataclass(frozen=True, slots=True)
class Kept(Told):
    """Pictures count with these bases, though those were drawn again."""

    kind = "kept"
    files: Annotated[list[tuple[PictureFile, Sha256]], FailFast()]

    def retold(self, run: "Retelling") -> Iterator[Event]:
        yield FramesKept(run.numbers(file for file, _ in self.files))


def facts_of(record: Record) -> Facts:
    """The model's facts that a `planned` record tells. Raises `UsageError`."""
    try:
        facts = TypeAdapter(Facts).validate_python(record["facts"])
        if not (0 < facts.width <= LARGEST_SIDE and 0 < facts.height <= LARGEST_SIDE):
            raise ValueError("no model draws that")
        return facts
    except (KeyError, ValueError):
        raise UsageError(f"{NAME}: its first record is not of this program's making") from None
