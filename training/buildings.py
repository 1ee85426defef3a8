"""Subjects that people built: houses, towers, castles, temples, gates, boats and ships.

Every function draws one thing with a pen whose unit is the thing's height, standing on y = 0, and takes the
colour's name (or None), the lot that settles details, and whether lights are lit.
"""

from random import Random

from training.canvas import Colour, Pen, mix

PAINT: dict[str, Colour] = {
    "white": (240, 238, 230),
    "red": (198, 50, 40),
    "yellow": (238, 204, 92),
    "blue": (62, 104, 190),
    "green": (56, 140, 84),
    "brown": (138, 90, 54),
    "grey": (150, 150, 154),
    "golden": (226, 178, 64),
    "black": (40, 38, 42),
}
"""What the named colours look like in daylight."""

GLASS: Colour = (70, 92, 120)
LAMP: Colour = (255, 218, 120)
ROOF: Colour = (186, 52, 40)


def paint(name: str | None, default: str) -> Colour:
    return PAINT[name or default]


def _window(pen: Pen, left: float, low: float, wide: float, high: float) -> None:
    pen.box(LAMP if pen.lights else GLASS, left, low, left + wide, low + high, lit=pen.lights)
    if pen.lights:
        pen.glow(LAMP, left + wide / 2, low + high / 2, 0.3, 0.35)


def house(pen: Pen) -> None:
    """A house with a pitched red roof, a door, two windows and a chimney."""
    wall = paint(pen.colour, "white")
    wide = pen.lot.uniform(0.56, 0.68)
    roof = mix(ROOF, (120, 60, 60), 0.6) if pen.colour == "red" else ROOF
    pen.box((150, 84, 66), wide * 0.45, 0.6, wide * 0.45 + 0.14, 1.02)
    pen.box(wall, -wide, 0, wide, 0.54)
    pen.poly(mix(wall, (0, 0, 0), 0.18), (wide * 0.45, 0), (wide, 0), (wide, 0.54), (wide * 0.45, 0.54), line=False)
    pen.poly(roof, (-wide - 0.12, 0.5), (-wide * 0.55, 0.95), (wide * 0.55, 0.95), (wide + 0.12, 0.5))
    pen.box((104, 62, 38), -0.1, 0, 0.12, 0.36)
    _window(pen, -wide * 0.78, 0.18, 0.22, 0.2)
    _window(pen, wide * 0.45, 0.18, 0.22, 0.2)


def lighthouse(pen: Pen) -> None:
    """A tapering tower with bands, a gallery and a lamp that shines where it is dark."""
    wall, band = paint("white", "white"), PAINT["red"]
    if pen.colour == "red":
        wall, band = PAINT["red"], PAINT["white"]
    pen.poly(wall, (-0.17, 0), (0.17, 0), (0.11, 0.74), (-0.11, 0.74))
    for low in (0.16, 0.44):
        narrow = 0.17 - 0.08 * low
        pen.poly(
            band,
            (-narrow, low),
            (narrow, low),
            (narrow - 0.01, low + 0.14),
            (-narrow + 0.01, low + 0.14),
            line=False,
        )
    pen.poly(mix(wall, (0, 0, 0), 0.2), (0.07, 0), (0.17, 0), (0.11, 0.74), (0.05, 0.74), line=False)
    pen.box((70, 70, 78), -0.16, 0.73, 0.16, 0.78)
    pen.box(LAMP if pen.lights else (236, 226, 170), -0.09, 0.78, 0.09, 0.91, lit=pen.lights)
    pen.poly(PAINT["red"], (-0.13, 0.9), (0, 1.02), (0.13, 0.9))
    pen.box((90, 60, 44), -0.05, 0, 0.05, 0.12)
    if pen.lights:
        pen.glow(LAMP, 0, 0.85, 0.42, 0.9)
        pen.poly((255, 240, 190), (0.08, 0.82), (0.95, 0.62), (0.95, 0.98), (0.08, 0.88), lit=True, line=False)


