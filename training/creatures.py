"""Subjects that live: people, beasts, whale, fish and birds. Conventions as in `buildings`."""

from training.buildings import PAINT, paint
from training.canvas import Colour, Pen, mix

SKIN: Colour = (222, 172, 134)


def person(pen: Pen) -> None:
    """A standing figure in a robe or in trousers."""
    cloth = paint(pen.colour, "brown")
    dark = mix(cloth, (0, 0, 0), 0.3)
    if pen.lot.random() < 0.5:
        pen.poly(cloth, (-0.22, 0), (0.22, 0), (0.14, 0.72), (-0.14, 0.72))
        pen.poly(dark, (0.06, 0), (0.22, 0), (0.14, 0.72), (0.06, 0.72), line=False)
    else:
        for left in (-0.14, 0.02):
            pen.box((66, 62, 84), left, 0, left + 0.12, 0.42)
        pen.box(cloth, -0.15, 0.38, 0.15, 0.74)
    pen.poly(cloth, (-0.14, 0.74), (-0.24, 0.38), (-0.17, 0.36), (-0.1, 0.6))
    pen.poly(dark, (0.14, 0.74), (0.24, 0.38), (0.17, 0.36), (0.1, 0.6))
    pen.oval(SKIN, -0.1, 0.76, 0.1, 0.98)
    pen.poly(pen.lot.choice(((70, 44, 28), (40, 32, 30))), (-0.11, 0.88), (-0.08, 1.0), (0.08, 1.0), (0.11, 0.88))


def _legs(pen: Pen, colour: Colour, places: tuple[float, ...], wide: float, high: float) -> None:
    for left in places:
        pen.box(colour, left, 0, left + wide, high)


def horse(pen: Pen) -> None:
    """A horse from its side: long neck, mane and tail."""
    coat = paint(pen.colour, "brown")
    mane = mix(coat, (20, 14, 10), 0.6)
    pen.poly(mane, (-0.46, 0.66), (-0.66, 0.5), (-0.66, 0.2), (-0.56, 0.24), (-0.46, 0.54))
    _legs(pen, mix(coat, (0, 0, 0), 0.15), (-0.42, -0.26, 0.16, 0.32), 0.1, 0.42)
    pen.poly(coat, (-0.5, 0.62), (-0.4, 0.7), (0.36, 0.7), (0.46, 0.5), (0.36, 0.36), (-0.4, 0.36), (-0.5, 0.46))
    pen.poly(coat, (0.18, 0.62), (0.42, 1.0), (0.52, 1.02), (0.8, 0.82), (0.76, 0.74), (0.56, 0.8), (0.46, 0.5))
    pen.poly(mane, (0.14, 0.68), (0.4, 1.02), (0.46, 0.96), (0.26, 0.66))


def cow(pen: Pen) -> None:
    """A heavy body with horns and, on most, patches."""
    coat = paint(pen.colour, "brown")
    patch = PAINT["black"] if pen.colour == "white" else mix(coat, (255, 240, 220), 0.6)
    _legs(pen, mix(coat, (0, 0, 0), 0.15), (-0.56, -0.38, 0.22, 0.4), 0.14, 0.36)
    pen.poly(coat, (-0.66, 0.78), (0.5, 0.8), (0.6, 0.5), (0.5, 0.3), (-0.58, 0.3), (-0.68, 0.42))
    pen.oval(patch, -0.44, 0.44, -0.12, 0.74, line=False)
    pen.oval(patch, 0.08, 0.36, 0.32, 0.6, line=False)
    pen.poly(coat, (0.42, 0.8), (0.62, 0.98), (0.86, 0.92), (0.96, 0.62), (0.8, 0.56), (0.56, 0.56))
    pen.poly((240, 232, 210), (0.56, 0.94), (0.5, 1.12), (0.66, 0.98))
    pen.poly((240, 232, 210), (0.78, 0.95), (0.88, 1.12), (0.86, 0.92))
    pen.stroke(mix(coat, (0, 0, 0), 0.4), 0.05, (-0.66, 0.74), (-0.78, 0.34))


def sheep(pen: Pen) -> None:
    """A cloud of wool on dark legs."""
    wool = paint(pen.colour, "white")
    face = (58, 50, 48) if pen.colour != "black" else (150, 130, 110)
    _legs(pen, face, (-0.38, -0.2, 0.12, 0.3), 0.1, 0.36)
    for left in (-0.6, -0.3, 0.0):
        pen.oval(wool, left, 0.3, left + 0.56, 0.94)
    pen.oval(wool, -0.5, 0.26, 0.5, 0.86, line=False)
    pen.oval(face, 0.42, 0.5, 0.76, 0.9)
    pen.oval(wool, 0.38, 0.74, 0.64, 1.0)


