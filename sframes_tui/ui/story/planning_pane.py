"""A pane whose document is read, split and planned in threads; the newest wins. Must not import torch.

The screen's thread only shows what came of it. Every worker has a description, since Textual would make one of all
that it is given.
"""

from dataclasses import dataclass

from textual import work
from textual.message import Message
from textual.timer import Timer
from textual.worker import get_current_worker

from sframes_tui.config.document import Document
from sframes_tui.config.timed_regex import SearchStoppedError
from sframes_tui.errors import SFramesError
from sframes_tui.plan.draft import Draft
from sframes_tui.ui.framed_pane import FramedPane
from sframes_tui.ui.story.reader import Reading, StoryReader

TYPING_PAUSE = 0.05
"""Seconds after a key before the text is split again."""
PLANNING_PAUSE = 0.25
"""Seconds without another key before the split story is planned, which takes Python's time from the screen."""
MOST_READERS = 2
"""Threads: one may still be busy with a slow regex that nobody wants any more."""


class PlanningPane(FramedPane):
    """Tells by messages what a document gives; a subclass shows it."""

    @dataclass
    class Read(Message):
        """The newest document was read and split."""

        reading: Reading

    @dataclass
    class Planned(Message):
        """The newest document was split and planned, or can't be."""

        draft: Draft | None
        problem: str
        reading: Reading | None = None

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.document: Document | None = None
        self.reading: Reading | None = None
        """The newest that was shown."""
        self.reader = StoryReader()
        self._readers = 0
        self._timer: Timer | None = None

    @property
    def query_words(self) -> str:
        """What is to be looked for in whatever was split."""
        return ""

    def plan_document(self, document: Document) -> None:
        """Splits and plans another document."""
        pause = TYPING_PAUSE if self.document else 0.0
        self.document = document
        self._read_after(pause)

    def _read_after(self, pause: float) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(pause, self._read_newest) if pause else None
        if not pause:
            self._read_newest()

    def _read_newest(self) -> None:
        if self._readers >= MOST_READERS:
            self._read_after(TYPING_PAUSE)
        elif self.document is not None:
            self._readers += 1
            self._read(self.document, self.query_words)

    @work(thread=True, exclusive=True, group="story", exit_on_error=False, description="read the story")
    def _read(self, document: Document, query: str) -> None:
        worker = get_current_worker()
        try:
            reading = self.reader.read(document, query, lambda: worker.is_cancelled)
        except SearchStoppedError:
            return
        finally:
            self.app.call_later(self._reader_ended)
        if worker.is_cancelled:
            return
        self.post_message(self.Read(reading))
        if not worker.cancelled_event.wait(PLANNING_PAUSE if self.reading else 0):
            planned = self._planned(reading)
            if not worker.is_cancelled:
                self.post_message(planned)

    def _reader_ended(self) -> None:
        self._readers -= 1

    def _planned(self, reading: Reading) -> Planned:
        try:
            return self.Planned(self.reader.draft(reading), "", reading)
        except SFramesError as error:
            return self.Planned(None, str(error), reading)
