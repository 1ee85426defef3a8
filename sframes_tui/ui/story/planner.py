"""Reads, splits, plans and searches the story beside the screen's thread, for a widget; the newest document wins.

The widget only shows what it is told by messages. Every worker has a description, since Textual would make one of all
that it is given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import get_current_worker

from sframes_tui.config.document import Document
from sframes_tui.config.timed_regex import SearchStoppedError
from sframes_tui.errors import SFramesError
from sframes_tui.plan.draft import Draft
from sframes_tui.ui.story.outline import Outline
from sframes_tui.ui.story.reader import Reading, StoryReader
from sframes_tui.ui.story.tree_rows import Found

TYPING_PAUSE = 0.05
"""Seconds after a key before the text is split again."""
PLANNING_PAUSE = 0.25
"""Seconds without another key before the split story is planned, which takes Python's time from the screen."""
MOST_READERS = 2
"""Threads: one may still be busy with a slow regex that nobody wants any more."""


class StoryPlanner:
    """Tells a widget by messages what the newest document gives."""

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

    @dataclass
    class Filtered(Message):
        """What a filter found; None where there is none any more."""

        query: str
        found: Found | None

    def __init__(self, widget: Widget, query: Callable[[], str]) -> None:
        """`widget` lends its workers and gets the messages; `query` is what is to be looked for in what was split."""
        self._widget, self._query = widget, query
        self.document: Document | None = None
        """The newest."""
        self._reader = StoryReader()
        self._readers = 0
        self._told = False
        """Whether any reading was told of."""
        self._timer: Timer | None = None

    def plan(self, document: Document) -> None:
        """Splits and plans another document."""
        pause = TYPING_PAUSE if self.document else 0.0
        self.document = document
        self._read_after(pause)

    def find(self, outline: Outline, query: str) -> None:
        """Looks for `query` in a story that is shown; `Filtered` tells what was found."""
        self._work("find", "filter", partial(self._find, outline, query))

    def text(self, document: Document) -> str:
        """The document's text, whatever its regexes; raises `StoryError`. Not for the screen's thread."""
        return self._reader.text(document).text

    def _work(self, description: str, group: str, work: Callable[[], None]) -> None:
        """In a thread, in place of what its group is at."""
        self._widget.run_worker(
            work, group=group, description=description, thread=True, exclusive=True, exit_on_error=False
        )

    def _read_after(self, pause: float) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self._widget.set_timer(pause, self._read_newest) if pause else None
        if not pause:
            self._read_newest()

    def _read_newest(self) -> None:
        if self._readers >= MOST_READERS:
            self._read_after(TYPING_PAUSE)
        elif self.document is not None:
            self._readers += 1
            self._work("read the story", "story", partial(self._read, self.document, self._query()))

    def _read(self, document: Document, query: str) -> None:
        worker = get_current_worker()
        try:
            reading = self._reader.read(document, query, lambda: worker.is_cancelled)
        except SearchStoppedError:
            return
        finally:
            self._widget.app.call_later(self._reader_ended)
        if worker.is_cancelled:
            return
        pause, self._told = PLANNING_PAUSE if self._told else 0, True
        self._widget.post_message(self.Read(reading))
        if not worker.cancelled_event.wait(pause):
            planned = self._planned(reading)
            if not worker.is_cancelled:
                self._widget.post_message(planned)

    def _reader_ended(self) -> None:
        self._readers -= 1

    def _planned(self, reading: Reading) -> Planned:
        try:
            return self.Planned(self._reader.draft(reading), "", reading)
        except SFramesError as error:
            return self.Planned(None, str(error), reading)

    def _find(self, outline: Outline, query: str) -> None:
        worker = get_current_worker()
        found = self._reader.find(outline.story, outline.variants, query, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            self._widget.post_message(self.Filtered(query, found))
