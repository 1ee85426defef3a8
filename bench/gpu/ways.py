"""The ways to call the UNet: as it is, compiled in every way that the program names, replayed as a CUDA graph."""

import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch

from bench.drawing import draw
from bench.gpu.device import Device
from bench.gpu.engines import Workshop
from bench.gpu.rates import RATED_STEPS, rate
from bench.gpu.report import Row
from bench.gpu.shapes import Shape
from sframes_tui.engine.device.compiling import CHOSEN

DTYPE = torch.float16
WARMING = 3
"""Calls before a graph is recorded, so that libraries have chosen their kernels."""


def graphs(shop: Workshop, shape: Shape, sizes: tuple[int, ...]) -> Iterator[Row]:
    """A call of the UNet as it is and as a recorded graph: what is between them waited for launches."""
    unet = shop.pipeline(shape, DTYPE).unet.to(memory_format=torch.channels_last)
    for rows in sizes:
        given = shape.unet_arguments(rows, shop.device.torch, DTYPE)
        with torch.inference_mode():
            plain = shop.device.best(lambda: unet(**given))  # noqa: B023
            begun = time.perf_counter()
            graph = _recorded(unet, given, shop.device)
            recording = time.perf_counter() - begun
            replayed = shop.device.best(graph.replay)
        yield {
            "rows": rows,
            "as it is, ms": 1000 * plain,
            **{f"graph: {name}": value for name, value in rate(shop, shape, DTYPE, rows, replayed).items()},
            "waits for launches, %": 100 * (1 - replayed / plain),
            "s to record": recording,
        }
        del graph


def _recorded(unet: torch.nn.Module, given: dict[str, Any], device: Device) -> torch.cuda.CUDAGraph:
    """The call with these very tensors; they are read anew at each replay."""
    stream = torch.cuda.Stream(device.torch)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device.torch))
    with torch.cuda.stream(stream):
        for _ in range(WARMING):
            unet(**given)
    torch.cuda.current_stream(device.torch).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        unet(**given)
    return graph


def compiled(shop: Workshop, shape: Shape, way: str, sizes: tuple[int, ...]) -> Iterator[Row]:
    """An engine's steps with `compile = true`, in a way of `sframes_tui.engine.device.compiling`."""
    torch.compiler.reset()
    pipe = shop.pipeline(shape, DTYPE)
    for rows in sizes:
        config = shop.config(shape, DTYPE, steps=RATED_STEPS, compile=True)
        with _way(shop, way), shop.engine(config, pipe, rows) as engine:
            before, begun = _graphs_so_far(), time.perf_counter()
            shop.step_seconds(engine, rows)
            warming = time.perf_counter() - begun
            with shop.device.peak() as memory:
                seconds = shop.step_seconds(engine, rows)
        told = {"compiled graphs": _graphs_so_far() - before, "s to warm up": warming}
        yield {"way": way, "rows": rows, **rate(shop, shape, DTYPE, rows, seconds), **told, **memory}


def compiled_story(shop: Workshop, shape: Shape, way: str, rows: int) -> Iterator[Row]:
    """Six mixed styles with `compile = true` and `deterministic = false`, where the number of rows changes."""
    torch.compiler.reset()
    pipe = shop.pipeline(shape, DTYPE)
    config = shop.config(shape, DTYPE, compile=True, deterministic=False)
    with _way(shop, way), shop.engine(config, pipe, rows) as engine:
        plan, before = shop.plan(config, engine), _graphs_so_far()
        first = shop.device.seconds(lambda: draw(plan, engine))
        seconds = shop.device.seconds(lambda: draw(plan, engine))
    yield {
        "way": way,
        "rows": rows,
        "first time, s": first,
        "then, s": seconds,
        "compiled graphs": _graphs_so_far() - before,
    }


def _way(shop: Workshop, way: str) -> Any:
    return patch.dict(CHOSEN, {shop.device.torch.type: way})


def _graphs_so_far() -> int:
    """How many times anything was compiled in this process."""
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])  # noqa: SLF001
