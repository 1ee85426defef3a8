"""Subjects that grow, burn or float: trees, flowers, rocks, fire, and the things of space. As in
`buildings`.
"""

from math import cos, pi, sin

from training.buildings import paint
from training.canvas import Colour, Pen, mix

TRUNK: Colour = (106, 72, 44)


def tree(pen: Pen) -> None:
    """A broad tree with a round crown."""
    leaf = mix((52, 132, 50), (96, 160, 56), pen.lot.random())
    pen.poly(TRUNK, (-0.1, 0), (0.1, 0), (0.06, 0.5), (-0.06, 0.5))
    _crown(pen, leaf)


def _crown(pen: Pen, leaf: Colour) -> None:
    dark = mix(leaf, (0, 20, 10), 0.35)
    for left, low, wide in ((-0.46, 0.34, 0.5), (-0.04, 0.32, 0.5), (-0.28, 0.5, 0.56)):
        pen.oval(leaf, left, low, left + wide, low + wide)
    pen.oval(leaf, -0.34, 0.4, 0.34, 0.8, line=False)
    pen.oval(dark, 0.0, 0.36, 0.4, 0.62, line=False)


def fruit_tree(pen: Pen) -> None:
    """A tree hung with red fruit."""
    pen.poly(TRUNK, (-0.1, 0), (0.1, 0), (0.06, 0.5), (-0.06, 0.5))
    _crown(pen, (70, 146, 58))
    for x, y in (
        (-0.3, 0.56),
        (-0.1, 0.74),
        (0.14, 0.9),
        (0.26, 0.54),
        (0.02, 0.5),
        (0.12, 0.7),
        (-0.18, 0.92),
    ):
        pen.oval((222, 44, 36), x - 0.055, y - 0.055, x + 0.055, y + 0.055)


def pine(pen: Pen) -> None:
    """A fir in three tiers."""
    leaf = mix((28, 88, 52), (44, 112, 60), pen.lot.random())
    pen.box(TRUNK, -0.06, 0, 0.06, 0.2)
    for low, wide, top in ((0.14, 0.36, 0.56), (0.36, 0.29, 0.78), (0.58, 0.2, 1.0)):
        pen.poly(leaf, (-wide, low), (0, top), (wide, low))
        pen.poly(mix(leaf, (0, 0, 0), 0.25), (0.02, low), (0, top), (wide, low), line=False)


def palm(pen: Pen) -> None:
    """A leaning trunk with long leaves."""
    pen.poly((142, 104, 64), (-0.12, 0), (0.0, 0), (0.1, 0.42), (0.12, 0.76), (0.04, 0.76), (0.02, 0.42))
    leaf = (58, 146, 62)
    for along, up in ((-0.46, -0.02), (-0.34, 0.2), (0.34, 0.22), (0.5, 0.0), (-0.3, -0.24), (0.36, -0.24)):
        bend = (0.08 + along * 0.5, 0.8 + up * 0.5 + 0.1)
        pen.poly(leaf, (0.08, 0.8), bend, (0.08 + along, 0.76 + up), (bend[0], bend[1] - 0.14))


def fire(pen: Pen) -> None:
    """Crossed logs and tongues of flame that light their surroundings."""
    pen.glow((255, 150, 50), 0, 0.4, 1.1, 0.75)
    for a, b in (((-0.46, 0.0), (0.4, 0.14)), ((0.46, 0.0), (-0.4, 0.14))):
        pen.stroke((96, 58, 34), 0.13, a, b)
    lean = pen.lot.uniform(-0.08, 0.08)
    flame = [
        (-0.38, 0.1),
        (-0.42, 0.4),
        (-0.26, 0.62),
        (-0.2, 0.5),
        (lean, 1.02),
        (0.2, 0.56),
        (0.28, 0.7),
        (0.42, 0.4),
        (0.36, 0.1),
    ]
    pen.poly((240, 84, 26), *flame, lit=True)
    pen.poly((255, 164, 36), *[(x * 0.68, 0.1 + (y - 0.1) * 0.72) for x, y in flame], lit=True, line=False)
    pen.poly((255, 240, 150), *[(x * 0.36, 0.1 + (y - 0.1) * 0.46) for x, y in flame], lit=True, line=False)


