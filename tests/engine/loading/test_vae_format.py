"""Beside a denoiser in half precision the VAE has 32 bits, in every engine, and float16 where these don't fit."""

import gc
import weakref

import pytest
import torch
from diffusers import AutoencoderTiny, StableDiffusionXLPipeline
from safetensors.torch import load_file

from sframes_tui.config.config import GenerationConfig
from sframes_tui.engine.loading.loading import paired
from sframes_tui.engine.loading.vae_format import accept_any_format, float32_bytes, settle_vae
from sframes_tui.engine.models import load_engine
from tests.emulated_cuda import EmulatedCuda, Gpu
from tests.engine import tiny
from tests.engine.drawing import Drawing, configured, planned, sd
from tests.engine.loading.single_file import tiny_checkpoint

HALVES = ("float16", "bfloat16")


def chain(model, **options):
    """A loaded engine, and a chain of two pictures for each of two styles that it drew."""
    config = configured((0.7, 0.4), 2, num_inference_steps=3, model=str(model), **options)
    engine = load_engine(config.generation_config)
    return engine, Drawing(planned(engine.pipelines, config), engine)


MODELS = {
    "batched": (tiny.tiny_sd, {}),
    "batched, XL": (tiny.tiny_sdxl, {}),
    "reference": (tiny.tiny_sd, {"engine": "reference"}),
    "reference, XL": (tiny.tiny_sdxl, {"engine": "reference"}),
    "grouped, SD 3": (tiny.tiny_sd3, {}),
    "grouped, Flux": (tiny.tiny_flux, {}),
}


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", MODELS)
def test_every_engine_draws_chains_with_a_vae_of_32_bits(tmp_path, name, dtype):
    make, options = MODELS[name]
    engine, drawing = chain(make(tmp_path / "model"), dtype=dtype, **options)
    assert engine.facts.vae_dtype == "float32"
    assert engine.facts.dtype == dtype
    assert drawing.spoiled == {}
    assert len(drawing.pictures) == 4
    vae = engine.pipelines.text.vae
    assert {each.dtype for each in vae.parameters()} == {torch.float32}
    denoiser = getattr(engine.pipelines.text, "unet", None) or engine.pipelines.text.transformer
    assert {each.dtype for each in denoiser.parameters()} == {getattr(torch, dtype)}


@pytest.mark.parametrize("dtype", ["float32", *HALVES])
def test_its_weights_are_the_files_own(tmp_path, dtype):
    folder = tiny.tiny_sd(tmp_path / "model")
    engine = load_engine(GenerationConfig(model=str(folder), dtype=dtype, width=32, height=32, num_inference_steps=2))
    stored = load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(each, stored[name]) for name, each in engine.pipelines.text.vae.state_dict().items())


def test_so_are_those_of_a_checkpoint(tmp_path):
    checkpoint = tiny_checkpoint(tmp_path / "tiny.safetensors")
    vaes = [
        load_engine(GenerationConfig(model=str(checkpoint), dtype=dtype, num_inference_steps=2)).pipelines.text.vae
        for dtype in ("float32", "bfloat16")
    ]
    exact, beside_half = (vae.state_dict() for vae in vaes)
    assert all(torch.equal(each, exact[name]) for name, each in beside_half.items())


@torch.no_grad()
@pytest.mark.parametrize("make", [lambda: tiny.sd_pipeline().vae, AutoencoderTiny])
def test_it_answers_in_the_format_it_is_asked_in(make):
    vae, picture = make(), torch.zeros(1, 3, 32, 32, dtype=torch.bfloat16)
    accept_any_format(vae)
    for asked in (vae.encode(picture), vae.encode(picture, return_dict=False)[0]):
        encoded = getattr(asked, "latents", asked)
        encoded = encoded.latent_dist.parameters if hasattr(encoded, "latent_dist") else encoded
        encoded = encoded.parameters if not isinstance(encoded, torch.Tensor) else encoded
        assert encoded.dtype == torch.bfloat16
    assert vae.decode(torch.zeros(1, 4, 4, 4, dtype=torch.bfloat16)).sample.dtype == torch.float32


def test_nothing_holds_on_to_it():
    pipe = tiny.sd_pipeline()
    accept_any_format(pipe.vae)
    weights = weakref.ref(pipe.vae)
    gc.disable()
    try:
        pipe.vae = None
        del pipe._internal_dict
        assert weights() is None
    finally:
        gc.enable()


def test_where_memory_is_short_it_is_float16_and_that_is_said():
    pipelines, size = sd(), (32, 32)
    needed = float32_bytes(pipelines.text.vae, size)
    with EmulatedCuda(gpus=(Gpu(memory=needed - 1, taken=0),)):
        cuda = torch.device("cuda:0")
        said = settle_vae(pipelines, cuda, size, torch.bfloat16)
        assert pipelines.text.vae.dtype == torch.float16
        assert "VAE works in float16" in said
        assert settle_vae(pipelines, cuda, size, torch.bfloat16) == said
    with EmulatedCuda(gpus=(Gpu(memory=needed, taken=0),)):
        roomy = sd()
        assert settle_vae(roomy, torch.device("cuda:0"), size, torch.bfloat16) is None
        assert roomy.text.vae.dtype == torch.float32


def test_what_overflows_in_float16_is_float32_however_short_memory_is(tmp_path):
    pipelines = paired(StableDiffusionXLPipeline.from_pretrained(tiny.tiny_sdxl(tmp_path / "xl")))
    with EmulatedCuda(gpus=(Gpu(memory=1, taken=0),)):
        assert settle_vae(pipelines, torch.device("cuda:0"), (32, 32), torch.float16) is None
        assert pipelines.text.vae.dtype == torch.float32


def test_float32_is_left_as_it_is():
    pipelines = sd()
    kind = type(pipelines.text.vae)
    assert settle_vae(pipelines, torch.device("cpu"), (32, 32), torch.float32) is None
    assert type(pipelines.text.vae) is kind
