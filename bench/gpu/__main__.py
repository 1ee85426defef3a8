"""Correctness and rates of Stable Diffusion's real shapes on a GPU, with random weights: `python -m bench gpu`.

Needs nothing but this checkout and its packages: no network, no model. Sections come in the order of what matters; one
that the time doesn't suffice for is left out. Found figures lie in `gpu.json` and `gpu.md`, after every row.
"""

import argparse
import gc
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import diffusers
import torch

from bench.gpu import correctness, rates, ways
from bench.gpu.device import MIB, Device
from bench.gpu.engines import Workshop
from bench.gpu.report import Report, Row, Section
from bench.gpu.shapes import SD15, SDXL, TINY_SD, TINY_XL, Shape
from sframes_tui.engine.device.devices import hardware_name
from sframes_tui.engine.loading.families import quiet
from sframes_tui.errors import ModelError

AIMS = {"loop, float32": 10.0, "loop, float16": 3.0}
"""How many times as fast as which loop six mixed styles should come."""
AIMED_SHARE = 40.0
"""Per cent of the matrix rate that some number of rows should reach."""


def sections(shop: Workshop, tiny: bool, words: list[str]) -> list[Section]:
    """All of them, what matters most first; the seconds are those of real shapes. `words` start another process."""
    sd, xl = (TINY_SD, TINY_XL) if tiny else (SD15, SDXL)
    sizes, few = ((1, 2), (2,)) if tiny else (rates.ROWS, (6,))
    half: int = sd.vae["sample_size"] // 2

    def on_cuda(name: str, seconds: float, rows: Callable[..., Iterator[Row]], *more: Any) -> Section:
        return Section(name, f"{sd.name}: {name}", seconds, lambda: rows(shop, sd, *more), cuda=True)

    def of(
        shape: Shape, name: str, title: str, seconds: float, rows: Callable[..., Iterator[Row]], *more: Any
    ) -> Section:
        return Section(name, f"{shape.name}: {title}", seconds, lambda: rows(shop, shape, *more))

    return [
        Section("matrix", "Products of square matrices", 5, lambda: rates.matrix_rates(shop, 64 if tiny else 8192)),
        of(sd, "correct", "right pictures", 60, correctness.against_reference, correctness.FORMATS),
        of(sd, "bytes", "the same bytes", 15, correctness.same_bytes),
        of(sd, "story", "six mixed styles", 45, rates.story),
        of(sd, "rows", "steps by rows", 25, rates.by_rows, sizes),
        on_cuda("graphs", 15, ways.graphs, sizes),
        of(xl, "story-xl", "six mixed styles", 80, rates.story),
        of(xl, "rows-xl", "steps by rows", 35, rates.by_rows, sizes),
        on_cuda("compile", 60, ways.compiled, "default", few),
        of(sd, "parts", "where time goes", 10, rates.phases),
        of(sd, "vae", "the VAE", 5, rates.vae),
        of(sd, "cpu", "against the CPU", 30, correctness.against_cpu, half),
        of(sd, "process", "another process", 35, correctness.other_process, words),
        of(sd, "offload", "offload", 30, rates.offload),
        of(xl, "vae-xl", "the VAE", 10, rates.vae),
        of(xl, "correct-xl", "right pictures", 25, correctness.against_reference, correctness.FORMATS[2:3]),
        on_cuda("compile-graphs", 50, ways.compiled, "graphs", few),
        on_cuda("compile-sizes", 100, ways.compiled_story, "sizes", few[0]),
        on_cuda("compile-tuned", 150, ways.compiled, "tuned", few),
    ]


def aims(report: Report) -> Iterator[Row]:
    """What should be reached, and what was."""
    for name, shape in (("story", "Stable Diffusion 1.5"), ("story-xl", "Stable Diffusion XL")):
        for loop, wanted in AIMS.items():
            found = [row[f"x {loop}"] for row in report.rows(name) if str(row["drawn by"]).startswith("ours")]
            if found:
                yield _aim(f"{shape}, six mixed styles: times as fast as the {loop}", wanted, max(found))
    shares = [row["% of the matrix rate"] for name in ("rows", "rows-xl") for row in report.rows(name)]
    if known := [share for share in shares if share is not None]:
        yield _aim("% of the matrix rate", AIMED_SHARE, max(known))
    for name in ("correct", "bytes", "process"):
        for row in report.rows(name):
            if "right" in row:
                yield {"aim": row["check"], "reached": row["right"]}


def _aim(name: str, wanted: float, found: float) -> Row:
    return {"aim": name, "wanted": wanted, "found": found, "reached": found >= wanted}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench gpu", description=__doc__)
    add = parser.add_argument
    add("--minutes", type=float, default=8.0, help="all time there is; sections that don't fit are left out")
    add("--out", type=Path, default=Path("bench-gpu"), help="folder for gpu.json and gpu.md")
    add("--device", help='"cuda" if nothing else is said')
    add("--sections", nargs="+", metavar="NAME", help="these alone, by the names that are printed as they end")
    add("--tiny", action="store_true", help="tiny shapes, on the CPU if nothing else is said: a bench of the bench")
    add("--digest", action="store_true", help="only print the SHA-256 of some pictures")
    arguments = parser.parse_args(words)
    began = time.monotonic()
    quiet()
    device = arguments.device or ("cpu" if arguments.tiny else "cuda")
    try:
        where = Device(device)
    except ModelError as error:
        parser.error(str(error))
    shop = Workshop(where, "2 styles interleaved" if arguments.tiny else "6 mixed interleaved")
    if arguments.digest:
        print(correctness.digest(shop, TINY_SD if arguments.tiny else SD15))
        return
    seconds = 60 * arguments.minutes - (time.monotonic() - began)
    report = Report(arguments.out, seconds, _facts(shop.device))
    again = ["--device", device, "--digest", *(["--tiny"] if arguments.tiny else [])]
    gc.freeze()  # what was imported is not looked through each time that an engine is closed
    try:
        for section in sections(shop, arguments.tiny, again):
            if section.name in (arguments.sections or [section.name]) and (shop.device.cuda or not section.cuda):
                report.run(section)
    finally:
        gc.unfreeze()
    report.add("aims", "Aims", aims(report))
    print("\n" + report.markdown())


def _facts(device: Device) -> Row:
    """What the figures depend on."""
    facts = {
        "device": hardware_name(device.torch),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }
    if not device.cuda:
        return facts
    free, total = torch.cuda.mem_get_info(device.torch)
    memory = f"{free // MIB} of {total // MIB} MiB"
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return facts | {"CUDA": torch.version.cuda, "cuDNN": cudnn, "free memory": memory}


if __name__ == "__main__":
    main()
