"""The log: what batch says, in the same words; coloured by level, wrapped, filtered, followed and copied.

Its lines are drawn only where they are seen. Textual's RichLog takes a third of a millisecond for each line, whether
anybody sees it; a change of the filter would stop the screen for a second.
"""

from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input, Static

from sframes_tui.printable import printable
from sframes_tui.run.events import Level
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.framed_pane import FramedPane

MAX_LINES, MAX_ROWS = 5_000, 20_000
LEVELS: dict[str, tuple[Level, ...]] = {
    "all": ("info", "warning", "error"),
    "warnings": ("warning", "error"),
    "errors": ("error",),
}


class LogPane(FramedPane):
    """Keeps the last lines; `run.log` in the run folder has them all."""

    BINDINGS = bindings("log")

    def __init__(self) -> None:
        super().__init__(id="log")
        self.border_title = "Log"
        self._lines: deque[tuple[Level, str]] = deque(maxlen=MAX_LINES)
        self._level, self._words = "all", ""

    def compose(self) -> ComposeResult:
        yield Static("Nothing has happened yet.", id="nothing", classes="empty")
        yield LogView()
        yield Input(placeholder="words to look for; enter keeps them, esc shows every line", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).display = False
        self._tell()

    def add(self, level: Level, line: str) -> None:
        """Appends what may be several lines; they are shown literally."""
        for part in printable(line).expandtabs(4).split("\n"):
            self._lines.append((level, part))
            if self._is_shown(level, part):
                self.query_one(LogView).add(level, part)
        self._tell()

    @property
    def shown_lines(self) -> list[str]:
        """The text of every line that the filter lets through."""
        return [line for level, line in self._lines if self._is_shown(level, line)]

    def _is_shown(self, level: Level, line: str) -> bool:
        return level in LEVELS[self._level] and self._words.casefold() in line.casefold()

    def _filter(self) -> None:
        self.query_one(LogView).show_lines(each for each in self._lines if self._is_shown(*each))
        self._tell()

    def _tell(self) -> None:
        """The lower border says what is shown."""
        view = self.query_one(LogView)
        parts = [] if self._level == "all" else [self._level]
        parts += [f"“{self._words}”"] if self._words else []
        parts += [] if view.following else ["not following"]
        self.show_subtitle(" · ".join(parts))
        self.query_one("#nothing").display = not self._lines

    @on(Input.Changed)
    def _words_typed(self, message: Input.Changed) -> None:
        message.stop()
        self._words = message.value
        self._filter()

    @on(Input.Submitted)
    def _words_kept(self, message: Input.Submitted) -> None:
        message.stop()
        self.query_one(Input).display = bool(self._words)
        self.screen.set_focus(self.query_one(LogView))

    def action_filter(self) -> None:
        box = self.query_one(Input)
        box.display = True
        # At once: what is typed right behind the key belongs into the box.
        self.screen.set_focus(box)

    def action_unfilter(self) -> None:
        self.query_one(Input).value = ""
        self.query_one(Input).display = False
        self.screen.set_focus(self.query_one(LogView))

    def action_level(self) -> None:
        names = list(LEVELS)
        self._level = names[(names.index(self._level) + 1) % len(names)]
        self._filter()

    def action_follow(self) -> None:
        view = self.query_one(LogView)
        view.follow(not view.following)
        self._tell()

    def action_copy(self) -> None:
        self.app.copy_to_clipboard("\n".join(self.shown_lines))
        self.notify(f"{len(self.shown_lines)} lines are on the clipboard, if the terminal allows it.")


class LogView(ScrollView, can_focus=True):
    """Rows of text; keeps its end in sight as long as it is there."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-view--warning", "log-view--error"}

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[Level, str]] = []
        self._rows: list[tuple[Level, str]] = []
        self._width = 0
        self._laid_out = Size(0, 0)
        self.following = True
        """Whether new lines move the view."""

    def show_lines(self, lines: Iterable[tuple[Level, str]]) -> None:
        """Shows these lines in place of all others."""
        self._lines = list(lines)
        self._wrap_all()

    def add(self, level: Level, line: str) -> None:
        """Shows one line more; of too many rows the oldest go."""
        self._lines.append((level, line))
        self._rows.extend(self._wrapped(level, line))
        if len(self._rows) > MAX_ROWS:
            del self._lines[: len(self._lines) // 4]
            self._wrap_all()
        else:
            self._resized()

    def follow(self, following: bool) -> None:
        """Lets new lines move the view, or not."""
        if following:
            self.scroll_end(animate=False, immediate=True, force=True)
        self.following = following

    def on_resize(self) -> None:
        if self._width != self._room:
            self._wrap_all()
        elif self.following:
            self.follow(True)
        self._laid_out = self.size

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        # A place that moved because the view has another size is nobody's wish.
        if new_value != old_value and self.size == self._laid_out:
            self.following = new_value >= self.max_scroll_y

    @property
    def _room(self) -> int:
        return max(10, self.scrollable_content_region.width)

    def _wrap_all(self) -> None:
        self._width = self._room
        self._rows = [row for level, line in self._lines for row in self._wrapped(level, line)]
        self._resized()

    def _wrapped(self, level: Level, line: str) -> list[tuple[Level, str]]:
        return [(level, row) for row in wrapped(line, self._width or 80)]

    def _resized(self) -> None:
        following = self.following
        self.virtual_size = Size(self._width, len(self._rows))
        self.refresh()
        if following:
            self.follow(True)

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if row >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        level, text = self._rows[row]
        return Strip([Segment(text, self._style(level))]).adjust_cell_length(width, self.rich_style)

    def _style(self, level: Level) -> Style:
        return self.rich_style if level == "info" else self.get_component_rich_style(f"log-view--{level}")


def wrapped(line: str, width: int) -> list[str]:
    """A line in rows of at most `width` cells, parted at spaces where that can be."""
    rows = []
    while cell_len(line) > width:
        row = chop_cells(line, width)[0] if not line.isascii() else line[:width]
        space = line.rfind(" ", 1, len(row) + 1)
        end = space if space > len(row) // 2 else len(row)
        rows.append(line[:end])
        line = line[end:].removeprefix(" ")
    return [*rows, line]
