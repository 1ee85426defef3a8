"""Whether pictures are what they should be on the device itself."""

import hashlib
import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench.drawing import Pictures, draw, frames_of
from bench.gpu.engines import Workshop, name_of
from bench.gpu.report import Row
from bench.gpu.shapes import Shape
from sframes_tui.config.config import Config
from sframes_tui.engine.pipelines import Pipeline
from sframes_tui.run.record.png import encode

ROWS = 6
MOST_STEPS = 10
HALF = (torch.float16, torch.bfloat16)
FORMATS = ((torch.float32, False), (torch.float32, True), (torch.float16, True), (torch.bfloat16, True))
"""Number format, and whether TF32 is allowed."""
ROOT = Path(__file__).resolve().parents[2]


def against_reference(shop: Workshop, shape: Shape, formats: Sequence[tuple[torch.dtype, bool]]) -> Iterator[Row]:
    """The batched engine beside the reference loop on the same device; `formats` are of `FORMATS`."""
    steps = min(shape.steps, MOST_STEPS)
    for dtype, tf32 in formats:
        pipe = shop.pipeline(shape, dtype)
        name = name_of(dtype) + (f", TF32 {'on' if tf32 else 'off'}" if dtype == torch.float32 else "")
        with tf32_allowed(tf32):
            loop = _drawn(shop, shop.config(shape, dtype, steps=steps, engine="reference"), pipe)
            for rows in (1, ROWS):
                ours = _drawn(shop, shop.config(shape, dtype, steps=steps), pipe, rows)
                yield compared(f"{name}: {rows} rows against the loop", loop, ours, None if tf32 else 1)


def same_bytes(shop: Workshop, shape: Shape) -> Iterator[Row]:
    """What must not change a byte, in float16: another engine, neighbours' contents, a run that was resumed."""
    pipe = shop.pipeline(shape, torch.float16)
    config = shop.config(shape, torch.float16, steps=min(shape.steps, MOST_STEPS))
    whole = _drawn(shop, config, pipe, ROWS)
    yield compared("another engine", whole, _drawn(shop, config, pipe, ROWS), 0)
    with shop.engine(config, pipe, ROWS) as engine:
        plan = shop.plan(config, engine)
        for chain in range(2):
            alone = draw(plan, engine, frames_of(plan, chain))
            yield compared(f"chain {chain} without neighbours", whole, alone, 0)
    half = {frame: _saved(picture) for frame, picture in whole.items() if frame < len(whole) // 2}
    with shop.engine(config, pipe, ROWS) as engine:
        yield compared("resumed from saved pictures", whole, draw(plan, engine, given=half), 0)


def against_cpu(shop: Workshop, shape: Shape, side: int) -> Iterator[Row]:
    """The first picture and one that starts from it, of `side` pixels, in float32 here and on the CPU."""
    pipe = shop.pipeline(shape, torch.float32)
    drawn = []
    for device in (str(shop.device.torch), "cpu"):
        config = shop.config(shape, torch.float32, steps=5, width=side, height=side, device=device)
        with tf32_allowed(False):
            drawn.append(_drawn(shop, config, pipe.to(device), most=2))
    yield compared("float32, TF32 off: against the CPU", drawn[1], drawn[0], None)


def other_process(shop: Workshop, shape: Shape, words: list[str]) -> Iterator[Row]:
    """The same pictures from a process of their own, `python -m bench gpu` with these words."""
    here = digest(shop, shape)
    command = [sys.executable, "-m", "bench", "gpu", *words]
    there = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[-1]
    yield {"check": "another process", "right": here == there}


def digest(shop: Workshop, shape: Shape) -> str:
    """SHA-256 of the pictures that `same_bytes` draws."""
    config = shop.config(shape, torch.float16, steps=min(shape.steps, MOST_STEPS))
    pictures = _drawn(shop, config, shop.pipeline(shape, torch.float16), ROWS)
    return hashlib.sha256(b"".join(pictures[frame].tobytes() for frame in sorted(pictures))).hexdigest()


@contextmanager
def tf32_allowed(allowed: bool) -> Iterator[None]:
    """Whether CUDA may compute convolutions in float32 with ten bits of mantissa, which torch lets it do unasked."""
    kept = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = kept and allowed
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = kept


def _drawn(shop: Workshop, config: Config, pipe: Pipeline, rows: int = 1, most: int | None = None) -> Pictures:
    """All pictures, or the first ones of the first chain."""
    with shop.engine(config, pipe, rows) as engine:
        plan = shop.plan(config, engine)
        return draw(plan, engine, None if most is None else frames_of(plan, 0, most))


def _saved(picture: Image.Image) -> Image.Image:
    return Image.open(io.BytesIO(encode(picture))).convert("RGB")


def compared(check: str, expected: Pictures, got: Pictures, most: int | None) -> Row:
    """`most` is the largest difference that counts as right; None: it is told."""
    pairs = [(np.asarray(expected[frame], np.int16), np.asarray(picture, np.int16)) for frame, picture in got.items()]
    differences = [np.abs(one - other) for one, other in pairs]
    largest = int(max(each.max() for each in differences))
    row = {
        "check": check,
        "pictures": len(pairs),
        "equal ones": sum(not each.any() for each in differences),
        "largest difference (of 255)": largest,
        "mean difference": float(np.mean([each.mean() for each in differences])),
    }
    return row if most is None else {**row, "right": largest <= most}
