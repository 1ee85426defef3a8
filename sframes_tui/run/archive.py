"""Pictures and grids on their way to the run folder and its journal, by a thread of their own beside the drawing.

One frame's way: the engine's picture (`protocol.Drawn`) becomes `Unsaved`, with all that its recipe tells; written, it
is `records.Saved`, which the journal has; then `FrameCompleted` tells of it. A frame is settled once that way is begun,
or it failed or was skipped: what waits for it need wait no longer.

A picture is written under another name, synced, renamed, its folder synced, and only then told of in the journal:
what the journal tells of is on the disk, whatever happens when.
"""

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from PIL import Image

from sframes_tui.engine.resolved import Resolved
from sframes_tui.plan.identity import joined
from sframes_tui.plan.plan import Frame
from sframes_tui.run.bases import Admitted
from sframes_tui.run.events import Event, FrameCompleted
from sframes_tui.run.grids import Due, Sheets
from sframes_tui.run.record import png, takes
from sframes_tui.run.record.recipe import make_recipe
from sframes_tui.run.record.records import Saved
from sframes_tui.run.record.replay import Sheet
from sframes_tui.run.session import Session

MAX_WAITING = 8
"""Pictures that may wait for the disk before the drawing does."""


@dataclass(frozen=True, slots=True)
class Unsaved:
    """A frame's picture, and how it came about."""

    admitted: Admitted
    picture: Image.Image
    attempt: int
    resolved: Resolved
    """As it was when it was drawn."""
    place: int | None
    """Which row of a call it had, where that is its own."""


class Archive:
    """Saves pictures in the order given and a chapter's grids after its last one."""

    def __init__(self, session: Session, known_sheets: Mapping[str, Sheet]) -> None:
        """`known_sheets`: the grids that the journal tells of, by their files."""
        self._session, self._folder = session, session.folder
        self._pictures = dict(session.survey.kept)
        self._due = Due(session.plan, [*session.survey.todo, *session.survey.absent])
        self._sheets = Sheets(session.folder, session.journal, session.facts, known_sheets)
        self.writer = Writer()

    def save(self, unsaved: Unsaved) -> None:
        """Queues a picture."""
        self.writer.submit(lambda: self._save(unsaved))

    def _save(self, unsaved: Unsaved) -> Event:
        frame, folder = unsaved.admitted.frame, self._folder
        data = self._encoded(unsaved)
        saved = self._entry(unsaved, data)
        before = self._pictures.get(frame.number)
        if before is not None and before.take != saved.take:
            takes.preserve(folder, before)
        folder.write(saved.file, data)
        self._session.journal.append("saved", **saved.fields)
        self._pictures[frame.number] = saved
        return FrameCompleted(frame.number, folder.path / saved.file, saved.seconds, saved.take)

    def _encoded(self, unsaved: Unsaved) -> bytes:
        session, frame = self._session, unsaved.admitted.frame
        base_pixels = None if unsaved.admitted.base is None else png.pixel_hash(unsaved.admitted.base)
        recipe = make_recipe(
            session.plan,
            frame,
            session.fitted(frame),
            unsaved.resolved,
            fingerprint=session.fingerprint,
            place=unsaved.place,
            base_pixels=base_pixels,
            pixels=png.pixel_hash(unsaved.picture),
            attempt=unsaved.attempt,
        )
        return png.encode(unsaved.picture, png.picture_info(recipe))

    def _entry(self, unsaved: Unsaved, data: bytes) -> Saved:
        session, frame = self._session, unsaved.admitted.frame
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
            seconds=round(time.monotonic() - unsaved.admitted.started, 3),
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


class Writer:
    """Runs tasks in the order given; each ends with the event that tells of it, or None."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._room = threading.Semaphore(MAX_WAITING)
        self._tasks: deque[Future[Event | None]] = deque()

    def submit(self, task: Callable[[], Event | None]) -> None:
        """Queues a task; waits while too many are queued already."""
        self._room.acquire()
        future = self._pool.submit(task)
        future.add_done_callback(lambda _: self._room.release())
        self._tasks.append(future)

    def finished(self) -> Iterator[Event]:
        """The events of finished tasks, oldest first, up to the first task that went wrong."""
        while self._tasks and self._tasks[0].done() and not self._tasks[0].exception():
            if (event := self._tasks.popleft().result()) is not None:
                yield event

    def check(self) -> None:
        """Raises what a task raised."""
        if self._tasks and self._tasks[0].done():
            self._tasks[0].result()

    def close(self) -> None:
        """Lets what is queued finish."""
        self._pool.shutdown()
