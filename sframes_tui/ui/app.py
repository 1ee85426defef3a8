"""The application: it opens what it was given and is left again. Must not import torch before the first paint."""

import sys
from pathlib import Path

from textual.app import App

from sframes_tui.errors import UsageError
from sframes_tui.story.document import Document
from sframes_tui.ui.commands import bindings
from sframes_tui.ui.main_screen import MainScreen
from sframes_tui.ui.run_control import MakeEngine


class SFramesApp(App[None]):
    """The whole screen."""

    CSS_PATH = "app.tcss"
    TITLE = "S-Frames"
    BINDINGS = bindings("app")
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(self, document: Document, make_engine: MakeEngine, root: Path) -> None:
        super().__init__()
        self.main = MainScreen(document, make_engine, root)

    def on_mount(self) -> None:
        self.push_screen(self.main)

    def action_leave(self) -> None:
        self.main.run_control.stop()
        self.exit()

    def action_help(self) -> None:
        self.action_show_help_panel()


def run_screen(target: Path, make_engine: MakeEngine, root: Path) -> int:
    """Opens a configuration file on the screen and returns the exit code; `UsageError` where there is no terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the screen needs a terminal on stdin and stdout; draw without one with --batch")
    app = SFramesApp(Document.open(target), make_engine, root)
    app.run()
    app.main.run_control.join()
    return app.return_code or 0
