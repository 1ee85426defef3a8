"""One thread that reads, scales and encodes pictures, so that the screen's thread never does.

Of several wishes for the same place the newest wins. What was made is kept for a while. A file may be gone, half
written, broken, huge, or no file at all: then a sentence is delivered.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from PIL import Image

from sframes_tui.errors import SFramesError, message_of
from sframes_tui.run.record.stored_picture import read_stored
from sframes_tui.ui.pictures.painting import Painting, Space, paint

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Delivery = Callable[[Painting | str], None]
"""Takes a painting, or the sentence that says why there is none; called in the shop's thread."""

KEPT_PICTURES, KEPT_PAINTINGS = 24, 96
KEPT_SIDE = 2048
"""Pixels; more than any terminal shows."""


class PictureError(SFramesError):
    """A picture can't be shown."""


class Recent(Generic[Key, Value]):
    """The `limit` values that were used last."""

    def __init__(self, limit: int) -> None:
        self._limit, self._values = limit, OrderedDict[Key, Value]()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)
        return self._values[key]


class PaintShop:
    """Makes paintings in the order in which their places were first named."""

    def __init__(self) -> None:
        self._wishes: OrderedDict[Hashable, tuple[Callable[[], Painting], Delivery]] = OrderedDict()
        self._changed = threading.Condition()
        self._open = True
        self._thread: threading.Thread | None = None
        self._pictures: Recent[Hashable, Image.Image] = Recent(KEPT_PICTURES)
        self._paintings: Recent[Hashable, Painting] = Recent(KEPT_PAINTINGS)

    def want_file(self, place: Hashable, path: Path, space: Space, deliver: Delivery) -> None:
        """The picture at `path`, painted for `space`."""
        self._want(place, lambda: self._painted_file(path, space), deliver)

    def want_preview(self, place: Hashable, make: Callable[[], Image.Image], space: Space, deliver: Delivery) -> None:
        """What `make` gives, painted for `space` and not kept."""
        self._want(place, lambda: paint(make().convert("RGB"), space), deliver)

    def forget(self, place: Hashable) -> None:
        """Nothing is wanted there any more."""
        with self._changed:
            self._wishes.pop(place, None)

    def close(self) -> None:
        """Ends the thread after what it has in hand; nothing is delivered any more."""
        with self._changed:
            self._open = False
            self._wishes.clear()
            self._changed.notify()

    def _want(self, place: Hashable, work: Callable[[], Painting], deliver: Delivery) -> None:
        with self._changed:
            self._wishes[place] = (work, deliver)
            self._changed.notify()
        if self._thread is None:
            # A daemon: a file server that hangs must not keep the program from ending.
            self._thread = threading.Thread(target=self._serve, name="pictures", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wishes or not self._open)
                if not self._open:
                    return
                _, (work, deliver) = self._wishes.popitem(last=False)
            deliver(_attempt(work))

    def _painted_file(self, path: Path, space: Space) -> Painting:
        mark = file_mark(path)

        def make() -> Painting:
            return paint(self._pictures.get(mark, lambda: read_picture(path)), space)

        return self._paintings.get((mark, space), make)


def read_picture(path: Path) -> Image.Image:
    """The whole picture as RGB, at most `KEPT_SIDE` wide and high; raises `PictureError`."""
    try:
        picture = read_stored(path)
    except FileNotFoundError:
        raise PictureError("the file is gone") from None
    except OSError as error:
        raise PictureError(f"can't be shown: {error.strerror}") from None
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE))
    return picture


def file_mark(path: Path) -> tuple[str, int, int]:
    """Changes when the file does; raises `PictureError` where it is gone."""
    try:
        status = path.stat()
    except OSError:
        raise PictureError("the file is gone") from None
    return str(path), status.st_mtime_ns, status.st_size


def _attempt(work: Callable[[], Painting]) -> Painting | str:
    """A picture that can't be shown is a sentence, whatever is wrong with it."""
    try:
        return work()
    except PictureError as error:
        return str(error)
    except SFramesError as error:
        return message_of(error)
    except Exception as error:  # Previews are made by engines, and paintings by a library.
        return f"can't be shown: {message_of(error)}"
