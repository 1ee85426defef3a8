"""Samplers by the names that other programs give them -> diffusers' schedulers.

The names are those of AUTOMATIC1111's web UI, of k-diffusion and ComfyUI, and of InvokeAI; what they are in diffusers
follows its issue 4167. A name's last word may say how the noise levels are spaced: "DPM++ 2M Karras", "euler_k".
"""

import difflib
import re
from dataclasses import dataclass

from sframes_tui.model.schedulers import SCHEDULERS, SETTINGS, Sigmas, takes_sigmas

SPACINGS: dict[str, Sigmas] = {
    "karras": "karras",
    "ka": "karras",
    "k": "karras",
    "exponential": "exponential",
    "exp": "exponential",
    "beta": "beta",
}

SAMPLERS = {
    "euler": "EulerDiscrete",
    "eulera": "EulerAncestralDiscrete",
    "heun": "HeunDiscrete",
    "dpm2": "KDPM2Discrete",
    "kdpm2": "KDPM2Discrete",
    "dpm2a": "KDPM2AncestralDiscrete",
    "kdpm2a": "KDPM2AncestralDiscrete",
    "lms": "LMSDiscrete",
    "dpmpp2": "DPMSolverMultistep",
    "dpmpp2m": "DPMSolverMultistep",
    "dpmsolverpp": "DPMSolverMultistep",
    "dpmpp2s": "DPMSolverSinglestep",
    "dpmpp2msde": "DPM++ 2M SDE",
    "dpmpp2msdeheun": "DPM++ 2M SDE Heun",
    "dpmpp3m": "DPM++ 3M",
    "dpmpp3msde": "DPM++ 3M SDE",
    "plms": "PLMS",
    "pndm": "PNDM",
    "deis": "DEISMultistep",
    "unipc": "UniPCMultistep",
    "unipcbh2": "UniPCMultistep",
    "unipcbh1": "UniPC bh1",
}
"""Diffusers' own names are understood beside these; keys are written as `_spelled` writes them."""

ABSENT = {
    "dpmfast": "DPMSolverSinglestep",
    "dpmad": "DPMSolverMultistep",
    "dpmadaptive": "DPMSolverMultistep",
    "dpmppsde": "DPM++ 2M SDE",
    "dpmsolversde": "DPM++ 2M SDE",
    "dpmpp2a": "EulerAncestralDiscrete",
    "dpmpp2sa": "EulerAncestralDiscrete",
    "dpmpp2sacfgpp": "EulerAncestralDiscrete",
    "dpmpp2mcfgpp": "DPMSolverMultistep",
    "cosinedpmsolvermultistep": "DPMSolverMultistep",
    "dpmsolvermultistepinverse": "DPMSolverMultistep",
    "edmdpmsolvermultistep": "DPMSolverMultistep",
    "restart": "HeunDiscrete",
    "heunpp2": "HeunDiscrete",
    "eulercfgpp": "EulerDiscrete",
    "euleracfgpp": "EulerAncestralDiscrete",
    "edmeuler": "EulerDiscrete",
    "ddimcfgpp": "DDIM",
    "ddiminverse": "DDIM",
    "ddpmparallel": "DDPM",
    "ddpmwuerstchen": "DDPM",
    "unipcbh3": "UniPCMultistep",
    "ipndm": "DEISMultistep",
    "ipndmv": "DEISMultistep",
    "resmultistep": "DEISMultistep",
    "resmultistepa": "EulerAncestralDiscrete",
    "gradientestimation": "EulerDiscrete",
    "ersde": "DPM++ 2M SDE",
    "seeds2": "DPM++ 2M SDE",
    "seeds3": "DPM++ 3M SDE",
    "sasolver": "DPM++ 2M SDE",
    "sasolverpece": "DPM++ 2M SDE",
}
"""Samplers that can't be had here, each with one that can and is near, but draws other pictures."""

SPACINGS_ABSENT = (
    "sgm_uniform",
    "simple",
    "normal",
    "ddim_uniform",
    "linear_quadratic",
    "kl_optimal",
    "polyexponential",
)
"""Spacings of other programs that diffusers' schedulers don't take."""


@dataclass(frozen=True, slots=True)
class Sampler:
    """What a name stands for."""

    scheduler: str
    """One of `SCHEDULERS` or `SETTINGS`, or "LMSDiscrete"."""
    sigmas: Sigmas | None = None
    """What the name says of the spacing; None where it says nothing."""


def understood(name: str) -> Sampler:
    """The scheduler and the spacing that a name stands for; a `ValueError` says what can be had instead."""
    words = [word for word in re.split(r"[\s_-]+", name.strip().casefold()) if word]
    for absent in SPACINGS_ABSENT:
        if "_".join(words).endswith(f"_{absent}"):
            raise ValueError(f"{name!r}: no scheduler here spaces its noise levels as {absent} does")
    sigmas = SPACINGS.get(words[-1]) if len(words) > 1 else None
    spelled = _spelled(words[:-1] if sigmas else words)
    if spelled in ABSENT:
        near = ABSENT[spelled]
        raise ValueError(f"{name!r}: there is none of that name here; another one, which draws otherwise, is {near!r}")
    scheduler = _OWN.get(spelled) or SAMPLERS.get(spelled)
    if scheduler is None:
        raise ValueError(f"not a scheduler: {name!r}{_hint(spelled)} Known: {', '.join(SCHEDULERS)}")
    if sigmas and not takes_sigmas(scheduler):
        raise ValueError(f"{name!r}: {scheduler} spaces its noise levels in one way only, so {sigmas} can't be had")
    return Sampler(scheduler, sigmas)


def canonical_scheduler(name: str) -> str:
    """The name as diffusers writes it, without "Scheduler"; a `ValueError` says what can be had instead."""
    return understood(name).scheduler


def _spelled(words: list[str]) -> str:
    """A name without its separators and without what only says where it is from."""
    kept = words[1:] if len(words) > 1 and words[0] in ("k", "sample") else words
    kept = kept[:-1] if len(kept) > 1 and kept[-1] == "gpu" else kept
    return "".join(kept).replace("++", "pp").replace("ancestral", "a").removesuffix("scheduler")


_OWN = {_spelled(each.casefold().split()): each for each in (*SCHEDULERS, "LMSDiscrete", *SETTINGS)}


def _hint(spelled: str) -> str:
    """What a mistyped name of diffusers' own was meant to be; nothing where it may as well be another program's."""
    near = [each for each in _OWN if abs(len(each) - len(spelled)) <= 2]
    found = difflib.get_close_matches(spelled, near, n=1, cutoff=0.75)
    return f"; did you mean {_OWN[found[0]]!r}?" if found else "."
