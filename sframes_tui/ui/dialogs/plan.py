"""The plan to look at before a start: every picture with its base, strength and steps.

A story may give millions of lines: they are made in a thread, and only those in sight are drawn.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import get_current_worker

from sframes_tui.errors import Note
from sframes_tui.plan.plan import Plan
from sframes_tui.plan.plan_text import describe_plan
from sframes_tui.printable import printable

BATCH = 2000
"""Lines that are made before any of them is shown."""


class PlanScreen(ModalScreen[None]):
    """The words of `--dry-run`, however many lines they are."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", "Close")]
    DEFAULT_CSS = """
    PlanScreen > .dialog { width: 96%; height: 96%; padding: 0 1; }
    """

    def __init__(self, plan: Plan, text_file: Path | None = None, notes: Sequence[Note] = ()) -> None:
        super().__init__()
        self._plan, self._text_file, self._notes = plan, text_file, notes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title, box.border_subtitle = "Plan", "esc closes"
            yield TextLines(lambda: describe_plan(self._plan, self._text_file, self._notes))

    def action_close(self) -> None:
        self.dismiss()


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
