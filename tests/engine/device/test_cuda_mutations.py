"""Faults of the kind that only a GPU would show, put in one at a time: the emulated CUDA sees each of them.

To add a fault, add a line to `MUTATIONS`.
"""

import pytest
import torch

from sframes_tui.engine import decoding
from sframes_tui.engine.loading.vae_format import AnyFormat
from sframes_tui.engine.stepping import tabled
from sframes_tui.engine.stepping.autoencoder import Autoencoder
from sframes_tui.engine.stepping.conditioning import Condition, Conditioner
from sframes_tui.engine.stepping.denoiser import Denoiser
from tests.emulated_cuda import EmulatedCuda
from tests.engine import tiny
from tests.engine.drawing import Drawing
from tests.engine.emulated import loaded


def table_on_the_host(engine, _patch):
    engine._solver._table = engine._solver._table.cpu()


def times_on_the_host(_engine, patch):
    times = Denoiser._times
    patch.setattr(Denoiser, "_times", lambda self, layout: times(self, layout).cpu())


def array_of_a_device(_engine, patch):
    patch.setattr(decoding, "picture_of", lambda decoded: decoded.numpy())


def noise_of_the_wrong_generator(_engine, patch):
    def draw(rows, like):
        return torch.randn(like.shape, generator=rows[0].generator, device=like.device, dtype=like.dtype)

    patch.setattr(tabled, "draw_noise", draw)


def base_of_another_format(_engine, patch):
    encoded, other = Autoencoder._encoded, {torch.float32: torch.float16}

    def mistaken(self, images, generators):
        return encoded(self, [each.to(other.get(each.dtype, torch.float32)) for each in images], generators)

    def as_it_is(self, pictures, *given, **named):
        return super(AnyFormat, self).encode(pictures, *given, **named)

    patch.setattr(Autoencoder, "_encoded", mistaken)
    patch.setattr(AnyFormat, "encode", as_it_is)


def guidance_on_the_host(engine, _patch):
    engine._denoiser._embedded_guidance = engine._denoiser._embedded_guidance.cpu()


def sizes_on_the_host(_engine, patch):
    pair = Conditioner.pair

    def moved(self, prompt, from_base):
        told, nothing = pair(self, prompt, from_base)
        return Condition(told.hidden, told.pooled, told.sizes.cpu()), nothing

    patch.setattr(Conditioner, "pair", moved)


MUTATIONS = {
    "a table left on the host": ("sd", table_on_the_host, "same device"),
    "timesteps left on the host": ("sd", times_on_the_host, "same device"),
    "an array without a copy": ("sd", array_of_a_device, "to numpy"),
    "noise drawn there by a generator of the host": ("sd", noise_of_the_wrong_generator, "generator"),
    "a base in another format than the VAE": ("sd", base_of_another_format, "format|same"),
    "an embedded guidance left on the host": ("distilled", guidance_on_the_host, "same device"),
    "numbers of the size left on the host": ("sdxl", sizes_on_the_host, "same device"),
}


def distilled(folder):
    pipe = tiny.sd_pipeline("DDIM")
    pipe.unet = tiny._unet(time_cond_proj_dim=32)
    pipe.save_pretrained(folder)
    return folder


MAKERS = {"sd": lambda folder: tiny.tiny_sd(folder, "DDIM"), "distilled": distilled, "sdxl": tiny.tiny_sdxl}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_that_only_a_gpu_shows_is_seen(tmp_path, monkeypatch, name):
    model, mutate, said = MUTATIONS[name]
    with EmulatedCuda():
        engine, plan = loaded(MAKERS[model](tmp_path), dtype="float16", rows=2, eta=0.5, weights=(0.7, 0.4))
        mutate(engine, monkeypatch)
        drawing = Drawing(plan, engine)
    assert drawing.spoiled
    reasons = " ".join(drawing.spoiled.values())
    assert any(each in reasons for each in said.split("|")), reasons
