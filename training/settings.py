"""Grounds, backdrops and the light of the day: everything that stands behind and under the subjects."""

from random import Random

from training.canvas import Canvas, Colour, Pen, Point, mix
from training.elsewhere import ELSEWHERE
from training.palette import AMBIENT, EARTH, HEAVENS, HORIZON, LEAF, WINDOW


def draw_setting(canvas: Canvas, lot: Random, time: str, ground: str) -> float:
    """Draw heaven and earth; return y of the line that a subject stands on."""
    horizon = HORIZON[ground] + lot.uniform(-0.03, 0.03)
    if ground in ELSEWHERE:
        ELSEWHERE[ground](canvas, lot, time)
        return min(0.9, horizon + 0.16)
    canvas.ambient = AMBIENT[time]
    top, middle, low = HEAVENS[time]
    canvas.backdrop([(0, top), (horizon * 0.6, middle), (horizon, low), (1, low)])
    return horizon


def draw_land(canvas: Canvas, lot: Random, scene_time: str, ground: str, backdrop: str, horizon: float) -> float:
    """Draw the ground over the sky's things; return y of the line that a subject stands on."""
    if ground in ELSEWHERE:
        return horizon
    if backdrop != "none":
        _BACKDROPS[backdrop](canvas, lot, scene_time, horizon)
    if ground in _BEHIND:
        _BEHIND[ground](canvas, lot, scene_time, horizon)
    _earth(canvas, lot, ground, horizon)
    if ground in _DETAILS:
        _DETAILS[ground](canvas, lot, scene_time, horizon)
    return min(0.93, horizon + lot.uniform(0.2, 0.27))


def _earth(canvas: Canvas, lot: Random, ground: str, horizon: float) -> None:
    """The ground from its far edge down to the frame, in a few bands from far to near colour."""
    far, near = EARTH[ground]
    flat = ground in ("sea", "ice", "town", "city", "beach")
    sway = 0 if flat else lot.uniform(-0.03, 0.03)
    bands = 8
    for i in range(bands):
        y = horizon + (1 - horizon) * i / bands
        tilt = sway * (1 - i / bands)
        edge = [(0.0, y + tilt), (0.5, y - abs(tilt) * 0.5), (1.0, y - tilt)]
        canvas.polygon([*edge, (1.0, 1.02), (0.0, 1.02)], mix(far, near, i / (bands - 1)), line=i == 0)


def _ridge(lot: Random, y: float, height: float, corners: int) -> list[Point]:
    """A jagged line across the picture that closes at the bottom."""
    phase = lot.randrange(2)
    points = [
        (
            i / corners + lot.uniform(-0.03, 0.03),
            y - (height if (i + phase) % 2 else height * 0.35) * lot.uniform(0.6, 1),
        )
        for i in range(-1, corners + 2)
    ]
    return [*points, (1.2, 1.0), (-0.2, 1.0)]


