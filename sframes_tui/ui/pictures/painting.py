"""A picture made into what a terminal is sent, in each of its ways. Slow: for a worker thread."""

import io
import itertools
from base64 import b64encode
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image
from rich.segment import Segment
from textual.strip import Strip

from sframes_tui.ui.fenced import renderables
from sframes_tui.ui.terminal.abilities import CellSize, Protocol

COLOURS, COLOURS_SLOW = 256, 64
"""Of a sixel picture; over a network fewer, which take half the bytes."""

CHUNK = 4096
"""Characters of one message of kitty's graphics protocol, at most."""

_numbers = itertools.count(0x5F_00_00)


@dataclass(frozen=True, eq=False)
class Painting:
    """A picture ready to be shown."""

    protocol: Protocol
    columns: int
    rows: int
    lines: list[Strip]
    """What stands in its characters: half blocks, shades, or kitty's placeholders; blank for sixel."""
    soft: list[Strip]
    """Half blocks, for where graphics can't be: under a dialogue, or half covered."""
    sixels: str = ""
    number: int = 0
    """By which kitty knows the picture."""
    messages: list[str] = field(default_factory=list)
    """What kitty is sent before it can show the placeholders."""

    @property
    def weight(self) -> int:
        """Bytes that showing it takes, roughly."""
        return len(self.sixels) + sum(map(len, self.messages)) + 38 * self.columns * self.rows


class Space(NamedTuple):
    """Where a picture is to be shown, and how."""

    columns: int
    rows: int
    cell: CellSize
    protocol: Protocol
    slow: bool = False


def fit(size: tuple[int, int], space: Space) -> tuple[int, int]:
    """The most columns and rows in which a picture of `size` pixels keeps its proportions."""
    most = renderables.LARGEST_SIDE
    columns, rows = min(space.columns, most), min(space.rows, most)
    scale = min(columns * space.cell.width / size[0], rows * space.cell.height / size[1])
    wide, high = size[0] * scale / space.cell.width, size[1] * scale / space.cell.height
    return min(columns, max(1, round(wide))), min(rows, max(1, round(high)))


def paint(picture: Image.Image, space: Space) -> Painting:
    """Scales an RGB picture to the space and encodes it."""
    size = fit(picture.size, space)
    soft = _strips(renderables.half_blocks(picture, size, space.cell))
    match space.protocol:
        case "sixel":
            colours = COLOURS_SLOW if space.slow else COLOURS
            sixels = renderables.sixels(_scaled(picture, size, space.cell), size, space.cell, colours)
            return Painting("sixel", *size, [Strip.blank(size[0])] * size[1], soft, sixels=sixels)
        case "kitty":
            number = next(_numbers)
            messages = _kitty_messages(_scaled(picture, size, space.cell), size, number, space.slow)
            lines = _strips(renderables.placeholders(number, size))
            return Painting("kitty", *size, lines, soft, number=number, messages=messages)
        case "unicode":
            lines = _strips(renderables.shades(picture, size, space.cell))
            return Painting("unicode", *size, lines, lines)
        case _:
            return Painting("halfcell", *size, soft, soft)


def _scaled(picture: Image.Image, size: tuple[int, int], cell: CellSize) -> Image.Image:
    pixels = (size[0] * cell.width, size[1] * cell.height)
    return picture if picture.size == pixels else picture.resize(pixels, Image.Resampling.LANCZOS)


def _strips(lines: list[list[Segment]]) -> list[Strip]:
    return [Strip(line) for line in lines]


def _kitty_messages(picture: Image.Image, size: tuple[int, int], number: int, slow: bool) -> list[str]:
    """The picture as a PNG in pieces, then its placement in so many columns and rows."""
    file = io.BytesIO()
    sent = picture.quantize(COLOURS, Image.Quantize.FASTOCTREE) if slow else picture
    sent.save(file, "PNG", compress_level=6 if slow else 2)
    data = b64encode(file.getvalue()).decode("ascii")
    pieces = [data[start : start + CHUNK] for start in range(0, len(data), CHUNK)]
    heads = [f"i={number},f=100,q=2," if place == 0 else "" for place in range(len(pieces))]
    more = [1] * (len(pieces) - 1) + [0]
    messages = [f"\x1b_G{head}m={m};{piece}\x1b\\" for head, m, piece in zip(heads, more, pieces, strict=True)]
    return [*messages, f"\x1b_Ga=p,i={number},c={size[0]},r={size[1]},U=1,q=2\x1b\\"]


def forget_message(number: int) -> str:
    """Lets kitty free a picture."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"
