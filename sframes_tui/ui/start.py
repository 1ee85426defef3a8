"""From the command line to the screen and back: all that must be done before textual is loaded. No torch."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from sframes_tui.engine.protocol import Engine
from sframes_tui.errors import UsageError
from sframes_tui.story.document import Document
from sframes_tui.story.draft import Draft
from sframes_tui.ui.native_output import NativeOutput, native_output
from sframes_tui.ui.python_output import python_output
from sframes_tui.ui.terminal import Terminal, find_terminal

PATIENCE = 20.0
"""Seconds that a run which was told to stop may take before the program ends without it."""


def run_screen(
    target: Path | None, make_engine: Callable[[Draft], Engine], root: Path, protocol: str | None = None
) -> int:
    """Opens a configuration file on the screen and returns the exit code; `protocol` goes before the file's own.

    Raises `UsageError` where there is no terminal, and `ConfigError` for a file that can't be read.
    """
    if not (os.isatty(0) and os.isatty(1)):
        raise UsageError("the screen needs a terminal on stdin and stdout; without one, draw with --batch")
    document = Document.open(target) if target else Document.starting()
    terminal = find_terminal()
    if terminal.colours:
        # textual reads it when it is loaded.
        os.environ["TEXTUAL_COLOR_SYSTEM"] = terminal.colours
    with native_output() as output:
        return _run(document, make_engine, root, output, terminal, protocol)


def _run(
    document: Document,
    make_engine: Callable[[Draft], Engine],
    root: Path,
    output: NativeOutput,
    terminal: Terminal,
    protocol: str | None,
) -> int:
    from sframes_tui.ui.app import SFramesApp
    from sframes_tui.ui.terminal_input import drop_late_answers

    if terminal.may_answer_late:
        drop_late_answers()
    app = SFramesApp(
        document,
        make_engine,
        root,
        few_colours=terminal.few_colours,
        native_output=output,
        terminal=terminal,
        protocol=protocol,
    )
    with python_output(app.tell):
        app.run()
    if not app.main.session.control.join(0.5):
        print("stopping the run ...", file=sys.__stderr__, flush=True)
        app.main.session.control.join(PATIENCE)
    return app.return_code or 0
