"""Plan + journal + files -> which pictures count and what is to be drawn.

A picture counts if the journal has it with the identity that the plan wants, the file has the journal's size and
SHA-256, and the picture that it started from counts too. One that others are to be drawn from has to be a picture of
the run's size besides: a stranger's needn't be. It is stale if it started from another picture than the
one that counts now. Nothing here writes.
"""

import contextlib
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from sframes_tui.plan.identity import Identities
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.printable import counted
from sframes_tui.run.record.folder import Layout
from sframes_tui.run.record.plain_folder import HIDDEN, is_inside
from sframes_tui.run.record.records import Saved, facts_of
from sframes_tui.run.record.replay import Replay
from sframes_tui.run.record.stored_picture import matches, read_stored

NUMBER = re.compile(r" \(\d+\)\.png$")
"""As `Layout.orphan_file` writes it."""
REASONS = {
    "new": "not drawn yet",
    "failed": "failed before",
    "skipped": "left out before, since what they start from had failed",
    "asked": "drawn again as asked",
    "edited": "whose text, style, options, model or base are others than before",
    "missing": "missing or damaged",
    "base": "drawn from one of these",
}
"""Why a frame is to be drawn, for people."""


@dataclass
class Survey:
    """What was found of each frame."""

    kept: dict[int, Saved] = field(default_factory=dict)
    """Frame -> its picture, which counts; also of frames in `todo` that keep theirs until they are drawn."""
    todo: dict[int, str] = field(default_factory=dict)
    """Frame -> why it is to be drawn, a key of `REASONS`."""
    follow: set[int] = field(default_factory=set)
    """Those of `todo` after which every descendant is drawn again, if they give a picture at all."""
    stale: set[int] = field(default_factory=set)
    misplaced: list[tuple[Saved, str]] = field(default_factory=list)
    """Pictures that count, but lie only where they were put aside."""
    orphans: list[str] = field(default_factory=list)
    """Files with pictures that the plan has no more use for."""
    absent: set[int] = field(default_factory=set)
    """Frames that have no picture yet and aren't to get one now."""

    def only(self, frames: Collection[int]) -> "Survey":
        """The same, with no more to draw than these frames."""
        settled = ("failed", "skipped", "asked")
        left_out = {number: reason for number, reason in self.todo.items() if number not in frames}
        absent = {number for number, reason in left_out.items() if reason not in settled}
        todo = {number: reason for number, reason in self.todo.items() if number in frames}
        return replace(self, todo=todo, follow=self.follow & set(frames), absent=absent)

    def lines(self, plan: Plan) -> list[str]:
        """What a drawing will do, for people: what is kept, drawn and put aside."""
        settled = len(self.kept.keys() - self.todo.keys())
        told = [f"kept: {counted(settled, 'picture')}"]
        for reason, words in REASONS.items():
            if number := sum(each == reason for each in self.todo.values()):
                told.append(f"to draw: {counted(number, 'picture')} {words}")
        if self.orphans:
            told.append(f"put aside into .sframes/orphans: {counted(len(self.orphans), 'picture')}")
        if self.stale:
            told.append(f"out of date: {counted(len(self.stale), 'picture')} whose base was drawn again since")
        return (
            told
            if self.todo or self.orphans or self.stale
            else [f"all {counted(len(plan.frames), 'picture')} are there"]
        )


def survey(plan: Plan, identities: Identities, replay: Replay, path: Path, *, hidden_are_gone: bool = False) -> Survey:
    """Looks at every file of a run that the plan or the journal knows.

    `hidden_are_gone`: the run is over, so pictures that were kept only for the grids count without their files.
    """
    surveyor = _Surveyor(plan, identities, replay, Layout(path, plan), hidden_are_gone)
    for frame in plan.frames:
        surveyor.look_at(frame)
    surveyor.find_orphans()
    return surveyor.found


