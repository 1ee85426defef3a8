"""Engines over one model of a real shape, in any number format, and how fast they go."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch

from bench.cases import case_config, case_plan
from bench.gpu.device import Device
from bench.gpu.shapes import Shape, make_pipeline
from sframes_tui.config.config import Config
from sframes_tui.engine import models
from sframes_tui.engine.device.memory import free_memory
from sframes_tui.engine.loading.loading import Loaded, paired
from sframes_tui.engine.pipelines import Pipeline
from sframes_tui.engine.protocol import Engine, Job, Look, Progress
from sframes_tui.model.source import ModelSource
from sframes_tui.plan.plan import Plan

RATED_SECONDS = 1.5
RATED_TICKS = 12


class Workshop:
    """One model at a time, with the engines that draw with it."""

    def __init__(self, device: Device, case: str) -> None:
        """`case` is one of `bench.cases`, which all plans are."""
        self.device, self._case = device, case
        self._shape: Shape | None = None
        self._pipe: Pipeline = None

    def pipeline(self, shape: Shape, dtype: torch.dtype) -> Pipeline:
        """On the device, in a number format that is always made from float32."""
        if self._shape is not shape or self._pipe.unet.dtype not in (dtype, torch.float32):
            self.clear()
            self._shape, self._pipe = shape, make_pipeline(shape, self.device.torch)
        self._pipe.to(device=self.device.torch, dtype=dtype)
        self._pipe.vae.to(dtype=torch.float32)  # as the program loads it
        self._pipe.unet.to(memory_format=torch.contiguous_format)
        return self._pipe

    def clear(self) -> None:
        self._shape = self._pipe = None
        free_memory()

    def config(self, shape: Shape, dtype: torch.dtype, **options: object) -> Config:
        side = shape.vae["sample_size"]
        usual = {"device": str(self.device.torch), "dtype": name_of(dtype), "width": side, "height": side}
        asked = {"steps": shape.steps, **usual, **options}
        return case_config(self._case, "random", int(str(asked.pop("steps"))), **asked)

    @contextmanager
    def engine(self, config: Config, pipe: Pipeline, rows: int = 1) -> Iterator[Engine]:
        """What the program makes of a configuration and a loaded pipeline."""
        options = config.generation_config
        loaded = Loaded(paired(pipe), ())
        with patch.object(models, "load_model", lambda *_, **__: loaded):
            engine = models.load_engine(options, ModelSource("random", "hub", None))
        if options.engine == "reference":
            pipe.unet.to(memory_format=torch.contiguous_format)  # as a script of diffusers' own has it
        engine.use_rows(rows)
        try:
            yield engine
        finally:
            engine.close()

    def plan(self, config: Config, engine: Engine) -> Plan:
        return case_plan(self._case, config, engine.facts.sampling)

    def step_seconds(self, engine: Engine, rows: int) -> float:
        """Seconds of a tick with all rows at work, prompts, first steps and decoding aside."""
        for number in range(rows):
            engine.admit(Job(number, number, Look(f"a boat {number}"), chain=number))
        cancelled = threading.Event()

        def tick() -> None:
            if said := engine.advance(_ignore, cancelled):
                raise RuntimeError(f"not what was to be timed: {said[0]}")

        for _ in range(2):
            tick()
        self.device.wait()
        begun, ticks = time.perf_counter(), 0
        while ticks < RATED_TICKS and time.perf_counter() - begun < RATED_SECONDS:
            tick()
            ticks += 1
        self.device.wait()
        seconds = time.perf_counter() - begun
        cancelled.set()
        engine.advance(_ignore, cancelled)
        return seconds / ticks

    def loop_step_seconds(self, engine: Engine) -> float:
        """Seconds of a denoising step of the reference loop, within a picture."""
        marks: dict[int, float] = {}

        def mark(progress: Progress) -> None:
            if progress.step in (2, progress.steps - 1):
                self.device.wait()
                marks[progress.step] = time.perf_counter()

        for report in (_ignore, mark):
            engine.admit(Job(0, 0, Look("a boat")))
            engine.advance(report, threading.Event())
        (first, begun), (last, ended) = marks.items()
        return (ended - begun) / (last - first)


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _ignore(_: Progress) -> None:
    """Nobody watches."""
