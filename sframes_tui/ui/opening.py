"""What the screen is opened with, and what is painted first while all that fills the main screen is being loaded.

Few widgets, since each takes its time, and nothing that reads a configuration or a story.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from sframes_tui.printable import one_line
from sframes_tui.process.stray_output import NativeOutput
from sframes_tui.ui.bars import KeyBar, TitleBar
from sframes_tui.ui.terminal.abilities import Terminal

if TYPE_CHECKING:
    from sframes_tui.config.document import Document
    from sframes_tui.engine.protocol import EngineFactory, KeptModel
    from sframes_tui.run.events import Notice


@dataclass(frozen=True, slots=True)
class Opening:
    """What came from the command line and the terminal."""

    name: str
    """Of the file, for the title while it is being read."""
    load: "Callable[[], Document]"
    """Reads the document to edit, once the screen is painted; raises `SFramesError`."""
    make_engine: "EngineFactory"
    """Loads the model of a draft; raises `ModelError`."""
    root: Path
    """Where new run folders go."""
    folder: Path | None = None
    """A run folder to look at."""
    resume: bool = False
    """Whether that run is to go on, once what it lacks was shown; without a folder, whether one is to start."""
    terminal: Terminal | None = None
    protocol: str | None = None
    """How pictures are shown, in place of what the configuration says."""
    notify: str | None = None
    """Who is told how a run ended, in place of whom the configuration names."""
    native_output: NativeOutput | None = None
    told: "tuple[Notice, ...]" = ()
    """What the log begins with."""
    kept: "KeptModel | None" = None
    """What `make_engine` keeps from one run to the next; None where it keeps nothing."""


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
