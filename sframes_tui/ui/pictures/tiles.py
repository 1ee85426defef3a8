"""Tiles: several pictures side by side, each with a title, as large as their place allows.

A page holds as many as are worth looking at; tiles are kept for the next page, since a new widget takes its time.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from sframes_tui.printable import one_line
from sframes_tui.ui.pictures.painting import Space, fit
from sframes_tui.ui.pictures.view import Canvas, PictureView

SMALLEST = (14, 5)
"""Characters of a tile's picture; where less is left there are pages."""

MOST_TILES = 24
"""On one page."""


class Face(NamedTuple):
    """What a tile shows: a file, else a few words."""

    title: str
    status: str = ""
    path: Path | None = None
    words: str = ""
    take: int = 0
    """Another number where the file was drawn again."""
    frame: int = -1


def arrange(count: int, space: Space, picture: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of tiles for `count` pictures of `picture` pixels, or for as many as are worth looking at."""
    for shown in range(min(count, MOST_TILES), 1, -1):
        best = max(range(1, shown + 1), key=lambda columns: _shown(shown, columns, space, picture))
        if _shown(shown, best, space, picture) > 0:
            return best, math.ceil(shown / best)
    return 1, 1


def _shown(count: int, columns: int, space: Space, picture: tuple[int, int]) -> float:
    """Characters that each picture covers; 0 where that is too few."""
    rows = math.ceil(count / columns)
    width, height = space.columns // columns - 1, space.rows // rows - 1
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return 0
    fitted = fit(picture, Space(width, height, space.cell, space.protocol))
    return fitted[0] * fitted[1]


class Tile(Vertical):
    """A title and a picture."""

    DEFAULT_CSS = """
    Tile { height: 1fr; width: 1fr; }
    Tile > Static { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; text-align: center; }
    Tile.-selected > Static { background: $primary; color: $text; text-style: bold; }
    """

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self.title = Static(markup=False)
        self.view = PictureView(canvas)
        self._face: Face | None = None

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.view

    def show(self, face: Face) -> None:
        """Shows another face; one like the last changes nothing."""
        before, self._face = self._face, face
        if before is None or before[:2] != face[:2]:
            self.title.update(Content(one_line(f"{face.title} {face.status}")), layout=False)
        if before is not None and before[2:] == face[2:]:
            return
        if face.path is not None:
            self.view.show_file(face.path)
        else:
            self.view.show_words(face.words)


class TileGrid(Container):
    """A page of tiles, one of them selected."""

    DEFAULT_CSS = "TileGrid { layout: grid; grid-gutter: 0 1; width: 1fr; height: 1fr; }"

    @dataclass
    class Chosen(Message):
        """Somebody clicked on a tile."""

        number: int

    def __init__(self, canvas: Canvas, picture: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self._canvas, self.picture = canvas, picture
        self._faces: Sequence[Face] = ()
        self._make: Callable[[int], Face] | None = None
        self._count, self._selected = 0, 0
        self._pool: list[Tile] = []
        self.columns, self.rows = 1, 1

    @property
    def first(self) -> int:
        """Number of the first tile of this page."""
        page = self.columns * self.rows
        return self._selected // page * page

    @property
    def shown(self) -> range:
        """Numbers of what this page shows."""
        return range(self.first, min(self._count, self.first + self.columns * self.rows))

    @property
    def tiles(self) -> list[Tile]:
        return [tile for tile in self._pool if tile.display]

    def show(self, count: int, selected: int, make: Callable[[int], Face]) -> None:
        """Shows those of `count` faces that stand on one page with the selected one; `make` gives each."""
        self._count, self._selected, self._make = count, max(0, min(selected, count - 1)), make
        self._lay_out()

    def preview(self, number: int, make: Callable[[], Image.Image]) -> None:
        """Shows what `make` gives in place of a tile's picture."""
        if number in self.shown and number - self.first < len(self.tiles):
            self.tiles[number - self.first].view.show_preview(make)

    def repaint(self) -> None:
        for tile in self.tiles:
            tile.view.repaint()

    def on_resize(self) -> None:
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        for number, tile in zip(self.shown, self.tiles, strict=False):
            if event.widget in (tile, tile.title, tile.view):
                self.post_message(self.Chosen(number))

    def _lay_out(self) -> None:
        if self._make is None or not self.size.area:
            return
        self.columns, self.rows = arrange(self._count, self._canvas.space(*self.size), self.picture)
        shape = (self.styles.grid_size_columns, self.styles.grid_size_rows)
        if shape != (self.columns, self.rows):
            self.styles.grid_size_columns, self.styles.grid_size_rows = self.columns, self.rows
        tiles = self._as_many(len(self.shown))
        for number, tile in zip(self.shown, tiles, strict=True):
            tile.show(self._make(number))
            tile.set_class(number == self._selected and self._count > 1, "-selected")

    def _as_many(self, count: int) -> list[Tile]:
        """So many tiles: those that there are, and new ones; superfluous ones are put away."""
        new = [Tile(self._canvas) for _ in range(count - len(self._pool))]
        self._pool += new
        if new:
            self.mount(*new)
        for place, tile in enumerate(self._pool):
            if tile.display != (place < count):
                tile.display = place < count
        return self._pool[:count]
