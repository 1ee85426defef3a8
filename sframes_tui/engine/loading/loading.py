"""A model's files -> diffusers pipelines: quietly, from safetensors only, never with code of the model's own."""

from dataclasses import dataclass
from pathlib import Path

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.loading.checkpoint import load_checkpoint
from sframes_tui.engine.loading.families import image_pipeline, quiet
from sframes_tui.engine.loading.hub import foreign, hub_folder
from sframes_tui.engine.loading.proportions import check_folder_proportions
from sframes_tui.engine.loading.scheduling import stand_in
from sframes_tui.engine.loading.vae_format import part_formats
from sframes_tui.engine.loading.vetting import (
    UNUSED_PARTS,
    check_connected,
    check_folder,
    connected_models,
    is_combined,
    pipeline_class,
    unused_parts,
)
from sframes_tui.engine.pipelines import Pipeline, Pipelines, Scheduler, takes
from sframes_tui.errors import ModelError
from sframes_tui.model.files import TEXT_LIMIT, read_model_file
from sframes_tui.model.source import NOTICE, ModelSource, pick_variant
from sframes_tui.printable import printable


@dataclass(frozen=True)
class Loaded:
    """A model on the CPU, and what a person should know of it."""

    pipelines: Pipelines
    notices: tuple[str, ...]
    folder: Path | None = None
    """Where the model lies, if it is a folder."""
    variant: str | None = None
    """Of its weight files."""
    stands_in: bool = False
    """Its own scheduler can't be had; another was loaded in its place."""


def load_model(source: ModelSource, config: GenerationConfig, dtype: torch.dtype) -> Loaded:
    """The model that `source` names, checked before anything of it is loaded.

    Raises `ModelError`. The network is used for nothing but a hub model that the local cache doesn't have.
    """
    quiet()
    if source.kind == "checkpoint" and source.path is not None:
        return Loaded(_paired(load_checkpoint(source.path, source.name, config, dtype), source.name), ())
    half = dtype in (torch.float16, torch.bfloat16)
    folder = hub_folder(source, config, half) if source.kind == "hub" else source.path
    if folder is None or not folder.is_dir():
        raise ModelError(f"model {source.name!r}: its folder {folder} is missing")
    scheduler = stand_in(folder, source.name, config)
    replaced = () if scheduler is None else ("scheduler",)
    check_folder(folder, source.name, replaced=replaced)
    check_folder_proportions(folder, source.name, left_out=(*UNUSED_PARTS, *replaced))
    if is_combined(pipeline_class(folder, source.name)):
        for other in connected_models(folder, source.name):
            check_folder_proportions(check_connected(other, source.name), other, left_out=())
    variant = pick_variant(folder, config.variant, half)
    pipelines = _paired(load_folder(folder, source.name, dtype, variant, scheduler), source.name)
    return Loaded(pipelines, _notices(folder), folder, variant, stands_in=scheduler is not None)


def _notices(folder: Path) -> tuple[str, ...]:
    """What the model's folder wants to have said at every start, and what of it is left out."""
    notice = folder / NOTICE
    said = [_start_of(notice)] if notice.exists() else []
    if (folder / "safety_checker").is_dir():
        said.append("The model's safety checker is not used.")
    return tuple(said)


def _start_of(notice: Path) -> str:
    """Its first 2000 characters, harmless to show. The folder is one that was checked."""
    return printable(read_model_file(notice, TEXT_LIMIT).decode(errors="replace")[:2000]).strip()


def load_folder(
    folder: Path, model: str, dtype: torch.dtype, variant: str | None, scheduler: Scheduler | None = None
) -> Pipeline:
    """A checked diffusers folder -> its text-to-image pipeline, on the CPU; `model` is its name, for messages.

    A `scheduler` that is given takes the place of the model's own. Raises `ModelError` for whatever the libraries
    refuse.
    """
    loader: Pipeline = pipeline_class(folder, model)
    left_out = unused_parts(folder, model) | ({} if scheduler is None else {"scheduler": None})
    with foreign(f"model {model!r} can't be loaded"):
        pipe = loader.from_pretrained(
            folder,
            torch_dtype=part_formats(dtype),
            variant=variant,
            use_safetensors=True,
            local_files_only=True,
            **left_out,
        )
        if scheduler is not None:
            pipe.register_modules(scheduler=scheduler)
    return pipe


def _paired(text: Pipeline, model: str) -> Pipelines:
    with foreign(f"model {model!r} can't be used"):
        return paired(text)


def paired(text: Pipeline) -> Pipelines:
    """Adds the image-to-image pipeline that shares the weights, if the model has one that takes `strength`."""
    image = image_pipeline(text)
    if image is not None and not (takes(image.__call__, "strength") and takes(image.__call__, "image")):
        image = None
    pipelines = Pipelines(text, image)
    for pipe in pipelines.all():
        pipe.set_progress_bar_config(disable=True)
    return pipelines
