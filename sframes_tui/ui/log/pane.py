"""The log: what batch says, in the same words; filtered, followed and copied. Must not import torch."""

from collections import deque

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from sframes_tui.printable import printable
from sframes_tui.run.events import Level
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.framed_pane import FramedPane
from sframes_tui.ui.log.view import LogView

MAX_LINES = 5_000
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
