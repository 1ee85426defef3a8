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
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from PIL import Image

from sframes_tui.engine.resolved import Resolved
from sframes_tui.plan.identity import joined
from sframes_tui.plan.plan import Frame
from sframes_tui.run.bases import Admitted
from sframes_tui.run.drawing import Drawing
from sframes_tui.run.events import Event
from sframes_tui.run.frame_events import FrameCompleted
from sframes_tui.run.grids import Due, Sheets
from sframes_tui.run.record import png
from sframes_tui.run.record.recipe import make_recipe
from sframes_tui.run.record.records import Saved

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

    def __init__(self, drawing: Drawing) -> None:
        self._drawing, self._folder = drawing, drawing.folder
        self._pictures = dict(drawing.survey.kept)
        self._due = Due(drawing.plan, [*drawing.survey.todo, *drawing.survey.absent])
        self._sheets = Sheets(drawing.folder, drawing.journal, drawing.size, drawing.grids)
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
            folder.preserve(before)
        folder.write(saved.file, data)
        self._drawing.journal.append("saved", **saved.fields)
        self._pictures[frame.number] = saved
        return FrameCompleted(frame.number, folder.path / saved.file, saved.seconds, saved.take)

    def _encoded(self, unsaved: Unsaved) -> bytes:
        drawing, frame = self._drawing, unsaved.admitted.frame
        base_pixels = None if unsaved.admitted.base is None else png.pixel_hash(unsaved.admitted.base)
        recipe = make_recipe(
            drawing.plan,
            frame,
            drawing.fitted(frame),
            unsaved.resolved,
            fingerprint=drawing.fingerprint,
            place=unsaved.place,
            base_pixels=base_pixels,
            pixels=png.pixel_hash(unsaved.picture),
            attempt=unsaved.attempt,
        )
        return png.encode(unsaved.picture, png.picture_info(recipe))

    def _entry(self, unsaved: Unsaved, data: bytes) -> Saved:
        drawing, frame = self._drawing, unsaved.admitted.frame
        base = None if frame.base is None else self._pictures[frame.base]
        base_identity = None if base is None else base.identity
        overflows = bool(drawing.fitted(frame).lost)
        own = drawing.identities.own(frame.number, overflows=overflows)
        return Saved(
            file=drawing.folder.picture_file(frame),
            frame=frame.number,
            variant=frame.variant,
            chapter=frame.chapter,
            prompt=frame.prompt,
            style=frame.style,
            take=drawing.plan.take(frame),
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
