"""Guidance in a part of the schedule, and a compiled UNet."""

import math
import shutil
from types import SimpleNamespace

import pytest
import torch

from sframes_tui.engine.device.compiling import CHOSEN
from sframes_tui.engine.loading.loading import paired
from sframes_tui.engine.stepping.denoiser import TIMED_CALLS
from tests.engine import tiny
from tests.engine.drawing import (
    Drawing,
    UNetCalls,
    batched,
    configured,
    in_double,
    largest_difference,
    planned,
    reference,
    sd,
)


def draw_plainly(pipelines, plan, config):
    """Frames from noise by diffusers' parts alone, guided in a part of the schedule."""
    pipe, options = pipelines.text, config.generation_config
    pictures = {}
    for frame in plan.frames:
        generator = torch.Generator().manual_seed(plan.frame_seed(frame))
        text = f"{plan.prompt(frame)} {plan.style_text(frame)}"
        told, nothing = pipe.encode_prompt(text, "cpu", 1, True)
        pipe.scheduler.set_timesteps(options.num_inference_steps)
        latents = pipe.prepare_latents(1, 4, 32, 32, told.dtype, torch.device("cpu"), generator)
        for index, time in enumerate(pipe.scheduler.timesteps):
            done = index / options.num_inference_steps
            if options.guidance_start <= done < options.guidance_end:
                both = pipe.unet(torch.cat([latents] * 2), time, torch.cat([nothing, told])).sample
                noise = both[:1] + options.guidance_scale * (both[1:] - both[:1])
            else:
                noise = pipe.unet(latents, time, told).sample
            latents = pipe.scheduler.step(noise, time, latents, eta=options.eta, generator=generator).prev_sample
        decoded = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
        pictures[frame.number] = pipe.image_processor.postprocess(decoded.detach())[0]
    return SimpleNamespace(pictures=pictures)


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (0.5, 1.0), (0.3, 0.7), (0.5, 0.5)])
@torch.no_grad()
def test_guidance_in_a_part_of_the_schedule(start, end):
    pipelines = sd()
    config = configured(prompts=1, eta=1.0, guidance_start=start, guidance_end=end)
    plan = planned(pipelines, config)
    expected = draw_plainly(pipelines, plan, config)
    with UNetCalls(pipelines.text.unet) as counted:
        loose = Drawing(plan, batched(pipelines, config, 3, deterministic=False))
    assert largest_difference(expected, Drawing(plan, batched(pipelines, config, 1))) == 0
    assert largest_difference(expected, loose) <= 1
    assert counted.batches == [6 if start <= step / 6 < end else 3 for step in range(6)]
    exact = in_double(pipelines)
    expected = draw_plainly(exact, plan, config)
    assert largest_difference(expected, Drawing(plan, batched(exact, config, 3))) == 0


def test_chains_at_different_places_are_guided_each_by_its_own():
    pipelines = in_double(sd())
    config = configured(prompts=3, interleave=False, guidance_end=0.7)
    plan = planned(pipelines, config)
    alone = Drawing(plan, batched(pipelines, config, 1))
    assert largest_difference(alone, Drawing(plan, batched(pipelines, config, 3, deterministic=False))) == 0
    assert largest_difference(alone, Drawing(plan, batched(pipelines, config, 3))) == 0


@pytest.mark.skipif(shutil.which("c++") is None and shutil.which("g++") is None, reason="no C++ compiler is here")
@pytest.mark.parametrize("deterministic", [True, False])
def test_a_compiled_model_draws_the_same_and_is_compiled_once(monkeypatch, deterministic):
    # In this process, without a pool of others that each import torch.
    monkeypatch.setattr(torch._inductor.config, "compile_threads", 1)
    pipe = tiny.sd_pipeline("DDIM")
    pipe.unet = tiny.smallest_unet()
    pipelines, config = paired(pipe), configured(prompts=2, deterministic=deterministic)
    plan = planned(pipelines, config)
    expected = Drawing(plan, reference(pipelines, config))
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = Drawing(plan, batched(pipelines, config, 2, compile=True))
    assert compiled.remarks == []
    assert largest_difference(expected, compiled) <= 1
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


@pytest.mark.parametrize(("way", "batches"), [("default", {8}), ("sizes", {2, 4, 8})])
def test_compiled_calls_are_filled_up_to_few_sizes(monkeypatch, way, batches):
    monkeypatch.setattr(torch, "compile", lambda network, **_: network)
    monkeypatch.setitem(CHOSEN, "cpu", way)
    pipelines, config = sd(), configured(prompts=5, interleave=False)
    plan = planned(pipelines, config)
    expected = Drawing(plan, batched(pipelines, config, 1))
    with UNetCalls(pipelines.text.unet) as counted:
        drawn = Drawing(plan, batched(pipelines, config, 4, compile=True, deterministic=False))
    assert set(counted.batches) == batches
    assert largest_difference(expected, drawn) <= 1


def test_what_is_compiled_is_timed_compiled(monkeypatch):
    pipelines, config = sd(), configured(prompts=1, compile=True)
    called = []

    def compiled(network, **_):
        return lambda *given, **named: called.append(1) or network(*given, **named)

    monkeypatch.setattr(torch, "compile", compiled)
    assert 0 < batched(pipelines, config).call_seconds(2) < math.inf
    assert len(called) == TIMED_CALLS
    monkeypatch.setattr(torch, "compile", lambda *_, **__: lambda *_, **__: 1 / 0)
    assert 0 < batched(pipelines, config).call_seconds(2) < math.inf


def test_what_cannot_be_compiled_is_drawn_as_it_is(monkeypatch):
    pipelines, config = sd(), configured(prompts=1, compile=True)
    plan = planned(pipelines, config)
    monkeypatch.setattr(torch, "compile", lambda *_, **__: lambda *_, **__: 1 / 0)
    drawing = Drawing(plan, batched(pipelines, config, 2))
    assert len(drawing.remarks) == 1
    assert "compile has no effect from now on: ZeroDivisionError" in drawing.remarks[0]
    assert drawing.bytes == Drawing(plan, batched(pipelines, config, 2, compile=False)).bytes