def rock(pen: Pen) -> None:
    """A boulder with a light and a dark side."""
    stone = mix((142, 136, 130), (122, 112, 104), pen.lot.random())
    pen.poly(stone, (-0.8, 0), (-0.7, 0.5), (-0.3, 0.92), (0.2, 1.0), (0.62, 0.66), (0.84, 0))
    pen.poly(mix(stone, (0, 0, 0), 0.32), (0.1, 0), (0.28, 0.5), (0.2, 1.0), (0.62, 0.66), (0.84, 0), line=False)


def flower(pen: Pen) -> None:
    """One great flower on its stalk, with two leaves."""
    petal = paint(pen.colour, "red")
    pen.poly((64, 140, 56), (-0.03, 0), (0.03, 0), (0.03, 0.6), (-0.03, 0.6))
    pen.poly((64, 140, 56), (0, 0.14), (0.3, 0.38), (0.08, 0.34))
    pen.poly((64, 140, 56), (0, 0.2), (-0.3, 0.44), (-0.08, 0.4))
    for i in range(6):
        x, y = 0.19 * cos(i * pi / 3), 0.72 + 0.19 * sin(i * pi / 3)
        pen.oval(petal, x - 0.14, y - 0.14, x + 0.14, y + 0.14)
    pen.oval((250, 206, 70) if pen.colour != "yellow" else (150, 90, 40), -0.12, 0.6, 0.12, 0.84)


def space_gate(pen: Pen) -> None:
    """A ring of metal around a shining field."""
    pen.glow((90, 190, 255), 0, 0.5, 0.85, 0.6)
    pen.oval((120, 132, 150), -0.5, 0, 0.5, 1)
    pen.oval((40, 130, 230), -0.38, 0.12, 0.38, 0.88, lit=True)
    pen.oval((110, 200, 255), -0.25, 0.25, 0.25, 0.75, lit=True, line=False)
    pen.oval((226, 246, 255), -0.11, 0.39, 0.11, 0.61, lit=True, line=False)
    for i in range(6):
        x, y = 0.44 * cos(i * pi / 3), 0.5 + 0.44 * sin(i * pi / 3)
        pen.oval((255, 170, 60), x - 0.055, y - 0.055, x + 0.055, y + 0.055, lit=True)


def spaceship(pen: Pen) -> None:
    """A rocket with fins, a round window and a burning tail."""
    pen.poly((255, 150, 50), (-0.12, 0.22), (0, -0.16), (0.12, 0.22), lit=True)
    pen.glow((255, 150, 50), 0, 0.06, 0.4, 0.6)
    for side in (-1, 1):
        pen.poly((204, 58, 48), (side * 0.12, 0.5), (side * 0.36, 0.16), (side * 0.1, 0.22))
    pen.poly(
        (226, 230, 236),
        (-0.16, 0.22),
        (-0.2, 0.56),
        (-0.12, 0.8),
        (0, 1.02),
        (0.12, 0.8),
        (0.2, 0.56),
        (0.16, 0.22),
    )
    pen.poly(
        (166, 174, 188),
        (0.05, 0.22),
        (0.07, 0.6),
        (0.03, 0.94),
        (0.12, 0.8),
        (0.2, 0.56),
        (0.16, 0.22),
        line=False,
    )
    pen.poly((204, 58, 48), (-0.12, 0.8), (0, 1.02), (0.12, 0.8))
    pen.oval((96, 176, 226), -0.1, 0.5, 0.1, 0.7, lit=True)


def planet(pen: Pen) -> None:
    """A banded globe; every other one has a ring."""
    globe = mix(paint(pen.colour, "red"), (190, 150, 120), 0.25)
    ring = pen.lot.random() < 0.5
    if ring:
        pen.stroke((226, 206, 170), 0.06, (-0.8, 0.34), (0.8, 0.66))
    pen.oval(globe, -0.48, 0.02, 0.48, 0.98)
    for low, wide in ((0.24, 0.36), (0.62, 0.38)):
        pen.poly(
            mix(globe, (255, 255, 255), 0.3),
            (-wide, low),
            (wide, low),
            (wide, low + 0.1),
            (-wide, low + 0.1),
            line=False,
        )
    if ring:
        pen.stroke((226, 206, 170), 0.06, (-0.8, 0.34), (-0.2, 0.4), (0.3, 0.5), (0.8, 0.66))


THINGS = {
    "tree": tree, "fruit tree": fruit_tree, "pine": pine, "palm": palm, "fire": fire, "rock": rock,
    "flower": flower,
    "space gate": space_gate, "spaceship": spaceship, "planet": planet,
}  # fmt: skip
