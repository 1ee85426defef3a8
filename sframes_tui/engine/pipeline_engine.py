"""What every engine that draws with one loaded model has, however it draws: memory, prompts, rows, step counts.

The engines differ in how frames share work and agree in all else; so one class has what they agree in, and each of
them `admit` and `advance`.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.decoding import REDONE
from sframes_tui.engine.device import devices
from sframes_tui.engine.device.memory import Ladder, Parts, Rung, free_memory, is_out_of_memory
from sframes_tui.engine.pipelines import Pipelines, count_from_noise, count_from_picture
from sframes_tui.engine.probe import probe
from sframes_tui.engine.prompts import PromptFitter
from sframes_tui.engine.protocol import Drawn, Facts, Fitted, FromNoise, FromPicture, Job, Remark, Start
from sframes_tui.errors import message_of

OUT_OF_MEMORY = "out of memory: a smaller picture, vae_tiling or offload needs less"


class PipelineEngine(ABC):
    """An engine over one model's pipelines; those that draw one frame at a time leave `max_rows` at 1."""

    max_rows = 1
    pinned = False

    def __init__(
        self, pipelines: Pipelines, facts: Facts, config: GenerationConfig, parts: Parts | None = None
    ) -> None:
        """`parts`: those of the model that take turns on the device, where the engine lets them."""
        self.facts = facts
        self.at_close = contextlib.ExitStack()
        """Puts back what was changed for this engine."""
        self.capacity = self._slots = 1
        self._pipelines, self._config = pipelines, config
        self._device: torch.device = pipelines.text._execution_device  # noqa: SLF001
        self._ladder = Ladder(pipelines, self._device, config, (facts.width, facts.height), parts)
        self._begun = self._told_of_redoing = False
        self._picture_steps: dict[float, int] = {}

    @property
    def pipelines(self) -> Pipelines:
        return self._pipelines

    def probe(self) -> str | None:
        return probe(self._pipelines, self.facts, self._config)

    @cached_property
    def _fitter(self) -> PromptFitter:
        return PromptFitter.of(self._pipelines.text, self._config.on_overflow)

    def fit(self, prompts: Sequence[str], style: str) -> list[Fitted]:
        return self._fitter.fit(prompts, style)

    @cached_property
    def _noise_steps(self) -> int:
        return count_from_noise(self._pipelines, self._config.num_inference_steps)

    def real_steps(self, start: Start) -> int:
        """Model evaluations of a frame that begins so, by the scheduler's own timesteps."""
        match start:
            case FromNoise():
                return self._noise_steps
            case FromPicture(strength=strength):
                if strength not in self._picture_steps:
                    steps = self._config.num_inference_steps
                    counted = count_from_picture(self._pipelines, steps, strength) if strength else 0
                    self._picture_steps[strength] = counted
                return self._picture_steps[strength]

    def _taken_in(self, job: Job) -> Job:
        """The job as it can be drawn: from noise, where the model has no pipeline that goes on from a picture."""
        self._begun = True
        return replace(job, start=FromNoise()) if self._pipelines.image is None else job

    def _carried_over(self, job: Job) -> Drawn | None:
        """A frame without a step to run is the picture that it starts from."""
        match job.start:
            case FromPicture(picture=picture) if self.real_steps(job.start) == 0:
                return Drawn(job.frame, picture)
            case _:
                return None

    @abstractmethod
    def _in_hand(self) -> Iterator[Job]:
        """Every frame that was admitted and has no outcome yet."""

    def use_rows(self, rows: int) -> None:
        if self._begun:
            raise RuntimeError("the number of rows can't change once drawing has begun")
        if not 1 <= rows <= self.max_rows:
            raise ValueError(f"{rows} rows: from 1 to {self.max_rows} frames can be drawn at once")
        self.capacity = self._slots = rows

    def has_room(self, slot: int) -> bool:
        if self.pinned:
            return all(self._place(job.chain) != self._place(slot) for job in self._in_hand())
        return sum(1 for _ in self._in_hand()) < self.capacity

    def _place(self, chain: int) -> int:
        """A chain's row, whatever else there is; where rows became fewer, several slots share a row."""
        return chain % self._slots % self.capacity

    def _next_rung(self, rows: int) -> Rung | None:
        """Changes what may help against too little memory; None where nothing is left."""
        rung = self._ladder.next(rows)
        if rung is not None:
            self._tell_of(rung.changed)
        return rung

    def _tell_of(self, changed: Mapping[str, Any]) -> None:
        """Pictures from here on are drawn with other options than the configuration's."""
        self.facts = replace(self.facts, changed={**self.facts.changed, **changed})

    def _remarks(self, redone: bool) -> list[Remark]:
        """That pictures are decoded twice is said once."""
        new = redone and not self._told_of_redoing
        self._told_of_redoing = self._told_of_redoing or redone
        return [Remark(REDONE)] if new else []

    def rest(self) -> bool:
        return devices.clear(self._pipelines, self._device)

    def wake(self) -> None:
        devices.place_again(self._pipelines, self._device)

    def close(self) -> None:
        self._let_go_of("_pipelines", "_fitter", "_ladder")
        self.at_close.close()
        free_memory()

    def _let_go_of(self, *names: str) -> None:
        """Attributes through which the model would stay in memory, as far as they were made."""
        for name in names:
            self.__dict__.pop(name, None)


def said_in_one_sentence(error: Exception) -> str:
    """What a failed frame is reported with."""
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    return message_of(error) if not str(error).strip() else f"{type(error).__name__}: {message_of(error)}"