class _Surveyor:
    def __init__(self, plan: Plan, identities: Identities, replay: Replay, layout: Layout, gone: bool) -> None:
        self._plan, self._identities, self._replay, self._layout = plan, identities, replay, layout
        self._gone = gone
        self._failed: set[int] = set()
        self.found = Survey()

    def look_at(self, frame: Frame) -> None:
        """Decides on one frame; its base's turn was before."""
        file = self._layout.picture_file(frame)
        saved = self._replay.takes.saved(file)
        reason = self._doubt(frame, file, saved)
        wish = self._replay.takes.wishes.get(file)
        if reason == "failed":
            self._failed.add(frame.number)
        if saved is not None and reason is None:
            self.found.kept[frame.number] = saved
            if wish is None and self._is_stale(frame, saved):
                self.found.stale.add(frame.number)
        if wish is not None:
            reason = "asked"
        if reason is not None:
            self._require_base(frame)
            self.found.todo[frame.number] = reason
            if reason == "failed" or (wish is not None and wish.follow):
                self.found.follow.add(frame.number)

    def _require_base(self, frame: Frame) -> None:
        """Whether what it will be drawn from is a picture; where it isn't, that is drawn again before."""
        source = self._source(frame)
        while source in self.found.kept and source not in self.found.todo:
            saved = self.found.kept[source]
            if self._can_be_read(saved):
                return
            del self.found.kept[source]
            self.found.stale.discard(source)
            self.found.misplaced = [each for each in self.found.misplaced if each[0] is not saved]
            self.found.todo[source] = "missing"
            source = self._source(self._plan.frames[source])

    def _can_be_read(self, saved: Saved) -> bool:
        (file, *_) = [*(file for each, file in self.found.misplaced if each is saved), saved.file]
        facts = facts_of(self._replay.header)
        try:
            read_stored(self._layout.path / file, (facts.width, facts.height))
        except OSError:
            return False
        return True

    def _doubt(self, frame: Frame, file: str, saved: Saved | None) -> str | None:
        """Why the picture doesn't count; None if it does."""
        if file in self._replay.failed:
            return "failed"
        if saved is None:
            return "skipped" if file in self._replay.skipped else "new"
        change = self._replay.takes.change_of(file, saved.take)
        if not self._identities.is_right(saved.identity, frame.number, change, saved.base_identity):
            return "edited"
        if not self._is_there(saved):
            return "missing"
        return self._base_doubt(frame, saved)

    def _is_there(self, saved: Saved) -> bool:
        if self._gone and saved.file.startswith(HIDDEN + "/"):
            return True
        if matches(self._layout.path / saved.file, saved.size, saved.sha256):
            return True
        orphans = self._put_aside.get(self._layout.orphan_file(saved.file), ())
        for file in (self._layout.take_file(saved.file, saved.take), *orphans):
            if matches(self._layout.path / file, saved.size, saved.sha256):
                self.found.misplaced.append((saved, file))
                return True
        return False

    @cached_property
    def _put_aside(self) -> dict[str, list[str]]:
        """The files of all pictures that were put aside, by what the first of their name is called."""
        found: dict[str, list[str]] = {}
        for path in sorted((self._layout.path / HIDDEN / "orphans").rglob("*.png")):
            file = path.relative_to(self._layout.path).as_posix()
            if is_inside(file):
                found.setdefault(NUMBER.sub(".png", file), []).append(file)
        return found

    def _base_doubt(self, frame: Frame, saved: Saved) -> str | None:
        """Why the picture that it started from doesn't count, or isn't what takes the place of a failed one."""
        source = self._source(frame)
        if source is None:
            return None if saved.base is None else "base"
        base = self.found.kept.get(source)
        if base is not None:
            return "base" if saved.file in self._replay.void and saved.base != base.sha256 else None
        return "edited" if self.found.todo[source] == "edited" else "base"

    def _source(self, frame: Frame) -> int | None:
        """The frame whose picture it started from, as the plan's rule for failed bases has it."""
        rule = self._plan.config.generation_config.on_failed_base
        number = frame.base
        while number is not None and number in self._failed:
            number = self._plan.frames[number].base if rule == "last_good" else None
        return number

    def _is_stale(self, frame: Frame, saved: Saved) -> bool:
        source = self._source(frame)
        if source is None:
            return False
        base = self.found.kept[source].sha256
        if self._replay.accepted.get(saved.file) == base:
            return False
        return saved.base != base or source in self.found.stale

    def find_orphans(self) -> None:
        """Files of frames and chapters that are gone, and those that another picture would replace."""
        frames = {self._layout.picture_file(frame): frame.number for frame in self._plan.frames}
        styles = range(len(self._plan.tags))
        grids = {self._layout.grid_file(key[0], style, key[1]) for key in self._plan.chapter_keys for style in styles}
        gone = (self._replay.takes.counting.keys() - frames.keys()) | (self._replay.grids.keys() - grids)
        replaced = {file for file, number in frames.items() if self._would_be_lost(file, number)}
        self.found.orphans = sorted(self._lying_there(gone | replaced))

    def _lying_there(self, files: set[str]) -> Iterator[str]:
        """Those that are there. Folders are read, not files looked for: of a new run there are millions to look for."""
        for folder in {file.rpartition("/")[0] for file in files}:
            with contextlib.suppress(FileNotFoundError), os.scandir(self._layout.path / folder) as entries:
                names = (f"{folder}/{entry.name}" if folder else entry.name for entry in entries if entry.is_file())
                yield from files.intersection(names)

    def _would_be_lost(self, file: str, number: int) -> bool:
        """Whether what lies there is something else than this frame's picture, drawn before or half told of."""
        saved, reason = self._replay.takes.saved(file), self.found.todo.get(number)
        if file in self._replay.running and not (saved and matches(self._layout.path / file, saved.size, saved.sha256)):
            return False
        return reason in ("edited", "missing", "new") or (reason == "asked" and number not in self.found.kept)
