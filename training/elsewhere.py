"""Settings that are no landscape: a room, space, darkness, and light itself."""

from random import Random

from training.canvas import Canvas, Pen, Point, mix
from training.palette import EARTH, HEAVENS


def _room(canvas: Canvas, lot: Random, time: str) -> None:
    """A wall and a wooden floor."""
    dim = {"night": (0.62, 0.55, 0.52), "sunset": (0.95, 0.78, 0.64)}
    canvas.ambient = dim.get(time, (1.0, 1.0, 1.0))
    wall = lot.choice(((214, 190, 150), (196, 200, 176), (210, 178, 160)))
    floor = 0.72
    canvas.polygon([(0, 0), (1, 0), (1, floor), (0, floor)], wall, line=False)
    far, near = EARTH["room"]
    canvas.polygon([(0, floor), (1, floor), (1, 1.02), (0, 1.02)], mix(far, near, 0.3))
    for i in range(5):
        canvas.stroke([(0.5 + (i - 2) * 0.16, floor), (0.5 + (i - 2) * 0.4, 1.0)], near, 0.012)


def draw_window(pen: Pen, time: str) -> None:
    """A framed window and the sky of the hour behind it."""
    top, _, low = HEAVENS[time]
    pen.box((104, 66, 38), -0.42, -0.06, 0.42, 1.06)
    pen.box(low, -0.34, 0.02, 0.34, 0.98, lit=True)
    pen.poly(top, (-0.34, 0.5), (0.34, 0.5), (0.34, 0.98), (-0.34, 0.98), lit=True, line=False)
    pen.box((104, 66, 38), -0.03, 0, 0.03, 1)
    pen.box((104, 66, 38), -0.36, 0.47, 0.36, 0.53)


def _space(canvas: Canvas, lot: Random, _time: str) -> None:
    """Black sky with a coloured nebula; the stars are drawn with the sky's other things."""
    canvas.ambient = (0.9, 0.9, 0.95)
    canvas.backdrop([(0, (8, 8, 26)), (0.5, (16, 12, 44)), (1, (8, 6, 24))])
    colour = lot.choice(((120, 50, 130), (50, 80, 150), (150, 60, 70)))
    x, y = lot.uniform(0.2, 0.8), lot.uniform(0.3, 0.7)
    for i in range(3):
        glow = Pen(canvas, x + (i - 1) * 0.25, y + (i - 1) * lot.uniform(-0.15, 0.15), 0.4)
        glow.glow(colour, 0, 0, 1, 0.5)


def _darkness(canvas: Canvas, lot: Random, _time: str) -> None:
    canvas.ambient = (0.4, 0.4, 0.5)
    canvas.backdrop([(0, (5, 5, 14)), (lot.uniform(0.4, 0.8), (16, 16, 34)), (1, (4, 4, 12))])


def _light(canvas: Canvas, lot: Random, _time: str) -> None:
    """A burst of light: bright rays out of one point."""
    canvas.backdrop([(0, (252, 226, 150)), (0.6, (255, 238, 186)), (1, (248, 212, 132))])
    x, y = lot.uniform(0.4, 0.6), lot.uniform(0.3, 0.45)
    for i in range(12):
        canvas.polygon([(x, y), *_ray(x, y, i)], (255, 250, 226), lit=True)
    canvas.oval((x - 0.1, y - 0.1, x + 0.1, y + 0.1), (255, 255, 250), lit=True)
    Pen(canvas, x, y, 0.5).glow((255, 255, 245), 0, 0, 1, 1.0)


_TURNS = [
    (1, 0),
    (0.87, 0.5),
    (0.5, 0.87),
    (0, 1),
    (-0.5, 0.87),
    (-0.87, 0.5),
    (-1, 0),
    (-0.87, -0.5),
    (-0.5, -0.87),
]
_TURNS += [(0, -1), (0.5, -0.87), (0.87, -0.5)]


def _ray(x: float, y: float, i: int) -> tuple[Point, Point]:
    """The two far corners of ray i of twelve."""
    along, up = _TURNS[i]
    return (x + along * 1.3 - up * 0.14, y + up * 1.3 + along * 0.14), (
        x + along * 1.3 + up * 0.14,
        y + up * 1.3 - along * 0.14,
    )


ELSEWHERE = {"room": _room, "space": _space, "darkness": _darkness, "light": _light}
