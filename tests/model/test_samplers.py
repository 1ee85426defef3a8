"""Other programs' names for samplers: A1111's, k-diffusion's and ComfyUI's, InvokeAI's."""

import inspect
import re
from pathlib import Path

import diffusers
import pytest

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.faults import ELSEWHERE, NOWHERE
from sframes_tui.config.file import parse_config
from sframes_tui.config.options import SECTIONS
from sframes_tui.errors import ConfigError
from sframes_tui.model.samplers import ABSENT, SAMPLERS, understood
from sframes_tui.model.schedulers import SCHEDULERS, SETTINGS, TAKES_SIGMAS, with_settings

KARRAS, EXPONENTIAL = "karras", "exponential"

UNDERSTOOD = {
    # A1111
    "Euler a": ("EulerAncestralDiscrete", None),
    "Euler": ("EulerDiscrete", None),
    "LMS": ("LMSDiscrete", None),
    "Heun": ("HeunDiscrete", None),
    "DPM2": ("KDPM2Discrete", None),
    "DPM2 a": ("KDPM2AncestralDiscrete", None),
    "DPM++ 2M": ("DPMSolverMultistep", None),
    "DPM++ 2M SDE": ("DPM++ 2M SDE", None),
    "DPM++ 3M SDE Exponential": ("DPM++ 3M SDE", EXPONENTIAL),
    "DPM++ 2M Karras": ("DPMSolverMultistep", KARRAS),
    "DPM++ 2M SDE Heun Karras": ("DPM++ 2M SDE Heun", KARRAS),
    "LMS Karras": ("LMSDiscrete", KARRAS),
    "DPM2 a Karras": ("KDPM2AncestralDiscrete", KARRAS),
    "DDIM": ("DDIM", None),
    "PLMS": ("PLMS", None),
    "UniPC": ("UniPCMultistep", None),
    "LCM": ("LCM", None),
    "k_euler_a": ("EulerAncestralDiscrete", None),
    "k_dpmpp_2m_ka": ("DPMSolverMultistep", KARRAS),
    # ComfyUI
    "euler_ancestral": ("EulerAncestralDiscrete", None),
    "dpm_2_ancestral": ("KDPM2AncestralDiscrete", None),
    "dpmpp_2m": ("DPMSolverMultistep", None),
    "dpmpp_2m_sde_gpu": ("DPM++ 2M SDE", None),
    "dpmpp_3m_sde": ("DPM++ 3M SDE", None),
    "uni_pc_bh2": ("UniPCMultistep", None),
    "ddpm": ("DDPM", None),
    # InvokeAI
    "kdpm_2_a_k": ("KDPM2AncestralDiscrete", KARRAS),
    "euler_k": ("EulerDiscrete", KARRAS),
    "dpmpp_2s": ("DPMSolverSinglestep", None),
    "dpmpp_3m": ("DPM++ 3M", None),
    "deis": ("DEISMultistep", None),
    "unipc_k": ("UniPCMultistep", KARRAS),
    "pndm": ("PNDM", None),
    "tcd": ("TCD", None),
    # diffusers' own
    "DPMSolverMultistepScheduler": ("DPMSolverMultistep", None),
    "eulerdiscrete": ("EulerDiscrete", None),
    "EulerAncestral": ("EulerAncestralDiscrete", None),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_a_name_is_understood(name):
    sampler = understood(name)
    assert (sampler.scheduler, sampler.sigmas) == UNDERSTOOD[name]
    assert understood(sampler.scheduler).scheduler == sampler.scheduler


NOT_TO_BE_HAD = {
    **dict.fromkeys(
        ("DPM fast", "DPM adaptive", "Restart", "UniPC bh3", "DPM++ SDE Karras", "DPM++ 2S a", "heunpp2", "ipndm_v"),
        "there is none of that name here; another one, which draws otherwise",
    ),
    **dict.fromkeys(("DDPMParallel", "CosineDPMSolverMultistep", "res_multistep"), "there is none of that name here"),
    "Euler a Karras": "EulerAncestralDiscrete spaces its noise levels in one way only, so karras can't be had",
    "DPM++ 2M SGM Uniform": "no scheduler here spaces its noise levels as sgm_uniform does",
    "nonsense": "not a scheduler: 'nonsense'. Known: DDIM",
    "": "not a scheduler",
}


@pytest.mark.parametrize("name", NOT_TO_BE_HAD)
def test_no_advice_would_draw_something_else_unsaid(name):
    with pytest.raises(ValueError, match=re.escape(NOT_TO_BE_HAD[name])) as caught:
        understood(name)
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "meant"), [("dimm", "DDIM"), ("EulerDiscrte", "EulerDiscrete"), ("UniPCMultstep", "UniPCMultistep")]
)
def test_a_typing_error_in_one_of_diffusers_own_names_is_told(typed, meant):
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        understood(typed)


def test_the_tables_hold_what_can_be_had():
    offered = {*SCHEDULERS, *SETTINGS, "LMSDiscrete"}
    assert {*SAMPLERS.values(), *ABSENT.values()} <= offered
    assert not {*SAMPLERS} & {*ABSENT}
    for name in SETTINGS:
        own, settings = with_settings(name)
        taken = inspect.signature(getattr(diffusers, f"{own}Scheduler").__init__).parameters
        assert settings.keys() <= taken.keys()


@pytest.mark.parametrize("name", SCHEDULERS)
def test_who_takes_sigmas_is_what_diffusers_says(name):
    taken = inspect.signature(getattr(diffusers, f"{name}Scheduler").__init__).parameters
    asked = [f"use_{each}_sigmas" in taken for each in ("karras", "exponential", "beta")]
    assert asked == [name in TAKES_SIGMAS] * 3


MINIMAL = "[prompt_config]\nsource = 'a'\n[[style_configs]]\nstyle = ''\nfile_tag = 'a'\nweight = 1\n{}\n"


def parsed(generation="", style=""):
    return parse_config(MINIMAL.format(style) + f"[generation_config]\n{generation}", Path("my.toml")).config


@pytest.mark.parametrize("extra", ["", "\nsigmas = 'karras'"])
def test_the_spacing_in_a_name_becomes_the_option(extra):
    options = parsed("scheduler = 'DPM++ 2M Karras'" + extra).generation_config
    assert (options.scheduler, options.sigmas) == ("DPMSolverMultistep", "karras")
    assert GenerationConfig.model_validate(options.model_dump()) == options


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scheduler = 'DPM++ 2M Karras'\nsigmas = 'beta'", "line 10: generation_config.sigmas: the scheduler"),
        ("scheduler = 'DDIM'\nsigmas = 'beta'", "generation_config.sigmas: the scheduler DDIM spaces"),
        ("sigmas = 'sgm'", 'allowed: one of "karras", "exponential", "beta"'),
        ("sampler = 'Euler a'", "unknown key; it is called scheduler here"),
        ("steps = 20", "unknown key; it is called num_inference_steps here"),
        ("cfg_scale = 7", "unknown key; it is called guidance_scale here"),
        ("denoising_strength = 0.5", "unknown key; it is called weight here, in style_configs"),
        ("clip_skip = 2", "there is no such option"),
        ("guidance_scal = 2", "did you mean guidance_scale?"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(text, said):
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    assert len(caught.value.problems) == 1
    assert said in caught.value.problems[0]


def test_the_other_programs_keys_are_none_of_ours():
    ours = {f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields}
    assert {*ELSEWHERE.values()} <= ours
    assert not {*ELSEWHERE, *NOWHERE} & {path.rpartition(".")[2] for path in ours}
