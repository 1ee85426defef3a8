"""The batched engine: frames whose bases exist share UNet calls, each at its own timestep. Owns the order of a tick.

A frame joins when its base is done and leaves when its steps are; nobody waits for anybody. For UNet models of the
Stable Diffusion family; `why_not` says which models it can't draw.
"""

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine import pixels
from sframes_tui.engine.autoencoder import judged
from sframes_tui.engine.decoding import REDONE
from sframes_tui.engine.device import devices
from sframes_tui.engine.device.cuda import Pace
from sframes_tui.engine.device.memory import Ladder, Parts, free_memory, is_out_of_memory, require_device
from sframes_tui.engine.pipelines import Pipelines, count_from_noise, count_from_picture
from sframes_tui.engine.preview import Previewer
from sframes_tui.engine.probe import probe
from sframes_tui.engine.prompts import PromptFitter
from sframes_tui.engine.protocol import Drawn, Facts, Fitted, Job, Outcome, Progress, Remark, Spoiled
from sframes_tui.engine.reference import said_in_one_sentence
from sframes_tui.engine.stepping.denoiser import Denoiser
from sframes_tui.engine.stepping.rows import Row, Starter
from sframes_tui.engine.stepping.solvers import pick_solver

MOST_ROWS = 64

DRAWABLE = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")

Report = Callable[[Progress], None]
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
        spoiled = isinstance(error, pixels.SpoiledError)
        return cls(str(error) if spoiled else said_in_one_sentence(error), is_out_of_memory(error))


