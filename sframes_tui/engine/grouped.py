"""Draws frames that share a schedule in one pipeline call: for models whose denoising loop is diffusers' alone."""

import threading
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.arguments import arguments_of_all
from sframes_tui.engine.decoding import checked_picture
from sframes_tui.engine.device.cuda import Pace, wait_for
from sframes_tui.engine.device.memory import free_memory, is_out_of_memory, require_device
from sframes_tui.engine.pipelines import Pipelines
from sframes_tui.engine.protocol import (
    Drawn,
    Facts,
    FromNoise,
    FromPicture,
    Job,
    Look,
    Outcome,
    Progress,
    Remark,
    Report,
    Start,
)
from sframes_tui.engine.reference import ReferenceEngine, StepWatch, StoppedError

MAX_ROWS = 16


class GroupedEngine(ReferenceEngine):
    """One pipeline call for all frames in flight that begin alike: all from noise, or all with the same strength.

    With `deterministic` every call has `capacity` rows and a frame stands in the row of its chain, free rows filled
    with copies: then no picture depends on its neighbours. A call that goes wrong is made again frame by frame.
    """

    max_rows = MAX_ROWS

    def __init__(self, pipelines: Pipelines, facts: Facts, config: GenerationConfig) -> None:
        super().__init__(pipelines, facts, config)
        self.pinned = config.deterministic

    def admit(self, job: Job) -> None:
        self._jobs.append(self._taken_in(job))

    def call_seconds(self, rows: int) -> float:
        """Seconds of one denoising step with so many frames: the second of a drawing that is then given up.

        Infinite where memory doesn't suffice.
        """
        jobs = [Job(-1, number, Look("a")) for number in range(rows)]
        watch = StepTimer(jobs, self.real_steps(FromNoise()), self._device)
        try:
            self._row_images(jobs, watch)
        except StoppedError:
            pass
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        free_memory()
        return watch.seconds

    def advance(self, report: Report, cancelled: threading.Event) -> list[Outcome]:
        if cancelled.is_set():
            self._jobs.clear()
        group = self._next_group()
        self._jobs = [job for job in self._jobs if job not in group]
        if self.capacity == 1:
            return self._each_alone(group, report, cancelled)
        try:
            drawn = list(self._draw_group(group, report, cancelled)) if group else []
        except StoppedError:
            return []
        except Exception as error:
            require_device(error, self._device)
            memory = is_out_of_memory(error)
        else:
            self._ladder.relieved()
            return drawn
        if memory:
            return self._with_less(group)
        free_memory()
        return self._each_alone(group, report, cancelled)  # which frame it is, and why, is found by that

    def _next_group(self) -> list[Job]:
        """Of the frames in hand those that begin as the first does and have a row each."""
        alike = [job for job in self._jobs if _schedule(job.start) == _schedule(self._jobs[0].start)]
        if not self.pinned:
            return alike[: self.capacity]
        first = {self._place(job.chain): job for job in reversed(alike)}
        return [job for job in alike if first[self._place(job.chain)] is job]

    def _with_less(self, group: list[Job]) -> list[Outcome]:
        """After memory ran out with several rows, their frames begin anew with the ladder's next rung."""
        self._jobs = [*group, *self._jobs]
        rung = self._next_rung(self.capacity)
        assert rung is not None, "fewer rows are always left to try"
        self.capacity = rung.rows
        return [Remark(f"out of memory: {rung.said}; the frames in hand are drawn again from their start")]

    def _each_alone(self, jobs: Sequence[Job], report: Report, cancelled: threading.Event) -> list[Outcome]:
        return [outcome for job in jobs for outcome in self._drawn_alone(job, report, cancelled)]

    def _draw_group(self, jobs: list[Job], report: Report, cancelled: threading.Event) -> Sequence[Outcome]:
        rows = self._rows(jobs)
        watch = GroupWatch(jobs, self.real_steps(jobs[0].start), report, cancelled, Pace(self._device))
        images, redone = self._row_images(rows, watch)
        drawn = [Drawn(job.frame, checked_picture(images[rows.index(job)])) for job in jobs]
        return [*self._remarks(redone), *drawn]

    def _rows(self, jobs: list[Job]) -> list[Job]:
        """The jobs of a call, row by row: each in its own slot and copies of the first in the others, if pinned."""
        if not self.pinned:
            return jobs
        rows = [jobs[0]] * self.capacity
        for job in jobs:
            rows[self._place(job.chain)] = job
        return rows

    def _row_images(self, rows: list[Job], watch: "GroupWatch") -> tuple[Sequence[NDArray[np.float32]], bool]:
        """What one call draws for rows that begin alike, as `_images` has it."""
        pipe = self._pipelines.drawing(rows[0].start)
        fixed = dict(self._arguments[id(pipe)].fixed)
        if isinstance(fixed.get("negative_prompt"), str):
            fixed["negative_prompt"] = [fixed["negative_prompt"]] * len(rows)
        return self._images(pipe, fixed, arguments_of_all(rows), watch)


class GroupWatch(StepWatch):
    """Follows a call for several frames, which all take the same steps."""

    def __init__(self, jobs: Sequence[Job], steps: int, report: Report, cancelled: threading.Event, pace: Pace) -> None:
        frames = [job.frame for job in jobs]

        def tell_all(progress: Progress) -> None:
            for frame in frames:
                report(Progress(frame, progress.step, progress.steps))

        super().__init__(frames[0], steps, tell_all, cancelled, pace)


class StepTimer(GroupWatch):
    """Times the second step, or the only one, and ends the call."""

    seconds = float("inf")

    def __init__(self, jobs: Sequence[Job], steps: int, device: torch.device) -> None:
        super().__init__(jobs, steps, lambda _: None, threading.Event(), Pace(device))
        self._device, self._begun = device, time.perf_counter()

    def _stepped(self, latents: torch.Tensor | None) -> None:
        super()._stepped(latents)
        wait_for(self._device)  # or only Python would be timed
        now = time.perf_counter()
        if self._step == 2 or self._steps == 1:
            self.seconds = now - self._begun
            raise StoppedError
        self._begun = now


def _schedule(start: Start) -> tuple[type[Start], float | None]:
    """Frames in which this is equal run the same timesteps of the same pipeline."""
    match start:
        case FromNoise():
            return FromNoise, None
        case FromPicture(strength=strength):
            return FromPicture, strength
