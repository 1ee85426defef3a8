"""A model's files -> diffusers pipelines: quietly, from safetensors only, never with code of the model's own."""

import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sframes_tui.engine.capabilities import Pipelines, takes
from sframes_tui.engine.safety import check_folder, read_index
from sframes_tui.errors import ModelError
from sframes_tui.story.config import GenerationConfig
from sframes_tui.story.model_source import ModelSource

os.environ.setdefault("DIFFUSERS_DISABLE_REMOTE_CODE", "1")

UNUSED_PARTS = ("safety_checker", "feature_extractor", "image_encoder")
"""Parts that no text-to-image or image-to-image call here needs; not loaded where a model has them."""


@dataclass(frozen=True)
class Loaded:
    """A model on the CPU, and what a person should know of it."""

    pipelines: Pipelines
    notices: tuple[str, ...]


def load_model(source: ModelSource, config: GenerationConfig, dtype: torch.dtype) -> Loaded:
    """The model that `source` names, checked before anything of it is loaded. Raises `ModelError`."""
    quiet()
    if source.path is None or source.kind != "folder":
        raise ModelError(f"model {source.name!r}: not yet")
    check_folder(source.path, source.name)
    return Loaded(load_folder(source.path, source.name, dtype, config.variant), _notes(source.path))


def _notes(folder: Path) -> tuple[str, ...]:
    """What the model's folder wants to have said at every start."""
    notice = folder / "notice.txt"
    return (notice.read_text("utf-8")[:2000].strip(),) if notice.is_file() else ()


def quiet() -> None:
    """Keeps the libraries' warnings and progress bars off the terminal, which belongs to the program."""
    from huggingface_hub.utils import disable_progress_bars
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.set_verbosity(logging.CRITICAL)
    diffusers_logging.disable_progress_bar()
    disable_progress_bars()
    for name in ("diffusers", "transformers", "huggingface_hub", "torch", "accelerate"):
        warnings.filterwarnings("ignore", module=rf"{name}(\..*)?$")


def load_folder(folder: Path, name: str, dtype: torch.dtype, variant: str | None) -> Pipelines:
    """A checked diffusers folder -> its pipelines, on the CPU; `name` is the model as the user wrote it.

    Raises `ModelError` for whatever the libraries refuse.
    """
    from diffusers import AutoPipelineForText2Image

    unused = {part: None for part in UNUSED_PARTS if part in read_index(folder, name)}
    try:
        text = AutoPipelineForText2Image.from_pretrained(
            folder, torch_dtype=dtype, variant=variant, use_safetensors=True, local_files_only=True, **unused
        )
    except Exception as error:
        raise ModelError(f"model {name!r} can't be loaded: {first_line(error)}") from error
    return paired(text)


def paired(text: Any) -> Pipelines:
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

    Raises `ModelError` where it is made for the other family of models.
    """
    import diffusers

    own = type(pipelines.scheduler).__name__.removesuffix("Scheduler")
    if own.startswith("FlowMatch") != name.startswith("FlowMatch"):
        fitting = "FlowMatchEulerDiscrete" if own.startswith("FlowMatch") else "DDIM, PNDM or EulerDiscrete"
        raise ModelError(f"scheduler {name!r} doesn't fit {pipelines.name}; what fits is {fitting}")
    scheduler = getattr(diffusers, f"{name}Scheduler").from_config(pipelines.scheduler.config)
    for pipe in pipelines.all():
        pipe.scheduler = scheduler


def first_line(error: BaseException) -> str:
    """An exception as one line that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
