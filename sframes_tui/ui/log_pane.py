"""The log: what batch says, in the same words. Must not import torch."""

from rich.text import Text
from textual.widgets import RichLog

from sframes_tui.printable import printable
from sframes_tui.run.events import Level
from sframes_tui.ui.commands import bindings

MAX_LINES = 5_000


class LogPane(RichLog):
    """Keeps the last lines; `run.log` in the run folder has all."""

    BINDINGS = bindings("log")

    def __init__(self) -> None:
        super().__init__(max_lines=MAX_LINES, wrap=True, id="log")
        self.border_title = "Log"

    def add(self, level: Level, line: str) -> None:
        """Appends a line; it is shown literally."""
        colour = {
            "info": "",
            "warning": self.app.theme_variables["warning"],
            "error": self.app.theme_variables["error"],
        }
        self.write(Text(printable(line), style=colour[level]))
