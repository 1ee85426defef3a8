"""Draws frames one by one with diffusers' own pipelines: the truth that any other engine is compared with."""

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.arguments import Arguments, arguments_for, arguments_of
from sframes_tui.engine.decoding import SoundDecoding, SpoiledError, check_flags, check_latents, checked_picture
from sframes_tui.engine.device.cuda import Pace
from sframes_tui.engine.device.memory import is_out_of_memory, require_device
from sframes_tui.engine.pipeline_engine import OUT_OF_MEMORY, PipelineEngine, said_in_one_sentence
from sframes_tui.engine.pipelines import Pipeline, Pipelines, takes
from sframes_tui.engine.protocol import Drawn, Facts, Job, Outcome, Progress, Remark, Report, Spoiled

PipelineOutput: TypeAlias = Any
"""What a diffusers pipeline returns: has `images`, and with some `nsfw_content_detected`."""


class StoppedError(Exception):
    """Raised from a pipeline's callback to leave its loop at once, without decoding a half-made picture."""


class ReferenceEngine(PipelineEngine):
    """One pipeline call a frame, with a CPU generator and a fresh scheduler of the frame's own.

    So a frame's picture depends on its job alone, never on what was drawn before.
    """

    stepwise = False

    def __init__(self, pipelines: Pipelines, facts: Facts, config: GenerationConfig) -> None:
        super().__init__(pipelines, facts, config)
        self._scheduler = copy.deepcopy(pipelines.scheduler)
        self._jobs: list[Job] = []

    def _in_hand(self) -> Iterator[Job]:
        return iter(self._jobs)

    @cached_property
    def _arguments(self) -> dict[int, Arguments]:
        size = (self.facts.width, self.facts.height)
        return {id(pipe): arguments_for(pipe, self._config, size) for pipe in self._pipelines.all()}

    def call_seconds(self, rows: int) -> float:  # noqa: ARG002
        """Nothing is chosen by it, where there is one row."""
        return 0.0

    def admit(self, job: Job) -> None:
        if self._jobs:
            raise RuntimeError("the reference engine draws one frame at a time")
        self._jobs.append(self._taken_in(job))

    def advance(self, report: Report, cancelled: threading.Event) -> list[Outcome]:
        jobs, self._jobs = self._jobs, []
        return [outcome for job in jobs for outcome in self._drawn_alone(job, report, cancelled)]

    def _drawn_alone(self, job: Job, report: Report, cancelled: threading.Event) -> list[Outcome]:
        """What becomes of a frame that has a call of its own; nothing if it is cancelled."""
        outcomes: list[Outcome] = []
        if cancelled.is_set():
            return outcomes
        # Between the attempts, outside their except blocks, nothing holds on to the tensors of the one that failed.
        while (drawn := self._attempted(job, report, cancelled)) is None:
            rung = self._next_rung(1)
            if rung is None:
                return [*outcomes, Spoiled(job.frame, OUT_OF_MEMORY)]
            outcomes.append(Remark(f"out of memory: {rung.said}; the frame is drawn again from its start"))
        self._ladder.relieved()
        return [*outcomes, *drawn]

    def _attempted(self, job: Job, report: Report, cancelled: threading.Event) -> list[Outcome] | None:
        """What became of a frame, nothing if it was cancelled; None where memory ran out."""
        try:
            return self._draw(job, report, cancelled)
        except StoppedError:
            return []
        except SpoiledError as error:
            return [error.outcome(job.frame)]
        except Exception as error:  # whatever one frame runs into, the others may still be drawn
            require_device(error, self._device)
            return None if is_out_of_memory(error) else [Spoiled(job.frame, said_in_one_sentence(error))]

    def _draw(self, job: Job, report: Report, cancelled: threading.Event) -> list[Outcome]:
        if (carried := self._carried_over(job)) is not None:
            return [carried]
        pipe = self._pipelines.drawing(job.start)
        watch = StepWatch(job.frame, self.real_steps(job.start), report, cancelled, Pace(self._device))
        images, redone = self._images(pipe, self._arguments[id(pipe)].fixed, arguments_of(job), watch)
        return [*self._remarks(redone), Drawn(job.frame, checked_picture(images[0]))]

    def _images(
        self, pipe: Pipeline, fixed: Mapping[str, Any], own: Mapping[str, Any], watch: "StepWatch"
    ) -> tuple[Sequence[NDArray[np.float32]], bool]:
        """What a pipeline call draws, height x width x 3 in 0..1 each, and whether it had to be decoded twice.

        `fixed` is what the call is told of all frames, `own` what of these. Raises `SpoiledError`.
        """
        with SoundDecoding(getattr(pipe, "vae", None)) as decoding:
            result = self._call(pipe, {**fixed, **own}, watch)
        check_latents(watch.latents)
        decoding.check()
        check_flags(getattr(result, "nsfw_content_detected", None))
        return result.images, decoding.redone

    def _call(self, pipe: Pipeline, told: Mapping[str, Any], watch: "StepWatch") -> PipelineOutput:
        pipe.scheduler = copy.deepcopy(self._scheduler)
        try:
            return pipe(**told, **watch.arguments(pipe))
        finally:
            # A raised callback skips the pipeline's own call of this; offloading is known to the first pipeline alone.
            for each in self._pipelines.all():
                each.maybe_free_model_hooks()

    def close(self) -> None:
        self._jobs = []
        super().close()


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
