"""How fast pictures come: the reference loop beside the program's engine, by rows, number format and part."""

import copy
import time
from collections.abc import Callable, Iterator

import torch

from bench.bare import networks
from bench.drawing import Pictures, draw, frames_of
from bench.gpu.correctness import compared
from bench.gpu.device import Spans
from bench.gpu.engines import Workshop, name_of
from bench.gpu.report import Row
from bench.gpu.shapes import Shape, row_flops
from sframes_tui.config.config import Config
from sframes_tui.engine.pipelines import Pipeline
from sframes_tui.engine.protocol import Engine
from sframes_tui.plan.plan import Plan
from sframes_tui.run.record.png import encode
from sframes_tui.run.row_count import count_chains, fastest_rows, measure

ROWS = (1, 2, 4, 8, 16, 24)
RATED_STEPS = 50
HALF = (torch.float16, torch.bfloat16)


def matrix_rates(shop: Workshop, side: int) -> Iterator[Row]:
    for dtype in (torch.float32, *HALF):
        rate = shop.device.measure_matrix_rate(dtype, side)
        yield {"number format": name_of(dtype), "side": side, "TFLOP/s": rate / 1e12}


def story(shop: Workshop, shape: Shape) -> Iterator[Row]:
    """The pictures of six mixed styles, whole: text, denoising and VAE, without a disk."""
    loops: dict[str, float] = {}
    for dtype, engine, options in (
        (torch.float32, "reference", {}),
        (torch.float16, "reference", {}),
        (torch.float16, "auto", {}),
        (torch.float16, "auto", {"deterministic": False}),
        (torch.bfloat16, "auto", {}),
    ):
        config = shop.config(shape, dtype, engine=engine, **options)
        with shop.device.peak() as memory:
            seconds, told = _drawn(shop, config, shop.pipeline(shape, dtype))
        name = f"{'loop' if engine == 'reference' else 'ours'}, {name_of(dtype)}{', loose' if options else ''}"
        loops.setdefault(name, seconds)
        ratios = {f"x {loop}": loops[loop] / seconds for loop in ("loop, float32", "loop, float16") if loop in loops}
        yield {"drawn by": name, **told, "s": seconds, "pictures/s": told["pictures"] / seconds, **ratios, **memory}


def _drawn(shop: Workshop, config: Config, pipe: Pipeline) -> tuple[float, dict[str, int]]:
    """Seconds of all pictures, once warm, with as many rows as the program chooses."""
    with shop.engine(config, pipe) as engine:
        plan = shop.plan(config, engine)
        rows = _chosen(plan, engine)
        engine.use_rows(rows)
        looped = config.generation_config.engine == "reference"
        draw(plan, engine, frames_of(plan, 0, 2) if looped else None)
        pictures: Pictures = {}
        seconds = shop.device.seconds(lambda: pictures.update(draw(plan, engine)))
        return seconds, {"rows": rows, "pictures": len(pictures), "steps": plan.steps}


def _chosen(plan: Plan, engine: Engine) -> int:
    """As the program chooses it, but for what it remembers."""
    useful = min(engine.max_rows, count_chains(plan))
    if useful == 1:
        return 1
    return fastest_rows(plan, engine.pinned, measure(engine.call_seconds, useful, {}))


def by_rows(shop: Workshop, shape: Shape, sizes: tuple[int, ...] = ROWS) -> Iterator[Row]:
    """Guided steps of pictures from noise: what one takes, and how much of the device is at work."""
    for dtype in (torch.float32, torch.float16):
        config = shop.config(shape, dtype, engine="reference", steps=RATED_STEPS)
        with shop.engine(config, shop.pipeline(shape, dtype)) as engine:
            yield _rated(shop, shape, dtype, "loop", 1, lambda: shop.loop_step_seconds(engine))
    for dtype in HALF:
        pipe = shop.pipeline(shape, dtype)
        for rows in sizes:
            with shop.engine(shop.config(shape, dtype, steps=RATED_STEPS), pipe, rows) as engine:
                yield _rated(shop, shape, dtype, "ours", rows, lambda: shop.step_seconds(engine, rows))  # noqa: B023


