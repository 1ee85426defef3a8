"""Draws frames one by one with diffusers' own pipelines: the truth that any other engine is compared with."""

import contextlib
import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine import pixels
from sframes_tui.engine.arguments import Arguments, arguments_for
from sframes_tui.engine.decoding import REDONE, SoundDecoding
from sframes_tui.engine.device import devices
from sframes_tui.engine.device.cuda import Pace
from sframes_tui.engine.device.memory import Ladder, Rung, free_memory, is_out_of_memory, require_device
from sframes_tui.engine.pipelines import (
    Pipeline,
    Pipelines,
    count_from_noise,
    count_from_picture,
    takes,
)
from sframes_tui.engine.probe import probe
from sframes_tui.engine.prompts import PromptFitter
from sframes_tui.engine.protocol import Drawn, Facts, Fitted, Job, Outcome, Progress, Remark, Spoiled
from sframes_tui.errors import message_of

OUT_OF_MEMORY = "out of memory: a smaller picture, vae_tiling or offload needs less"

Report = Callable[[Progress], None]

PipelineOutput: TypeAlias = Any
"""What a diffusers pipeline returns: has `images`, and with some `nsfw_content_detected`."""


class StoppedError(Exception):
    """Raised from a pipeline's callback to leave its loop at once, without decoding a half-made picture."""


class ReferenceEngine:
    """One pipeline call a frame, with a CPU generator and a fresh scheduler of the frame's own.

    So a frame's picture depends on its job alone, never on what was drawn before.
    """

    capacity = max_rows = 1
    pinned = stepwise = False

    def __init__(self, pipelines: Pipelines, facts: Facts, config: GenerationConfig) -> None:
        self.facts = facts
        self.at_close = contextlib.ExitStack()
        """Puts back what was changed for this engine."""
        self._pipelines = pipelines
        self._scheduler = copy.deepcopy(pipelines.scheduler)
        self._config = config
        self._job: Job | None = None
        self._told_of_redoing = False
        self._real_steps: dict[float | None, int] = {}
        self._device: torch.device = pipelines.text._execution_device  # noqa: SLF001
        self._ladder = Ladder(pipelines, self._device, config, (facts.width, facts.height))

    @property
    def pipelines(self) -> Pipelines:
        return self._pipelines

    def probe(self) -> str | None:
        return probe(self._pipelines, self.facts, self._config)

    @cached_property
    def _fitter(self) -> PromptFitter:
        return PromptFitter.of(self._pipelines.text, self._config.on_overflow)

    @cached_property
    def _arguments(self) -> dict[int, Arguments]:
        size = (self.facts.width, self.facts.height)
        return {id(pipe): arguments_for(pipe, self._config, size) for pipe in self._pipelines.all()}

    def real_steps(self, strength: float | None) -> int:
        """Model evaluations of one frame, by the scheduler's own timesteps; `strength` None means text-to-image."""
        if strength not in self._real_steps:
            nothing = strength == 0 and self._pipelines.image is not None
            steps = self._config.num_inference_steps
            self._real_steps[strength] = 0 if nothing else self._counted(steps, strength)
        return self._real_steps[strength]

    def _counted(self, steps: int, strength: float | None) -> int:
        if strength is None:
            return count_from_noise(self._pipelines, steps)
        return count_from_picture(self._pipelines, steps, strength)

    def fit(self, prompts: Sequence[str], style: str) -> list[Fitted]:
        return self._fitter.fit(prompts, style)

    def call_seconds(self, rows: int) -> float:  # noqa: ARG002
        """Nothing is chosen by it, where there is one row."""
        return 0.0

    def use_rows(self, rows: int) -> None:
        if rows != 1:
            raise ValueError("the reference engine draws one frame at a time")

    def has_room(self, slot: int) -> bool:  # noqa: ARG002
        return self._job is None

    def admit(self, job: Job) -> None:
        if self._job is not None:
            raise RuntimeError("the reference engine draws one frame at a time")
        self._job = job

    def advance(self, report: Report, cancelled: threading.Event) -> list[Outcome]:
        job, self._job = self._job, None
        if job is None or cancelled.is_set():
            return []
        outcomes: list[Outcome] = []
        # Between the attempts, outside their except blocks, nothing holds on to the tensors of the one that failed.
        while (drawn := self._attempted(job, report, cancelled)) is None:
            rung = self._next_rung(1)
            if rung is None:
                return [*outcomes, Spoiled(job.frame, OUT_OF_MEMORY)]
            outcomes.append(Remark(f"out of memory: {rung.said}; the frame is drawn again from its start"))
        self._ladder.relieved()
        return [*outcomes, *drawn]

    def _next_rung(self, rows: int) -> Rung | None:
        """Changes what may help against too little memory; None where nothing is left."""
        rung = self._ladder.next(rows)
        if rung is not None:
            self.facts = replace(self.facts, changed={**self.facts.changed, **rung.changed})
        return rung

    def _attempted(self, job: Job, report: Report, cancelled: threading.Event) -> list[Outcome] | None:
        """What became of a frame, nothing if it was cancelled; None where memory ran out."""
        try:
            return self._draw(job, report, cancelled)
        except StoppedError:
            return []
        except pixels.SpoiledError as error:
            return [error.outcome(job.frame)]
        except Exception as error:  # whatever one frame runs into, the others may still be drawn
            require_device(error, self._device)
            return None if is_out_of_memory(error) else [Spoiled(job.frame, said_in_one_sentence(error))]

    def _draw(self, job: Job, report: Report, cancelled: threading.Event) -> list[Outcome]:
        from_base = job.base is not None and job.strength is not None and self._pipelines.image is not None
        pipe = self._pipelines.image if from_base else self._pipelines.text
        steps = self.real_steps(job.strength if from_base else None)
        if from_base and steps == 0 and job.base is not None:
            return [Drawn(job.frame, job.base)]
        start = {"image": job.base, "strength": job.strength} if from_base else {}
        watch = StepWatch(job.frame, steps, report, cancelled, Pace(self._device))
        with SoundDecoding(getattr(pipe, "vae", None)) as decoding:
            result = self._call(pipe, job, start, watch)
        pixels.check_latents(watch.latents)
        decoding.check()
        pixels.check_flags(getattr(result, "nsfw_content_detected", None))
        return [*self._remarks(decoding), Drawn(job.frame, pixels.checked_picture(result.images[0]))]

    def _remarks(self, decoding: SoundDecoding) -> list[Outcome]:
        """That pictures are decoded twice is said once."""
        new = decoding.redone and not self._told_of_redoing
        self._told_of_redoing = self._told_of_redoing or new
        return [Remark(REDONE)] if new else []

    def _call(self, pipe: Pipeline, job: Job, start: Mapping[str, object], watch: "StepWatch") -> PipelineOutput:
        pipe.scheduler = copy.deepcopy(self._scheduler)
        generator = torch.Generator("cpu").manual_seed(job.seed)
        fixed = self._arguments[id(pipe)].fixed
        try:
            return pipe(prompt=job.prompt, generator=generator, **fixed, **start, **watch.arguments(pipe))
        finally:
            # A raised callback skips the pipeline's own call of this; offloading is known to the first pipeline alone.
            for each in self._pipelines.all():
                each.maybe_free_model_hooks()

    def rest(self) -> bool:
        return devices.clear(self._pipelines, torch.device(self.facts.device))

    def wake(self) -> None:
        devices.place_again(self._pipelines, torch.device(self.facts.device))

    def close(self) -> None:
        self._job = None
        for name in ("_fitter", "_ladder"):
            self.__dict__.pop(name, None)
        self._pipelines = Pipelines(None, None)
        self.at_close.close()
        free_memory()


