"""What the screen is opened with. Must not import torch or textual, nor what reads stories: it is there first."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sframes_tui.ui.terminal.native_output import NativeOutput
from sframes_tui.ui.terminal.terminal import Terminal

if TYPE_CHECKING:
    from sframes_tui.config.document import Document
    from sframes_tui.engine.protocol import Engine, KeptModel
    from sframes_tui.plan.draft import Draft
    from sframes_tui.run.events import Notice


@dataclass(frozen=True, slots=True)
class Opening:
    """What came from the command line and the terminal."""

    name: str
    """Of the file, for the title while it is being read."""
    load: "Callable[[], Document]"
    """Reads the document to edit, once the screen is painted; raises `SFramesError`."""
    make_engine: "Callable[[Draft], Engine]"
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
