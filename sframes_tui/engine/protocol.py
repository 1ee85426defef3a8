"""What the loop asks of an engine; the loop and front ends know engines by this file alone.

A job says apart what a frame is drawn from, its start, and what it is to show, its look. An engine takes both as they
are to the part of it that draws them: one more kind of start, or one more thing of a look, is told here and read there.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from PIL import Image

from sframes_tui.model.sampling import Sampling

if TYPE_CHECKING:
    from sframes_tui.model.source import ModelSource
    from sframes_tui.plan.draft import Draft


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt as the model will read it."""

    text: str
    """What is sent to the model."""
    lost: str = ""
    """The words that the text encoders' windows leave no room for; empty when everything fits."""


@dataclass(frozen=True, slots=True)
class FromNoise:
    """Text-to-image."""


@dataclass(frozen=True, slots=True)
class FromPicture:
    """Img2img: the picture is noised, and a part of the schedule is run."""

    picture: Image.Image
    """RGB, exactly as saved."""
    strength: float
    """0 to 1; where it leaves no step to run, the frame is this picture."""


Start = FromNoise | FromPicture
"""What a frame is drawn from. A model that can't go on from a picture draws from noise in its place."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a frame is to show, as far as frames of one run differ in it."""

    prompt: str
    """As it is sent to the model, with the style's words."""


@dataclass(frozen=True, slots=True)
class Job:
    """One frame to draw."""

    frame: int
    """The frame's index in the plan."""
    seed: int
    """32 bits, for a CPU generator of the frame's own."""
    look: Look
    start: Start = FromNoise()
    chain: int = 0
    """Number of the frame's chain in the plan."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A frame has run `step` of `steps` denoising steps."""

    frame: int
    step: int
    steps: int
    preview: Callable[[], Image.Image] | None = field(default=None, compare=False, repr=False)
    """Makes a small RGB picture of what the frame is going to look like, when it is called and not before; from any
    thread, at any time. None where the engine or the model has none."""


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished, finite, not all-black RGB picture."""

    frame: int
    picture: Image.Image


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A frame that gave no usable picture."""

    frame: int
    reason: str
    by_chance: bool = False
    """NaN or black: another seed may give a usable one."""


@dataclass(frozen=True, slots=True)
class Blocked(Spoiled):
    """A frame that the model's own safety checker blacked out: never saved, never a base, never tried again."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that a person should know of how the engine goes on, such as with less memory."""

    text: str


Outcome = Drawn | Spoiled | Remark


@dataclass(frozen=True, slots=True)
class Facts:
    """What a loaded model turned out to be."""

    model: str
    pipeline: str
    """Class name of the text-to-image pipeline."""
    sampling: Sampling
    width: int
    """Pixels of a picture, as asked for or the model's own."""
    height: int
    device: str
    dtype: str
    hardware: str
    """What the device is, with the number of threads where that is a CPU's: calls take as long on the same one."""
    engine: str
    """Which engine draws, for people: "reference"."""
    variant: str | None = None
    """Of the model's weight files that were loaded."""
    scheduler_settings: Mapping[str, Any] = field(default_factory=dict)
    """JSON data: the settings of the scheduler in use, or a hash of them where they are long."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Options that the engine had to change while it draws, such as `vae_tiling` where memory ran out."""
    notices: tuple[str, ...] = ()
    """What the model can't do that the configuration asks for, one sentence each."""
    kept: bool = False
    """Whether the model was there already, loaded for an engine before."""
    card: str = ""
    """A GPU's UUID, by which its driver's tools know it; empty where nothing is known, as of a CPU."""
    libraries: tuple[tuple[str, str], ...] = ()
    """Names and versions of what computes on a GPU beside torch: CUDA, cuDNN and the driver."""
    vae_dtype: str = ""
    """The VAE's own number format; empty where there is no VAE, and in what was told before it had one of its own."""


class Engine(Protocol):
    """Draws frames, up to `capacity` at a time.

    The loop admits frames whose bases exist and calls `advance` until their outcomes come back. Any number of
    admitted frames may be in flight; an engine that draws one picture at a time has a capacity of 1.
    """

    @property
    def facts(self) -> Facts: ...

    def probe(self) -> str | None:
        """Takes one step of a picture that is thrown away, before the first frame is admitted.

        Returns what a person should know of it; raises `ModelError` where no frame can be drawn. No frame comes out
        otherwise for it.
        """
        ...

    @property
    def capacity(self) -> int:
        """How many frames it takes at once, at least 1; may shrink while it draws."""
        ...

    @property
    def max_rows(self) -> int:
        """The most that `use_rows` takes."""
        ...

    def call_seconds(self, rows: int) -> float:
        """Seconds of one denoising call with so many frames; infinite if they don't fit into memory."""
        ...

    def use_rows(self, rows: int) -> None:
        """Sets `capacity`, before the first frame is admitted: `RuntimeError` after that, `ValueError` if too many."""
        ...

    @property
    def stepwise(self) -> bool:
        """Every frame in flight goes one step at each `advance`; otherwise those that begin alike go all theirs."""
        ...

    @property
    def pinned(self) -> bool:
        """Every chain is drawn in the slot `chain % capacity`, so that no frame depends on its neighbours."""
        ...

    def has_room(self, slot: int) -> bool:
        """Whether a frame may be admitted now: into that slot if the engine is pinned, anywhere if not.

        Slots are numbered by the capacity that the drawing began with, also where it shrank since.
        """
        ...

    def fit(self, prompts: Sequence[str], style: str) -> list[Fitted]:
        """Each prompt joined with its style (`"{prompt} {style}"`, stripped), fitted into every encoder's window."""
        ...

    def admit(self, job: Job) -> None:
        """Takes a frame in; its drawing begins with the next `advance`."""
        ...

    def advance(self, report: Report, cancelled: threading.Event) -> list[Outcome]:
        """Does some work on what was admitted and returns what is finished, possibly nothing yet.

        Returns within one denoising step of `cancelled` being set; the half-made pictures are discarded then and
        appear in no outcome. Errors of single frames are outcomes, not exceptions.
        """
        ...

    def rest(self) -> bool:
        """Gives the device's memory back until `wake`, with no frame in flight; whether it has memory of its own."""
        ...

    def wake(self) -> None:
        """Takes the memory again after `rest`; raises `ModelError` where there is no room for that now."""
        ...

    def close(self) -> None:
        """Lets go of the model, which is freed unless somebody keeps it."""
        ...


EngineFactory = Callable[["Draft"], Engine]
"""Loads a draft's model, with all that implies of time, memory and `ModelError`."""


class KeptModel(Protocol):
    """The last loaded model, kept since the next engine may want the same; two are never in memory."""

    @property
    def facts(self) -> Facts | None:
        """What it turned out to be for its last engine; None where none is kept."""
        ...

    def prepare(self, source: "ModelSource") -> Iterator[object]:
        """Imports what loading a model will need, piece by piece; loads nothing."""
        ...

    def let_go(self) -> None:
        """Frees it, once its last engine is closed; it is loaded again when it is wanted. Waits while one is loaded."""
        ...
