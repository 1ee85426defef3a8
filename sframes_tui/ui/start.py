"""From the command line to the screen and back: all that must be done before textual is loaded. No torch."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sframes_tui.errors import UsageError
from sframes_tui.process.knobs import quick_switches, signals_kept, variable
from sframes_tui.process.stray_output import native_output, python_output
from sframes_tui.process.workers import UnawaitedThreads
from sframes_tui.run.beside.hangup import guard
from sframes_tui.ui.terminal.abilities import find_terminal

if TYPE_CHECKING:
    from sframes_tui.config.document import Document
    from sframes_tui.config.file import Override
    from sframes_tui.engine.protocol import Engine, KeptModel
    from sframes_tui.plan.draft import Draft
    from sframes_tui.run.events import Notice
    from sframes_tui.ui.opening import Opening

RUN_CONFIG = "run.toml"
TEXTUALS_SIGNALS = (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH, signal.SIGTTIN, signal.SIGTTOU)
PATIENCE = 20.0
"""Seconds that a run which was told to stop may take before the program ends without it."""


def run_screen(
    target: Path | None,
    make_engine: Callable[["Draft"], "Engine"],
    root: Path,
    *,
    overrides: "Sequence[Override]" = (),
    protocol: str | None = None,
    notify: str | None = None,
    resume: bool = False,
    told: "Sequence[Notice]" = (),
    kept: "KeptModel | None" = None,
) -> int:
    """Opens a configuration file or a run folder on the screen and returns the exit code.

    `overrides` are put over the file's values, `protocol` and `notify` go before what it says of them; `resume`: a run
    folder's run is to go on, a configuration's to start; `told` is what the log begins with; `kept`: the model that
    `make_engine` keeps between runs. Raises `UsageError` where there is no terminal, and `ConfigError` for a
    file that can't be read.
    """
    if not (os.isatty(0) and os.isatty(1)):
        raise UsageError("the screen needs a terminal on stdin and stdout; without one, draw with --batch")
    terminal = find_terminal()
    # Textual reads it when it is loaded.
    colours = variable("TEXTUAL_COLOR_SYSTEM", terminal.colours) if terminal.colours else nullcontext()
    threads = UnawaitedThreads()
    with colours, native_output() as output:
        from sframes_tui.ui.opening import Opening  # with it comes textual

        load, name = partial(_document, target, overrides), target.name if target else "a new story"
        folder = target if target and target.is_dir() else None
        shown = terminal, protocol, notify, output, tuple(told), kept
        code = _run(Opening(name, load, make_engine, root, folder, resume, *shown), threads)
    threads.end_without(code)
    return code


def _document(target: Path | None, overrides: Sequence["Override"]) -> "Document":
    from sframes_tui.config.document import Document

    if target is None:
        return Document.starting()
    if target.is_dir() and not (target / RUN_CONFIG).is_file():
        raise UsageError(f"{target}: no run folder, since it has no {RUN_CONFIG}; name one of those below output/")
    return Document.open(target / RUN_CONFIG if target.is_dir() else target, tuple(overrides))


def _run(opening: "Opening", threads: UnawaitedThreads) -> int:
    from sframes_tui.ui.app import SFramesApp
    from sframes_tui.ui.fenced.input import guarded_input

    late = opening.terminal is not None and opening.terminal.may_answer_late
    app = SFramesApp(opening)
    app.threads = threads
    leaving, textuals = guard(app.let_go, lambda: app.underway), signals_kept(*TEXTUALS_SIGNALS)
    with leaving as ending, textuals, guarded_input(late), python_output(app.tell), quick_switches():
        app.run()
        if app.main is not None:
            app.main.session.mailbox.close()
    if app.fault is not None:
        raise app.fault
    if app.main is not None and not app.main.session.join(0.5):
        print("stopping the run ...", file=sys.__stderr__, flush=True)
        app.main.session.join(PATIENCE)
    if opening.kept is not None and not (app.main and app.main.session.drawing):
        opening.kept.let_go()
    return app.return_code or 0 if ending.exit_code is None else ending.exit_code
