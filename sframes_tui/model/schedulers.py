"""Schedulers by name: diffusers' own, and those of its own that go by another name with other settings."""

from typing import Literal, TypeAlias

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
