"""Journal records -> what is known of a run's pictures. Plain data; must not import torch.

Pictures are known by their file's path in the run folder, since numbers change when a story is edited. The kinds:

| kind | what happened | fields |
|---|---|---|
| planned | a drawing of the run begins | run, frames, kept, identity_version, and the circumstances: versions, ... |
| running | a frame was begun | file, frame, take |
| saved | its picture is on disk | those of `Saved` |
| failed, skipped | it gave no picture | file, frame, reason |
| grids | a chapter's grids are on disk | variant, chapter, files: [file, size, sha256, shows] |
| void | pictures that are to be drawn again, since their bases are | files |
| changed | other takes are wanted | wishes: [file, take, seed, prompt, strength]; follow: draw descendants too |
| chosen | an older take counts again, or the wish for a new one is given up | file, take |
| kept | pictures count though their base was drawn again | files: [file, base's sha256] |
| stale, paused, resumed, notice, ended | as the events of the same names say | |

Replaying records twice, or a record that tells what was told before, changes nothing.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from sframes_tui.errors import UsageError
from sframes_tui.run.journal import NAME, Record, read_journal
from sframes_tui.run.plain_folder import is_inside
from sframes_tui.story.change import Change

OF_PICTURES = frozenset(["running", "saved", "failed", "skipped", "void", "changed", "chosen", "kept"])
KINDS = OF_PICTURES | {"planned", "grids", "paused", "resumed", "ended"}
"""Each has a method of `Replay`."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A picture that was on disk, whole."""

    file: str
    """Its path in the run folder."""
    frame: int
    variant: int
    chapter: int
    prompt: int
    style: int
    take: int
    size: int
    """Bytes."""
    sha256: str
    identity: str
    base: str | None
    """SHA-256 of the picture file that it started from."""
    base_identity: str | None
    seconds: float

    @property
    def fields(self) -> dict[str, Any]:
        return asdict(self)


class Sheet(NamedTuple):
    """A grid that was on disk, whole."""

    size: int
    sha256: str
    shows: str
    """A hash over those of the pictures on it."""


SAVED, SHEET, CHANGE = TypeAdapter(Saved), TypeAdapter(Sheet), TypeAdapter(Change)
"""What a stranger's journal must hold in these records."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A take that somebody asked for and that isn't drawn yet."""

    change: Change
    follow: bool
    """Whether the frame's descendants are drawn again after it."""


@dataclass
class Replay:
    """What the records so far tell."""

    header: Record = field(default_factory=dict)
    """The first drawing's circumstances."""
    last_header: Record = field(default_factory=dict)
    takes: dict[str, dict[int, Saved]] = field(default_factory=dict)
    current: dict[str, int] = field(default_factory=dict)
    """Which take of a picture counts."""
    changes: dict[str, dict[int, Change]] = field(default_factory=dict)
    """What was asked for each take."""
    wishes: dict[str, Wish] = field(default_factory=dict)
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
    ended: Record | None = None
    """How the last drawing ended; None if nobody knows."""

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Replay":
        replay = cls()
        for record in records:
            replay.apply(record)
        return replay

    def apply(self, record: Record) -> None:
        """Takes in one record; kinds of later versions are passed over.

        Raises `UsageError` for a record that this program doesn't write.
        """
        if record["kind"] not in KINDS:
            return
        try:
            getattr(self, f"_{record['kind']}")(record)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise UsageError(f"{NAME}: a record of kind {record['kind']!r} is not of this program's making") from None

    def saved(self, file: str) -> Saved | None:
        """The picture that counts for a file, if it is there and its base counts; None where there is none."""
        take = self.current.get(file)
        return None if take is None else self.takes[file][take]

    def change(self, file: str) -> Change | None:
        """What is wanted otherwise for a file's picture: of a take that was asked for, else of the one that counts."""
        if file in self.wishes:
            return self.wishes[file].change
        return self.changes.get(file, {}).get(self.current.get(file, 0))

    def next_take(self, file: str) -> int:
        known = [*self.takes.get(file, ()), *self.changes.get(file, ())]
        return max(known, default=0) + 1

    def _planned(self, record: Record) -> None:
        self.header = self.header or record
        self.last_header = record
        self.ended = self.paused = None

    def _running(self, record: Record) -> None:
        self.running.add(record["file"])

    def _saved(self, record: Record) -> None:
        saved = SAVED.validate_python(record)
        if not is_inside(saved.file) or not saved.file.endswith(".png"):
            raise ValueError("a picture outside of the run folder")
        self.takes.setdefault(saved.file, {})[saved.take] = saved
        self.current[saved.file] = saved.take
        self._settle(saved.file)
        self.accepted.pop(saved.file, None)

    def _settle(self, file: str) -> None:
        for names in (self.running, self.void):
            names.discard(file)
        for reasons in (self.failed, self.skipped):
            reasons.pop(file, None)
        self.wishes.pop(file, None)

    def _failed(self, record: Record) -> None:
        """A take that was asked for and went wrong leaves the picture before it as it was."""
        file = record["file"]
        wished = self.wishes.pop(file, None)
        self.running.discard(file)
        if wished is None or self.saved(file) is None:
            self.failed[file] = record["reason"]

    def _skipped(self, record: Record) -> None:
        if self.wishes.pop(record["file"], None) is None or self.saved(record["file"]) is None:
            self.skipped[record["file"]] = record["reason"]

    def _grids(self, record: Record) -> None:
        for file, size, sha256, shows in record["files"]:
            if not is_inside(file):
                raise ValueError("a grid outside of the run folder")
            self.grids[file] = SHEET.validate_python((size, sha256, shows))

    def _void(self, record: Record) -> None:
        self.void.update(record["files"])

    def _changed(self, record: Record) -> None:
        for file, take, seed, prompt, strength in record["wishes"]:
            change = CHANGE.validate_python((take, seed, prompt, strength))
            self.changes.setdefault(file, {})[take] = change
            self.wishes[file] = Wish(change, record["follow"])

    def _chosen(self, record: Record) -> None:
        if record["take"] in self.takes.get(record["file"], {}):
            self.current[record["file"]] = record["take"]
            self._settle(record["file"])

    def _kept(self, record: Record) -> None:
        self.accepted.update(record["files"])

    def _paused(self, record: Record) -> None:
        self.paused = record["reason"]

    def _resumed(self, _: Record) -> None:
        self.paused = None

    def _ended(self, record: Record) -> None:
        self.ended = record
        self.paused = None


def replay(folder: Path) -> Replay:
    """What the journal of a run folder tells; nothing where there is none. Raises `OSError`."""
    return Replay.of(read_journal(folder / NAME)[0])
