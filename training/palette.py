"""The colours of the day: how each time of it lights the land and paints the sky. Data only."""

from training.canvas import Colour

AMBIENT: dict[str, tuple[float, float, float]] = {
    "dawn": (0.97, 0.86, 0.88),
    "day": (1.0, 1.0, 1.0),
    "sunset": (0.9, 0.62, 0.5),
    "night": (0.42, 0.48, 0.74),
    "storm": (0.52, 0.55, 0.6),
}
"""How the light of each time colours what it falls on."""

HEAVENS: dict[str, tuple[Colour, Colour, Colour]] = {
    "dawn": ((150, 178, 222), (236, 200, 205), (255, 222, 190)),
    "day": ((66, 140, 228), (130, 185, 242), (205, 228, 248)),
    "sunset": ((112, 62, 128), (232, 98, 58), (255, 178, 66)),
    "night": ((14, 20, 58), (28, 40, 92), (52, 68, 128)),
    "storm": ((54, 58, 68), (84, 89, 98), (128, 132, 138)),
}
"""The colours of the sky at its top, in its middle and at the horizon."""

HORIZON: dict[str, float] = {
    "sea": 0.56, "beach": 0.5, "meadow": 0.6, "desert": 0.6, "mountains": 0.68, "forest": 0.66, "snow": 0.6,
    "town": 0.7, "city": 0.78, "river": 0.56, "ice": 0.56, "room": 0.72, "space": 0.8, "darkness": 0.8,
    "light": 0.8,
}  # fmt: skip
"""Where the far edge of each ground lies, as y in 0..1 from the top."""

EARTH: dict[str, tuple[Colour, Colour]] = {
    "sea": ((44, 122, 178), (16, 66, 122)),
    "beach": ((236, 214, 156), (222, 192, 128)),
    "meadow": ((112, 184, 66), (66, 140, 40)),
    "desert": ((236, 190, 110), (206, 146, 70)),
    "mountains": ((122, 150, 84), (84, 118, 58)),
    "forest": ((78, 128, 56), (48, 92, 40)),
    "snow": ((246, 249, 255), (214, 226, 244)),
    "town": ((170, 158, 144), (134, 122, 110)),
    "city": ((104, 106, 114), (72, 74, 82)),
    "river": ((116, 180, 72), (74, 142, 46)),
    "ice": ((206, 232, 244), (158, 200, 226)),
    "room": ((150, 100, 62), (118, 76, 44)),
}
"""The colours of each ground, far and near."""

LEAF: Colour = (40, 104, 48)
WINDOW: Colour = (255, 214, 110)
