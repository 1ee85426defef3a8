"""A configuration -> a loaded model and the engine that draws with it.

What a configuration leaves to the machine and to the model is settled here, in the order in which it can be: device and
number format before the weights are loaded, of which variant; then scheduler, size and engine. The engine's facts tell
what came of it.
"""

import contextlib
import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.option_types import LARGEST_SIDE
from sframes_tui.engine.arguments import lacks
from sframes_tui.engine.batched import BatchedEngine, why_not
from sframes_tui.engine.device import cuda, devices
from sframes_tui.engine.grouped import GroupedEngine
from sframes_tui.engine.loading.hub import foreign
from sframes_tui.engine.loading.loading import load_model
from sframes_tui.engine.loading.scheduling import use_scheduler
from sframes_tui.engine.loading.vae_format import settle_vae, vae_format
from sframes_tui.engine.pipelines import (
    Pipeline,
    Pipelines,
    count_from_noise,
    default_of,
    sampling_of,
    scheduler_settings,
)
from sframes_tui.engine.protocol import Engine, Facts
from sframes_tui.engine.reference import ReferenceEngine
from sframes_tui.errors import ModelError
from sframes_tui.model.source import ModelSource, locate_model


def load_engine(config: GenerationConfig, source: ModelSource | None = None, near: Path | None = None) -> Engine:
    """Loads the configured model and makes the engine that draws with it.

    `source` is where the model was found, if that is known; otherwise it is looked for, relative paths in `near`
    first. Raises `ModelError`: one sentence that says what to do.
    """
    source = source or locate_model(config.model, config.revision, near)
    return Model(source, config).engine(config, source.label)


class Model:
    """A model's weights, for one engine after the other. As long as nothing else holds it, the engine holds them."""

    def __init__(self, source: ModelSource, config: GenerationConfig) -> None:
        """Loads it into main memory, as `model`, `revision`, `variant`, `device` and `dtype` want it.

        Raises `ModelError`.
        """
        self._device = devices.pick_device(config.device)
        self._dtype = devices.pick_dtype(config.dtype, self._device)
        self._loaded = load_model(source, config, self._dtype)
        self._scheduler = copy.deepcopy(self._loaded.pipelines.scheduler)

    def engine(self, config: GenerationConfig, label: str, kept: bool = False) -> Engine:
        """An engine that draws what a fresh load would draw, whatever the engine before it left behind.

        The one before must be closed. `label` is the model's name for people; `kept` is told by the engine's facts.
        Raises `ModelError`.
        """
        pipelines, scheduler = self._loaded.pipelines, copy.deepcopy(self._scheduler)
        for pipe in pipelines.all():
            pipe.scheduler = scheduler
        use_scheduler(pipelines, config, self._loaded.stands_in)
        count_from_noise(pipelines, config.num_inference_steps)
        with foreign(f"model {label!r} can't be used"):
            size = picture_size(pipelines, config.width, config.height)
        notices = (
            *self._loaded.notices,
            *lacks(pipelines, config, size),
            *devices.memory_options(pipelines, config, self._device),
            *devices.passed_over(config.device),
        )
        with contextlib.ExitStack() as undone:
            undone.enter_context(devices.fitting_threads(pipelines, self._device))
            undone.enter_context(cuda.exact_kernels(config, self._device))
            devices.place(pipelines, self._device, config.offload)
            if said := settle_vae(pipelines, self._device, size, self._dtype):
                notices = (*notices, said)
            facts = self._facts(label, size, notices, kept)
            engine = fitting_engine(pipelines, facts, config, self._loaded.folder)
            engine.at_close = undone.pop_all()
        return engine

    def _facts(self, label: str, size: tuple[int, int], notices: Sequence[str], kept: bool) -> Facts:
        pipelines = self._loaded.pipelines
        return Facts(
            model=label,
            pipeline=pipelines.name,
            sampling=sampling_of(pipelines),
            width=size[0],
            height=size[1],
            device=str(self._device),
            dtype=str(self._dtype).removeprefix("torch."),
            vae_dtype=vae_format(pipelines),
            hardware=devices.hardware_name(self._device),
            engine="reference",
            variant=self._loaded.variant,
            scheduler_settings=scheduler_settings(pipelines.scheduler),
            notices=tuple(dict.fromkeys(notices)),
            kept=kept,
            card=cuda.uuid_of(self._device),
            libraries=cuda.libraries(self._device),
        )


