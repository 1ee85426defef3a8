"""A model as diffusers' pipelines, and what they can do: found by looking at their signatures, never by trying."""

import copy
import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from sframes_tui.engine.protocol import FromNoise, FromPicture, Start
from sframes_tui.errors import ModelError
from sframes_tui.model.sampling import Family, Sampling

Pipeline: TypeAlias = Any
"""A diffusers pipeline, or its class; diffusers has no types."""

Scheduler: TypeAlias = Any
"""A diffusers scheduler."""


MAX_SETTINGS = 4000
"""Characters of a scheduler's settings that are told as they are."""


@dataclass(frozen=True)
class Pipelines:
    """One set of weights, as a text-to-image and, where the model has it, an image-to-image pipeline."""

    text: Pipeline
    image: Pipeline | None
    """Takes `strength`; None where the model has no such pipeline."""

    @property
    def scheduler(self) -> Scheduler:
        return self.text.scheduler

    @property
    def name(self) -> str:
        return type(self.text).__name__

    def drawing(self, start: Start) -> Pipeline:
        """The one that draws a frame with this start."""
        match start:
            case FromNoise():
                return self.text
            case FromPicture():
                return self.image

    def all(self) -> tuple[Pipeline, ...]:
        return (self.text,) if self.image is None else (self.text, self.image)


def takes(function: Callable[..., object], name: str) -> bool:
    return name in inspect.signature(function).parameters


def default_of(function: Callable[..., object], name: str) -> Any:
    """The default of an argument; None if it has none or doesn't exist."""
    parameter = inspect.signature(function).parameters.get(name)
    return None if parameter is None or parameter.default is inspect.Parameter.empty else parameter.default


def scheduler_name(scheduler: Scheduler) -> str:
    return type(scheduler).__name__.removesuffix("Scheduler")


def scheduler_settings(scheduler: Scheduler) -> dict[str, Any]:
    """A scheduler's configuration as JSON data; a hash of it where it is long, such as a table of betas."""
    settings = {key: value for key, value in sorted(scheduler.config.items()) if not key.startswith("_")}
    text = json.dumps(settings, default=str)
    if len(text) > MAX_SETTINGS:
        return {"sha256": hashlib.sha256(text.encode()).hexdigest()}
    content: dict[str, Any] = json.loads(text)
    return content


def takes_eta(pipelines: Pipelines) -> bool:
    """Every pipeline passes `eta` on, and the scheduler's step does something with it."""
    return takes(pipelines.scheduler.step, "eta") and all(takes(pipe.__call__, "eta") for pipe in pipelines.all())


def sampling_of(pipelines: Pipelines) -> Sampling:
    """The step rules of the loaded pipelines, for the plan."""
    return Sampling(
        family=_family(pipelines),
        scheduler=scheduler_name(pipelines.scheduler),
        skip_prk_steps=bool(pipelines.scheduler.config.get("skip_prk_steps", False)),
        img2img=pipelines.image is not None,
        eta=takes_eta(pipelines),
    )


def _family(pipelines: Pipelines) -> Family:
    """Which way the img2img pipeline rounds 1.5 steps: down as Stable Diffusion does, or up as flow models do."""
    if pipelines.name.startswith("LatentConsistency"):
        return "lcm"
    if pipelines.image is None or not hasattr(pipelines.image, "get_timesteps"):
        return "flow" if scheduler_name(pipelines.scheduler).startswith("FlowMatch") else "sd"
    return "flow" if count_from_picture(pipelines, 10, 0.15) - count_from_picture(pipelines, 10, 0.1) else "sd"


def count_from_noise(pipelines: Pipelines, steps: int) -> int:
    """Model evaluations of one frame that starts from noise, counted on the scheduler's own timesteps.

    Raises `ModelError` where the scheduler can't make a schedule of `steps` steps.
    """
    return _counted(pipelines, steps, lambda: len(_scheduled(pipelines, steps).timesteps))


def count_from_picture(pipelines: Pipelines, steps: int, strength: float) -> int:
    """As `count_from_noise`, of an img2img frame."""
    return _counted(pipelines, steps, lambda: _left_of(pipelines, steps, strength))


def _counted(pipelines: Pipelines, steps: int, count: Callable[[], int]) -> int:
    try:
        return count()
    except TypeError:  # a scheduler of the model's own kind, whose timesteps only its pipeline can ask for
        return steps
    except (ValueError, IndexError, ZeroDivisionError) as error:
        name = scheduler_name(pipelines.scheduler)
        raise ModelError(f"scheduler {name!r} can't run {steps} steps: {error}") from None


def _scheduled(pipelines: Pipelines, steps: int, **special: float) -> Scheduler:
    """A copy of the scheduler with so many steps set."""
    scheduler = copy.deepcopy(pipelines.scheduler)
    if scheduler.config.get("use_dynamic_shifting", False):
        special["mu"] = 1.0
    scheduler.set_timesteps(steps, **special)
    return scheduler


def _left_of(pipelines: Pipelines, steps: int, strength: float) -> int:
    """How much of the schedule `strength` leaves to run."""
    if pipelines.name.startswith("LatentConsistency"):
        return len(_scheduled(pipelines, steps, strength=strength).timesteps)
    scheduler, image = _scheduled(pipelines, steps), pipelines.image
    if image is None or not hasattr(image, "get_timesteps"):
        return len(scheduler.timesteps)
    kept, image.scheduler = image.scheduler, scheduler
    try:
        where = {"device": "cpu"} if takes(image.get_timesteps, "device") else {}
        return len(image.get_timesteps(steps, strength, **where)[0])
    finally:
        image.scheduler = kept
