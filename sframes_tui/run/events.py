"""What happens in a run, as one closed union: the contract between the loop and every front end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run folder exists and drawing is about to begin."""

    folder: Path
    frames: int
    steps: int
    """Denoising steps that are still to run: the whole plan's, without those of `kept`."""
    kept: tuple[int, ...] = ()
    """Frames whose pictures are there already."""


@dataclass(frozen=True, slots=True)
class RunPaused:
    """No frame is in hand, and none is begun until `RunResumed`."""

    reason: str


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A paused run goes on."""


@dataclass(frozen=True, slots=True)
class ModelLoadStarted:
    """The model is being loaded."""

    model: str


@dataclass(frozen=True, slots=True)
class ModelDownload:
    """The model comes over the network, once."""

    done: int
    """Bytes that are here."""
    total: int
    rate: float
    """Bytes a second."""


@dataclass(frozen=True, slots=True)
class ModelLoadCompleted:
    """The model is ready."""

    model: str
    device: str
    dtype: str
    engine: str
    seconds: float
    """How long it took; 0 where nobody knows any more."""
    card: str = ""
    """A GPU's UUID, where it is known."""
    kept: bool = False
    """Whether it was there already, since the run before was drawn with it."""


@dataclass(frozen=True, slots=True)
class ChapterStarted:
    """The first frame of a chapter is about to be drawn."""

    variant: int
    chapter: int
    title: str


@dataclass(frozen=True, slots=True)
class ChapterCompleted:
    """Every frame of a chapter is drawn, skipped or failed, and its grids are saved."""

    variant: int
    chapter: int
    grids: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class FrameStarted:
    """A frame is being drawn."""

    frame: int
    name: str
    """Its picture's file name without ending: style, chapter and prompt."""
    prompt: str
    steps: int
    """Denoising steps it will take."""


@dataclass(frozen=True, slots=True)
class FrameProgress:
    """A denoising step of a frame is done."""

    frame: int
    step: int
    steps: int
    preview: Callable[[], Image.Image] | None = field(default=None, compare=False, repr=False)
    """Makes a small picture of what the frame is going to look like: from any thread, when it is called."""


@dataclass(frozen=True, slots=True)
class FrameCompleted:
    """A frame's picture is on disk, whole."""

    frame: int
    path: Path
    seconds: float
    """From its admission to the engine to its file."""
    take: int = 0
    """Which drawing of this frame it is: 0 is the first."""


@dataclass(frozen=True, slots=True)
class FramesStale:
    """These have pictures, but of a base that was drawn again since."""

    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FramesKept:
    """These are stale no longer: their pictures count as they are."""

    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FrameSkipped:
    """A frame can't be drawn because its base wasn't."""

    frame: int
    name: str
    reason: str
    steps: int
    """Denoising steps that the plan had for it."""


@dataclass(frozen=True, slots=True)
class FrameFailed:
    """A frame gave no usable picture."""

    frame: int
    name: str
    reason: str
    steps: int
    """Denoising steps that the plan had for it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class RunCompleted:
    """Every frame was drawn, skipped or failed."""

    folder: Path
    drawn: int
    failed: int
    skipped: int
    seconds: float
    failures: tuple[str, ...] = ()
    """Names of the frames that failed, in the order of their failing; the first few."""


@dataclass(frozen=True, slots=True)
class RunCancelled:
    """Somebody stopped the run."""

    folder: Path | None
    """None where it was stopped before there was one."""
    drawn: int
    left: int


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run could not go on."""

    error: str


Event = (
    RunStarted
    | RunPaused
    | RunResumed
    | ModelLoadStarted
    | ModelDownload
    | ModelLoadCompleted
    | ChapterStarted
    | ChapterCompleted
    | FrameStarted
    | FrameProgress
    | FrameCompleted
    | FrameSkipped
    | FrameFailed
    | FramesStale
    | FramesKept
    | Notice
    | RunCompleted
    | RunCancelled
    | RunFailed
)

Emit = Callable[[Event], None]
"""Tells a front end; from any thread."""


@dataclass(frozen=True, slots=True)
class Control:
    """How a front end stops a run; set from any thread."""

    finish: threading.Event = field(default_factory=threading.Event)
    """Finish the frames in hand, then stop."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Stop within one denoising step; what is half drawn is lost."""
    pause: threading.Event = field(default_factory=threading.Event)
    """While it is set, the frames in hand are finished and no others begun; the other two still work."""
    rest: threading.Event = field(default_factory=threading.Event)
    """Give the device's memory back for the pause that the run is in."""
    begun: threading.Event = field(default_factory=threading.Event)
    """Set by the run when it begins to draw: before, nobody looks at the other two in time."""

    def is_ending(self) -> bool:
        return self.finish.is_set() or self.stop.is_set()
