"""From the command line to the screen and back: all that must be done before textual is loaded. No torch."""

import sys
from collections.abc import Callable
from pathlib import Path

from sframes_tui.engine.protocol import Engine
from sframes_tui.errors import UsageError
from sframes_tui.story.document import Document
from sframes_tui.story.draft import Draft

PATIENCE = 20.0
"""Seconds that a run which was told to stop may take before the program ends without it."""


def run_screen(target: Path | None, make_engine: Callable[[Draft], Engine], root: Path) -> int:
    """Opens a configuration file on the screen and returns the exit code.

    Raises `UsageError` where there is no terminal, and `ConfigError` for a file that can't be read.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the screen needs a terminal on stdin and stdout; without one, draw with --batch")
    document = Document.open(target) if target else Document.starting()
    from sframes_tui.ui.app import SFramesApp

    app = SFramesApp(document, make_engine, root)
    app.run()
    app.main.run_control.join(PATIENCE)
    return app.return_code or 0
