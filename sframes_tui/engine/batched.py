"""The batched engine: frames whose bases exist share UNet calls, each at its own timestep. Owns the order of a tick.

A frame joins when its base is done and leaves when its steps are; nobody waits for anybody. For UNet models of the
Stable Diffusion family; `why_not` says which models it can't draw.
"""

import copy
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.decoding import SpoiledError, judged
from sframes_tui.engine.device.cuda import Pace
from sframes_tui.engine.device.memory import Parts, free_memory, is_out_of_memory, require_device
from sframes_tui.engine.pipeline_engine import PipelineEngine, said_in_one_sentence
from sframes_tui.engine.pipelines import Pipelines
from sframes_tui.engine.protocol import Facts, Job, Outcome, Progress, Remark, Report, Spoiled
from sframes_tui.engine.stepping.denoiser import Denoiser
from sframes_tui.engine.stepping.preview import Previewer
from sframes_tui.engine.stepping.rows import Row, Starter
from sframes_tui.engine.stepping.solvers import pick_solver

MOST_ROWS = 64

DRAWABLE = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")

Item = TypeVar("Item")


def why_not(pipelines: Pipelines) -> str | None:
    """Why this engine can't draw with a model, as the end of a sentence; None where it can."""
    if pipelines.name not in DRAWABLE or pipelines.image is None:
        return f"{pipelines.name} is not of the Stable Diffusion family with a UNet"
    unet, vae = pipelines.text.unet, pipelines.text.vae
    if unet.config.in_channels != vae.config.latent_channels:
        return "its UNet takes more than the picture's latents"
    if unet.config.get("encoder_hid_dim_type") or unet.config.get("class_embed_type"):
        return "its UNet wants more than a prompt"
    return None


@dataclass(frozen=True, slots=True)
class Failure:
    """What befell a call, without the exception: that would hold on to its tensors."""

    reason: str
    memory: bool

    @classmethod
    def of(cls, error: Exception) -> Self:
        spoiled = isinstance(error, SpoiledError)
        return cls(str(error) if spoiled else said_in_one_sentence(error), is_out_of_memory(error))