def _rated(shop: Workshop, shape: Shape, dtype: torch.dtype, name: str, rows: int, step: Callable[[], float]) -> Row:
    with shop.device.peak() as memory:
        seconds = step()
    return {"drawn by": f"{name}, {name_of(dtype)}", "rows": rows, **rate(shop, shape, dtype, rows, seconds), **memory}


def rate(shop: Workshop, shape: Shape, dtype: torch.dtype, rows: int, seconds: float) -> dict[str, float | None]:
    """Of a step of so many rows."""
    share = shop.device.share(rows * row_flops(shape), seconds, dtype)
    return {"ms a step": 1000 * seconds, "rows a second": rows / seconds, "% of the matrix rate": share}


def phases(shop: Workshop, shape: Shape) -> Iterator[Row]:
    """Where the time of six mixed styles goes, in float16, drawn for the second time but with prompts encoded anew."""
    pipe = shop.pipeline(shape, torch.float16)
    config = shop.config(shape, torch.float16)
    with shop.engine(config, pipe, 6) as engine:
        draw(shop.plan(config, engine), engine)
    with shop.engine(config, pipe, 6) as engine:
        plan, spans = shop.plan(config, engine), Spans(shop.device)
        for name, module in networks(pipe):
            spans.watch(name, module)
        pictures: Pictures = {}
        whole = shop.device.seconds(lambda: pictures.update(draw(plan, engine)))
        parts = spans.close()
    rest = whole - sum(parts.values())
    for name, seconds in {**parts, "all else: solver, guidance, Python, waits": rest, "the whole": whole}.items():
        yield {"part": name, "s": seconds, "%": 100 * seconds / whole}
    begun = time.perf_counter()
    for picture in pictures.values():
        encode(picture)
    yield {"part": "PNG, in threads beside it", "s": time.perf_counter() - begun}


def vae(shop: Workshop, shape: Shape) -> Iterator[Row]:
    """One picture encoded and decoded in each number format."""
    pipe = shop.pipeline(shape, torch.float16)
    for dtype in (torch.float32, *HALF):
        network = copy.deepcopy(pipe.vae).to(dtype=dtype)
        latents = torch.randn((1, *shape.latent), device=shop.device.torch).to(dtype)
        with torch.inference_mode(), shop.device.peak() as memory:
            decoding = shop.device.best(lambda: network.decode(latents), 3)  # noqa: B023
            picture = network.decode(latents).sample
            encoding = shop.device.best(lambda: network.encode(picture), 3)  # noqa: B023
        yield {"VAE in": name_of(dtype), "decode ms": 1000 * decoding, "encode ms": 1000 * encoding, **memory}


def offload(shop: Workshop, shape: Shape) -> Iterator[Row]:
    """Two chains in float16 with the model's parts in main memory; every mode has a model of its own."""
    drawn: dict[str, Pictures] = {}
    for mode in ("none", "model", "sequential"):
        shop.clear()
        pipe = shop.pipeline(shape, torch.float16)
        if mode != "none":
            pipe.to("cpu")
        config = shop.config(shape, torch.float16, offload=mode, steps=min(shape.steps, 5))
        with shop.engine(config, pipe, 6) as engine:
            plan = shop.plan(config, engine)
            wanted = [*frames_of(plan, 0), *frames_of(plan, 1)]
            draw(plan, engine, wanted[:1])
            with shop.device.peak() as memory:
                seconds = shop.device.seconds(lambda: drawn.update({mode: draw(plan, engine, wanted)}))  # noqa: B023
        difference = compared("", drawn["none"], drawn[mode], None)["largest difference (of 255)"]
        yield {"offload": mode, "pictures": len(wanted), "s": seconds, "largest difference": difference, **memory}
    shop.clear()
