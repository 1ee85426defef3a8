"""The reference loop and the batched engine side by side: same model, plan and seeds, in turn, in one process."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from bench.bare import Calls, watched
from bench.cases import CASES, MODELS, case_config, case_plan
from bench.drawing import Pictures, draw
from sframes_tui.engine.models import load_engine
from sframes_tui.engine.protocol import Engine
from sframes_tui.plan.plan import Plan
from sframes_tui.run.row_count import count_chains, fastest_rows, measure


@dataclass
class Side:
    """One engine's share of a comparison."""

    engine: Any
    pictures: Pictures = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)
    seconds: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    """CPU seconds of the same calls on their own, measured right after each drawing."""


def compare(model: str, case: str, arguments: argparse.Namespace) -> str:
    """One row of the table: loop against engine, pair by pair."""
    options = {"deterministic": not arguments.fast, "device": arguments.device, "dtype": arguments.dtype}
    config = case_config(case, model, arguments.steps, **options)
    reference = load_engine(case_config(case, model, arguments.steps, engine="reference", **options).generation_config)
    batched = load_engine(config.generation_config)
    plan = case_plan(case, config, batched.facts.sampling)
    rows = _rows(plan, batched, arguments.rows)
    batched.use_rows(rows)
    loop, engine = Side(reference), Side(batched)
    for side in (loop, engine):
        with watched(side.engine.pipelines.text) as side.calls:
            side.pictures = draw(plan, side.engine)
    for _ in range(arguments.pairs):
        for side in (loop, engine):
            side.seconds.append(_cpu_seconds(plan, side.engine))
            side.bare.append(side.calls.seconds())
    return _row(case, plan, rows, loop, engine)


def _rows(plan: Plan, engine: Engine, wanted: str) -> int:
    """A number, "all" for one row a chain, or "auto" for what the program itself would take."""
    if wanted == "auto":
        useful = min(engine.max_rows, count_chains(plan))
        return fastest_rows(plan, engine.pinned, measure(engine.call_seconds, useful, {}))
    return min(engine.max_rows, count_chains(plan) if wanted == "all" else int(wanted))


def _cpu_seconds(plan: Plan, engine: Engine) -> float:
    started = time.process_time()
    draw(plan, engine)
    return time.process_time() - started


def _row(case: str, plan: Plan, rows: int, loop: Side, engine: Side) -> str:
    difference = max(_difference(loop.pictures[frame], engine.pictures[frame]) for frame in loop.pictures)
    ratios = _ratios(loop.seconds, engine.seconds)
    cells = (
        case,
        str(rows),
        f"{loop.calls.forwards} -> {engine.calls.forwards} ({plan.steps / engine.calls.forwards:.2f})",
        f"{statistics.median(loop.seconds):.2f} -> {statistics.median(engine.seconds):.2f}",
        f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}-{ratios[-1]:.2f})",
        f"{statistics.median(_ratios(loop.seconds, engine.bare)):.2f}",
        f"{statistics.median(_ratios(engine.seconds, engine.bare)):.2f}",
        str(difference),
    )
    return f"| {' | '.join(cells)} |"


def _ratios(above: list[float], below: list[float]) -> list[float]:
    """Pair by pair, sorted."""
    return sorted(a / b for a, b in zip(above, below, strict=True))


HEADER = (
    "| case | rows | UNet calls (mean batch) | CPU s | ratio (min-max) | ceiling | over bare calls | max difference |\n"
    "|---|---|---|---|---|---|---|---|"
)


def _difference(first: Image.Image, second: Image.Image) -> int:
    return int(np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16)).max())


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench engines", description=__doc__)
    add = parser.add_argument
    add("--models", nargs="+", choices=MODELS, default=list(MODELS))
    add("--cases", nargs="+", choices=CASES, default=list(CASES))
    add("--steps", type=int, default=20, help="denoising steps of a picture from noise")
    add("--pairs", type=int, default=5, help="timed pairs of loop and engine")
    add("--rows", default="auto", help='"auto" as the program chooses, "all" for one a chain, or a number')
    add("--fast", action="store_true", help="deterministic = false")
    add("--device", default="cpu")
    add("--dtype", default="float32")
    add("--threads", type=int, default=1)
    arguments = parser.parse_args(words)
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.models:
            build = MODELS[name]
            model = "builtin:picturebook" if build is None else str(build(Path(scratch) / name))
            print(f"\n### {name}\n\n{HEADER}", flush=True)
            for case in arguments.cases:
                print(compare(model, case, arguments), flush=True)


if __name__ == "__main__":
    main()