class BatchedEngine(PipelineEngine):
    """Draws up to `capacity` frames at once; the same pictures as the reference engine.

    With one row it does what diffusers' pipelines do: in float32 to the bit, in half precision with latents and
    guidance that stay float32. With more, `deterministic` keeps every batch alike (as many places, a chain's frames at
    one place, one memory format, pictures through the VAE one by one), so that a picture's bytes depend on its job and
    the number of rows alone.
    """

    max_rows = MOST_ROWS
    stepwise = True

    def __init__(
        self, pipelines: Pipelines, facts: Facts, config: GenerationConfig, folder: Path | None = None
    ) -> None:
        """`folder` is the model's, if it has one."""
        self._parts = Parts(pipelines.text)
        super().__init__(pipelines, facts, config, self._parts)
        self.pinned = config.deterministic
        self._waiting: list[Job] = []
        self._rows: list[Row] = []
        scheduler = copy.deepcopy(pipelines.scheduler)
        scheduler.set_timesteps(config.num_inference_steps)
        self._starter = Starter(pipelines, facts, config, scheduler)
        self._denoiser = Denoiser(pipelines.text, config, scheduler.timesteps)
        self._solver = pick_solver(scheduler, config.eta, self._device)
        self._previewer = Previewer(pipelines, folder)
        self._pace = Pace(self._device)

    def _in_hand(self) -> Iterator[Job]:
        yield from self._waiting
        yield from (row.job for row in self._rows)

    def call_seconds(self, rows: int) -> float:
        """Seconds of one denoising call of so many rows, guidance included: the best of a few.

        Infinite where memory doesn't suffice.
        """
        condition, negative = self._starter.condition("")
        seconds = self._denoiser.call_seconds(rows, self._starter.latent_shape(), condition, negative is not None)
        free_memory()
        return seconds

    def admit(self, job: Job) -> None:
        self._waiting.append(self._taken_in(job))

    def advance(self, report: Report, cancelled: threading.Event) -> list[Outcome]:
        """One tick: admits, denoises every row by one step, decodes the rows that are done."""
        outcomes: list[Outcome] = []
        if not cancelled.is_set():
            made: list[Progress] = []
            failure = self._attempted(lambda: self._go_on(made, outcomes))
            for progress in made:
                report(progress)
            if failure is None and not cancelled.is_set():
                failure = self._attempted(lambda: self._finish_all(outcomes))
            if failure is not None:
                outcomes += self._recovered(failure)
        if cancelled.is_set():
            self._let_go(self._rows)
            self._waiting.clear()
        return outcomes

    def _go_on(self, made: list[Progress], outcomes: list[Outcome]) -> None:
        """Begins the jobs that have a place and takes every row one step on."""
        outcomes += self._all_carried_over()
        self._parts.let_in()
        for jobs in _groups(self._next_jobs(), self._together):
            self._begin(jobs, outcomes)
        if self._rows:
            made += self._denoised()

    def _finish_all(self, outcomes: list[Outcome]) -> None:
        done = [row for row in self._rows if row.done]
        for rows in _groups(done, self._together):
            self._finish(rows, outcomes)
        if done:
            self._parts.send_back(drawing=bool(self._rows or self._waiting))

    @property
    def _together(self) -> bool:
        """Pictures go through the VAE together."""
        return not self._config.deterministic

    def _all_carried_over(self) -> list[Outcome]:
        """Frames without a step to run are their bases."""
        carried = {job.frame: self._carried_over(job) for job in self._waiting}
        self._waiting = [job for job in self._waiting if carried[job.frame] is None]
        return [each for each in carried.values() if each is not None]

    def _next_jobs(self) -> list[Job]:
        """Of the waiting jobs those whose place is free."""
        if not self.pinned:
            return self._waiting[: self.capacity - len(self._rows)]
        free = set(range(self.capacity)) - {row.slot for row in self._rows}
        jobs = []
        for job in self._waiting:
            if (slot := self._place(job.chain)) in free:
                free.remove(slot)
                jobs.append(job)
        return jobs

    def _begin(self, jobs: list[Job], outcomes: list[Outcome]) -> None:
        """Makes rows of jobs, or outcomes where they can't begin."""
        for begun, failure in self._each_if_not_all(jobs, lambda some: self._take_places(self._starter.begin(some))):
            self._waiting = [job for job in self._waiting if job not in begun]
            if failure:
                outcomes += [Spoiled(job.frame, failure.reason) for job in begun]

    def _take_places(self, rows: list[Row]) -> None:
        """A chain's own place where frames are pinned; else the first that is free."""
        for row in rows:
            taken = {each.slot for each in self._rows}
            free = next(place for place in range(self.capacity) if place not in taken)
            row.slot = self._place(row.job.chain) if self.pinned else free
            self._rows.append(row)
        self._rows.sort(key=lambda row: row.slot)

    @property
    def _fixed(self) -> int | None:
        """How many places the coming call has, where its rows don't decide that."""
        return self.capacity if self.pinned else self._denoiser.places(len(self._rows), self.capacity)

    def _denoised(self) -> list[Progress]:
        """One UNet call and one solver step for every row."""
        with torch.no_grad() if self._ladder.offloaded else torch.inference_mode():
            latents = torch.cat([row.latents for row in self._rows])
            scaled = self._solver.scaled(self._rows, latents)
            output = self._denoiser(self._rows, scaled, self._fixed)
            latents = self._solver.step(self._rows, output, latents)
        self._pace.keep()
        made: list[Progress] = []
        for row, *parts in zip(self._rows, *(torch.split(each, 1) for each in (scaled, output, latents)), strict=True):
            preview = self._previewer.preview(parts[0], parts[1], float(row.time))
            row.latents = parts[2]
            row.step += 1
            made.append(Progress(row.job.frame, row.step, row.steps, preview))
        return made

    def _finish(self, rows: list[Row], outcomes: list[Outcome]) -> None:
        """Makes pictures of rows that are done and lets them go."""

        def judge(some: list[Row]) -> None:
            outcomes.extend(self._judged(some))

        for done, failure in self._each_if_not_all(rows, judge):
            self._let_go(done)
            if failure:
                outcomes += [Spoiled(row.job.frame, failure.reason) for row in done]

    def _judged(self, rows: list[Row]) -> list[Outcome]:
        """Pictures, or why there are none."""
        # Of several, one that isn't finite would spoil what can be done for the others; of one, its picture will tell.
        sound = [row for row in rows if len(rows) == 1 or torch.isfinite(row.latents).all()]
        autoencoder = self._starter.autoencoder
        decoded = autoencoder.decode([row.latents for row in sound])
        blocked = [autoencoder.is_blocked(each) for each in decoded]
        pictures = dict(zip(sound, zip(decoded, blocked, strict=True), strict=True))
        outcomes = [judged(row.job.frame, row.latents, *pictures.get(row, (None, False))) for row in rows]
        return [*self._remarks(autoencoder.redone), *outcomes]

    def _let_go(self, rows: list[Row]) -> None:
        self._rows = [row for row in self._rows if row not in rows]
        self._denoiser.forget()

    def _recovered(self, failure: Failure) -> list[Outcome]:
        """After memory ran out the frames in flight begin anew with less; after anything else they are lost."""
        in_flight = [row.job for row in self._rows]
        self._let_go(self._rows)
        said = self._changed(failure)
        if said is None:
            lost = in_flight or self._waiting
            self._waiting = [job for job in self._waiting if job not in lost]
            return [Spoiled(job.frame, failure.reason) for job in lost]
        self._waiting = [*in_flight, *self._waiting]
        return [Remark(f"{said}; the frames in hand are drawn again from their start")]

    def _changed(self, failure: Failure) -> str | None:
        """Changes what may help and says so; None where nothing is left."""
        if not failure.memory:
            if not self._denoiser.drop_compiled():
                return None
            self._tell_of({"compile": False})
            return f"compile has no effect from now on: {failure.reason}"
        rung = self._next_rung(self.capacity)
        if rung is None:
            return None
        self.capacity = rung.rows
        return f"out of memory: {rung.said}"

    def _each_if_not_all(
        self, items: list[Item], work: Callable[[list[Item]], None]
    ) -> Iterator[tuple[list[Item], Failure | None]]:
        """What some work came to: on all at once, or on one by one where that fails. Raises `MemoryError`."""
        failure = self._attempted(lambda: work(items))
        if failure and failure.memory:
            raise MemoryError(failure.reason)
        if failure is None or len(items) == 1:
            yield items, failure
            return
        for item in items:
            yield from self._each_if_not_all([item], work)

    def _attempted(self, work: Callable[[], None]) -> Failure | None:
        """Does some work; once this has returned, nothing holds on to the tensors that it failed with."""
        try:
            work()
        except Exception as error:  # whatever it is, other frames may still be drawn
            require_device(error, self._device)
            return Failure.of(error)
        return None

    def close(self) -> None:
        self._rows, self._waiting = [], []
        self._denoiser.forget()
        self._let_go_of("_starter", "_denoiser", "_parts")
        super().close()


def _groups(items: list[Item], together: bool) -> Iterator[list[Item]]:
    """All at once, or one by one."""
    size = max(len(items), 1) if together else 1
    for start in range(0, len(items), size):
        yield items[start : start + size]
