"""What a loaded pipeline takes, found by looking at its signatures; never by trying. Must not import diffusers."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sframes_tui.errors import ModelError
from sframes_tui.story.config import GenerationConfig
from sframes_tui.story.schedulers import Family, Sampling


@dataclass(frozen=True)
class Pipelines:
    """One set of weights, as a text-to-image and, where the model has it, an image-to-image pipeline."""

    text: Any
    image: Any | None
    """Takes `strength`; None where the model has no such pipeline."""

    @property
    def scheduler(self) -> Any:
        return self.text.scheduler

    @property
    def name(self) -> str:
        return type(self.text).__name__

    def all(self) -> tuple[Any, ...]:
        return (self.text,) if self.image is None else (self.text, self.image)


def takes(function: Callable[..., Any], name: str) -> bool:
    return name in inspect.signature(function).parameters


def default_of(function: Callable[..., Any], name: str) -> Any:
    """The default of an argument; None if it has none or doesn't exist."""
    parameter = inspect.signature(function).parameters.get(name)
    return None if parameter is None or parameter.default is inspect.Parameter.empty else parameter.default


def scheduler_name(scheduler: Any) -> str:
    return type(scheduler).__name__.removesuffix("Scheduler")


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
    if pipelines.image is None or not hasattr(pipelines.image, "get_timesteps"):
        return "flow" if scheduler_name(pipelines.scheduler).startswith("FlowMatch") else "sd"
    return "flow" if _timesteps(pipelines, 10, 0.15) - _timesteps(pipelines, 10, 0.1) else "sd"


def count_steps(pipelines: Pipelines, steps: int, strength: float | None) -> int:
    """Model evaluations of one frame, counted on the scheduler's own timesteps.

    Raises `ModelError` where the scheduler can't make a schedule of `steps` steps.
    """
    try:
        return _timesteps(pipelines, steps, strength)
    except (ValueError, IndexError, ZeroDivisionError) as error:
        name = scheduler_name(pipelines.scheduler)
        raise ModelError(f"scheduler {name!r} can't run {steps} steps: {error}") from None


def _timesteps(pipelines: Pipelines, steps: int, strength: float | None) -> int:
    scheduler = copy.deepcopy(pipelines.scheduler)
    dynamic = scheduler.config.get("use_dynamic_shifting", False)
    scheduler.set_timesteps(steps, **({"mu": 1.0} if dynamic else {}))
    if strength is None or pipelines.image is None or not hasattr(pipelines.image, "get_timesteps"):
        return len(scheduler.timesteps)
    kept, pipelines.image.scheduler = pipelines.image.scheduler, scheduler
    try:
        return len(pipelines.image.get_timesteps(steps, strength, "cpu")[0])
    finally:
        pipelines.image.scheduler = kept


@dataclass(frozen=True)
class Arguments:
    """What one pipeline is called with for every frame, and what it can't take, one sentence each."""

    fixed: dict[str, Any]
    notices: tuple[str, ...]


def arguments_for(pipe: Any, config: GenerationConfig, size: tuple[int, int]) -> Arguments:
    """Keyword arguments that stay the same for every frame; `size` is (width, height) in pixels."""
    call = pipe.__call__
    fixed: dict[str, Any] = {"num_inference_steps": config.num_inference_steps, "output_type": "np"}
    if takes(call, "height"):
        fixed["width"], fixed["height"] = size
    notices = [*_add_eta(pipe, config, fixed), *_add_guidance(pipe, config, fixed)]
    return Arguments({name: value for name, value in fixed.items() if takes(call, name)}, tuple(notices))


def _add_eta(pipe: Any, config: GenerationConfig, fixed: dict[str, Any]) -> list[str]:
    name = type(pipe).__name__
    if takes(pipe.__call__, "eta") and takes(pipe.scheduler.step, "eta"):
        fixed["eta"] = config.eta
        return []
    culprit = type(pipe.scheduler).__name__ if takes(pipe.__call__, "eta") else name
    return [f"eta has no effect with {culprit}."] if config.eta else []


def _add_guidance(pipe: Any, config: GenerationConfig, fixed: dict[str, Any]) -> list[str]:
    name, call = type(pipe).__name__, pipe.__call__
    notices = []
    if takes(call, "guidance_rescale"):
        fixed["guidance_rescale"] = config.guidance_rescale
    elif config.guidance_rescale:
        notices.append(f"guidance_rescale has no effect with {name}.")
    if takes(call, "true_cfg_scale"):
        return notices + _add_true_guidance(pipe, config, fixed)
    fixed["guidance_scale"] = config.guidance_scale
    if not takes(call, "guidance_scale"):
        notices.append(f"guidance_scale has no effect with {name}.")
    if config.negative_prompt and takes(call, "negative_prompt") and config.guidance_scale > 1:
        fixed["negative_prompt"] = config.negative_prompt
    elif config.negative_prompt:
        with_what = f"{name}" if config.guidance_scale > 1 else "a guidance_scale of at most 1"
        notices.append(f"negative_prompt has no effect with {with_what}.")
    return notices


def _add_true_guidance(pipe: Any, config: GenerationConfig, fixed: dict[str, Any]) -> list[str]:
    """Pipelines whose `guidance_scale` is a number that a distilled model was taught to read.

    Where the model was, it gets that number, and no negative prompt. Otherwise guidance is `true_cfg_scale`, which
    acts only beside a negative prompt: pipelines that are meant to be used so (their default is above 1, as
    Qwen-Image's) get a blank one if there is none.
    """
    name = type(pipe).__name__
    transformer = getattr(pipe, "transformer", None)
    if transformer is not None and transformer.config.get("guidance_embeds", False):
        fixed["guidance_scale"] = config.guidance_scale
        return [f"negative_prompt has no effect with {name}: its guidance is built in."] * bool(config.negative_prompt)
    fixed["true_cfg_scale"] = config.guidance_scale
    meant = (default_of(pipe.__call__, "true_cfg_scale") or 1) > 1
    negative = config.negative_prompt or (" " if meant else None)
    if negative is None:
        return [f"guidance_scale has no effect with {name} unless there is a negative_prompt."]
    fixed["negative_prompt"] = negative
    return []
