"""How many steps a frame will really run: the rules, and a model's json files -> which of them are its own.

So a plan is made without loading a model. The rules follow diffusers' `set_timesteps` and the img2img pipelines'
`get_timesteps`; once a model is loaded the engine counts its scheduler's own timesteps. What is said here of diffusers'
pipelines is checked against diffusers in the tests.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sframes_tui.errors import ModelError
from sframes_tui.model.files import read_json
from sframes_tui.model.schedulers import Sigmas, takes_sigmas, with_settings
from sframes_tui.model.source import ModelSource

Family = Literal["sd", "flow", "lcm"]

SECOND_ORDER = frozenset({"HeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete", "FlowMatchHeunDiscrete"})
"""Schedulers that look twice at every step but the last."""

TAKES_ETA = frozenset({"DDIM", "DDIMParallel", "TCD"})

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


@dataclass(frozen=True)
class Sampling:
    """What decides how many denoising steps a frame really runs."""

    family: Family = "sd"
    """How strength becomes steps: rounded Stable Diffusion's way, or that of the flow models; latent consistency
    models squeeze all their steps into the rest of the schedule."""
    scheduler: str = "PNDM"
    """Name as in `SCHEDULERS`, or of a scheduler this program doesn't know."""
    skip_prk_steps: bool = True
    """PNDM without its Runge-Kutta warm-up, as Stable Diffusion ships it."""
    img2img: bool = True
    """The model has an img2img pipeline that takes `strength`."""
    eta: bool | None = None
    """The pipeline and its scheduler take `eta`; None: as the scheduler's name says."""
    assumed: bool = False
    """True where the model's own files couldn't be read."""

    @property
    def takes_eta(self) -> bool:
        return self.scheduler in TAKES_ETA if self.eta is None else self.eta

    def schedule_steps(self, steps: int, strength: float) -> int:
        """Steps of the schedule that are left when `strength` of it is run."""
        if self.family == "lcm":
            return steps
        if self.family == "flow":
            return steps - int(max(steps - min(steps * strength, steps), 0))
        return min(int(steps * strength), steps)

    def steps_from_noise(self, steps: int) -> int:
        """Model evaluations of one frame that starts from noise."""
        return self._evaluations(steps, steps)

    def steps_from_picture(self, steps: int, strength: float) -> int:
        """Model evaluations of one img2img frame; none for a strength of 0."""
        return 0 if strength == 0 else self._evaluations(steps, self.schedule_steps(steps, strength))

    def _evaluations(self, steps: int, run: int) -> int:
        """Of `run` steps at the end of a schedule of `steps`."""
        if self.scheduler == "PNDM":
            return run + self._pndm_extra(steps)
        return max(2 * run - 1, 0) if self.scheduler in SECOND_ORDER else run

    def _pndm_extra(self, steps: int) -> int:
        """PNDM looks at its second timestep twice, or begins with twelve Runge-Kutta looks in place of three.

        The extra looks stand at the front of a schedule that img2img cuts from the front, counted from the end:
        so each img2img frame runs them in full, even where its strength rounds to no steps.
        """
        if not self.skip_prk_steps:
            return 9
        return 1 if steps > 1 else 0


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
