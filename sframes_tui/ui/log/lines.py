"""Many lines of plain text, of which only those in sight are drawn. Must not import torch."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from textual import work
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import get_current_worker

from sframes_tui.printable import printable

BATCH = 2000
"""Lines that are made before any of them is shown."""


class TextLines(ScrollView, can_focus=True):
    """Lines that may be foreign text, made in a thread while the first of them are shown already."""

    DEFAULT_CSS = "TextLines { scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; height: 1fr; }"

    class Arrived(Message):
        """More lines are there."""

        def __init__(self, lines: list[str]) -> None:
            """Measured here, in the thread that made them."""
            super().__init__()
            self.lines = lines
            self.width = 0
            for line in lines:
                # Measuring is slow: only what may be the widest, at two columns a character, is worth it.
                if 2 * len(line) > self.width:
                    self.width = max(self.width, cell_len(line))

    def __init__(self, make: Callable[[], Iterable[str]]) -> None:
        """`make` is called in a thread; its lines may hold newlines."""
        super().__init__()
        self._make = make
        self.lines: list[str] = []
        self._width = 0

    def on_mount(self) -> None:
        self._read()

    @work(thread=True, exit_on_error=False)
    def _read(self) -> None:
        worker = get_current_worker()
        lines = _single_lines(self._make())
        while (batch := list(islice(lines, BATCH))) and not worker.is_cancelled:
            self.post_message(self.Arrived(batch))

    def on_text_lines_arrived(self, message: Arrived) -> None:
        self.lines += message.lines
        self._width = max(self._width, message.width)
        self.virtual_size = Size(self._width, len(self.lines))

    def scroll_to(self, x: float | None = None, y: float | None = None, *, animate: bool = False, **how: Any) -> None:  # noqa: ARG002 - Textual's
        """At once: a film of so many lines would be of no use."""
        super().scroll_to(x, y, animate=False, **how)

    def render_line(self, y: int) -> Strip:
        x, top = self.scroll_offset
        width = self.scrollable_content_region.width
        line = self.lines[top + y] if top + y < len(self.lines) else ""
        return Strip([Segment(line, self.rich_style)]).crop_extend(x, x + width, self.rich_style)


def _single_lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from printable(text).replace("\t", "    ").split("\n")
