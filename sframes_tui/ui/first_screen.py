"""What is painted first: the frame of the main screen, while all that fills it is still being loaded.

Must not import torch, nor anything that reads a configuration or a story.
"""

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from sframes_tui.printable import one_line
from sframes_tui.ui.commands import BREAKPOINTS
from sframes_tui.ui.key_bar import KeyBar
from sframes_tui.ui.title_bar import PANES, TitleBar


class FirstScreen(Screen[None]):
    """Empty panes."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = BREAKPOINTS
        self._document_name = name

    def compose(self) -> ComposeResult:
        yield TitleBar()
        with Horizontal(id="panes"):
            yield _pane("form", "-front -left")
            yield _pane("story")
            with Vertical(id="right"):
                yield _pane("pictures")
                yield _pane("log")
        yield Static(f"opening {one_line(self._document_name)}", id="status", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(TitleBar).show_document(self._document_name, changed=False)
        self.query_one(TitleBar).show_front("form")


def _pane(name: str, classes: str = "") -> Container:
    pane = Container(id=name, classes=classes)
    pane.border_title = PANES[name]
    return pane
