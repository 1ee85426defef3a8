"""The film strip: a chain's pictures in a row, small, the one that is looked at in the middle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from sframes_tui.ui.pictures.painting import Painting
from sframes_tui.ui.pictures.tiles import Face
from sframes_tui.ui.pictures.view import Canvas
from sframes_tui.ui.terminal.abilities import Protocol

ROWS, COLUMNS = 4, 9
"""Characters of a picture."""
KEPT = 300


class _Key(NamedTuple):
    path: object
    take: int


class FilmStrip(Widget):
    """Pictures in half blocks, each with a word under it."""

    DEFAULT_CSS = f"FilmStrip {{ height: {ROWS + 1}; width: 1fr; margin-top: 1; }}"

    @dataclass
    class Chosen(Message):
        """Somebody clicked on a picture."""

        number: int

    @dataclass
    class Painted(Message):
        """The shop has done a picture."""

        key: _Key
        result: Painting | str

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self._canvas = canvas
        self._faces: Sequence[Face] = ()
        self._first, self._current = 0, 0
        self._make: Callable[[int], Face] | None = None
        self._count = 0
        self._look_before: object = None
        self._paintings: dict[_Key, Painting | None] = {}

    def show(self, count: int, current: int, make: Callable[[int], Face]) -> None:
        """Shows as many of `count` faces as fit around the current one; `make` gives each."""
        self._count, self._current, self._make = count, current, make
        self._look()

    def on_resize(self) -> None:
        self._look()

    def _look(self) -> None:
        fitting = max(1, self.size.width // (COLUMNS + 1))
        first = max(0, min(self._current - fitting // 2, self._count - fitting))
        make = self._make
        shown = range(first, min(self._count, first + fitting))
        faces = [make(number) for number in shown] if make else []
        look = (faces, first, self._current)
        if look != self._look_before:
            self._look_before = look
            self._faces, self._first = faces, first
            self._order()
            self.refresh()

    def _order(self) -> None:
        """Has the pictures painted that were never wanted before."""
        if self._canvas.protocol == "off":
            return
        protocol: Protocol = "unicode" if self._canvas.protocol == "unicode" else "halfcell"
        space = self._canvas.space(COLUMNS, ROWS)._replace(protocol=protocol)
        for face in self._faces:
            if face.path is None or (key := _Key(face.path, face.take)) in self._paintings:
                continue
            self._paintings[key] = None
            self._canvas.shop.want_file((self, key), face.path, space, partial(self._deliver, key))
        while len(self._paintings) > KEPT:
            self._paintings.pop(next(iter(self._paintings)))

    def _deliver(self, key: _Key, result: Painting | str) -> None:
        """In the shop's thread."""
        self.post_message(self.Painted(key, result))

    def on_film_strip_painted(self, message: Painted) -> None:
        message.stop()
        if isinstance(message.result, Painting):
            self._paintings[message.key] = message.result
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        place = event.x // (COLUMNS + 1)
        if place < len(self._faces):
            self.post_message(self.Chosen(self._first + place))

    def render_line(self, y: int) -> Strip:
        background = self.visual_style.rich_style
        parts = [self._part(place, y, background) for place in range(len(self._faces))]
        gap = Strip([Segment(" ", background)], 1)
        joined = Strip.join([strip for part in parts for strip in (part, gap)])
        return joined.crop_extend(0, self.size.width, background)

    def _part(self, place: int, y: int, background: Style) -> Strip:
        face = self._faces[place]
        current = self._first + place == self._current
        if y == ROWS:
            words = f"{face.title} {face.status[:1]}"
            style = background + Style(bold=current, reverse=current, dim=not current)
            return _middle(Strip([Segment(words, style)]), style)
        painting = self._paintings.get(_Key(face.path, face.take)) if face.path else None
        if painting is None:
            return Strip([Segment("·" if y == 1 and not face.path else " ", background)]).crop_extend(
                0, COLUMNS, background
            )
        above = (ROWS - painting.rows) // 2
        inside = above <= y < above + painting.rows
        return _middle(painting.soft[y - above] if inside else Strip.blank(0), background)


def _middle(strip: Strip, style: Style) -> Strip:
    """In the middle of a picture's width."""
    left = max(0, (COLUMNS - strip.cell_length) // 2)
    return Strip.join([Strip.blank(left, style), strip]).crop_extend(0, COLUMNS, style)
