"""Frames share UNet calls, and with `deterministic` no frame notices the others."""

import threading

import diffusers
import pytest
import torch

from sframes_tui.engine.batched import why_not
from sframes_tui.engine.loading.loading import paired
from tests.engine import tiny
from tests.engine.drawing import (
    Drawing,
    UNetCalls,
    batched,
    configured,
    planned,
    sd,
)


def test_frames_share_calls_without_waiting_for_each_other():
    """Of 9 prompts at 50 steps in 2 interleaved styles one of .9 and .1 is always in each call; so with 6 styles."""
    pipe = tiny.sd_pipeline("DDIM")
    pipe.unet = tiny.smallest_unet()
    pipelines = paired(pipe)
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