def rocky_islet(pen: Pen, lot: Random) -> None:
    """The rock under whatever stands in the sea; its height is the pen's unit."""
    stone = mix((122, 112, 104), (150, 140, 128), lot.random())
    pen.poly(stone, (-2.1, -0.3), (-1.5, 0.55), (-0.6, 1.05), (0.7, 1.05), (1.5, 0.5), (2.1, -0.3))
    pen.poly(mix(stone, (0, 0, 0), 0.3), (0.3, -0.3), (0.7, 1.05), (1.5, 0.5), (2.1, -0.3), line=False)


def tower(pen: Pen) -> None:
    """A stone tower with battlements."""
    stone = paint(pen.colour, "grey")
    pen.box(stone, -0.19, 0, 0.19, 0.86)
    pen.poly(mix(stone, (0, 0, 0), 0.25), (0.06, 0), (0.19, 0), (0.19, 0.86), (0.06, 0.86), line=False)
    pen.box(stone, -0.25, 0.8, 0.25, 0.9)
    for left in (-0.25, -0.06, 0.13):
        pen.box(stone, left, 0.9, left + 0.12, 1.0)
    pen.box((80, 58, 40), -0.08, 0, 0.08, 0.2)
    for low in (0.36, 0.6):
        _window(pen, -0.06, low, 0.12, 0.12)


def castle(pen: Pen) -> None:
    """A wall with a gate between two round towers with pointed roofs, and a keep behind."""
    stone = paint(pen.colour, "grey")
    dark = mix(stone, (0, 0, 0), 0.22)
    roof = pen.lot.choice(((178, 52, 48), (64, 84, 150)))
    pen.box(dark, -0.2, 0.2, 0.2, 0.78)
    pen.poly(roof, (-0.27, 0.76), (0, 1.04), (0.27, 0.76))
    pen.box(stone, -0.52, 0, 0.52, 0.42)
    for left in (-0.42, -0.16, 0.1, 0.34):
        pen.box(stone, left, 0.42, left + 0.12, 0.5)
    for middle in (-0.56, 0.56):
        pen.box(stone, middle - 0.15, 0, middle + 0.15, 0.62)
        pen.poly(roof, (middle - 0.21, 0.6), (middle, 0.92), (middle + 0.21, 0.6))
        _window(pen, middle - 0.05, 0.36, 0.1, 0.13)
    pen.box((74, 52, 38), -0.12, 0, 0.12, 0.24)
    pen.oval((74, 52, 38), -0.12, 0.14, 0.12, 0.34, line=False)
    _window(pen, -0.06, 0.56, 0.12, 0.13)


def temple(pen: Pen) -> None:
    """Steps, tall columns and a gable."""
    stone = mix(paint(pen.colour, "white"), (226, 206, 170), 0.4)
    shade = mix(stone, (60, 50, 50), 0.62)
    pen.box(stone, -0.82, 0, 0.82, 0.1)
    pen.box(shade, -0.72, 0.1, 0.72, 0.66)
    for i in range(5):
        left = -0.74 + i * 0.34
        pen.box(stone, left, 0.1, left + 0.13, 0.66)
    pen.box(stone, -0.8, 0.64, 0.8, 0.74)
    pen.poly(stone, (-0.88, 0.73), (0, 1.04), (0.88, 0.73))
    pen.poly(shade, (-0.5, 0.78), (0, 0.95), (0.5, 0.78), line=False)


def windmill(pen: Pen) -> None:
    """A tapering mill with four sails."""
    pen.poly((226, 214, 190), (-0.24, 0), (0.24, 0), (0.14, 0.62), (-0.14, 0.62))
    pen.poly((170, 66, 48), (-0.18, 0.6), (0, 0.8), (0.18, 0.6))
    pen.box((104, 62, 38), -0.07, 0, 0.07, 0.2)
    turn = pen.lot.uniform(0.25, 0.5)
    for along, up in ((turn, 1 - turn), (1 - turn, -turn), (-turn, turn - 1), (turn - 1, turn)):
        along, up = along * 0.6, up * 0.6
        tip = (along, 0.64 + up)
        side = (-up * 0.24, along * 0.24)
        pen.poly((246, 240, 226), (0, 0.64), tip, (tip[0] + side[0], tip[1] + side[1]), (side[0], 0.64 + side[1]))


