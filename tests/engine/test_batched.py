"""The batched engine draws the reference engine's pictures, in fewer UNet calls."""

import itertools
import re
import shutil
import threading
from types import SimpleNamespace

import diffusers
import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionXLPipeline
from PIL import Image

from sframes_tui.engine.batched import why_not
from sframes_tui.engine.loading import paired
from sframes_tui.story.schedulers import SCHEDULERS
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
)


def sd(scheduler="DDIM", **settings):
    """A tiny Stable Diffusion with a scheduler of that name."""
    pipe = tiny.sd_pipeline("DDIM")
    pipe.scheduler = getattr(diffusers, f"{scheduler}Scheduler").from_config(pipe.scheduler.config, **settings)
    return paired(pipe)


def compare(pipelines, config, rows, **options):
    """The largest difference of a subpixel, of 255, between the two engines' pictures of one plan."""
    plan = planned(pipelines, config)
    ours = Drawing(plan, batched(pipelines, config, rows, **options))
    return largest_difference(Drawing(plan, reference(pipelines, config)), ours)


SAMPLERS = {
    "DDIM, eta 0": ("DDIM", {"eta": 0.0}),
    "DDIM, eta 0.1": ("DDIM", {"eta": 0.1}),
    "DDIM, eta 1": ("DDIM", {"eta": 1.0}),
    "PNDM": ("PNDM", {}),
    "Euler": ("EulerDiscrete", {}),
    "Euler-A": ("EulerAncestralDiscrete", {}),
    "DPM++ 2M": ("DPMSolverMultistep", {}),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_one_row_is_bit_identical_and_more_differ_by_rounding_alone(name):
    scheduler, options = SAMPLERS[name]
    pipelines, config = sd(scheduler), configured(**options)
    assert compare(pipelines, config, 1) == 0
    assert compare(pipelines, config, 3) <= 1
    assert compare(pipelines, config, 3, deterministic=False) <= 1
    double = in_double(pipelines)
    assert compare(double, config, 3) == 0
    assert compare(double, config, 2, deterministic=False) == 0


REST = sorted(set(SCHEDULERS) - {scheduler for scheduler, _ in SAMPLERS.values()})


@pytest.mark.parametrize("scheduler", [name for name in REST if not name.startswith("FlowMatch")])
def test_every_other_scheduler_too(scheduler):
    pipelines, config = sd(scheduler), configured(prompts=2)
    assert compare(pipelines, config, 1) == 0
    assert compare(in_double(pipelines), config, 3) == 0


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
    assert compare(pipelines, config, 1) == 0
    assert compare(in_double(pipelines), config, 3) == 0
    assert compare(pipelines, config, 3, deterministic=False) == 0


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
    assert compare(pipelines, config, 1) == 0
    assert compare(pipelines, config, 3) <= 1
    assert compare(in_double(pipelines), config, 3) == 0


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


def test_frames_share_calls_without_waiting_for_each_other():
    """Of 9 prompts at 50 steps in 2 interleaved styles one of .9 and .1 is always in each call; so with 6 styles."""
    pipelines = sd()
    for weights, prompts, calls in (((0.9, 0.1), 9, 250), ((0.8, 0.9, 0.8, 0.1, 0.2, 0.2), 25, 650)):
        config = configured(weights, prompts, num_inference_steps=50, interleave=True)
        plan = planned(pipelines, config)
        with UNetCalls(pipelines.text.unet) as counted:
            drawing = Drawing(plan, batched(pipelines, config, len(weights)))
        assert len(drawing.pictures) == len(plan.frames) == len(weights) * prompts
        assert counted.batches == [2 * len(weights)] * calls
        assert sum(frame.steps for frame in plan.frames) == calls * len(weights)


def test_rows_close_up_where_bytes_may_depend_on_the_batch():
    pipelines, config = sd(), configured((0.5, 1.0), 2, interleave=False)
    with UNetCalls(pipelines.text.unet) as loose:
        Drawing(planned(pipelines, config), batched(pipelines, config, 2, deterministic=False))
    with UNetCalls(pipelines.text.unet) as filled:
        Drawing(planned(pipelines, config), batched(pipelines, config, 2))
    assert loose.batches == [4] * 9 + [2] * 3
    assert filled.batches == [4] * 12


@pytest.mark.parametrize("threads", [1, 2])
def test_bytes_depend_on_nothing_else_in_the_plan(threads):
    """The whole plan, one chain of it, and the rest of a run whose chains had come unequally far."""
    pipelines = paired(tiny.sd_pipeline("DDIM"))
    config = configured((0.7, 0.4, 0.9, 0.5), 4, interleave=False, eta=1.0)
    plan = planned(pipelines, config)
    torch.set_num_threads(threads)
    try:
        whole = Drawing(plan, batched(pipelines, config, 3)).bytes
        chain = Drawing(plan, batched(pipelines, config, 3), wanted=lambda frame: frame.style == 2).bytes
        later = Drawing(plan, batched(pipelines, config, 3), wanted=lambda frame: frame.prompt < 3 - frame.style % 2)
        resumed = Drawing(plan, batched(pipelines, config, 3), given=later.pictures).bytes
    finally:
        torch.set_num_threads(1)
    assert chain == {frame: whole[frame] for frame in chain}
    assert len(chain) == 4
    assert resumed == whole
    assert len(later.pictures) == 10


def test_the_same_run_again_gives_the_same_bytes_whatever_the_rest():
    pipelines, config = sd("PNDM"), configured(prompts=2, deterministic=False)
    plan = planned(pipelines, config)
    first, second = (Drawing(plan, batched(pipelines, config, 3)).bytes for _ in range(2))
    assert first == second


def test_every_prompt_is_encoded_once():
    pipelines, config = sd(), configured((0.5, 0.5), 3, negative_prompt="fog", variants=2)
    encoded = []
    hook = pipelines.text.text_encoder.register_forward_pre_hook(
        lambda _module, args, kwargs: encoded.append(len(args[0] if args else kwargs["input_ids"])), with_kwargs=True
    )
    Drawing(planned(pipelines, config), batched(pipelines, config, 4))
    hook.remove()
    assert encoded == [1] * (2 * 3 + 1)


def refuse_more_than(rows, pipelines):
    """The UNet runs out of memory with more rows than that, their unconditional twins not counted."""

    def refuse(_module, args):
        if len(args[0]) > 2 * rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 64.00 GiB.")

    return pipelines.text.unet.register_forward_pre_hook(refuse)


@pytest.mark.parametrize(("asked", "fits"), [(3, 1), (4, 2), (8, 2)])
def test_out_of_memory_is_answered_step_by_step(asked, fits):
    pipelines, config = sd(), configured((0.7, 0.4, 0.9, 0.5), 2, eta=1.0)
    plan = planned(pipelines, config)
    expected = Drawing(plan, batched(pipelines, config, fits)).bytes
    hook = refuse_more_than(fits, pipelines)
    drawing = Drawing(plan, batched(pipelines, config, asked))
    hook.remove()
    freed, *fewer = drawing.remarks
    assert "freed what was unused; the pictures stay the same" in freed
    sizes = [asked]
    while sizes[-1] > fits:
        sizes.append(sizes[-1] // 2)
    assert [said.split(" frames at once")[0] for said in fewer] == [
        f"out of memory: {after} instead of {before}" for before, after in itertools.pairwise(sizes)
    ]
    assert drawing.bytes == expected
    assert drawing.spoiled == {}
    assert drawing.engine.capacity == fits


def test_running_out_of_memory_once_changes_nothing():
    pipelines, config = sd(), configured((0.7, 0.4), 2, eta=1.0)
    plan = planned(pipelines, config)
    expected = Drawing(plan, batched(pipelines, config, 2)).bytes
    failures = [torch.OutOfMemoryError("CUDA out of memory.")]

    def fail_once(*_):
        if failures:
            raise failures.pop()

    hook = pipelines.text.unet.register_forward_pre_hook(fail_once)
    drawing = Drawing(plan, batched(pipelines, config, 2))
    hook.remove()
    assert len(drawing.remarks) == 1
    assert drawing.bytes == expected
    assert drawing.engine.capacity == 2


def test_tiles_come_after_fewer_rows_and_then_frames_are_given_up():
    pipelines, config = sd(), configured((0.7, 0.4), 2)
    hook = refuse_more_than(0, pipelines)
    drawing = Drawing(planned(pipelines, config), batched(pipelines, config, 2))
    hook.remove()
    freed, fewer, tiles = drawing.remarks
    assert "freed" in freed
    assert "1 instead of 2" in fewer
    assert "tile by tile" in tiles
    assert pipelines.text.vae.use_tiling
    assert drawing.pictures == {}
    assert {frame: "out of memory" in reason for frame, reason in drawing.spoiled.items()} == {0: True, 1: True}


@torch.no_grad()
def break_denoiser(pipe):
    pipe.unet.conv_out.bias.fill_(float("nan"))


@torch.no_grad()
def break_decoder(pipe):
    pipe.vae.decoder.conv_out.bias.fill_(float("inf"))


@torch.no_grad()
def blacken(pipe):
    pipe.vae.decoder.conv_out.weight.zero_()
    pipe.vae.decoder.conv_out.bias.fill_(-10.0)


def fail(pipe):
    def refuse(*_):
        raise ValueError("shapes don't match\nin detail")

    pipe.vae.decoder.register_forward_pre_hook(refuse)


def fail_together(pipe):
    def refuse(*_):
        raise ValueError("shapes don't match\nin detail")

    pipe.unet.register_forward_pre_hook(refuse)


SPOILERS = {
    "NaN latents": (break_denoiser, "NaN or infinite.*in the latents"),
    "infinite pixels": (break_decoder, "NaN or infinite.*in the decoded picture"),
    "black": (blacken, "all black"),
    "own error": (fail, "ValueError: shapes don't match$"),
    "shared error": (fail_together, "ValueError: shapes don't match$"),
}


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("name", SPOILERS)
def test_an_unusable_picture_is_a_spoiled_frame(name, deterministic):
    spoil, reason = SPOILERS[name]
    pipelines, config = sd(), configured(prompts=1)
    spoil(pipelines.text)
    drawing = Drawing(planned(pipelines, config), batched(pipelines, config, 3, deterministic=deterministic))
    assert drawing.pictures == {}
    assert len(drawing.spoiled) == 3
    assert all(re.search(reason, said) for said in drawing.spoiled.values()), drawing.spoiled


@pytest.mark.parametrize("deterministic", [True, False])
def test_one_spoiled_frame_leaves_the_others_as_they_are(deterministic):
    """A base of another size can't begin; a picture whose decoding fails can't end."""
    pipelines, config = sd(), configured(prompts=2, deterministic=deterministic)
    plan = planned(pipelines, config)
    whole = Drawing(plan, batched(pipelines, config, 3))
    bases = {frame: whole.pictures[frame] for frame in range(3)}
    odd = Drawing(plan, batched(pipelines, config, 3), given={**bases, 1: Image.new("RGB", (64, 32))})
    assert set(odd.spoiled) == {3}
    assert "another size" in odd.spoiled[3]
    if deterministic:
        assert {frame: odd.bytes[frame] for frame in (4, 5)} == {frame: whole.bytes[frame] for frame in (4, 5)}


def test_cancelling_stops_at_the_next_step_and_leaves_the_engine_usable():
    pipelines, config = sd(), configured(prompts=1)
    plan, engine = planned(pipelines, config), batched(pipelines, config, 3)
    whole, cancelled, steps = Drawing(plan, engine), threading.Event(), []

    def report(progress):
        steps.append(progress.step)
        if progress.step == 2:
            cancelled.set()

    for frame in plan.frames:
        engine.admit(whole.job(frame))
    while not cancelled.is_set():
        assert engine.advance(report, cancelled) == []
    assert steps == [1, 1, 1, 2, 2, 2]
    assert engine.advance(report, threading.Event()) == []
    assert all(engine.has_room(slot) for slot in range(3))
    assert Drawing(plan, engine).bytes == whole.bytes


def test_rows_are_chosen_before_drawing():
    pipelines, config = sd(), configured(prompts=1)
    engine = batched(pipelines, config, 2)
    assert 0 < engine.call_seconds(1) < 60
    for rows in (0, 65):
        with pytest.raises(ValueError, match="rows"):
            engine.use_rows(rows)
    Drawing(planned(pipelines, config), engine)
    with pytest.raises(RuntimeError, match="once drawing has begun"):
        engine.use_rows(3)


def test_a_frame_without_steps_is_its_base():
    pipelines, config = sd(), configured((0.1, 0.7), 2, interleave=False)
    plan = planned(pipelines, config)
    drawing = Drawing(plan, batched(pipelines, config, 2))
    assert drawing.bytes[2] == drawing.bytes[0]
    assert drawing.bytes[3] != drawing.bytes[1]


def test_models_of_another_kind_are_declined(tmp_path):
    flux = paired(diffusers.FluxPipeline.from_pretrained(tiny.tiny_flux(tmp_path / "flux")))
    assert "FluxPipeline" in why_not(flux)
    assert why_not(sd()) is None


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


def smallest_unet():
    torch.manual_seed(5)
    return tiny._unet(block_out_channels=(8,), down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",))


@pytest.mark.skipif(shutil.which("c++") is None and shutil.which("g++") is None, reason="no C++ compiler is here")
@pytest.mark.parametrize("deterministic", [True, False])
def test_a_compiled_model_draws_the_same_and_is_compiled_once(deterministic):
    pipe = tiny.sd_pipeline("DDIM")
    pipe.unet = smallest_unet()
    pipelines, config = paired(pipe), configured(prompts=2, deterministic=deterministic)
    plan = planned(pipelines, config)
    expected = Drawing(plan, reference(pipelines, config))
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = Drawing(plan, batched(pipelines, config, 2, compile=True))
    assert compiled.remarks == []
    assert largest_difference(expected, compiled) <= 1
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


def test_what_cannot_be_compiled_is_drawn_as_it_is(monkeypatch):
    pipelines, config = sd(), configured(prompts=1, compile=True)
    plan = planned(pipelines, config)
    monkeypatch.setattr(torch, "compile", lambda *_, **__: lambda *_, **__: 1 / 0)
    drawing = Drawing(plan, batched(pipelines, config, 2))
    assert len(drawing.remarks) == 1
    assert "compile has no effect from now on: ZeroDivisionError" in drawing.remarks[0]
    assert drawing.bytes == Drawing(plan, batched(pipelines, config, 2, compile=False)).bytes
