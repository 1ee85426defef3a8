"""A model's json files -> how many steps its frames will run, for a plan made without loading it.

Must not import torch or diffusers; what it says of diffusers' pipelines is checked against diffusers in the tests.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

from sframes_tui.errors import ModelError
from sframes_tui.story.model_source import ModelSource
from sframes_tui.story.schedulers import TAKES_ETA, Family, Sampling

JSON_LIMIT = 10_000_000

FLOW = ("StableDiffusion3", "Flux", "QwenImage", "ZImage")
"""Pipelines whose img2img rounds a schedule's rest up."""

IMG2IMG = (
    "StableDiffusion",
    "StableDiffusionPAG",
    "StableDiffusionXL",
    "StableDiffusionXLPAG",
    "StableDiffusion3",
    "StableDiffusion3PAG",
    "IF",
    "Kandinsky",
    "KandinskyCombined",
    "KandinskyV22",
    "KandinskyV22Combined",
    "Kandinsky3",
    "LatentConsistencyModel",
    "Flux",
    "QwenImage",
    "ZImage",
    "Kolors",
    "KolorsPAG",
)
"""Pipelines, less "Pipeline", that diffusers pairs with an image-to-image one that takes `strength`."""

ETA = (
    "StableDiffusion",
    "StableDiffusionPAG",
    "StableDiffusionXL",
    "StableDiffusionXLPAG",
    "IF",
    "Kolors",
    "KolorsPAG",
    "HunyuanDiT",
    "HunyuanDiTPAG",
    "PixArtAlpha",
    "PixArtSigma",
    "PixArtSigmaPAG",
    "Sana",
    "SanaPAG",
    "CogView3Plus",
)
"""Pipelines, less "Pipeline", that hand `eta` on to their scheduler."""


def read_sampling(source: ModelSource, scheduler: str | None) -> Sampling:
    """The step rules of a model with its own scheduler, or with the one called `scheduler`.

    Marked as assumed where the model's files aren't on this machine. Raises `ModelError` if they are and can't be
    read.
    """
    if source.path is None or source.kind == "checkpoint" or not (source.path / "model_index.json").exists():
        return _assumed(source.name, scheduler)
    kind = re.sub(r"(Img2Img)?(Combined)?Pipeline$", r"\2", _text(source, "model_index.json", "_class_name"))
    settings = _read(source.path / "scheduler" / "scheduler_config.json", source.name, {})
    own = str(settings.get("_class_name", "PNDMScheduler")).removesuffix("Scheduler")
    name = scheduler or own
    return Sampling(
        family=_family(kind),
        scheduler=name,
        skip_prk_steps=settings.get("skip_prk_steps") is True,
        img2img=kind in IMG2IMG,
        eta=kind in ETA and name in TAKES_ETA,
    )


def _family(kind: str) -> Family:
    return "flow" if kind.startswith(FLOW) else "sd"


def _assumed(name: str, scheduler: str | None) -> Sampling:
    """What a model probably is, by its name; Stable Diffusion unless it says otherwise."""
    if re.search(r"flux|stable-diffusion-3|sd-?3|qwen-image|z-image", name, re.IGNORECASE):
        return Sampling("flow", scheduler or "FlowMatchEulerDiscrete", eta=False, assumed=True)
    xl = re.search(r"xl", name, re.IGNORECASE)
    sampling = Sampling(scheduler="EulerDiscrete" if xl else "PNDM", assumed=True)
    return replace(sampling, scheduler=scheduler) if scheduler else sampling


def _text(source: ModelSource, file: str, key: str) -> str:
    assert source.path is not None
    value = _read(source.path / file, source.name).get(key)
    if not isinstance(value, str):
        raise ModelError(f"model {source.name!r}: {file} names no {key}")
    return value


def _read(path: Path, model: str, default: dict[str, object] | None = None) -> dict[str, object]:
    if default is not None and not path.exists():
        return default
    try:
        if not path.is_file() or path.stat().st_size > JSON_LIMIT:
            raise ValueError("not a plain file of reasonable size")
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"model {model!r}: {path.name} can't be read: {error}") from None
    if not isinstance(content, dict):
        raise ModelError(f"model {model!r}: {path.name} holds no JSON object")
    return content
