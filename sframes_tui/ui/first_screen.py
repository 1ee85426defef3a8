"""What is painted first, while all that fills the main screen is still being loaded.

Must not import torch, nor anything that reads a configuration or a story; few widgets, since each takes its time.
"""

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from sframes_tui.printable import one_line
from sframes_tui.ui.key_bar import KeyBar
from sframes_tui.ui.title_bar import TitleBar


class FirstScreen(Screen[None]):
    """The title, the keys, and what is being opened."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._document_name = name

    def compose(self) -> ComposeResult:
        yield TitleBar()
        yield Static(f"opening {one_line(self._document_name)} …", id="opening", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(TitleBar).show_document(self._document_name, changed=False)
