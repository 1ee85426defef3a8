"""The things in the sky: sun, moon, stars, clouds, rain, snow, rainbow, lightning and birds."""

from math import cos, pi, sin
from random import Random

from training.canvas import Canvas, Colour, Pen, Point, mix
from training.palette import HEAVENS


def draw_sky(canvas: Canvas, lot: Random, time: str, ground: str, found: tuple[str, ...], horizon: float) -> None:
    """Draw what stands behind the land, the far things first."""
    for thing in ("stars", "rainbow", "sun", "moon", "clouds", "lightning", "birds"):
        if thing in found:
            _FAR[thing](canvas, lot, time, horizon if ground != "space" else 1.0)


def draw_weather(canvas: Canvas, lot: Random, time: str, found: tuple[str, ...]) -> None:
    """Draw what falls in front of everything."""
    if "rain" in found:
        _rain(canvas, lot, time)
    if "snowfall" in found:
        _snowfall(canvas, lot)


def sun_place(lot: Random, time: str, horizon: float) -> Point:
    """High by day, low at dawn and sunset; beside the middle, where subjects stand."""
    x = lot.choice((lot.uniform(0.1, 0.2), lot.uniform(0.8, 0.9)))
    return x, max(0.17, horizon - lot.uniform(0.14, 0.24)) if time in ("dawn", "sunset") else lot.uniform(0.13, 0.2)


def _sun(canvas: Canvas, lot: Random, time: str, horizon: float) -> None:
    x, y = sun_place(lot, time, horizon)
    disc: Colour = {"dawn": (255, 240, 190), "sunset": (255, 214, 90)}.get(time, (255, 236, 110))
    pen = Pen(canvas, x, y, 0.2)
    pen.glow(disc, 0, 0, 1.7, 0.7)
    for ray in range(8):  # without colour they tell it from the moon
        along, across = cos(ray * pi / 4), sin(ray * pi / 4)
        pen.stroke(disc, 0.12, (0.6 * along, 0.6 * across), (0.95 * along, 0.95 * across), lit=True)
    pen.oval(disc, -0.5, -0.5, 0.5, 0.5, lit=True)


def _moon(canvas: Canvas, lot: Random, _time: str, _horizon: float) -> None:
    x = lot.choice((lot.uniform(0.14, 0.34), lot.uniform(0.66, 0.86)))
    pen = Pen(canvas, x, lot.uniform(0.14, 0.22), 0.19)
    pen.glow((210, 220, 255), 0, 0, 1.4, 0.4)
    if lot.random() < 0.6:
        pen.oval((246, 244, 226), -0.5, -0.5, 0.5, 0.5, lit=True)
        return
    outer = [(0.5 * sin(a * pi / 8), 0.5 * cos(a * pi / 8)) for a in range(9)]
    inner = [(0.12 * sin(a * pi / 8), 0.5 * cos(a * pi / 8)) for a in range(8, -1, -1)]
    pen.poly((246, 244, 226), *outer, *inner, lit=True)


def _stars(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    for _ in range(18 if horizon < 1 else 28):
        x, y, size = lot.random(), lot.uniform(0.03, horizon - 0.05), lot.uniform(0.016, 0.03)
        star = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)]
        canvas.polygon(star, (250, 250, 255), lit=True)


def _clouds(canvas: Canvas, lot: Random, time: str, horizon: float) -> None:
    top, middle, _ = HEAVENS[time]
    tone: Colour = mix(middle, (255, 255, 255), {"day": 0.95, "dawn": 0.7, "sunset": 0.4, "night": 0.22}.get(time, 0.0))
    if time == "storm":
        tone = mix(top, (20, 22, 30), 0.4)
    places = [(i + lot.uniform(0.1, 0.9)) / 3 for i in range(3)]
    # Beside the great light: what a cloud hides can't be learnt.
    for x in [x for x in places if all(abs(x - light.x) > 0.24 for light in canvas.glows)] or places[1:2]:
        y = lot.uniform(0.08, max(0.12, horizon - 0.3))
        _cloud(Pen(canvas, x, y + 0.07, lot.uniform(0.13, 0.19)), tone)


def _cloud(pen: Pen, tone: Colour) -> None:
    for left, low, wide in ((-0.95, 0.0, 0.8), (-0.5, 0.1, 1.0), (0.1, 0.0, 0.9)):
        pen.oval(tone, left, low, left + wide, low + wide * 0.8, lit=True)
    pen.poly(tone, (-0.6, 0.02), (0.6, 0.02), (0.6, 0.4), (-0.6, 0.4), lit=True, line=False)


def _rainbow(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    x, radius = lot.uniform(0.4, 0.6), lot.uniform(0.46, 0.54)
    bands: tuple[Colour, ...] = (
        (226, 60, 60),
        (245, 150, 50),
        (248, 224, 80),
        (84, 184, 84),
        (70, 120, 214),
        (136, 84, 184),
    )
    for i, colour in enumerate(bands):
        around = [pi * (0.02 + 0.96 * step / 24) for step in range(25)]
        reach = radius - i * 0.024
        arc = [(x - reach * cos(a), horizon + 0.02 - reach * 1.02 * sin(a)) for a in around]
        canvas.stroke(arc, colour, 0.026, lit=True, line=i in (0, len(bands) - 1))


def _lightning(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    x = lot.choice((lot.uniform(0.15, 0.36), lot.uniform(0.64, 0.85)))
    sway = [0.0, 0.06, -0.05, 0.06, -0.05]
    bolt = [(x + aside + lot.uniform(-0.02, 0.02), horizon * i / 4) for i, aside in enumerate(sway)]
    canvas.stroke(bolt, (255, 250, 200), 0.03, lit=True)
    Pen(canvas, x, horizon * 0.5, 0.5).glow((220, 224, 255), 0, 0, 0.8, 0.4)


def _birds(canvas: Canvas, lot: Random, time: str, horizon: float) -> None:
    tone: Colour = (250, 250, 250) if time == "day" and lot.random() < 0.6 else (44, 44, 54)
    for _ in range(lot.choice((3, 4, 5))):
        pen = Pen(canvas, lot.uniform(0.08, 0.92), lot.uniform(0.1, max(0.15, horizon - 0.2)), 0.09)
        pen.stroke(tone, 0.2, (-0.6, 0.3), (-0.3, 0.5), (0, 0.1), (0.3, 0.5), (0.6, 0.3), lit=True)


def _rain(canvas: Canvas, lot: Random, time: str) -> None:
    """Broad slanting strokes, light where it is dark and dark where it is light."""
    tone: Colour = (218, 232, 248) if time in ("night", "storm") else (72, 92, 136)
    for _ in range(30):
        x, y = lot.uniform(0, 1.1), lot.uniform(-0.05, 0.92)
        canvas.stroke([(x, y), (x - 0.045, y + 0.14)], tone, 0.021, lit=True)


def _snowfall(canvas: Canvas, lot: Random) -> None:
    for _ in range(40):
        x, y, size = lot.random(), lot.random(), lot.uniform(0.009, 0.015)
        canvas.oval((x - size, y - size, x + size, y + size), (252, 253, 255), lit=True)


_FAR = {
    "stars": _stars, "rainbow": _rainbow, "sun": _sun, "moon": _moon, "clouds": _clouds,
    "lightning": _lightning,
    "birds": _birds,
}  # fmt: skip
