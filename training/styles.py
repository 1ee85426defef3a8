"""The six ways to finish a scene: from flat colour and ink to a photograph, a drawing, a painting, or neon.

Every style maps colour (SIZE, SIZE, 3) and ink (SIZE, SIZE), float32 in 0..1, to a picture of the same kind.
Marks are kept broad: a latent cell covers 8x8 pixels, and anything finer than a few pixels would be lost on
the way.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.canvas import SIZE, Pixels

Lot = np.random.Generator


def finish(style: str, colour: Pixels, ink: Pixels, lot: Lot, *, dark: bool) -> NDArray[np.uint8]:
    """The finished picture, uint8 (SIZE, SIZE, 3)."""
    picture = _STYLES[style](colour, ink, lot, dark)
    rounded: NDArray[np.uint8] = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    return rounded


def _blur(picture: Pixels, radius: float) -> Pixels:
    bytes_ = Image.fromarray(np.clip(picture * 255, 0, 255).astype(np.uint8))
    return np.asarray(bytes_.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255


def _clouding(lot: Lot, cells: int) -> Pixels:
    """Smooth noise (SIZE, SIZE) in about -1..1 that changes over SIZE / cells pixels."""
    coarse = Image.fromarray(lot.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float32)


def _luma(colour: Pixels) -> Pixels:
    grey: Pixels = colour @ np.array([0.3, 0.59, 0.11], np.float32)
    return grey


def _photograph(colour: Pixels, _ink: Pixels, lot: Lot, _dark: bool) -> Pixels:
    """Natural colours, soft edges, a little light and shade across the picture."""
    soft = _blur(colour, 0.6)
    shade = 1 + 0.05 * _clouding(lot, 5)[..., None]
    return soft * shade * _vignette(0.16)


def _vignette(depth: float) -> Pixels:
    rows, columns = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j].astype(np.float32)
    shade: Pixels = (1 - depth * (rows**2 + columns**2) / 2)[..., None]
    return shade


def _charcoal(colour: Pixels, ink: Pixels, lot: Lot, dark: bool) -> Pixels:
    """Soft grey tones, smudged, with broad dark contours; in the dark, lights are left bare of them."""
    grey = _luma(_blur(colour, 1.2))
    if dark:
        ink = np.maximum(ink, np.clip(4 * _luma(colour) - 2.4, 0, 1))
    tone = 0.16 + 0.74 * grey + 0.03 * _clouding(lot, 6)
    drawn = tone * (0.3 + 0.7 * _blur(ink, 0.7))
    return np.repeat((drawn * _vignette(0.2)[..., 0])[..., None], 3, axis=-1)


def _line(colour: Pixels, ink: Pixels, _lot: Lot, dark: bool) -> Pixels:
    """Black contours on white paper, or on grey paper where it is night."""
    paper = 0.56 if dark else 0.97
    lights = np.clip(_luma(colour) - 0.55, 0, 1) if dark else np.zeros_like(ink)
    tone = np.minimum(paper + 1.2 * lights, 1)
    drawn = np.minimum(tone, 0.08 + 0.92 * ink)
    return np.repeat(drawn[..., None], 3, axis=-1)


def _watercolor(colour: Pixels, ink: Pixels, lot: Lot, dark: bool) -> Pixels:
    """Pale washes that pool and bleed, on paper whose edge stays bare."""
    strength = 1.02 if dark else 0.66
    wash = _blur(colour, 1.4) * 0.6 + _blur(colour, 0.5) * 0.4
    pooled = strength * (1 + 0.16 * _clouding(lot, 9)[..., None])
    edge = 0.86 + 0.14 * _blur(ink, 0.8)[..., None]
    painted = (1 - (1 - wash) * np.clip(pooled, 0, 1)) * edge
    bare = _bare_edge(lot, 2.5 if dark else 5.5)[..., None]
    paper = np.array([0.98, 0.96, 0.92], np.float32)
    finished: Pixels = painted * (1 - bare) + paper * bare
    return finished


def _bare_edge(lot: Lot, width: float) -> Pixels:
    """1 where the paper stays white: along the frame, with an uneven border."""
    distance = np.minimum(np.arange(SIZE), np.arange(SIZE)[::-1]).astype(np.float32)
    near = np.minimum(distance[:, None], distance[None, :])
    return 1 - np.clip((near - width - 2.2 * _clouding(lot, 14)) / 3, 0, 1)


def _oil(colour: Pixels, ink: Pixels, lot: Lot, dark: bool) -> Pixels:
    """Rich colour laid on in short, broad strokes that stay visible."""
    rich = _saturated(_blur(colour, 0.7) * (0.97 if dark else 0.92), 1.35)
    under = Image.fromarray(np.clip(rich * 255, 0, 255).astype(np.uint8))
    canvas = under.filter(ImageFilter.GaussianBlur(2))
    brush = ImageDraw.Draw(canvas)
    dabs = 450
    places = lot.integers(0, SIZE, (dabs, 2))
    turns, tones = lot.uniform(-0.5, 0.9, dabs), lot.normal(1, 0.055, dabs)
    pixels = np.asarray(under, np.float32)
    for (x, y), turn, tone in zip(places.tolist(), turns.tolist(), tones.tolist(), strict=True):
        red, green, blue = (min(255, int(c * tone)) for c in pixels[y, x].tolist())
        along, up = 5 * np.cos(turn), 5 * np.sin(turn)
        brush.line((x - along, y - up, x + along, y + up), fill=(red, green, blue), width=4)
    painted = np.asarray(canvas, np.float32) / 255
    near = 1 - _blur(ink, 1.5)[..., None]
    keep = np.clip(0.25 + near, 0, 0.7)
    finished: Pixels = painted * (1 - keep) + rich * keep
    return finished


def _saturated(colour: Pixels, amount: float) -> Pixels:
    grey = _luma(colour)[..., None]
    return np.clip(grey + (colour - grey) * amount, 0, 1)


_NEON = {
    "warm": np.array([[0.10, 0.0, 0.22], [0.72, 0.06, 0.56], [1.0, 0.42, 0.82]], np.float32),
    "cool": np.array([[0.05, 0.02, 0.26], [0.16, 0.22, 0.86], [0.36, 0.84, 1.0]], np.float32),
}
"""Two ramps from dark over middle to light: what is warm turns pink, what is cool turns blue."""


def _cyberpunk(colour: Pixels, ink: Pixels, _lot: Lot, dark: bool) -> Pixels:
    """Violet and cyan darkness with contours of glowing neon."""
    grey = np.clip(_luma(_blur(colour, 0.7)) * 1.05, 0, 1)
    warmth: Pixels = np.clip(0.5 + 1.6 * (colour[..., :1] - colour[..., 2:]), 0, 1)
    warmth = _blur(np.repeat(warmth, 3, axis=-1), 1.5)
    base = warmth * _ramp("warm", grey) + (1 - warmth) * _ramp("cool", grey)
    lines = (1 - ink)[..., None]
    neon = np.where(warmth > 0.5, np.array([1, 0.3, 0.8], np.float32), np.array([0.2, 0.95, 1], np.float32))
    shine = np.clip(0.75 * lines + 1.1 * _blur(np.repeat(lines, 3, axis=-1), 2.4), 0, 1) * (0.9 if dark else 0.75)
    return (base * (0.75 if dark else 0.95)) * (1 - shine) + neon * shine


def _ramp(name: str, grey: Pixels) -> Pixels:
    stops = _NEON[name]
    return np.stack([np.interp(grey, (0, 0.45, 1), stops[:, i]) for i in range(3)], axis=-1).astype(np.float32)


_STYLES: dict[str, Callable[[Pixels, Pixels, Lot, bool], Pixels]] = {
    "photograph": _photograph, "charcoal": _charcoal, "line": _line, "watercolor": _watercolor, "oil": _oil,
    "cyberpunk": _cyberpunk,
}  # fmt: skip
