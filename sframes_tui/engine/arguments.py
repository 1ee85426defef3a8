"""What diffusers' pipelines are called with: options and jobs -> the keyword arguments that their signatures have."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.pipelines import Pipeline, Pipelines, default_of, takes
from sframes_tui.engine.protocol import FromNoise, FromPicture, Job


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


def arguments_of(job: Job) -> dict[str, Any]:
    """What a pipeline is told of one frame, beside what is the same for all."""
    told = {"prompt": job.look.prompt, "generator": torch.Generator("cpu").manual_seed(job.seed)}
    match job.start:
        case FromNoise():
            return told
        case FromPicture(picture, strength):
            return told | {"image": picture, "strength": strength}


def arguments_of_all(jobs: Sequence[Job]) -> dict[str, Any]:
    """What a pipeline is told of several frames that begin alike, drawn in one call."""
    each = [arguments_of(job) for job in jobs]
    return {key: value if key == "strength" else [told[key] for told in each] for key, value in each[0].items()}
