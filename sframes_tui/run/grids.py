"""Grids, the contact sheets of chapters: when they are due, whether those on the disk are right, how they are made."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from PIL import Image

from sframes_tui.errors import DiskError
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.frame_events import ChapterCompleted
from sframes_tui.run.record import png
from sframes_tui.run.record.folder import Layout, RunFolder
from sframes_tui.run.record.journal import Journal
from sframes_tui.run.record.records import Saved
from sframes_tui.run.record.replay import Sheet
from sframes_tui.run.record.stored_picture import matches, read_stored

MAX_SIDE = 16_384
"""Pixels; a grid of more pictures than fit shows them smaller."""

Key = tuple[int, int]
"""Variant and chapter."""


class Due:
    """Counts frames down; a chapter's grids are due once all that they show is settled."""

    def __init__(self, plan: Plan, unsettled: Iterable[int]) -> None:
        self._whole_run = plan.config.generation_config.grid_scope == "run"
        self._unsettled = dict.fromkeys(plan.chapter_keys, 0)
        self._waiting = set(plan.chapter_keys)
        self._news = True
        for number in unsettled:
            self._unsettled[_key(plan.frames[number])] += 1

    def settle(self, frame: Frame) -> None:
        self._unsettled[_key(frame)] -= 1
        self._news = self._news or not self._unsettled[_key(frame)]

    def unsettle(self, frame: Frame) -> None:
        """The frame is to be drawn after all, so every grid that shows it waits again."""
        variant, chapter = _key(frame)
        self._unsettled[variant, chapter] += 1
        for key in self._unsettled:
            if key == (variant, chapter) or (self._whole_run and key[0] == variant and key[1] > chapter):
                self._waiting.add(key)

    def take(self) -> list[Key]:
        """Removes and returns the chapters whose grids are due, in order."""
        if not self._news:
            return []
        self._news = False
        due: list[Key] = []
        held: set[int] = set()
        for key in sorted(self._waiting):
            if self._unsettled[key]:
                held.add(key[0])
            elif not self._whole_run or key[0] not in held:
                due.append(key)
        self._waiting.difference_update(due)
        return due


def _key(frame: Frame) -> Key:
    return frame.variant, frame.chapter


def sheets_of(layout: Layout, key: Key, pictures: Mapping[int, Saved]) -> dict[str, list[Saved]]:
    """A chapter's grids and what there is for them: pictures of the chapter, or of the run so far."""
    plan, (variant, last) = layout.plan, key
    whole_run = plan.config.generation_config.grid_scope == "run"
    chapters = range(0 if whole_run else last, last + 1)
    frames = list(chain.from_iterable(plan.chapter_frames(variant, each) for each in chapters))
    found: dict[str, list[Saved]] = {}
    for style in range(len(plan.tags)):
        shown = [pictures[each.number] for each in frames if each.style == style and each.number in pictures]
        if shown:
            found[layout.grid_file(variant, style, last)] = shown
    return found


def is_right(layout: Layout, file: str, known: Mapping[str, Sheet], shown: list[Saved]) -> bool:
    """Whether a grid's file is there, whole, and shows exactly these pictures."""
    sheet = known.get(file)
    if sheet is None or sheet.shows != _shows(shown):
        return False
    return matches(layout.path / file, sheet.size, sheet.sha256)


def _shows(shown: list[Saved]) -> str:
    return hashlib.sha256(" ".join(each.sha256 for each in shown).encode()).hexdigest()


class Sheets:
    """Writes the grids of chapters, those that aren't there as they should be."""

    def __init__(self, folder: RunFolder, journal: Journal, size: tuple[int, int], known: Mapping[str, Sheet]) -> None:
        """`size`: of every picture; `known`: the grids that the journal tells of, by their files."""
        self._folder, self._journal, self._size = folder, journal, size
        self._known = dict(known)

    def write(self, key: Key, pictures: Mapping[int, Saved]) -> ChapterCompleted | None:
        """Brings a chapter's grids up to date; None where they were. Raises `OSError`."""
        wanted = sheets_of(self._folder, key, pictures)
        wrong = {file: shown for file, shown in wanted.items() if not is_right(self._folder, file, self._known, shown)}
        if wanted and not wrong:
            return None
        files = [self._write(file, shown) for file, shown in wrong.items()]
        self._journal.append("grids", variant=key[0], chapter=key[1], files=files)
        return ChapterCompleted(*key, tuple(self._folder.path / file for file in wanted))

    def _write(self, file: str, shown: list[Saved]) -> list[object]:
        """Makes a grid; returns the journal's entry of it."""
        data = png.encode(make_grid([self._folder.path / each.file for each in shown], self._size))
        self._folder.write(file, data)
        self._known[file] = Sheet(len(data), hashlib.sha256(data).hexdigest(), _shows(shown))
        return [file, *self._known[file]]


def make_grid(paths: Sequence[Path], size: tuple[int, int]) -> Image.Image:
    """Pictures of `size` in reading order, `ceil(sqrt(n))` columns and rows, the rest black.

    The pictures are read one at a time, so memory doesn't grow with their number beyond the grid itself. Raises
    `DiskError`.
    """
    columns = math.ceil(math.sqrt(len(paths)))
    scale = min(1.0, MAX_SIDE / (columns * max(size)))
    cell = (max(1, int(size[0] * scale)), max(1, int(size[1] * scale)))
    sheet = Image.new("RGB", (columns * cell[0], columns * cell[1]))
    for place, path in enumerate(paths):
        picture = _read_shown(path)
        fitted = picture if picture.size == cell else picture.resize(cell, Image.Resampling.LANCZOS)
        sheet.paste(fitted, (place % columns * cell[0], place // columns * cell[1]))
    return sheet


def _read_shown(path: Path) -> Image.Image:
    try:
        return read_stored(path)
    except OSError as error:
        what = f"{path}: can't be read for its grid: {error.strerror}; take it away, and resume draws it again"
        raise DiskError(what) from None
