"""A model's files -> diffusers pipelines: quietly, from safetensors only, never with code of the model's own."""

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch

from sframes_tui.engine.capabilities import Pipeline, Pipelines, scheduler_name, takes
from sframes_tui.engine.checkpoint import load_checkpoint
from sframes_tui.engine.hub import hub_folder
from sframes_tui.engine.proportions import check_folder_proportions
from sframes_tui.engine.safety import check_folder, unused_parts
from sframes_tui.errors import ModelError, first_line
from sframes_tui.story.config import GenerationConfig
from sframes_tui.story.model_source import NOTICE, ModelSource, pick_variant
from sframes_tui.story.schedulers import SCHEDULERS

os.environ.setdefault("DIFFUSERS_DISABLE_REMOTE_CODE", "1")


@dataclass(frozen=True)
class Loaded:
    """A model on the CPU, and what a person should know of it."""

    pipelines: Pipelines
    notices: tuple[str, ...]
    folder: Path | None = None
    """Where the model lies, if it is a folder."""


def load_model(source: ModelSource, config: GenerationConfig, dtype: torch.dtype) -> Loaded:
    """The model that `source` names, checked before anything of it is loaded.

    Raises `ModelError`. The network is used for nothing but a hub model that the local cache doesn't have.
    """
    quiet()
    if source.kind == "checkpoint" and source.path is not None:
        return Loaded(paired(load_checkpoint(source.path, source.name, dtype)), ())
    folder = hub_folder(source, config) if source.kind == "hub" else source.path
    if folder is None or not folder.is_dir():
        raise ModelError(f"model {source.name!r}: its folder {folder} is missing")
    check_folder(folder, source.name)
    check_folder_proportions(folder, source.name)
    variant = pick_variant(folder, config.variant, half=dtype == torch.float16)
    return Loaded(paired(load_folder(folder, source.name, dtype, variant)), _notices(folder), folder)


def _notices(folder: Path) -> tuple[str, ...]:
    """What the model's folder wants to have said at every start, and what of it is left out."""
    notice = folder / NOTICE
    said = [notice.read_text("utf-8", errors="replace")[:2000].strip()] if notice.is_file() else []
    if (folder / "safety_checker").is_dir():
        said.append("The model's safety checker is not used.")
    return tuple(said)


def quiet() -> None:
    """Keeps the libraries' warnings and progress bars off the terminal, which belongs to the program."""
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.set_verbosity(logging.CRITICAL)
    diffusers_logging.disable_progress_bar()
    hub_logging.set_verbosity(logging.CRITICAL)
    disable_progress_bars()
    warnings.filterwarnings("ignore", category=FutureWarning)  # said of our calls, which these versions pin
    for name in ("diffusers", "transformers", "huggingface_hub", "torch", "accelerate"):
        warnings.filterwarnings("ignore", module=rf"{name}(\..*)?$")


def load_folder(folder: Path, model: str, dtype: torch.dtype, variant: str | None) -> Pipeline:
    """A checked diffusers folder -> its text-to-image pipeline, on the CPU; `model` is its name, for messages.

    Raises `ModelError` for whatever the libraries refuse.
    """
    from diffusers import AutoPipelineForText2Image

    unused = unused_parts(folder, model)
    try:
        return AutoPipelineForText2Image.from_pretrained(
            folder, torch_dtype=dtype, variant=variant, use_safetensors=True, local_files_only=True, **unused
        )
    except Exception as error:
        raise ModelError(f"model {model!r} can't be loaded: {first_line(error)}") from error


def paired(text: Pipeline) -> Pipelines:
    """Adds the image-to-image pipeline that shares the weights, if the model has one that takes `strength`."""
    from diffusers import AutoPipelineForImage2Image

    try:
        image = AutoPipelineForImage2Image.from_pipe(text)
    except ValueError:  # AutoPipeline knows none for this model
        image = None
    if image is not None and not (takes(image.__call__, "strength") and takes(image.__call__, "image")):
        image = None
    pipelines = Pipelines(text, image)
    for pipe in pipelines.all():
        pipe.set_progress_bar_config(disable=True)
    return pipelines


def use_scheduler(pipelines: Pipelines, name: str) -> None:
    """Puts the scheduler called `name` (without "Scheduler") in place of the model's own, with its settings.

    Raises `ModelError` where it is made for other models.
    """
    import diffusers

    fitting = fitting_schedulers(pipelines)
    if name not in fitting:
        raise ModelError(f"scheduler {name!r} doesn't fit {pipelines.name}; what fits is {', '.join(fitting)}")
    scheduler = getattr(diffusers, f"{name}Scheduler").from_config(pipelines.scheduler.config)
    for pipe in pipelines.all():
        pipe.scheduler = scheduler


def fitting_schedulers(pipelines: Pipelines) -> list[str]:
    """The schedulers that a model's pipelines can work with.

    Flow models predict a velocity, which the others don't understand; and most of their pipelines hand over shifted
    sigmas, which of the flow schedulers only the Euler one takes.
    """
    if not scheduler_name(pipelines.scheduler).startswith("FlowMatch"):
        return [name for name in SCHEDULERS if not name.startswith("FlowMatch")]
    plain = pipelines.name.startswith("StableDiffusion3") and not pipelines.scheduler.config.use_dynamic_shifting
    return ["FlowMatchEulerDiscrete", *(["FlowMatchHeunDiscrete"] if plain else [])]
