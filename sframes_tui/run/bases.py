"""What a frame is drawn from: which picture, that picture itself, and the engine's job that says so.

Pictures are in memory while others wait for them, else they are read back: memory doesn't grow with the run.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sframes_tui.engine.protocol import FromNoise, FromPicture, Job, Look, Start
from sframes_tui.errors import DiskError
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.record.folder import Layout
from sframes_tui.run.record.stored_picture import read_stored


@dataclass(frozen=True, slots=True)
class Admitted:
    """A frame that the engine has."""

    frame: Frame
    """As it is really drawn: from the picture that takes the place of a failed one."""
    base: Image.Image | None
    started: float
    """`time.monotonic()`."""

    def job(self, plan: Plan, sent: str, attempt: int) -> Job:
        """What the engine is asked; `sent` is the prompt as the model reads it, every attempt has its own seed."""
        frame = self.frame
        seed = plan.frame_seed(frame, attempt)
        return Job(frame.number, seed, Look(sent), start_of(frame, self.base), plan.chains[frame.number])

    @property
    def carried_over(self) -> Image.Image | None:
        """The frame's picture, where no step makes another of its base."""
        return self.base if self.frame.link == "carried" else None


def start_of(frame: Frame, base: Image.Image | None) -> Start:
    """What an engine draws a frame from; `base` is its base's picture."""
    if frame.link == "noise":
        return FromNoise()
    assert base is not None, "a picture to go on from"
    assert frame.strength is not None, "a strength to go on with"
    return FromPicture(base, frame.strength)


class Bases:
    """Which picture a frame starts from, under the rule for failed ones, and that picture."""

    def __init__(self, plan: Plan, layout: Layout, size: tuple[int, int]) -> None:
        """`size`: of every picture, (width, height)."""
        self._plan, self._layout, self._size = plan, layout, size
        self._rule = plan.config.generation_config.on_failed_base
        self._pictures: dict[int, Image.Image] = {}
        self._failed: set[int] = set()

    @property
    def survive(self) -> bool:
        """Whether frames are drawn although their base failed."""
        return self._rule != "stop"

    def admitted(self, frame: Frame) -> Admitted:
        """The frame with the picture that it starts from now. Raises `DiskError` where that went away."""
        source = self._source(frame)
        if source is None:
            return Admitted(self._plan.from_noise(frame), None, time.monotonic())
        return Admitted(frame._replace(base=source), self._picture(source), time.monotonic())

    def _source(self, frame: Frame) -> int | None:
        """Number of the frame whose picture this one starts from; None where it starts from noise."""
        number = frame.base
        while number is not None and number in self._failed:
            number = self._plan.frames[number].base if self._rule == "last_good" else None
        return number

    def _picture(self, number: int) -> Image.Image:
        """Exactly the picture that was saved."""
        if number in self._pictures:
            return self._pictures[number]
        return _read_base(self._layout.picture(self._plan.frames[number]), self._size)

    def keep(self, number: int, picture: Image.Image) -> None:
        """Holds a picture that others wait for."""
        self._pictures[number] = picture

    def drop(self, number: int) -> None:
        """Lets a picture go that nobody waits for any longer."""
        self._pictures.pop(number, None)

    def fail(self, number: int) -> None:
        self._failed.add(number)

    def __len__(self) -> int:
        return len(self._pictures)


def _read_base(path: Path, size: tuple[int, int]) -> Image.Image:
    try:
        return read_stored(path, size)
    except OSError as error:
        what = f"{path}: can't be read, and others start from it: {error.strerror}"
        raise DiskError(f"{what}; take it away, and resume draws it again") from None
