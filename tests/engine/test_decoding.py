"""What a half-precision VAE spoils is decoded again; what a safety checker blacks out is no picture."""

import pytest
import torch

from sframes_tui.engine.decoding import SoundDecoding, SpoiledError
from sframes_tui.engine.protocol import Blocked, Spoiled
from tests.engine import tiny
from tests.engine.breaking import block, break_denoiser, overflow_in_half
from tests.engine.drawing import Drawing, batched, configured, planned, reference, sd


def half_vae():
    """(VAE, latents) in float16, whose pictures are NaN in that format and fine in float32."""
    pipe = tiny.sd_pipeline("DDIM")
    overflow_in_half(pipe)
    generator = torch.Generator().manual_seed(1)
    return pipe.vae.half(), torch.randn(1, 4, 16, 16, generator=generator).half()


@torch.no_grad()
def test_what_overflows_in_half_precision_is_decoded_in_float32():
    vae, latents = half_vae()
    assert not torch.isfinite(vae.decode(latents).sample).all()
    expected = vae.float().decode(latents.float()).sample
    vae.half()
    with SoundDecoding(vae) as decoding:
        decoded = vae.decode(latents, return_dict=False)[0]
    decoding.check()
    assert decoding.redone
    assert torch.equal(decoded, expected)
    assert vae.dtype == torch.float16
    assert not torch.isfinite(vae.decode(latents).sample).all()


@torch.no_grad()
def test_a_sound_picture_is_decoded_once_and_left_as_it_is():
    vae, latents = tiny.sd_pipeline("DDIM").vae.half(), torch.zeros(1, 4, 16, 16).half()
    expected, calls = vae.decode(latents).sample, []
    hook = vae.decoder.register_forward_pre_hook(lambda *_: calls.append(1))
    with SoundDecoding(vae) as decoding:
        assert torch.equal(vae.decode(latents).sample, expected)
    hook.remove()
    assert (len(calls), decoding.redone) == (1, False)


@torch.no_grad()
def test_where_memory_does_not_suffice_for_float32_the_picture_stays_spoiled():
    vae, latents = half_vae()

    def refuse(_module, args):
        if args[0].dtype == torch.float32:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    vae.decoder.register_forward_pre_hook(refuse)
    with SoundDecoding(vae) as decoding:
        vae.decode(latents)
    assert vae.dtype == torch.float16
    with pytest.raises(SpoiledError, match=r"NaN or infinite.*in the decoded picture"):
        decoding.check()


def half(pipelines):
    overflow_in_half(pipelines.text)
    pipelines.text.to(torch.float16)
    return pipelines


@pytest.mark.parametrize("engine", [reference, batched])
def test_engines_draw_what_only_float32_can_decode_and_say_so_once(engine):
    pipelines, config = half(sd()), configured((0.7,), 2)
    drawing = Drawing(planned(pipelines, config), engine(pipelines, config))
    assert drawing.spoiled == {}
    assert len(drawing.pictures) == 2
    (said,) = drawing.remarks
    assert "decoded again in float32" in said


@pytest.mark.parametrize("engine", [reference, batched])
def test_what_the_safety_checker_blacks_out_is_blocked_and_no_base(engine):
    pipelines, config = sd(), configured((0.7, 0.4), 2, interleave=False)
    block(pipelines.text)
    block(pipelines.image)
    drawing = Drawing(planned(pipelines, config), engine(pipelines, config))
    assert drawing.pictures == {}
    assert [type(outcome) for outcome in drawing.outcomes] == [Blocked] * 2
    assert all("blocked: the model's safety checker" in reason for reason in drawing.spoiled.values())


@pytest.mark.parametrize("engine", [reference, batched])
def test_another_seed_is_worth_a_try_after_nan_and_not_after_an_error(engine):
    pipelines, config = sd(), configured((0.7,), 1)
    break_denoiser(pipelines.text)
    (nan,) = Drawing(planned(pipelines, config), engine(pipelines, config)).outcomes
    pipelines = sd()
    pipelines.text.unet.register_forward_pre_hook(_fail)
    (failed,) = Drawing(planned(pipelines, config), engine(pipelines, config)).outcomes
    assert isinstance(nan, Spoiled)
    assert nan.by_chance
    assert not failed.by_chance


def _fail(*_):
    raise ValueError("shapes don't match")


def test_the_reference_engine_answers_running_out_of_memory_once_by_beginning_again():
    pipelines, config = sd(), configured((0.7, 0.4), 2, eta=1.0)
    plan = planned(pipelines, config)
    expected = Drawing(plan, reference(pipelines, config)).bytes
    failures = [torch.OutOfMemoryError("CUDA out of memory.")]

    def fail_once(*_):
        if failures:
            raise failures.pop()

    pipelines.text.unet.register_forward_pre_hook(fail_once)
    drawing = Drawing(plan, reference(pipelines, config))
    assert drawing.bytes == expected
    (said,) = drawing.remarks
    assert "freed what was unused" in said
