"""The pictures that frames start from: in memory while they are waited for, else read back. Must not import torch."""

from pathlib import Path

from PIL import Image

from sframes_tui.errors import DiskError
from sframes_tui.plan.plan import Frame, Plan
from sframes_tui.run.record.folder import Layout
from sframes_tui.run.record.stored_picture import read_stored


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

    def source(self, frame: Frame) -> int | None:
        """Number of the frame whose picture this one starts from; None where it starts from noise."""
        number = frame.base
        while number is not None and number in self._failed:
            number = self._plan.frames[number].base if self._rule == "last_good" else None
        return number

    def picture(self, number: int) -> Image.Image:
        """Exactly the picture that was saved. Raises `DiskError` where it went away meanwhile."""
        if number in self._pictures:
            return self._pictures[number]
        return read_picture(self._layout.picture(self._plan.frames[number]), self._size)

    def keep(self, number: int, picture: Image.Image) -> None:
        """Holds a picture that others wait for."""
        self._pictures[number] = picture

    def drop(self, number: int) -> None:
        """Lets a picture go that nobody waits for any longer: memory doesn't grow with the run."""
        self._pictures.pop(number, None)

    def fail(self, number: int) -> None:
        self._failed.add(number)

    def __len__(self) -> int:
        return len(self._pictures)


def read_picture(path: Path, size: tuple[int, int]) -> Image.Image:
    """A saved picture, whole, in RGB. Raises `DiskError`."""
    try:
        return read_stored(path, size)
    except OSError as error:
        what = f"{path}: can't be read, and others start from it: {error.strerror}"
        raise DiskError(f"{what}; take it away, and resume draws it again") from None
