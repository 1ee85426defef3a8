"""`python -m training.scenes`: draws scenes, as a contact sheet to look at or as shards to train on."""

import argparse
import time
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training import data
from training.buildings import BUILDINGS, rocky_islet
from training.canvas import SIZE, Canvas, Pen, Point
from training.creatures import CREATURES
from training.elsewhere import draw_window
from training.progress import tell
from training.scene import FLYING, SWIMMING, Scene, draw_lot, on_rock
from training.settings import draw_land, draw_setting
from training.sky import draw_sky, draw_weather
from training.styles import finish
from training.things import THINGS

HEIGHT = {
    "house": 0.46, "lighthouse": 0.66, "tower": 0.64, "castle": 0.58, "temple": 0.44, "windmill": 0.56,
    "gate": 0.62,
    "sailboat": 0.54, "fishing boat": 0.36, "ship": 0.5, "tree": 0.6, "fruit tree": 0.6, "pine": 0.64,
    "palm": 0.6,
    "fire": 0.44, "rock": 0.34, "flower": 0.56, "space gate": 0.62, "spaceship": 0.62, "planet": 0.56,
    "person": 0.56,
    "horse": 0.44, "cow": 0.38, "sheep": 0.38, "deer": 0.48, "whale": 0.36, "fish": 0.36, "bird": 0.36,
    "window": 0.5,
}  # fmt: skip
"""Height of each subject in heights of the picture, when it stands alone."""


def render(scene: Scene) -> NDArray[np.uint8]:
    """Draw a scene: uint8 (SIZE, SIZE, 3), always the same for the same scene."""
    lot = Random(scene.seed * 2 + 1)
    canvas = Canvas()
    horizon = draw_setting(canvas, lot, scene.time, scene.ground)
    draw_sky(canvas, lot, scene.time, scene.ground, scene.sky, horizon)
    foot = draw_land(canvas, lot, scene.time, scene.ground, scene.backdrop, horizon)
    if scene.ground == "room" and scene.subject != "window":
        draw_window(Pen(canvas, lot.choice((0.2, 0.8)), 0.5, 0.34), scene.time)
    if scene.flowers:
        _flowers(canvas, lot, horizon)
    _subjects(canvas, lot, scene, foot)
    draw_weather(canvas, lot, scene.time, scene.sky)
    colour, ink = canvas.finished()
    dark = scene.time in ("night", "storm") and scene.ground != "room"
    return finish(scene.style, colour, ink, np.random.default_rng(scene.seed), dark=dark)


def _flowers(canvas: Canvas, lot: Random, horizon: float) -> None:
    petal = lot.choice(((232, 60, 60), (250, 210, 70), (246, 240, 250)))
    for _ in range(16):
        pen = Pen(canvas, lot.random(), lot.uniform(horizon + 0.06, 0.99), 0.045)
        pen.oval(petal, -0.5, 0, 0.5, 1, line=False)


def _subjects(canvas: Canvas, lot: Random, scene: Scene, foot: float) -> None:
    """The companion first, smaller and farther away; then the subject, once or several times."""
    if scene.companion:
        side = lot.choice((0.2, 0.8))
        _stand(canvas, lot, scene, scene.companion, None, (side, foot - 0.08), 0.6)
    if scene.subject:
        shift = 0.14 if scene.companion else 0.0
        for place in _places(lot, scene.count, foot, shift):
            _stand(
                canvas,
                lot,
                scene,
                scene.subject,
                scene.colour,
                place,
                lot.uniform(0.9, 1.08) / scene.count**0.6,
            )


def _places(lot: Random, count: int, foot: float, shift: float) -> list[Point]:
    """Where `count` subjects stand: near the middle, those behind before those in front."""
    if count == 1:
        return [(0.5 + lot.uniform(-0.09, 0.09) + lot.choice((-shift, shift)), foot)]
    gap = 0.72 / count
    places = [(0.5 + (i - (count - 1) / 2) * gap * 1.3, foot - lot.uniform(0, 0.1)) for i in range(count)]
    return sorted(places, key=lambda place: place[1])


def _stand(canvas: Canvas, lot: Random, scene: Scene, kind: str, colour: str | None, place: Point, size: float) -> None:
    """Draw one subject with its shadow, or with what it stands on in water."""
    x, foot = place
    height = HEIGHT[kind] * size
    if kind == "window":
        draw_window(Pen(canvas, x, 0.6, height), scene.time)
        return
    if kind in FLYING:
        foot = 0.5 + height / 2 + lot.uniform(-0.06, 0.02)
    elif on_rock(kind, scene.ground):
        rocky_islet(Pen(canvas, x, foot, 0.15), lot)
        foot -= 0.13
    elif kind not in SWIMMING and scene.ground not in ("space", "darkness", "light"):
        canvas.oval(
            (x - height * 0.55, foot - 0.035, x + height * 0.55, foot + 0.035),
            _shadow(canvas, x, foot),
            lit=True,
            line=False,
        )
    lights = scene.time in ("night", "storm")
    pen = Pen(canvas, x, foot, height, lot.random() < 0.5, colour, lot, lights)
    (BUILDINGS | CREATURES | THINGS)[kind](pen)
    if kind in SWIMMING and scene.ground in ("sea", "river"):
        foam = (214, 232, 242)
        canvas.stroke([(x - height * 0.75, foot), (x + height * 0.75, foot)], foam, 0.018)


def _shadow(canvas: Canvas, x: float, foot: float) -> tuple[int, int, int]:
    """The ground's own colour at this place, darkened."""
    side = canvas.colour.width - 1
    pixel = canvas.colour.getpixel((min(side, max(0, int(x * side))), min(side, int(foot * side))))
    assert isinstance(pixel, tuple)
    red, green, blue = (int(c * 0.7) for c in pixel[:3])
    return red, green, blue


def sheet(pictures: list[NDArray[np.uint8]], columns: int, tile: int = SIZE) -> Image.Image:
    """Pictures side by side in rows, each `tile` pixels wide; 256 colours, so that the file stays small."""
    rows = -(-len(pictures) // columns)
    page = Image.new("RGB", (columns * tile, rows * tile), "white")
    for i, picture in enumerate(pictures):
        small = Image.fromarray(picture).resize((tile, tile), Image.Resampling.LANCZOS)
        page.paste(small, (i % columns * tile, i // columns * tile))
    return page.quantize(256)


def main() -> None:
    """Draw a sheet, or shards number `--first` and on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, nargs="?", const=Path("training/sheets/scenes.png"))
    parser.add_argument("--folder", type=Path, default=data.FOLDER)
    parser.add_argument("--shards", type=int, default=0, help="how many shards to draw")
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--step", type=int, default=1, help="draw every n-th shard (for several processes)")
    parser.add_argument("--variety", type=float, default=0.0, help="0: plain scenes, 1: crowded ones")
    parser.add_argument("--tile", type=int, default=96, help="width of a picture on the sheet")
    options = parser.parse_args()
    if options.sheet:
        options.sheet.parent.mkdir(parents=True, exist_ok=True)
        scenes = [render(draw_lot(seed, options.variety)) for seed in range(64)]
        sheet(scenes, 8, options.tile).save(options.sheet)
    for number in range(options.first, options.first + options.shards, options.step):
        started = time.monotonic()
        data.write_shard(options.folder, number, data.shard_scenes(number, options.variety), render)
        tell(f"shard {number}: {data.SHARD} scenes in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