class StepWatch:
    """Follows one pipeline call: reports its steps, keeps its last latents, ends it when the run is cancelled."""

    def __init__(self, frame: int, steps: int, report: Report, cancelled: threading.Event, pace: Pace) -> None:
        self.latents: torch.Tensor | None = None
        self._pace = pace
        self._frame, self._steps, self._report, self._cancelled = frame, steps, report, cancelled
        self._step = 0

    def arguments(self, pipe: Pipeline) -> dict[str, object]:
        """The callback, in whichever form the pipeline takes it; nothing where it takes none."""
        if takes(pipe.__call__, "callback_on_step_end"):
            return {"callback_on_step_end": self._new_style}
        return {"callback": self._old_style, "callback_steps": 1} if takes(pipe.__call__, "callback") else {}

    def _new_style(self, _pipe: Pipeline, _step: int, _timestep: object, tensors: dict[str, Any]) -> dict[str, Any]:
        self._stepped(tensors.get("latents"))
        return {}

    def _old_style(self, _step: int, _timestep: object, latents: torch.Tensor) -> None:
        self._stepped(latents)

    def _stepped(self, latents: torch.Tensor | None) -> None:
        self.latents = latents
        self._pace.keep()
        self._step += 1
        self._report(Progress(self._frame, self._step, max(self._step, self._steps)))
        if self._cancelled.is_set():
            raise StoppedError


def said_in_one_sentence(error: Exception) -> str:
    """What a failed frame is reported with."""
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    return message_of(error) if not str(error).strip() else f"{type(error).__name__}: {message_of(error)}"
