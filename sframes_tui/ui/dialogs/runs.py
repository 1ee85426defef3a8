"""The runs below the output folder, the newest first: one is chosen to look at."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from sframes_tui.printable import one_line
from sframes_tui.run.beside.status import RunSummary

COLOURS = {
    "running": "cyan",
    "paused": "yellow",
    "finished": "green",
    "failed": "red",
    "stopped": "yellow",
    "unread": "dim",
}
TITLE_WIDTH = 28


class RunsDialog(ModalScreen[Path | None]):
    """Gives the folder that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close")]

    def __init__(self, root: Path, runs: Sequence[RunSummary]) -> None:
        """`root` is the folder in which they were looked for."""
        super().__init__()
        self._root, self._runs = root, runs

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide") as box:
            box.border_title = "Runs"
            box.border_subtitle = "enter looks at one · esc closes"
            if self._runs:
                yield OptionList(*(Option(_line(each)) for each in self._runs))
            else:
                words = f"No run yet below {one_line(str(self._root))}."
                yield Static(words, classes="empty", markup=False)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._runs[message.option_index].path)


def _line(run: RunSummary) -> Text:
    when = "" if run.begun is None else f"{datetime.fromtimestamp(run.begun):%Y-%m-%d %H:%M}"
    counts = f"{run.there}/{run.frames}" + (f", {len(run.failures)} failed" if run.failures else "")
    if run.phase == "unread":
        counts = "its journal is long"
    return Text.assemble(
        f"{when:<16}  {one_line(run.title, TITLE_WIDTH):<{TITLE_WIDTH}}  ",
        (f"{run.phase:<8}", COLOURS[run.phase]),
        f"  {counts}",
    )
