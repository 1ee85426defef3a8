"""What a loaded pipeline takes, found by looking at its signatures; never by trying. Must not import diffusers."""

import copy
import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from sframes_tui.config.config import GenerationConfig
from sframes_tui.errors import ModelError
from sframes_tui.model.schedulers import Family, Sampling

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


@dataclass(frozen=True)
class Arguments:
    """What one pipeline is called with for every frame."""

    fixed: dict[str, object]
    ignored: dict[str, str]
    """Options that the configuration sets and the pipeline can't follow, and with what they have no effect."""


def arguments_for(pipe: Pipeline, config: GenerationConfig, size: tuple[int, int]) -> Arguments:
    """The keyword arguments that stay the same for every frame; `size` is (width, height) in pixels."""
    call, name = pipe.__call__, type(pipe).__name__
    arguments = Arguments({"num_inference_steps": config.num_inference_steps, "output_type": "np"}, {})
    fixed, ignored = arguments.fixed, arguments.ignored
    if takes(call, "height"):
        fixed["width"], fixed["height"] = size
    if takes(call, "eta") and takes(pipe.scheduler.step, "eta"):
        fixed["eta"] = config.eta
    if takes(call, "guidance_rescale"):
        fixed["guidance_rescale"] = config.guidance_rescale
    elif config.guidance_rescale:
        ignored["guidance_rescale"] = name
    if takes(call, "true_cfg_scale"):
        _add_true_guidance(pipe, config, arguments)
    else:
        _add_guidance(pipe, config, arguments)
    return arguments


def _add_guidance(pipe: Pipeline, config: GenerationConfig, arguments: Arguments) -> None:
    name = type(pipe).__name__
    if takes(pipe.__call__, "guidance_scale"):
        arguments.fixed["guidance_scale"] = config.guidance_scale
    else:
        arguments.ignored["guidance_scale"] = name
    if not config.negative_prompt:
        return
    if not takes(pipe.__call__, "negative_prompt"):
        arguments.ignored["negative_prompt"] = name
    elif config.guidance_scale <= 1:
        arguments.ignored["negative_prompt"] = "a guidance_scale of at most 1"
    else:
        arguments.fixed["negative_prompt"] = config.negative_prompt


def _add_true_guidance(pipe: Pipeline, config: GenerationConfig, arguments: Arguments) -> None:
    """For pipelines whose `guidance_scale` is a number that a distilled model was taught to read.

    Where the model was, it gets that number, and no negative prompt. Otherwise guidance is `true_cfg_scale`, which
    acts only beside a negative prompt: pipelines that are meant to be used so (their default is above 1, as
    Qwen-Image's) get a blank one if there is none.
    """
    name = type(pipe).__name__
    transformer = getattr(pipe, "transformer", None)
    if transformer is not None and transformer.config.get("guidance_embeds", False):
        arguments.fixed["guidance_scale"] = config.guidance_scale
        if config.negative_prompt:
            arguments.ignored["negative_prompt"] = f"{name}, whose guidance is built into the model"
        return
    meant = (default_of(pipe.__call__, "true_cfg_scale") or 1) > 1
    negative = config.negative_prompt or (" " if meant else None)
    if negative is None:
        arguments.ignored["guidance_scale"] = f"{name} and no negative_prompt"
    else:
        arguments.fixed.update(true_cfg_scale=config.guidance_scale, negative_prompt=negative)


def lacks(pipelines: Pipelines, config: GenerationConfig, size: tuple[int, int]) -> list[str]:
    """What the configuration asks for and the pipelines can't do, one sentence each.

    Nothing of `eta` and `progressive`: what `sampling_of` says of them is told by the plan.
    """
    ignored = [arguments_for(pipe, config, size).ignored for pipe in pipelines.all()]
    merged = {option: culprit for each in reversed(ignored) for option, culprit in each.items()}
    return [f"{option} has no effect with {culprit}." for option, culprit in merged.items()]
