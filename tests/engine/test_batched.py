"""The batched engine draws the reference engine's pictures, whatever the model and its options."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionXLPipeline
from PIL import Image

from sframes_tui.engine.loading.loading import paired
from sframes_tui.model.schedulers import SCHEDULERS
from tests.engine import tiny
from tests.engine.drawing import (
    Drawing,
    batched,
    configured,
    in_double,
    largest_difference,
    planned,
    reference,
    sd,
)


class Compared:
    """The largest difference of a subpixel, of 255, between the two engines' pictures of one plan; the reference
    engine's, which take longest, are drawn once.
    """

    def __init__(self, pipelines, config):
        self._pipelines, self._config, self._plan = pipelines, config, planned(pipelines, config)
        self._expected = Drawing(self._plan, reference(pipelines, config))

    def __call__(self, rows, **options):
        ours = Drawing(self._plan, batched(self._pipelines, self._config, rows, **options))
        return largest_difference(self._expected, ours)


SAMPLERS = {
    "DDIM, eta 0": ("DDIM", {"eta": 0.0}),
    "DDIM, eta 0.1": ("DDIM", {"eta": 0.1}),
    "DDIM, eta 1": ("DDIM", {"eta": 1.0}),
    "PNDM": ("PNDM", {}),
    "Euler": ("EulerDiscrete", {}),
    "Euler-A": ("EulerAncestralDiscrete", {}),
    "DPM++ 2M": ("DPMSolverMultistep", {}),
    "UniPC": ("UniPCMultistep", {}),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_one_row_is_bit_identical_and_more_differ_by_rounding_alone(name):
    scheduler, options = SAMPLERS[name]
    pipelines, config = sd(scheduler), configured(**options)
    difference = Compared(pipelines, config)
    assert difference(1) == 0
    assert difference(3) <= 1
    assert difference(3, deterministic=False) <= 1
    in_64_bits = Compared(in_double(pipelines), config)
    assert in_64_bits(3) == 0
    assert in_64_bits(2, deterministic=False) == 0


REST = sorted(set(SCHEDULERS) - {scheduler for scheduler, _ in SAMPLERS.values()})


@pytest.mark.parametrize("scheduler", [name for name in REST if not name.startswith("FlowMatch")])
def test_every_other_scheduler_too(scheduler):
    pipelines, config = sd(scheduler), configured(prompts=2)
    assert Compared(pipelines, config)(1) == 0
    assert Compared(in_double(pipelines), config)(3) == 0


def tiny_vae(pipe):
    torch.manual_seed(1)
    blocks = {"encoder_block_out_channels": (8, 8), "decoder_block_out_channels": (8, 8)}
    pipe.vae = AutoencoderTiny(**blocks, num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1))
    return pipe


def text_embedding_added(pipe):
    torch.manual_seed(2)
    pipe.unet = tiny._unet(addition_embed_type="text", addition_embed_type_num_heads=4)
    return pipe


def distilled(pipe):
    torch.manual_seed(3)
    pipe.unet = tiny._unet(time_cond_proj_dim=32)
    return pipe


V_PREDICTION = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}

VARIATIONS = {
    "no guidance": (lambda: sd(), {"guidance_scale": 1.0}),
    "negative prompt": (lambda: sd(), {"negative_prompt": "fog at night"}),
    "rescaled guidance": (lambda: sd(), {"guidance_rescale": 0.7}),
    "v-prediction": (lambda: sd(**V_PREDICTION), {}),
    "v-prediction, Euler": (lambda: sd("EulerDiscrete", **V_PREDICTION), {}),
    "v-prediction, DPM++ 2M": (lambda: sd("DPMSolverMultistep", **V_PREDICTION), {}),
    "Karras sigmas": (lambda: sd("EulerDiscrete", use_karras_sigmas=True), {}),
    "clipped": (lambda: sd(clip_sample=True), {}),
    "tiny autoencoder": (lambda: paired(tiny_vae(tiny.sd_pipeline())), {}),
    "embedded text added": (lambda: paired(text_embedding_added(tiny.sd_pipeline())), {}),
    "distilled": (lambda: paired(distilled(tiny.sd_pipeline())), {}),
    "one step": (lambda: sd(), {"num_inference_steps": 1}),
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_whatever_the_model_and_the_options(name):
    make, options = VARIATIONS[name]
    pipelines, config = make(), configured(prompts=2, **options)
    assert Compared(pipelines, config)(1) == 0
    in_64_bits = Compared(in_double(pipelines), config)
    assert in_64_bits(3) == 0
    assert in_64_bits(3, deterministic=False) == 0


@pytest.fixture(scope="module")
def xl_folder(tmp_path_factory):
    return tiny.tiny_sdxl(tmp_path_factory.mktemp("sdxl"))


XL = {
    "plain": ({}, {}),
    "no guidance": ({}, {"guidance_scale": 1.0}),
    "negative prompt": ({}, {"negative_prompt": "fog", "guidance_rescale": 0.5}),
    "empty negative prompt is encoded": ({"force_zeros_for_empty_prompt": False}, {}),
}


@pytest.mark.parametrize("name", XL)
def test_stable_diffusion_xl(xl_folder, name):
    settings, options = XL[name]
    pipelines = paired(StableDiffusionXLPipeline.from_pretrained(xl_folder))
    for pipe in pipelines.all():
        pipe.register_to_config(**settings)
    config = configured(prompts=2, **options)
    difference = Compared(pipelines, config)
    assert difference(1) == 0
    assert difference(3) <= 1
    assert Compared(in_double(pipelines), config)(3) == 0


def test_an_xl_refiner_is_told_how_beautiful_pictures_are(xl_folder):
    pipe = StableDiffusionXLPipeline.from_pretrained(xl_folder)
    torch.manual_seed(4)
    pipe.unet = tiny.xl_unet(size_numbers=5)
    pipelines, config = paired(pipe), configured(prompts=2)
    pipelines.image.register_to_config(requires_aesthetics_score=True)
    plan = planned(pipelines, config)
    bases = {frame: Image.new("RGB", (32, 32), (90, 120, 10 * frame)) for frame in range(3)}
    ours = Drawing(plan, batched(pipelines, config), given=bases)
    assert largest_difference(Drawing(plan, reference(pipelines, config), given=bases), ours) == 0


def mean_difference(first, second):
    pairs = [
        (np.asarray(first.pictures[key], float), np.asarray(second.pictures[key], float)) for key in first.pictures
    ]
    return np.mean([np.abs(one - other).mean() for one, other in pairs])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scheduler", ["PNDM", "UniPCMultistep"])
def test_half_precision_comes_nearer_to_float32_than_diffusers_pipelines_do(dtype, scheduler):
    """There latents and VAE are of the UNet's number format; here they are of 32 bits, whatever the number of rows."""
    pipelines, config = sd(scheduler), configured()
    plan = planned(pipelines, config)
    exact = Drawing(plan, reference(pipelines, config))
    pipelines.text.to(dtype)
    theirs = Drawing(plan, reference(pipelines, config))
    pipelines.text.vae.float()
    for rows in (1, 3):
        ours = Drawing(plan, batched(pipelines, config, rows))
        assert mean_difference(exact, ours) < mean_difference(exact, theirs)


def test_an_invisible_watermark_is_kept(xl_folder):
    """Stands in for diffusers' own, which a package that is seldom there would make."""
    pipelines, config = paired(StableDiffusionXLPipeline.from_pretrained(xl_folder)), configured(prompts=2)
    plan = planned(pipelines, config)
    plain = Drawing(plan, batched(pipelines, config))
    for pipe in pipelines.all():
        pipe.watermark = SimpleNamespace(apply_watermark=lambda decoded: decoded * 0.5)
    assert Compared(pipelines, config)(1) == 0
    assert largest_difference(plain, Drawing(plan, batched(pipelines, config))) > 1
