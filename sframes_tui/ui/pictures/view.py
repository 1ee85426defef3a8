"""One picture on the screen; the shop reads and encodes it.

Textual writes text; a sixel is drawn over blank text by a control sequence behind the picture's last line. Where
that can't be whole (a dialogue is open, or something covers a part) half blocks stand in for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.app import RenderResult
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from sframes_tui.printable import one_line
from sframes_tui.ui.pictures.painting import Painting, Space
from sframes_tui.ui.pictures.sender import HEAVY, QUIET_SECONDS, Sender, is_typing
from sframes_tui.ui.pictures.shop import PaintShop
from sframes_tui.ui.terminal.abilities import CellSize, Protocol, Terminal, current_cell

CONTROL = ((ControlType.CURSOR_FORWARD, 0),)
"""Tells Rich that a segment takes no room."""

SMALL_PREVIEW = (24, 11)
"""Characters of a preview over a network: about 10 KB."""


@dataclass
class Canvas:
    """What all views of one screen share."""

    shop: PaintShop
    sender: Sender
    terminal: Terminal
    protocol: Protocol

    def space(self, columns: int, rows: int) -> Space:
        return Space(columns, rows, self.cell, self.protocol, self.terminal.slow)

    @property
    def cell(self) -> CellSize:
        return current_cell(self.terminal)


class PictureView(Widget):
    """Shows a file, a preview, or a few words."""

    DEFAULT_CSS = "PictureView { width: 1fr; height: 1fr; }"

    @dataclass
    class Painted(Message):
        """The shop has done what was wanted."""

        wish: int
        result: Painting | str

    def __init__(self, canvas: Canvas, words: str = "") -> None:
        super().__init__()
        self._canvas, self._words = canvas, words
        self._path: Path | None = None
        self._painting: Painting | None = None
        self._wish = 0
        self._covered = False
        self._waiting: Timer | None = None

    @property
    def painting(self) -> Painting | None:
        """What is shown now, if it is a picture."""
        return self._painting

    def show_words(self, words: str) -> None:
        """A few words in the middle instead of a picture."""
        self._path = None
        self._put_words(words)

    def _put_words(self, words: str) -> None:
        self._stop_waiting()
        self._wish += 1
        if (words, None) != (self._words, self._painting):
            self._words, self._painting = words, None
            self.refresh()

    def show_file(self, path: Path) -> None:
        """The picture at `path` as well as the terminal can; what was shown before stays until it is ready."""
        self._stop_waiting()
        self._path = path
        if self._canvas.protocol == "off":
            self._put_words("pictures are off")
        elif self.size.area:
            self._wish += 1
            wish = self._wish
            space = self._canvas.space(*self.size)
            self._canvas.shop.want_file(self, path, space, lambda result: self._deliver(wish, result))

    def show_made(self, make: Callable[[], Image.Image]) -> None:
        """The picture that `make` gives, as well as the terminal can."""
        self._order_made(make, self._canvas.space(*self.size))

    def show_preview(self, make: Callable[[], Image.Image]) -> None:
        """What a picture is going to look like, in half blocks."""
        columns, rows = self.size
        if self._canvas.terminal.slow:
            columns, rows = min(columns, SMALL_PREVIEW[0]), min(rows, SMALL_PREVIEW[1])
        protocol: Protocol = "unicode" if self._canvas.protocol == "unicode" else "halfcell"
        if self._canvas.protocol != "off":
            self._order_made(make, Space(columns, rows, self._canvas.cell, protocol))

    def _order_made(self, make: Callable[[], Image.Image], space: Space) -> None:
        self._stop_waiting()
        self._path = None
        self._wish += 1
        wish = self._wish
        if space.columns and space.rows:
            self._canvas.shop.want_preview(self, make, space, lambda result: self._deliver(wish, result))

    def _deliver(self, wish: int, result: Painting | str) -> None:
        """In the shop's thread."""
        self.post_message(self.Painted(wish, result))

    def on_picture_view_painted(self, message: Painted) -> None:
        message.stop()
        if message.wish != self._wish:
            return
        if isinstance(message.result, str):
            self._painting, self._words = None, message.result
            self.refresh()
        else:
            self._hang(message.result)

    def _hang(self, painting: Painting) -> None:
        """Shows a painting now, or once nobody types, or once the terminal has it."""
        if self._must_wait(painting):
            self._waiting = self.set_timer(QUIET_SECONDS, lambda: self._hang(painting))
        elif not self._canvas.sender.has(painting):
            self._canvas.sender.send(painting, lambda: self._put(painting))
        else:
            self._put(painting)

    def _must_wait(self, painting: Painting) -> bool:
        return self._canvas.terminal.slow and painting.weight >= HEAVY and is_typing(self.app)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None

    def _put(self, painting: Painting) -> None:
        if self.is_attached and (painting is not self._painting or painting.messages):
            self._painting = painting
            self.refresh()

    def repaint(self) -> None:
        """Paints anew, as for another protocol or size."""
        if self._path is not None:
            self.show_file(self._path)

    def on_resize(self) -> None:
        self.repaint()

    def on_unmount(self) -> None:
        self._stop_waiting()
        self._canvas.shop.forget(self)

    def render(self) -> RenderResult:
        return ""

    def render_lines(self, crop: Region) -> list[Strip]:
        lines = self._lines(crop)
        return [line.crop_extend(crop.x, crop.right, self._blank) for line in lines[crop.y : crop.bottom]]

    @property
    def _blank(self) -> Style:
        return Style(bgcolor=self.background_colors[1].rich_color)

    def _lines(self, crop: Region) -> list[Strip]:
        """All lines of this widget."""
        painting = self._painting
        if painting is None or painting.columns > self.size.width or painting.rows > self.size.height:
            return self._centred([self._worded()] if painting is None else [])
        if painting.protocol not in ("sixel", "kitty"):
            return self._centred(painting.lines)
        if not self._graphics_fit(crop) or not self._canvas.sender.has(painting):
            return self._centred(painting.soft)
        return self._centred(painting.lines if painting.protocol == "kitty" else self._with_sixels(painting))

    def _worded(self) -> Strip:
        style = Style(color=self.visual_style.foreground.rich_color if self.visual_style.foreground else None, dim=True)
        words = Strip([Segment(one_line(self._words), style + self._blank)])
        return words.crop(0, self.size.width)

    def _centred(self, lines: list[Strip]) -> list[Strip]:
        width, height = self.size
        blank = Strip.blank(width, self._blank)
        above = max(0, (height - len(lines)) // 2)
        middle = [self._padded(line) for line in lines]
        return [*[blank] * above, *middle, *[blank] * max(0, height - above - len(middle))]

    def _padded(self, line: Strip) -> Strip:
        """A line in the middle; a control segment at its end stays there, where no cut takes it off."""
        left = (self.size.width - line.cell_length) // 2
        right = self.size.width - line.cell_length - left
        text = [segment for segment in line if not segment.control]
        control = [segment for segment in line if segment.control]
        pads = [Segment(" " * left, self._blank)], [Segment(" " * right, self._blank)]
        return Strip([*pads[0], *text, *pads[1], *control], self.size.width)

    def _with_sixels(self, painting: Painting) -> list[Strip]:
        """Blank lines, the last with the picture: drawn from its upper left corner, the cursor put back after it."""
        region = self.region
        x = region.x + (region.width - painting.columns) // 2
        y = region.y + (region.height - painting.rows) // 2
        blank = Segment(" " * painting.columns, self._blank)
        drawing = Segment(f"\x1b7\x1b[{y + 1};{x + 1}H{painting.sixels}\x1b8", None, CONTROL)
        lines = [Strip([blank], painting.columns)] * (painting.rows - 1)
        return [*lines, Strip([blank, drawing], painting.columns)]

    def _graphics_fit(self, crop: Region) -> bool:
        """Whether the whole picture is in sight."""
        if self.app.screen is not self.screen or crop.size != self.size:
            return False
        covered = self._is_covered()
        if self._covered and not covered:
            # What lay on top may have stood on lines that don't bring the picture back.
            self.call_later(self.refresh)
        self._covered = covered
        return not covered

    def _is_covered(self) -> bool:
        """Whether something lies on top, such as a notification: nothing is smaller than 4 x 2 characters."""
        region = self.region
        columns = {*range(region.x, region.right, 4), region.right - 1}
        rows = {*range(region.y, region.bottom, 2), region.bottom - 1}
        screen = self.screen
        return any(screen.get_widget_at(x, y)[0] is not self for y in rows for x in columns)