class BatchedEngine:
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
        self.facts = facts
        self.at_close = contextlib.ExitStack()
        """Puts back what was changed for this engine."""
        self.capacity = 1
        self.pinned = config.deterministic
        self._pipelines, self._config = pipelines, config
        self._slots = 1
        self._begun = self._told_of_redoing = False
        self._waiting: list[Job] = []
        self._rows: list[Row] = []
        scheduler = copy.deepcopy(pipelines.scheduler)
        scheduler.set_timesteps(config.num_inference_steps)
        self._starter = Starter(pipelines, facts, config, scheduler)
        self._denoiser = Denoiser(pipelines.text, config, scheduler.timesteps)
        self._solver = pick_solver(scheduler, config.eta, self._denoiser.device)
        self._parts = Parts(pipelines.text)
        self._ladder = Ladder(pipelines, self._denoiser.device, config, (facts.width, facts.height), self._parts)
        self._previewer = Previewer(pipelines, folder)
        self._pace = Pace(self._denoiser.device)
        self._real_steps: dict[float | None, int] = {}

    @property
    def pipelines(self) -> Pipelines:
        return self._pipelines

    def probe(self) -> str | None:
        return probe(self._pipelines, self.facts, self._config)

    @cached_property
    def _fitter(self) -> PromptFitter:
        return PromptFitter.of(self._pipelines.text, self._config.on_overflow)

    def real_steps(self, strength: float | None) -> int:
        """Model evaluations of one frame, by the scheduler's own timesteps; `strength` None means text-to-image."""
        if strength not in self._real_steps:
            steps = self._config.num_inference_steps
            self._real_steps[strength] = 0 if strength == 0 else self._counted(steps, strength)
        return self._real_steps[strength]

    def _counted(self, steps: int, strength: float | None) -> int:
        if strength is None:
            return count_from_noise(self._pipelines, steps)
        return count_from_picture(self._pipelines, steps, strength)

    def fit(self, prompts: Sequence[str], style: str) -> list[Fitted]:
        return self._fitter.fit(prompts, style)

    def use_rows(self, rows: int) -> None:
        """Sets how many frames are drawn at once, for the whole run; `RuntimeError` once drawing has begun."""
        if self._begun or self._waiting:
            raise RuntimeError("the number of rows can't change once drawing has begun")
        if not 1 <= rows <= self.max_rows:
            raise ValueError(f"{rows} rows: from 1 to {self.max_rows} frames can be drawn at once")
        self.capacity = self._slots = rows

    def call_seconds(self, rows: int) -> float:
        """Seconds of one denoising call of so many rows, guidance included: the best of a few.

        Infinite where memory doesn't suffice.
        """
        condition, negative = self._starter.condition("")
        seconds = self._denoiser.call_seconds(rows, self._starter.latent_shape(), condition, negative is not None)
        free_memory()
        return seconds

    def has_room(self, slot: int) -> bool:
        in_flight = [*self._waiting, *(row.job for row in self._rows)]
        if self.pinned:
            return all(self._slot(job.chain) != self._slot(slot) for job in in_flight)
        return len(in_flight) < self.capacity

    def _slot(self, chain: int) -> int:
        """A chain's place, whatever else there is; where rows became fewer, several slots share a place."""
        return chain % self._slots % self.capacity

    def admit(self, job: Job) -> None:
        self._waiting.append(job)

    def advance(self, report: Report, cancelled: threading.Event) -> list[Outcome]:
        """One tick: admits, denoises every row by one step, decodes the rows that are done."""
        self._begun = True
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
        outcomes += self._carried_over()
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

    def _carried_over(self) -> list[Outcome]:
        """Frames without a step to run are their bases."""
        idle = [job for job in self._waiting if job.base is not None and self.real_steps(job.strength) == 0]
        self._waiting = [job for job in self._waiting if job not in idle]
        return [Drawn(job.frame, job.base) for job in idle if job.base is not None]

    def _next_jobs(self) -> list[Job]:
        """Of the waiting jobs those whose place is free."""
        if not self.pinned:
            return self._waiting[: self.capacity - len(self._rows)]
        free = set(range(self.capacity)) - {row.slot for row in self._rows}
        jobs = []
        for job in self._waiting:
            if (slot := self._slot(job.chain)) in free:
                free.remove(slot)
                jobs.append(job)
        return jobs

    def _begin(self, jobs: list[Job], outcomes: list[Outcome]) -> None:
        """Makes rows of jobs, or outcomes where they can't begin; one by one where they can't together."""
        failure = self._attempted(lambda: self._take_places(self._starter.begin(jobs)))
        if failure and failure.memory:
            raise MemoryError(failure.reason)
        if failure and len(jobs) > 1:
            for job in jobs:
                self._begin([job], outcomes)
            return
        self._waiting = [job for job in self._waiting if job not in jobs]
        if failure:
            outcomes += [Spoiled(job.frame, failure.reason) for job in jobs]

    def _take_places(self, rows: list[Row]) -> None:
        """A chain's own place where frames are pinned; else the first that is free."""
        for row in rows:
            taken = {each.slot for each in self._rows}
            free = next(place for place in range(self.capacity) if place not in taken)
            row.slot = self._slot(row.job.chain) if self.pinned else free
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
        """Makes pictures of rows that are done and lets them go; one by one where they can't together."""
        judged: list[Outcome] = []
        failure = self._attempted(lambda: judged.extend(self._judged(rows)))
        if failure and failure.memory:
            raise MemoryError(failure.reason)
        if failure and len(rows) > 1:
            for row in rows:
                self._finish([row], outcomes)
            return
        self._let_go(rows)
        outcomes += [Spoiled(row.job.frame, failure.reason) for row in rows] if failure else judged

    def _judged(self, rows: list[Row]) -> list[Outcome]:
        """Pictures, or why there are none."""
        # Of several, one that isn't finite would spoil what can be done for the others; of one, its picture will tell.
        sound = [row for row in rows if len(rows) == 1 or torch.isfinite(row.latents).all()]
        autoencoder = self._starter.autoencoder
        decoded = autoencoder.decode([row.latents for row in sound])
        blocked = [autoencoder.is_blocked(each) for each in decoded]
        pictures = dict(zip(sound, zip(decoded, blocked, strict=True), strict=True))
        outcomes = [judged(row.job.frame, row.latents, *pictures.get(row, (None, False))) for row in rows]
        return [*self._remarks(), *outcomes]

    def _remarks(self) -> list[Outcome]:
        """That pictures are decoded twice is said once."""
        new = self._starter.autoencoder.redone and not self._told_of_redoing
        self._told_of_redoing = self._told_of_redoing or new
        return [Remark(REDONE)] if new else []

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
        rung = self._ladder.next(self.capacity)
        if rung is None:
            return None
        self.capacity = rung.rows
        self._tell_of(rung.changed)
        return f"out of memory: {rung.said}"

    def _tell_of(self, changed: Mapping[str, Any]) -> None:
        """Pictures from here on are drawn with other options than the configuration's."""
        self.facts = replace(self.facts, changed={**self.facts.changed, **changed})

    def rest(self) -> bool:
        return devices.clear(self._pipelines, self._denoiser.device)

    def wake(self) -> None:
        devices.place_again(self._pipelines, self._denoiser.device)

    def _attempted(self, work: Callable[[], None]) -> Failure | None:
        """Does some work; once this has returned, nothing holds on to the tensors that it failed with."""
        try:
            work()
        except Exception as error:  # whatever it is, other frames may still be drawn
            require_device(error, self._denoiser.device)
            return Failure.of(error)
        return None

    def close(self) -> None:
        self._rows, self._waiting = [], []
        self._denoiser.forget()
        for name in ("_fitter", "_pipelines", "_starter", "_denoiser", "_ladder", "_parts"):
            self.__dict__.pop(name, None)
        self.at_close.close()
        free_memory()


def _groups(items: list[Item], together: bool) -> Iterator[list[Item]]:
    """All at once, or one by one."""
    size = max(len(items), 1) if together else 1
    for start in range(0, len(items), size):
        yield items[start : start + size]
