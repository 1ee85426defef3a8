"""Finished pictures and grids on their way to the run folder and its journal. Must not import torch.

A picture is written under another name, synced, renamed, its folder synced, and only then told of in the journal:
what the journal tells of is on the disk, whatever happens when.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from PIL import Image

from sframes_tui.engine.protocol import Facts
from sframes_tui.plan.identity import joined
from sframes_tui.plan.plan import Frame
from sframes_tui.run.events import Event, FrameCompleted
from sframes_tui.run.record import png, takes
from sframes_tui.run.record.recipe import make_recipe
from sframes_tui.run.record.records import Saved
from sframes_tui.run.record.replay import Sheet
from sframes_tui.run.session import Session
from sframes_tui.run.sheets import Due, Sheets
from sframes_tui.run.writer import Writer


@dataclass(frozen=True, slots=True)
class Finished:
    """A frame's picture, and how it came about."""

    frame: Frame
    """As it was really drawn: its base is the frame whose picture it started from."""
    picture: Image.Image
    base: Image.Image | None
    attempt: int
    facts: Facts
    """The engine's, when it was drawn."""
    rows: int
    """How many pictures a call was made for."""
    place: int | None
    """Which of them it was, where that is its own."""
    started: float
    """`time.monotonic()` of its beginning."""


class Archive:
    """Saves pictures in the order given and a chapter's grids after its last one."""

    def __init__(self, session: Session, known_sheets: Mapping[str, Sheet]) -> None:
        """`known_sheets`: the grids that the journal tells of, by their files."""
        self._session, self._folder = session, session.folder
        self._pictures = dict(session.survey.kept)
        self._due = Due(session.plan, [*session.survey.todo, *session.survey.absent])
        self._sheets = Sheets(session.folder, session.journal, session.facts, known_sheets)
        self.writer = Writer()

    def save(self, finished: Finished) -> None:
        """Queues a picture."""
        self.writer.submit(lambda: self._save(finished))

    def _save(self, finished: Finished) -> Event:
        frame, folder = finished.frame, self._folder
        data = self._encoded(finished)
        saved = self._entry(finished, data)
        before = self._pictures.get(frame.number)
        if before is not None and before.take != saved.take:
            takes.preserve(folder, before)
        folder.write(saved.file, data)
        self._session.journal.append("saved", **saved.fields)
        self._pictures[frame.number] = saved
        return FrameCompleted(frame.number, folder.path / saved.file, saved.seconds, saved.take)

    def _encoded(self, finished: Finished) -> bytes:
        session, frame = self._session, finished.frame
        base_pixels = None if finished.base is None else png.pixel_hash(finished.base)
        recipe = make_recipe(
            session.plan,
            frame,
            session.fitted(frame),
            finished.facts,
            fingerprint=session.fingerprint,
            rows=finished.rows,
            place=finished.place,
            base_pixels=base_pixels,
            pixels=png.pixel_hash(finished.picture),
            attempt=finished.attempt,
        )
        return png.encode(finished.picture, png.picture_info(recipe))

    def _entry(self, finished: Finished, data: bytes) -> Saved:
        session, frame = self._session, finished.frame
        base = None if frame.base is None else self._pictures[frame.base]
        base_identity = None if base is None else base.identity
        overflows = bool(session.fitted(frame).lost)
        own = session.identities.own(frame.number, session.plan.changes.get(frame.number), overflows)
        return Saved(
            file=session.folder.picture_file(frame),
            frame=frame.number,
            variant=frame.variant,
            chapter=frame.chapter,
            prompt=frame.prompt,
            style=frame.style,
            take=session.plan.take(frame),
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            identity=joined(own, base_identity),
            base=None if base is None else base.sha256,
            base_identity=base_identity,
            seconds=round(time.monotonic() - finished.started, 3),
        )

    def settle(self, frame: Frame) -> None:
        """Counts a frame as drawn, failed or skipped."""
        self._due.settle(frame)
        self.write_grids()

    def unsettle(self, frame: Frame) -> None:
        """Counts a frame that had its picture as one that is to be drawn."""
        self._due.unsettle(frame)

    def write_grids(self) -> None:
        """Queues the grids that are due."""
        for key in self._due.take():
            self.writer.submit(partial(self._sheets.write, key, self._pictures))
