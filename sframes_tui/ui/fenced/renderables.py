"""textual-image's drawings, without its questions to the terminal.

The library asks the terminal when it is imported, with a time-out that a network is slower than, and leaves answers
behind as key presses; so its answers are set before.
"""

import importlib
import re
import threading
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import Any, NoReturn

from PIL import Image
from rich.console import Console
from rich.segment import Segment

from sframes_tui.ui.terminal.abilities import USUAL_CELL, CellSize

LARGEST_SIDE = 297
"""Characters: kitty numbers rows and columns by as many marks."""

_LOCK = threading.Lock()
"""The library keeps the size of a character in one place for all."""


def _set_cell(terminal: ModuleType, cell: CellSize) -> None:
    setattr(terminal.get_cell_size, "_result", terminal.CellSize(*cell))  # noqa: B010 -- there is no public way


@cache
def _renderables() -> tuple[ModuleType, ModuleType]:
    """The library's renderables and its knowledge of the terminal, imported without a question."""
    terminal = importlib.import_module("textual_image._terminal")

    def refuse(*_: object, **__: object) -> NoReturn:
        raise terminal.TerminalError("this program has asked by itself")

    _set_cell(terminal, USUAL_CELL)
    vars(terminal)["capture_terminal_response"] = refuse
    return importlib.import_module("textual_image.renderable"), terminal


def _draw(kind: str, picture: Image.Image, size: tuple[int, int], cell: CellSize, **options: Any) -> list[Segment]:
    """What the library's renderable `kind` yields for a picture of so many columns and rows."""
    console = Console(width=size[0], height=size[1], color_system="truecolor")
    with _LOCK:
        renderables, terminal = _renderables()
        _set_cell(terminal, cell)
        renderable = getattr(renderables, kind)(picture, *size, **options)
        drawn = renderable.__rich_console__(console, console.options.update_dimensions(*size))
        return [each for each in drawn if isinstance(each, Segment)]


def _lines(segments: Iterable[Segment]) -> list[list[Segment]]:
    lines = list(Segment.split_lines(segments))
    return [list(Segment.simplify(line)) for line in lines if line]


def half_blocks(picture: Image.Image, size: tuple[int, int], cell: CellSize) -> list[list[Segment]]:
    """A picture as `size` (columns, rows) of characters with two pixels each, as lines of segments."""
    return _lines(_draw("HalfcellImage", picture, size, cell))


def shades(picture: Image.Image, size: tuple[int, int], cell: CellSize) -> list[list[Segment]]:
    """A picture in grey characters."""
    return _lines(_draw("UnicodeImage", picture, size, cell))


def sixels(picture: Image.Image, size: tuple[int, int], cell: CellSize, colours: int) -> str:
    """The control sequence that draws a picture where the cursor is; at most 256 colours."""
    options = importlib.import_module("textual_image.renderable.sixel").SixelOptions(colors=colours)
    segments = _draw("SixelImage", picture, size, cell, sixel_options=options)
    data = next(segment.text for segment in segments if segment.text.startswith("\x1bP"))
    # xterm defines a colour without choosing it; and the step to the next band could scroll the screen.
    chosen = re.sub(r"#(\d+);2;(\d+);(\d+);(\d+)", r"#\1;2;\2;\3;\4#\1", data)
    return re.sub(r"-+\x1b\\\Z", "\x1b\\\\", chosen)


def placeholders(number: int, size: tuple[int, int]) -> list[list[Segment]]:
    """The characters in whose place kitty shows the picture that was sent with this number of 24 bits."""
    console = Console(width=size[0], height=size[1], color_system="truecolor")
    with _LOCK:
        renderables, _ = _renderables()
        renderable = renderables.TGPImage(Image.new("RGB", (size[0] * 2, size[1] * 4)), *size)
        renderable.terminal_image_id = number
        return _lines(renderable.__rich_console__(console, console.options.update_dimensions(*size)))