def fitting_engine(
    pipelines: Pipelines, facts: Facts, config: GenerationConfig, folder: Path | None = None
) -> BatchedEngine | ReferenceEngine:
    """The batched engine where the model allows and nobody asked for the other; its facts say why not."""
    reason = why_not(pipelines)
    if reason is None and config.engine == "auto":
        return BatchedEngine(pipelines, replace(facts, engine="batched"), config, folder)
    said = [*facts.notices, *_needs_batched(config)]
    if reason is None or config.engine == "reference":
        return ReferenceEngine(pipelines, replace(facts, notices=tuple(said)), config)
    if facts.sampling.family == "flow" and pipelines.image is not None:
        said.append(f"Only pictures that begin alike are drawn together: {reason}.")
        return GroupedEngine(pipelines, replace(facts, engine="grouped", notices=tuple(said)), config)
    said.append(f"Pictures are drawn one by one: {reason}.")
    return ReferenceEngine(pipelines, replace(facts, notices=tuple(said)), config)


def _needs_batched(config: GenerationConfig) -> list[str]:
    """What the configuration asks for and only the batched engine can do, one sentence each."""
    options = ("guidance_start", "guidance_end", "compile")
    asked = [each for each in options if getattr(config, each) != GenerationConfig.model_fields[each].default]
    return [f"{option} has no effect where pictures are drawn by diffusers' own pipelines." for option in asked]


def picture_size(pipelines: Pipelines, width: int | None, height: int | None) -> tuple[int, int]:
    """(width, height) in pixels: what is asked for, else the model's own.

    Raises `ModelError` where the model can't draw that size.
    """
    pipe = pipelines.text
    own_width, own_height = own_size(pipe)
    size = (width or own_width, height or own_height)
    grain = size_grain(pipe)
    for name, pixels in zip(("width", "height"), size, strict=True):
        if pixels % grain or pixels < 1:
            nearest = max(round(pixels / grain), 1) * grain
            raise ModelError(
                f"{name} = {pixels}: {pipelines.name} draws multiples of {grain} pixels only, such as {nearest}"
            )
    largest = min(largest_side(pipe), LARGEST_SIDE)
    if max(size) > largest:
        raise ModelError(f"{size[0]} x {size[1]} pixels: {pipelines.name} draws sides of at most {largest} pixels")
    return size


def largest_side(pipe: Pipeline) -> int:
    """The longest side in pixels that a transformer has positions for; others have no such bound."""
    transformer = getattr(pipe, "transformer", None)
    positions = transformer.config.get("pos_embed_max_size") if transformer is not None else None
    return positions * size_grain(pipe) if isinstance(positions, int) else 2**31


def own_size(pipe: Pipeline) -> tuple[int, int]:
    """The (width, height) in pixels that a pipeline draws unasked."""
    width, height = (default_of(pipe.__call__, side) for side in ("width", "height"))
    if isinstance(width, int) and isinstance(height, int):
        return width, height
    core = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    sample = getattr(pipe, "default_sample_size", None) or (core.config.get("sample_size") if core else None) or 64
    high, wide = sample if isinstance(sample, list | tuple) else (sample, sample)
    scale = getattr(pipe, "vae_scale_factor", 8)
    return wide * scale, high * scale


def size_grain(pipe: Pipeline) -> int:
    """What a side's pixels must be a multiple of: the VAE's scale, times the patches that a transformer takes."""
    scale: int = getattr(pipe, "vae_scale_factor", 8)
    transformer = getattr(pipe, "transformer", None)
    if transformer is None:
        return scale
    if hasattr(pipe, "_pack_latents"):
        return scale * 2
    patch = transformer.config.get("patch_size") or transformer.config.get("all_patch_size") or 1
    return scale * (max(patch) if isinstance(patch, list | tuple) else int(patch))
