"""The canvas that every scene is drawn on: one layer of colour, one of ink, and a list of lights.

Shapes are drawn once and land on both layers: flat colour on one, a thick outline on the other, so that the
styles can later choose between them (a line drawing is all ink, a photograph all colour, neon is ink that
glows). This module knows shapes and light; it doesn't know what a house is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE = 128
"""Side of a finished picture in pixels."""
SCALE = 2
"""Shapes are drawn this many times larger, then averaged down."""
INK_WIDTH = 5
"""Width of an outline in pixels of the large canvas."""

Point = tuple[float, float]
Colour = tuple[int, int, int]
Pixels = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Glow:
    """A round light: centre and radius in widths of the picture, colour, and its strength in 0..1."""

    x: float
    y: float
    radius: float
    colour: Colour
    strength: float


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """The colour that lies `share` of the way from a to b."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


@dataclass
class Canvas:
    """Colour (RGB) and ink (grey, 0 is a line) of one scene under one ambient light, x and y in 0..1, y
    down.
    """

    ambient: tuple[float, float, float] = (1.0, 1.0, 1.0)
    glows: list[Glow] = field(default_factory=list)

    def __post_init__(self) -> None:
        side = SIZE * SCALE
        self.colour = Image.new("RGB", (side, side))
        self.ink = Image.new("L", (side, side), 255)
        self._colour = ImageDraw.Draw(self.colour)
        self._ink = ImageDraw.Draw(self.ink)

    def under_light(self, colour: Colour) -> Colour:
        """What a surface of this colour looks like in the scene's ambient light."""
        red, green, blue = (min(255, round(c * a)) for c, a in zip(colour, self.ambient, strict=True))
        return (red, green, blue)

    def polygon(self, points: Iterable[Point], colour: Colour, *, lit: bool = False, line: bool = True) -> None:
        """Fill a polygon; `lit` surfaces shine by themselves, `line=False` leaves the outline away."""
        corners = [self._pixel(p) for p in points]
        self._colour.polygon(corners, fill=colour if lit else self.under_light(colour))
        self._ink.polygon(corners, fill=255)
        if line:
            self._ink.line([*corners, corners[0]], fill=0, width=INK_WIDTH, joint="curve")

    def oval(
        self, box: tuple[float, float, float, float], colour: Colour, *, lit: bool = False, line: bool = True
    ) -> None:
        """Fill the ellipse inside the box (left, top, right, bottom)."""
        corners = [self._pixel(box[:2]), self._pixel(box[2:])]
        self._colour.ellipse(corners, fill=colour if lit else self.under_light(colour))
        self._ink.ellipse(corners, fill=255, outline=0 if line else 255, width=INK_WIDTH)

    def stroke(
        self, points: Sequence[Point], colour: Colour, width: float, *, lit: bool = False, line: bool = True
    ) -> None:
        """Draw an open line of the given width (in widths of the picture)."""
        corners = [self._pixel(p) for p in points]
        pixels = max(1, round(width * SIZE * SCALE))
        self._colour.line(corners, fill=colour if lit else self.under_light(colour), width=pixels, joint="curve")
        if line:
            self._ink.line(corners, fill=0, width=max(3, min(pixels, INK_WIDTH)), joint="curve")

    def backdrop(self, rows: Sequence[tuple[float, Colour]]) -> None:
        """Fill the whole canvas with a gradient from top to bottom, given as (y, colour) stops."""
        side = SIZE * SCALE
        heights = np.linspace(0, 1, side)
        stops = [y for y, _ in rows]
        bands = np.stack([np.interp(heights, stops, [c[i] for _, c in rows]) for i in range(3)], axis=-1)
        column = Image.fromarray(bands.astype(np.uint8)[:, None, :])
        self.colour.paste(column.resize((side, side)))

    def finished(self) -> tuple[Pixels, Pixels]:
        """Colour (SIZE, SIZE, 3) with its lights added, and ink (SIZE, SIZE), both float32 in 0..1."""
        colour = np.asarray(self.colour.reduce(SCALE), np.float32) / 255
        ink = np.asarray(self.ink.reduce(SCALE), np.float32) / 255
        for glow in self.glows:
            colour = 1 - (1 - colour) * (1 - _halo(glow)[..., None] * np.array(glow.colour, np.float32) / 255)
        return colour, ink

    def _pixel(self, point: Sequence[float]) -> Point:
        return point[0] * SIZE * SCALE, point[1] * SIZE * SCALE


_ROWS, _COLUMNS = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE


def _halo(glow: Glow) -> Pixels:
    """Brightness (SIZE, SIZE) of one light: full in the middle, gone smoothly at its radius."""
    squared = ((_COLUMNS - glow.x) ** 2 + (_ROWS - glow.y) ** 2) / glow.radius**2
    halo: Pixels = glow.strength * np.clip(1 - squared, 0, 1) ** 2
    return halo


@dataclass(frozen=True)
class Pen:
    """Draws one thing in its own coordinates: x right of its middle, y up from its foot, both in its heights.

    It also carries what the thing may look at: the name of its colour (or None), the lot that settles its
    details, and whether its lights are lit.
    """

    canvas: Canvas
    x: float
    foot: float
    height: float
    mirrored: bool = False
    colour: str | None = None
    lot: Random = field(default_factory=Random)
    lights: bool = False

    def at(self, x: float, y: float) -> Point:
        """Where a point of the thing lies on the canvas."""
        return self.x + (-x if self.mirrored else x) * self.height, self.foot - y * self.height

    def poly(self, colour: Colour, *points: Point, lit: bool = False, line: bool = True) -> None:
        self.canvas.polygon([self.at(*p) for p in points], colour, lit=lit, line=line)

    def box(self, colour: Colour, left: float, low: float, right: float, top: float, *, lit: bool = False) -> None:
        self.poly(colour, (left, low), (right, low), (right, top), (left, top), lit=lit)

    def oval(
        self,
        colour: Colour,
        left: float,
        low: float,
        right: float,
        top: float,
        *,
        lit: bool = False,
        line: bool = True,
    ) -> None:
        (x0, y0), (x1, y1) = self.at(left, top), self.at(right, low)
        self.canvas.oval((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), colour, lit=lit, line=line)

    def stroke(self, colour: Colour, width: float, *points: Point, lit: bool = False, line: bool = True) -> None:
        self.canvas.stroke([self.at(*p) for p in points], colour, width * self.height, lit=lit, line=line)

    def glow(self, colour: Colour, x: float, y: float, radius: float, strength: float) -> None:
        px, py = self.at(x, y)
        self.canvas.glows.append(Glow(px, py, radius * self.height, colour, strength))
