"""Python's own time in a denoising step: `advance` with a UNet that costs nothing, by scheduler and number of rows."""

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bench.cases import launch_bound
from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import load_engine
from sframes_tui.engine.protocol import FromNoise, Job, Look

SCHEDULERS = (
    "DDIM",
    "EulerDiscrete",
    "EulerAncestralDiscrete",
    "DPMSolverMultistep",
    "PNDM",
    "UniPCMultistep",
    "HeunDiscrete",
)
"""The last one has no table: its rows step one by one."""

ROWS = (1, 2, 8, 32)


def step_seconds(model: Path, scheduler: str, rows: int, steps: int) -> float:
    """The lower quartile of a picture's steps, without its first two and its last."""
    config = GenerationConfig(model=str(model), scheduler=scheduler, num_inference_steps=steps, device="cpu")
    engine: Any = load_engine(config)
    engine.pipelines.text.unet.forward = lambda sample, *_, **__: (sample,)
    engine.use_rows(rows)
    for number in range(rows):
        engine.admit(Job(number, number, Look("a boat"), chain=number))
    never, times = threading.Event(), []
    for _ in range(engine.real_steps(FromNoise())):
        started = time.perf_counter()
        engine.advance(lambda _: None, never)
        times.append(time.perf_counter() - started)
    engine.close()
    return statistics.quantiles(times[2:-1], n=4)[0]


def _skip_runge_kutta(model: Path) -> None:
    """As Stable Diffusion 1.5 says to PNDM, which without it has no table."""
    file = model / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"skip_prk_steps": True}))


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench steps", description=__doc__)
    parser.add_argument("--schedulers", nargs="+", default=SCHEDULERS)
    parser.add_argument("--rows", nargs="+", type=int, default=ROWS)
    parser.add_argument("--steps", type=int, default=40, help="denoising steps of a picture")
    arguments = parser.parse_args(words)
    torch.set_num_threads(1)
    print(f"| ms a step, at rows | {' | '.join(map(str, arguments.rows))} | ms a row more |")
    print("|---" * (len(arguments.rows) + 2) + "|")
    with tempfile.TemporaryDirectory() as scratch:
        model = launch_bound(Path(scratch) / "model")
        _skip_runge_kutta(model)
        for scheduler in arguments.schedulers:
            seconds = [step_seconds(model, scheduler, rows, arguments.steps) for rows in arguments.rows]
            slope = (seconds[-1] - seconds[0]) / max(arguments.rows[-1] - arguments.rows[0], 1)
            cells = [f"{1000 * each:.2f}" for each in seconds]
            print(f"| {scheduler} | {' | '.join(cells)} | {1000 * slope:.3f} |", flush=True)


if __name__ == "__main__":
    main()
