"""One denoising step of a picture that is thrown away: whether a model's numbers are numbers at all.

Uses a scheduler and a noise of its own, so that no frame is drawn otherwise for it.
"""

import copy
from typing import Any

import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.arguments import arguments_for
from sframes_tui.engine.decoding import REDONE, SoundDecoding, SpoiledError, check_latents
from sframes_tui.engine.device.memory import free_memory, is_out_of_memory
from sframes_tui.engine.pipelines import Pipeline, Pipelines, takes
from sframes_tui.engine.protocol import Facts
from sframes_tui.errors import ModelError, message_of

LITTLE_MEMORY = "a single step runs out of memory: frames will fail unless less is needed for them, as with offload"


class _SeenEnoughError(Exception):
    """Raised after the first step where a pipeline can't be told to skip the others."""


class _FirstStep:
    """Ends a pipeline's denoising after one step, and keeps what came of it."""

    def __init__(self) -> None:
        self.latents: torch.Tensor | None = None

    def callback(self, pipe: Pipeline, _step: int, _timestep: object, tensors: dict[str, Any]) -> dict[str, Any]:
        self.latents = tensors.get("latents")
        if not hasattr(type(pipe), "interrupt"):
            raise _SeenEnoughError
        pipe._interrupt = True  # noqa: SLF001  # as diffusers' guide tells people to do it
        return {}

    def old_callback(self, _step: int, _timestep: object, latents: torch.Tensor) -> None:
        self.latents = latents
        raise _SeenEnoughError


def probe(pipelines: Pipelines, facts: Facts, config: GenerationConfig) -> str | None:
    """What a person should know of the model after one step; None if all is well.

    Raises `ModelError` where no picture can come of it: numbers that are not finite, or an error.
    """
    try:
        return _probed(pipelines, (facts.width, facts.height), config)
    except SpoiledError as error:
        raise ModelError(f"model {facts.model!r} can't draw: already after one step {error}") from None
    except Exception as error:  # whatever it is, every frame would run into it
        if not is_out_of_memory(error):
            raise ModelError(f"model {facts.model!r} can't draw, its first step fails: {message_of(error)}") from error
    free_memory()
    return LITTLE_MEMORY


def _probed(pipelines: Pipelines, size: tuple[int, int], config: GenerationConfig) -> str | None:
    pipe, first, kept = pipelines.text, _FirstStep(), pipelines.text.scheduler
    arguments = {
        **arguments_for(pipe, config, size).fixed,
        "prompt": "a",
        "generator": torch.Generator().manual_seed(0),
    }
    if takes(pipe.__call__, "callback_on_step_end"):
        arguments["callback_on_step_end"] = first.callback
    elif takes(pipe.__call__, "callback"):
        arguments |= {"callback": first.old_callback, "callback_steps": 1}
    else:
        return None  # it would draw a whole picture
    pipe.scheduler = copy.deepcopy(kept)
    try:
        with SoundDecoding(getattr(pipe, "vae", None)) as decoding:
            pipe(**arguments)
    except _SeenEnoughError:
        pass
    finally:
        pipe.scheduler = kept
        for each in pipelines.all():
            each.maybe_free_model_hooks()
    check_latents(first.latents)
    decoding.check()
    return REDONE if decoding.redone else None
