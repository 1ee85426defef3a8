"""One step before the run: it finds what would spoil every frame, and changes none."""

import pytest
import torch

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.models import load_engine
from sframes_tui.errors import ModelError
from tests.engine import tiny
from tests.engine.breaking import break_decoder, break_denoiser, overflow_in_half
from tests.engine.drawing import Drawing, UNetCalls, batched, configured, planned, reference, sd

ENGINES = pytest.mark.parametrize("engine", [reference, batched])


@ENGINES
@pytest.mark.parametrize("scheduler", ["PNDM", "DDIM", "DPMSolverMultistep"])
def test_a_sound_model_is_probed_with_one_call_and_draws_the_same(engine, scheduler):
    pipelines, config = sd(scheduler), configured((0.7,), 2)
    plan = planned(pipelines, config)
    expected = Drawing(plan, engine(pipelines, config)).bytes
    probed = engine(pipelines, config)
    with UNetCalls(pipelines.text.unet) as calls:
        assert probed.probe() is None
    assert calls.batches == [2]
    assert Drawing(plan, probed).bytes == expected


def fail(pipe):
    def refuse(*_):
        raise ValueError("shapes don't match\nin detail")

    pipe.unet.register_forward_pre_hook(refuse)


@ENGINES
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (break_denoiser, "can't draw: already after one step the model's numbers ran out of range .* in the latents"),
        (break_decoder, "can't draw: already after one step .* in the decoded picture"),
        (fail, "can't draw, its first step fails: shapes don't match in detail$"),
    ],
)
def test_what_would_spoil_every_frame_is_refused_in_one_sentence(engine, spoil, said):
    pipelines, config = sd(), configured((0.7,), 1)
    spoil(pipelines.text)
    with pytest.raises(ModelError, match=said):
        engine(pipelines, config).probe()


@ENGINES
def test_what_the_engine_may_still_cure_is_told_and_not_refused(engine):
    pipelines, config = sd(), configured((0.7,), 1)
    overflow_in_half(pipelines.text)
    pipelines.text.to(torch.float16)
    assert "decoded again in float32" in engine(pipelines, config).probe()

    def refuse(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    pipelines.text.unet.register_forward_pre_hook(refuse)
    assert "runs out of memory" in engine(pipelines, config).probe()


@pytest.mark.parametrize("make", [tiny.tiny_sdxl, tiny.tiny_sd3, tiny.tiny_flux, tiny.tiny_lcm])
def test_every_family_can_be_probed(make, tmp_path):
    engine = load_engine(GenerationConfig(model=str(make(tmp_path)), num_inference_steps=3, width=32, height=32))
    assert engine.probe() is None
