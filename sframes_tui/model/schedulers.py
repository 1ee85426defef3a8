"""Schedulers by name, and how many times each really calls the model.

The counts follow diffusers' `set_timesteps` and the img2img pipelines' `get_timesteps`; once a model is loaded
the engine checks them against its scheduler's own timesteps.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Family = Literal["sd", "flow", "lcm"]

SECOND_ORDER = frozenset({"HeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete", "FlowMatchHeunDiscrete"})
"""Schedulers that look twice at every step but the last."""

TAKES_ETA = frozenset({"DDIM", "DDIMParallel", "TCD"})

SCHEDULERS = (
    "DDIM",
    "DDIMParallel",
    "DDPM",
    "DEISMultistep",
    "DPMSolverMultistep",
    "DPMSolverSinglestep",
    "EulerAncestralDiscrete",
    "EulerDiscrete",
    "FlowMatchEulerDiscrete",
    "FlowMatchHeunDiscrete",
    "HeunDiscrete",
    "KDPM2AncestralDiscrete",
    "KDPM2Discrete",
    "LCM",
    "PNDM",
    "TCD",
    "UniPCMultistep",
)


Settings: TypeAlias = dict[str, str | int | bool]

SETTINGS: dict[str, tuple[str, Settings]] = {
    "DPM++ 2M SDE": ("DPMSolverMultistep", {"algorithm_type": "sde-dpmsolver++", "solver_order": 2}),
    "DPM++ 2M SDE Heun": (
        "DPMSolverMultistep",
        {"algorithm_type": "sde-dpmsolver++", "solver_order": 2, "solver_type": "heun"},
    ),
    "DPM++ 3M": ("DPMSolverMultistep", {"algorithm_type": "dpmsolver++", "solver_order": 3}),
    "DPM++ 3M SDE": ("DPMSolverMultistep", {"algorithm_type": "sde-dpmsolver++", "solver_order": 3}),
    "PLMS": ("PNDM", {"skip_prk_steps": True}),
    "UniPC bh1": ("UniPCMultistep", {"solver_type": "bh1"}),
}
"""What is one of diffusers' schedulers with settings that it doesn't have by itself, by its common name."""

Sigmas = Literal["karras", "exponential", "beta"]

TAKES_SIGMAS = frozenset(
    {
        "DEISMultistep",
        "DPMSolverMultistep",
        "DPMSolverSinglestep",
        "EulerDiscrete",
        "FlowMatchEulerDiscrete",
        "HeunDiscrete",
        "KDPM2AncestralDiscrete",
        "KDPM2Discrete",
        "LMSDiscrete",
        "UniPCMultistep",
    }
)
"""Schedulers whose noise levels can be spaced in other ways than their own."""


def with_settings(name: str) -> tuple[str, Settings]:
    """Diffusers' own name, without "Scheduler", of a name in `SCHEDULERS` or `SETTINGS`; and what is set for it."""
    return SETTINGS.get(name, (name, {}))


def takes_sigmas(name: str) -> bool:
    return with_settings(name)[0] in TAKES_SIGMAS


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
