"""Previews: small, near the picture that comes of them, and made for whoever looks."""

import json

import diffusers
import numpy as np
import pytest
from diffusers import StableDiffusionXLPipeline

from sframes_tui.engine.batched import BatchedEngine
from sframes_tui.engine.loading.loading import paired
from sframes_tui.engine.stepping.preview import Colours
from tests.engine import tiny
from tests.engine.drawing import Drawing, configured, facts_of, planned

FACTORS = [[0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5], [0.1, 0.1, 0.1]]
GOOD = {"factors": FACTORS, "bias": [0.1, 0.2, 0.3]}

ENDING_WITHOUT_NOISE = {
    "DDIM": {"set_alpha_to_one": True},
    "EulerDiscrete": {},
    "EulerAncestralDiscrete": {},
    "DPMSolverMultistep": {},
    "HeunDiscrete": {},
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "latent_rgb.json").write_text(json.dumps(GOOD))
    return tmp_path


def pixels(picture):
    return np.asarray(picture, np.int16)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("scheduler", ENDING_WITHOUT_NOISE)
def test_the_last_preview_shows_the_finished_latents(folder, scheduler, rows):
    pipe = tiny.sd_pipeline("DDIM")
    settings = ENDING_WITHOUT_NOISE[scheduler]
    pipe.scheduler = getattr(diffusers, f"{scheduler}Scheduler").from_config(pipe.scheduler.config, **settings)
    pipelines, config = paired(pipe), configured(prompts=2, eta=0.0)
    engine = BatchedEngine(pipelines, facts_of(pipelines), config.generation_config, folder)
    engine.use_rows(rows)
    last, decoded = {}, []
    hook = pipe.vae.post_quant_conv.register_forward_pre_hook(lambda _module, args: decoded.append(args[0]))
    drawing = Drawing(planned(pipelines, config), engine, report=lambda each: last.update({each.frame: each.preview}))
    hook.remove()
    colours = Colours.of(pipelines, folder)
    assert len(drawing.outcomes) == len(decoded) == 6
    for outcome, latents in zip(drawing.outcomes, decoded, strict=True):
        expected = pixels(colours.picture(latents * pipe.vae.config.scaling_factor))
        assert np.abs(pixels(last[outcome.frame]()) - expected).max() <= 1
        assert expected.shape == (16, 16, 3)
        assert expected.std() > 1


def test_previews_change_while_a_picture_is_drawn():
    pipelines, config = paired(tiny.sd_pipeline()), configured(prompts=1)
    seen = []
    engine = BatchedEngine(pipelines, facts_of(pipelines), config.generation_config)
    Drawing(planned(pipelines, config), engine, report=lambda each: seen.append(each.preview().tobytes()))
    assert len(set(seen)) == len(seen) == 3 * 7


BAD = {
    "no file": None,
    "no JSON": "{",
    "a list": [],
    "no bias": {"factors": FACTORS},
    "too few": {**GOOD, "factors": FACTORS[:3]},
    "ragged": {**GOOD, "factors": [*FACTORS[:3], [1.0]]},
    "words": {**GOOD, "bias": ["a", "b", "c"]},
    "no numbers": {**GOOD, "bias": [0, 0, float("nan")]},
}


@pytest.mark.parametrize("name", BAD)
def test_colours_that_cannot_be_read_are_those_of_the_kind(tmp_path, name):
    if BAD[name] is not None:
        text = BAD[name] if isinstance(BAD[name], str) else json.dumps(BAD[name])
        (tmp_path / "latent_rgb.json").write_text(text)
    pipelines = paired(tiny.sd_pipeline())
    assert Colours.of(pipelines, tmp_path).bias.tolist() == [0, 0, 0]


def test_unknown_latents_have_no_preview(tmp_path):
    pipe = StableDiffusionXLPipeline.from_pretrained(tiny.tiny_sdxl(tmp_path))
    assert Colours.of(paired(pipe), None).bias.tolist() != [0, 0, 0]
    pipe.vae = tiny._vae(channels=16)
    assert Colours.of(paired(pipe), None) is None