def gate(pen: Pen) -> None:
    """A great arch that stands free; one sees through it."""
    stone = paint(pen.colour, "golden")
    dark = mix(stone, (0, 0, 0), 0.3)
    for left, tone in ((-0.46, stone), (0.26, dark)):
        pen.box(tone, left, 0, left + 0.2, 0.62)
    outer = [(-0.46, 0.6), (-0.42, 0.78), (-0.28, 0.93), (0, 1.0), (0.28, 0.93), (0.42, 0.78), (0.46, 0.6)]
    inner = [(0.26, 0.6), (0.22, 0.7), (0.13, 0.78), (0, 0.82), (-0.13, 0.78), (-0.22, 0.7), (-0.26, 0.6)]
    pen.poly(stone, *outer, *inner)
    pen.box(dark, -0.54, 0, -0.2, 0.08)
    pen.box(dark, 0.2, 0, 0.54, 0.08)


def sailboat(pen: Pen) -> None:
    """A hull, a mast and two sails."""
    sail = paint(pen.colour, "white")
    pen.box((100, 66, 40), -0.03, 0.16, 0.03, 1.02)
    pen.poly(sail, (0.05, 0.3), (0.05, 0.98), (0.5, 0.3))
    pen.poly(mix(sail, (120, 110, 110), 0.2), (-0.05, 0.3), (-0.05, 0.86), (-0.38, 0.3))
    pen.poly((128, 72, 40), (-0.56, 0.24), (0.6, 0.24), (0.42, 0), (-0.4, 0))
    pen.poly((176, 104, 58), (-0.56, 0.24), (0.6, 0.24), (0.56, 0.17), (-0.52, 0.17), line=False)


def fishing_boat(pen: Pen) -> None:
    """A broad hull with a cabin and a short mast."""
    hull = paint(pen.colour, "blue")
    pen.box((100, 66, 40), -0.42, 0.3, -0.37, 1.0)
    pen.stroke((90, 80, 70), 0.03, (-0.4, 0.98), (0.72, 0.42))
    pen.box((240, 236, 226), 0.02, 0.36, 0.44, 0.74)
    pen.box((190, 60, 46), -0.03, 0.72, 0.49, 0.8)
    _window(pen, 0.1, 0.5, 0.24, 0.14)
    pen.poly(hull, (-0.78, 0.44), (0.82, 0.5), (0.6, 0), (-0.58, 0))
    pen.poly((244, 240, 230), (-0.78, 0.44), (0.82, 0.5), (0.78, 0.4), (-0.74, 0.34), line=False)


def ship(pen: Pen) -> None:
    """A great ship with three masts and square sails."""
    for mast, high in ((-0.42, 0.84), (0.0, 1.0), (0.42, 0.8)):
        pen.box((96, 62, 38), mast - 0.025, 0.2, mast + 0.025, high + 0.04)
        for low in (0.36, 0.36 + (high - 0.36) * 0.55):
            top = low + (high - 0.36) * 0.46
            pen.poly(
                (244, 236, 214),
                (mast - 0.18, low),
                (mast + 0.18, low),
                (mast + 0.14, top),
                (mast - 0.14, top),
            )
    pen.poly((112, 66, 38), (-0.78, 0.36), (-0.6, 0.26), (0.6, 0.26), (0.86, 0.4), (0.6, 0), (-0.58, 0))
    pen.poly((206, 156, 70), (-0.7, 0.24), (0.72, 0.26), (0.7, 0.2), (-0.68, 0.18), line=False)


BUILDINGS = {
    "house": house, "lighthouse": lighthouse, "tower": tower, "castle": castle, "temple": temple,
    "windmill": windmill, "gate": gate, "sailboat": sailboat, "fishing boat": fishing_boat, "ship": ship,
}  # fmt: skip