def _hills(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    for x in (lot.uniform(-0.1, 0.3), lot.uniform(0.6, 1.1)):
        wide, high = lot.uniform(0.35, 0.5), lot.uniform(0.08, 0.14)
        canvas.oval((x - wide, horizon - high, x + wide, horizon + high), (104, 150, 104))


def _far_mountains(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    canvas.polygon(_ridge(lot, horizon + 0.02, 0.2, 5), (120, 132, 158))


def _great_mountains(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    """Two or three great peaks, each with a dark side and a cap of snow."""
    for x in sorted(
        (lot.uniform(0.05, 0.3), lot.uniform(0.7, 0.95), lot.uniform(0.4, 0.6)), key=lambda _: lot.random()
    ):
        pen = Pen(canvas, x, horizon + 0.05, lot.uniform(0.38, 0.56))
        pen.poly((118, 122, 138), (-0.75, 0), (0, 1), (0.75, 0))
        pen.poly((88, 92, 110), (0, 1), (0.75, 0), (0.12, 0), line=False)
        pen.poly((246, 249, 255), (0, 1), (0.26, 0.65), (0.1, 0.72), (0, 0.6), (-0.12, 0.72), (-0.26, 0.65))


def _far_forest(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    for i in range(11):
        height = lot.uniform(0.12, 0.19)
        _fir(canvas, i / 10 + lot.uniform(-0.02, 0.02), horizon + 0.02, height, mix(LEAF, (70, 110, 90), 0.4))


def _great_forest(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    """A wall of firs that fills the sides and leaves the middle lower."""
    places = [(i + lot.uniform(-0.2, 0.2)) / 8 for i in range(9)]
    for x in sorted(places, key=lambda _: lot.random()):
        height = 0.3 + 0.28 * abs(x - 0.5) * 2 + lot.uniform(-0.04, 0.04)
        _fir(canvas, x, horizon + lot.uniform(0.02, 0.06), height, mix(LEAF, (24, 76, 40), lot.random()))


def _fir(canvas: Canvas, x: float, foot: float, height: float, colour: Colour) -> None:
    pen = Pen(canvas, x, foot, height)
    pen.box((92, 62, 40), -0.05, 0, 0.05, 0.2)
    pen.poly(colour, (-0.3, 0.12), (0, 1), (0.3, 0.12))


def _far_town(canvas: Canvas, lot: Random, time: str, horizon: float) -> None:
    for i in range(6):
        _small_house(canvas, lot, time, i / 5 + lot.uniform(-0.03, 0.03), horizon + 0.03, lot.uniform(0.12, 0.16))


def _street(canvas: Canvas, lot: Random, time: str, horizon: float) -> None:
    """A back row and a front row of houses that face us."""
    for i in range(5):
        _small_house(canvas, lot, time, i / 4 + lot.uniform(-0.04, 0.04), horizon + 0.02, lot.uniform(0.34, 0.46))
    for i in (0, 1, 3, 4):
        _small_house(canvas, lot, time, i / 4 + lot.uniform(-0.03, 0.03), horizon + 0.08, lot.uniform(0.24, 0.32))


def _small_house(canvas: Canvas, lot: Random, time: str, x: float, foot: float, height: float) -> None:
    wall = lot.choice(((238, 226, 202), (226, 190, 150), (196, 208, 216), (232, 206, 132)))
    roof = lot.choice(((188, 60, 44), (166, 78, 50), (112, 84, 92)))
    pen = Pen(canvas, x, foot, height)
    pen.box(wall, -0.3, 0, 0.3, 0.58)
    pen.poly(roof, (-0.38, 0.56), (0, 1), (0.38, 0.56))
    lights = time in ("night", "storm")
    for left in (-0.2, 0.05):
        pen.box(WINDOW if lights else (84, 104, 128), left, 0.2, left + 0.15, 0.42, lit=lights)


def _skyline(canvas: Canvas, lot: Random, time: str, horizon: float) -> None:
    """High-rise blocks with rows of windows."""
    lights = time in ("night", "storm", "sunset")
    for i in range(6):
        height = lot.uniform(0.35, 0.68)
        pen = Pen(canvas, i / 5 + lot.uniform(-0.03, 0.03), horizon + 0.05, height)
        wide = 0.09 / height
        pen.box(lot.choice(((112, 122, 142), (140, 146, 158), (92, 102, 124))), -wide, 0, wide, 1)
        for row in range(int(height / 0.085)):
            low = (0.04 + row * 0.085) / height
            colour = WINDOW if lights else (176, 206, 230)
            if lot.random() < 0.75:
                pen.poly(
                    colour,
                    (-wide * 0.6, low), (wide * 0.6, low), (wide * 0.6, low + 0.035 / height), (-wide * 0.6,
                    low + 0.035 / height),
                    lit=lights, line=False,
                )  # fmt: skip


def _ripples(canvas: Canvas, lot: Random, time: str, horizon: float) -> None:
    """Water: broad light ripples, or crests in a storm."""
    light = mix(EARTH["sea"][0], (255, 255, 255), 0.32)
    for i in range(5):
        y = horizon + (1 - horizon) * (i + 0.6) / 5.2
        if time == "storm":
            _crests(canvas, lot, y, light)
            continue
        for _ in range(2):
            x, wide = lot.random(), lot.uniform(0.08, 0.18)
            canvas.stroke([(x - wide, y), (x + wide, y)], light, 0.012)


def _crests(canvas: Canvas, lot: Random, y: float, light: Colour) -> None:
    shift = lot.random() * 0.2
    for i in range(-1, 6):
        x = i * 0.2 + shift
        peak = y - lot.uniform(0.04, 0.08)
        canvas.polygon(
            [(x - 0.11, y + 0.02), (x, peak), (x + 0.05, y), (x + 0.11, y + 0.02)], (38, 104, 150), line=False
        )
        canvas.stroke([(x - 0.09, y + 0.01), (x, peak), (x + 0.04, y)], light, 0.014)


def _sea_edge(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    """The water behind a beach, with its line of foam."""
    shore = horizon + lot.uniform(0.1, 0.14)
    canvas.polygon([(0, horizon), (1, horizon), (1, shore - 0.03), (0, shore)], EARTH["sea"][0])
    canvas.stroke([(0, shore), (1, shore - 0.03)], (240, 248, 252), 0.018, line=False)


def _stream(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    """A river that comes from the horizon and widens to the front."""
    end, turn = lot.uniform(0.25, 0.75), lot.choice((-1, 1))
    left: list[Point] = []
    right: list[Point] = []
    for i in range(9):
        near = i / 8
        x = end + turn * 0.22 * (1 - near) * (1 if i % 4 < 2 else 0.4) - turn * 0.1 * near
        wide = 0.03 + 0.27 * near**1.4
        y = horizon + (1.02 - horizon) * near
        left.append((x - wide, y))
        right.append((x + wide, y))
    canvas.polygon([*left, *reversed(right)], (70, 150, 206))
    for near in (0.45, 0.75):
        y = horizon + (1 - horizon) * near
        canvas.stroke([(end - 0.08, y), (end + 0.06, y)], (176, 214, 238), 0.014, line=False)


def _dunes(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    for _ in range(2):
        x, y, wide = lot.random(), horizon + lot.uniform(0.1, 0.3), lot.uniform(0.3, 0.5)
        canvas.polygon([(x - wide, y + 0.06), (x, y - 0.04), (x + wide, y + 0.06)], (226, 174, 94), line=False)


def _cracks(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    for _ in range(4):
        x, y = lot.random(), lot.uniform(horizon + 0.08, 0.95)
        points = [(x + i * 0.08, y + lot.uniform(-0.03, 0.03)) for i in range(4)]
        canvas.stroke(points, (120, 168, 204), 0.012)


def _tufts(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    for _ in range(6):
        x, y = lot.random(), lot.uniform(horizon + 0.06, 0.97)
        canvas.polygon([(x - 0.03, y), (x, y - 0.035), (x + 0.03, y)], (84, 156, 48), line=False)


def _road(canvas: Canvas, lot: Random, _time: str, horizon: float) -> None:
    x = lot.uniform(0.4, 0.6)
    canvas.polygon([(x - 0.05, horizon), (x + 0.05, horizon), (x + 0.4, 1.02), (x - 0.4, 1.02)], (92, 90, 94))


_BACKDROPS = {"hills": _hills, "mountains": _far_mountains, "forest": _far_forest, "town": _far_town}
_BEHIND = {"mountains": _great_mountains, "forest": _great_forest, "town": _street, "city": _skyline}
_DETAILS = {
    "sea": _ripples, "beach": _sea_edge, "river": _stream, "desert": _dunes, "ice": _cracks, "meadow": _tufts,
    "city": _road,
}  # fmt: skip
