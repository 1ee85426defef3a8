"""A model's json files -> how many steps its frames will run, for a plan made without loading it.

What it says of diffusers' pipelines is checked against diffusers in the tests.
"""

import re
from dataclasses import replace
from pathlib import Path

from sframes_tui.errors import ModelError
from sframes_tui.model.files import read_json
from sframes_tui.model.schedulers import TAKES_ETA, Family, Sampling, Sigmas, takes_sigmas, with_settings
from sframes_tui.model.source import ModelSource

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


def read_sampling(source: ModelSource, scheduler: str | None, sigmas: Sigmas | None = None) -> Sampling:
    """The step rules of a model with its own scheduler, or with the one called `scheduler`.

    Marked as assumed where the model's files aren't on this machine. Raises `ModelError` if they are and can't be
    read, or if the model's scheduler doesn't take such `sigmas`.
    """
    folder = described_in(source)
    if folder is None:
        return _assumed(source.name, scheduler)
    kind = re.sub(r"(Img2Img)?(Combined)?Pipeline$", r"\2", _pipeline_name(folder, source.name))
    settings_file = folder / "scheduler" / "scheduler_config.json"
    settings = read_json(settings_file, source.name) if settings_file.exists() else {}
    own = str(settings.get("_class_name", "PNDMScheduler")).removesuffix("Scheduler")
    if sigmas is not None and not takes_sigmas(scheduler or own):
        raise ModelError(f'sigmas = "{sigmas}": the scheduler {own} spaces its noise levels in one way only')
    name, changed = (own, {}) if scheduler is None else with_settings(scheduler)
    return Sampling(
        family=_family(kind),
        scheduler=name,
        skip_prk_steps=(settings | changed).get("skip_prk_steps") is True,
        img2img=kind in IMG2IMG,
        eta=kind in ETA and name in TAKES_ETA,
    )


def _family(kind: str) -> Family:
    return "lcm" if kind.startswith("LatentConsistency") else "flow" if kind.startswith(FLOW) else "sd"


def _assumed(name: str, scheduler: str | None) -> Sampling:
    """What a model probably is, by its name; Stable Diffusion unless it says otherwise."""
    name_of_class = scheduler and with_settings(scheduler)[0]
    if re.search(r"flux|stable-diffusion-3|sd-?3|qwen-image|z-image", name, re.IGNORECASE):
        return Sampling("flow", name_of_class or "FlowMatchEulerDiscrete", eta=False, assumed=True)
    xl = re.search(r"xl", name, re.IGNORECASE)
    sampling = Sampling(scheduler="EulerDiscrete" if xl else "PNDM", assumed=True)
    return replace(sampling, scheduler=name_of_class) if name_of_class else sampling


def described_in(source: ModelSource) -> Path | None:
    """The folder with a model's json files, if it is on this machine: beside a checkpoint, it bears its name."""
    folder = source.path.with_suffix("") if source.path and source.kind == "checkpoint" else source.path
    return folder if folder is not None and (folder / "model_index.json").exists() else None


def _pipeline_name(folder: Path, model: str) -> str:
    name = read_json(folder / "model_index.json", model).get("_class_name")
    if not isinstance(name, str):
        raise ModelError(f"model {model!r}: model_index.json names no pipeline")
    return name