def deer(pen: Pen) -> None:
    """A slender beast with antlers."""
    coat = (176, 112, 62)
    horn = (104, 76, 52)
    for side in (0.0, 0.14):
        pen.stroke(horn, 0.035, (0.36 + side, 0.8), (0.3 + side * 1.6, 1.02))
        pen.stroke(horn, 0.035, (0.33 + side * 1.3, 0.9), (0.42 + side * 1.6, 1.0))
    _legs(pen, mix(coat, (0, 0, 0), 0.2), (-0.34, -0.22, 0.14, 0.26), 0.07, 0.38)
    pen.poly(coat, (-0.4, 0.54), (-0.3, 0.6), (0.28, 0.6), (0.36, 0.42), (0.26, 0.34), (-0.34, 0.34))
    pen.poly((240, 226, 200), (-0.4, 0.54), (-0.46, 0.6), (-0.36, 0.44))
    pen.poly(coat, (0.16, 0.56), (0.3, 0.82), (0.44, 0.84), (0.64, 0.72), (0.6, 0.66), (0.42, 0.68), (0.34, 0.46))


def whale(pen: Pen) -> None:
    """A great back out of the water, its tail and its spout."""
    back = (62, 84, 112)
    pen.poly(back, (-1.06, 0.9), (-0.82, 0.78), (-0.62, 0.9), (-0.74, 0.6), (-0.6, 0.0), (-0.86, 0.0), (-0.9, 0.6))
    body = [(-0.7, 0), (-0.5, 0.3), (-0.1, 0.52), (0.4, 0.56), (0.8, 0.42), (1.0, 0.16), (1.0, 0)]
    pen.poly(back, *body)
    pen.poly((196, 206, 216), (0.2, 0), (0.5, 0.16), (1.0, 0.16), (1.0, 0), line=False)
    pen.oval((20, 22, 30), 0.68, 0.22, 0.77, 0.31, line=False)
    for side in (-0.16, 0.0, 0.16):
        pen.stroke((206, 230, 244), 0.06, (0.45, 0.56), (0.45 + side, 0.86), (0.45 + side * 2, 0.8))


def fish(pen: Pen) -> None:
    """A fish from its side, with tail and fins."""
    scales = mix(paint(pen.colour, "golden"), (250, 150, 60), 0.35 if pen.colour == "golden" else 0)
    dark = mix(scales, (0, 0, 0), 0.25)
    pen.poly(dark, (-0.5, 0.5), (-0.95, 0.86), (-0.82, 0.5), (-0.95, 0.14))
    pen.poly(dark, (-0.3, 0.74), (0.1, 1.02), (0.26, 0.76))
    pen.oval(scales, -0.62, 0.14, 0.72, 0.86)
    pen.poly(dark, (0.0, 0.44), (-0.26, 0.22), (0.12, 0.3), line=False)
    pen.oval((250, 250, 250), 0.4, 0.52, 0.56, 0.68)
    pen.oval((20, 20, 24), 0.45, 0.56, 0.53, 0.64, line=False)


def bird(pen: Pen) -> None:
    """A great bird in flight with both wings raised."""
    plume = paint(pen.colour, "white")
    dark = mix(plume, (110, 110, 120), 0.5)
    pen.poly(dark, (-0.1, 0.42), (-0.7, 0.98), (-0.86, 0.92), (-0.66, 0.6), (-0.16, 0.28))
    pen.poly(plume, (0.14, 0.42), (0.6, 1.02), (0.78, 0.98), (0.66, 0.62), (0.2, 0.28))
    pen.poly(plume, (-0.7, 0.2), (-0.3, 0.26), (0.2, 0.46), (0.42, 0.44), (0.4, 0.28), (0.0, 0.16), (-0.66, 0.06))
    pen.oval(plume, 0.3, 0.28, 0.54, 0.5)
    pen.poly((236, 160, 50), (0.52, 0.42), (0.68, 0.36), (0.5, 0.34))


CREATURES = {
    "person": person, "horse": horse, "cow": cow, "sheep": sheep, "deer": deer, "whale": whale, "fish": fish,
    "bird": bird,
}  # fmt: skip
