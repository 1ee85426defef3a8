"""What the screen is opened with. Must not import torch or textual."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sframes_tui.engine.protocol import Engine
from sframes_tui.story.document import Document
from sframes_tui.story.draft import Draft
from sframes_tui.ui.native_output import NativeOutput
from sframes_tui.ui.terminal import Terminal

MakeEngine = Callable[[Draft], Engine]
"""Loads the model of a draft; raises `ModelError`."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A document to edit, and what came from the command line and the terminal."""

    document: Document
    make_engine: MakeEngine
    root: Path
    """Where run folders go."""
    terminal: Terminal | None = None
    protocol: str | None = None
    """How pictures are shown, in place of what the configuration says."""
    notify: str | None = None
    """Who is told how a run ended, in place of whom the configuration names."""
    native_output: NativeOutput | None = None
