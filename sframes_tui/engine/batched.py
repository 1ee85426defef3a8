"""The batched engine: frames whose bases exist share UNet calls, each at its own timestep. Owns the order of a tick.

A frame joins when its base is done and leaves when its steps are; nobody waits for anybody. For UNet models of the
Stable Diffusion family; `why_not` says which models it can't draw.
"""

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Self, TypeVar

import torch

from sframes_tui.engine import pixels
from sframes_tui.engine.autoencoder import picture_of
from sframes_tui.engine.capabilities import Pipelines, count_steps
from sframes_tui.engine.denoiser import Denoiser
from sframes_tui.engine.memory import Ladder, free_memory, is_out_of_memory
from sframes_tui.engine.preview import Previewer
from sframes_tui.engine.prompts import PromptFitter
from sframes_tui.engine.protocol import Drawn, Facts, Fitted, Job, Outcome, Progress, Remark, Spoiled
from sframes_tui.engine.reference import said_in_one_sentence
from sframes_tui.engine.rows import Row, Starter
from sframes_tui.engine.solvers import RowByRow, pick_solver
from sframes_tui.story.config import GenerationConfig

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

    With one row it does what diffusers' pipelines do, to the bit. With more, `deterministic` keeps every batch alike
    (as many places, a chain's frames at one place, one memory format, pictures through the VAE one by one), so that a
    picture's bytes depend on its job and the number of rows alone.
    """

    max_rows = MOST_ROWS
    stepwise = True

    def __init__(
        self, pipelines: Pipelines, facts: Facts, config: GenerationConfig, folder: Path | None = None
    ) -> None:
        """`folder` is the model's, if it has one."""
        self.facts = facts
        self.capacity = 1
        self.pinned = config.deterministic
        self._pipelines, self._config = pipelines, config
        self._slots = 1
        self._begun = False
        self._waiting: list[Job] = []
        self._rows: list[Row] = []
        scheduler = copy.deepcopy(pipelines.scheduler)
        scheduler.set_timesteps(config.num_inference_steps)
        self._starter = Starter(pipelines, facts, config, scheduler)
        self._denoiser = Denoiser(pipelines.text, self._starter.guidance, scheduler.timesteps)
        self._row_by_row = RowByRow(scheduler, config.eta)
        self._vectorised = pick_solver(scheduler, config.eta, self._denoiser.device)
        self._ladder = Ladder(pipelines, self._denoiser.device)
        self._previewer = Previewer(pipelines, folder)
        self._pace = Pace(self._denoiser.device)
        self.real_steps = cache(self._count_steps)

    @property
    def pipelines(self) -> Pipelines:
        return self._pipelines

    @cached_property
    def _fitter(self) -> PromptFitter:
        return PromptFitter.of(self._pipelines.text, self._config.on_overflow)

    def _count_steps(self, strength: float | None) -> int:
        """Model evaluations of one frame, by the scheduler's own timesteps; `strength` None means text-to-image."""
        return 0 if strength == 0 else count_steps(self._pipelines, self._config.num_inference_steps, strength)

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
        """Seconds of one denoising call of so many rows, guidance included: the best of a few, after one to warm up.

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
        failure = None if cancelled.is_set() else self._tick(outcomes, report, cancelled)
        if failure is not None:
            # Only here, outside the except block, has the traceback let go of the tensors.
            outcomes += self._recovered(failure)
        if cancelled.is_set():
            self._let_go(self._rows)
            self._waiting.clear()
        return outcomes

    def _tick(self, outcomes: list[Outcome], report: Report, cancelled: threading.Event) -> Failure | None:
        """Adds outcomes as they come; returns what concerns every frame in flight."""
        try:
            outcomes += self._carried_over()
            for jobs in _groups(self._next_jobs(), self._together):
                outcomes += self._begun_badly(jobs)
            if self._rows:
                for progress in self._denoised():
                    report(progress)
            done = [row for row in self._rows if row.done and not cancelled.is_set()]
            for rows in _groups(done, self._together):
                outcomes += self._finished(rows)
        except Exception as error:  # of the shared call, or of memory: it concerns every frame in flight
            return Failure.of(error)
        return None

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

    def _begun_badly(self, jobs: list[Job]) -> list[Outcome]:
        """Makes rows of jobs; the outcomes of those that can't begin."""
        failure: Failure | None = None
        try:
            rows = self._starter.begin(jobs)
        except Exception as error:
            failure = _own_failure(error)
        else:
            for row in rows:
                row.slot = self._slot(row.job.chain)
            self._rows = sorted([*self._rows, *rows], key=lambda row: row.slot)
        if failure and len(jobs) > 1:
            return [outcome for job in jobs for outcome in self._begun_badly([job])]
        self._waiting = [job for job in self._waiting if job not in jobs]
        return [Spoiled(job.frame, failure.reason) for job in jobs] if failure else []

    def _denoised(self) -> list[Progress]:
        """One UNet call and one solver step for every row."""
        solver = self._vectorised if self.capacity > 1 else self._row_by_row
        with torch.no_grad() if self._ladder.offloaded else torch.inference_mode():
            latents = torch.cat([row.latents for row in self._rows])
            scaled = solver.scaled(self._rows, latents)
            output = self._denoiser(self._rows, scaled, self.capacity if self.pinned else None)
            latents = solver.step(self._rows, output, latents)
        self._pace.keep()
        made: list[Progress] = []
        for row, *parts in zip(self._rows, *(torch.split(each, 1) for each in (scaled, output, latents)), strict=True):
            preview = self._previewer.preview(parts[0], parts[1], float(row.time))
            row.latents = parts[2]
            row.step += 1
            made.append(Progress(row.job.frame, row.step, row.steps, preview))
        return made

    def _finished(self, rows: list[Row]) -> list[Outcome]:
        """The pictures of rows that are done; their places are free then."""
        failure: Failure | None = None
        try:
            sound = [row for row in rows if torch.isfinite(row.latents).all()]
            decoded = dict(zip(sound, self._starter.autoencoder.decode([row.latents for row in sound]), strict=True))
        except Exception as error:
            failure = _own_failure(error)
        else:
            outcomes = [_judged(row, decoded.get(row)) for row in rows]
        if failure and len(rows) > 1:
            return [outcome for row in rows for outcome in self._finished([row])]
        self._let_go(rows)
        self._pipelines.text.maybe_free_model_hooks()
        return [Spoiled(row.job.frame, failure.reason) for row in rows] if failure else outcomes

    def _let_go(self, rows: list[Row]) -> None:
        self._rows = [row for row in self._rows if row not in rows]
        self._denoiser.forget()

    def _recovered(self, failure: Failure) -> list[Outcome]:
        """After memory ran out the frames in flight begin anew with less; after anything else they are lost."""
        in_flight = [row.job for row in self._rows]
        self._let_go(self._rows)
        rung = self._ladder.next(self.capacity) if failure.memory else None
        if rung is None:
            lost = in_flight or self._waiting
            self._waiting = [job for job in self._waiting if job not in lost]
            return [Spoiled(job.frame, failure.reason) for job in lost]
        self.capacity = rung.rows
        self._waiting = [*in_flight, *self._waiting]
        again = "the frames in hand are drawn again from their start"
        return [Remark(f"out of memory: {rung.said}; {again}")]

    def close(self) -> None:
        self._rows, self._waiting = [], []
        self._denoiser.forget()
        for name in ("_fitter", "_pipelines", "_starter", "_denoiser", "_ladder"):
            self.__dict__.pop(name, None)
        free_memory()


class Pace:
    """Keeps the CPU at most one step ahead of the device: its queue never runs dry, and cancelling is prompt."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._before: torch.cuda.Event | None = None

    def keep(self) -> None:
        """To be called once a step, after its work was queued."""
        if not self._cuda:
            return
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        if self._before is not None:
            self._before.synchronize()
        self._before = event


def _own_failure(error: Exception) -> Failure:
    """A failure of single frames; lack of memory is none, and raised again."""
    failure = Failure.of(error)
    if failure.memory:
        raise error
    return failure


def _judged(row: Row, decoded: torch.Tensor | None) -> Outcome:
    """A picture, or why there is none; `decoded` is missing where the latents were not finite."""
    try:
        if decoded is None:
            pixels.check_latents(row.latents)
            raise AssertionError("finite latents were not decoded")
        return Drawn(row.job.frame, picture_of(decoded))
    except pixels.SpoiledError as error:
        return Spoiled(row.job.frame, str(error))


def _groups(items: list[Item], together: bool) -> Iterator[list[Item]]:
    """All at once, or one by one."""
    size = max(len(items), 1) if together else 1
    for start in range(0, len(items), size):
        yield items[start : start + size]
