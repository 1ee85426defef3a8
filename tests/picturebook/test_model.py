"""The model that ships: it loads with plain diffusers alone, and its pictures keep to their words."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline

FOLDER = Path(__file__).parents[2] / "sframes_tui" / "picturebook"


@pytest.fixture(scope="module")
def pipe():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    loaded = StableDiffusionPipeline.from_pretrained(FOLDER, local_files_only=True)
    loaded.set_progress_bar_config(disable=True)
    yield loaded
    torch.set_num_threads(threads)


def draw(pipe, *prompts: str, guidance: float = 5.0) -> np.ndarray:
    """Pictures (n, 128, 128, 3), float in 0..1; picture i has seed i."""
    lots = [torch.Generator().manual_seed(i) for i in range(len(prompts))]
    return pipe(list(prompts), num_inference_steps=8, guidance_scale=guidance, generator=lots, output_type="np").images


def saturation(pictures: np.ndarray) -> float:
    top = pictures.max(axis=-1)
    return float(((top - pictures.min(axis=-1)) / np.maximum(top, 1e-3)).mean())


def test_all_weights_are_small_safetensors_in_half_precision() -> None:
    weights = list(FOLDER.rglob("*.safetensors"))
    assert len(weights) == 3
    assert sum(path.stat().st_size for path in weights) <= 20_000_000
    assert not [*FOLDER.rglob("*.bin"), *FOLDER.rglob("*.py"), *FOLDER.rglob("*.pt")]


def test_only_stock_classes_are_named() -> None:
    index = json.loads((FOLDER / "model_index.json").read_text())
    assert index["_class_name"] == "StableDiffusionPipeline"
    assert index["vae"] == ["diffusers", "AutoencoderTiny"]
    assert index["unet"] == ["diffusers", "UNet2DConditionModel"]
    assert index["safety_checker"] == [None, None]


def test_pictures_are_finite_and_of_the_models_own_size(pipe) -> None:
    pictures = draw(pipe, "A boat on the sea.", "")
    assert pictures.shape == (2, 128, 128, 3)
    assert pipe.unet.config.sample_size * pipe.vae_scale_factor == 128
    assert np.isfinite(pictures).all()
    assert pictures.std() > 0.05


def test_the_same_seed_draws_the_same_picture(pipe) -> None:
    assert np.array_equal(draw(pipe, "A castle."), draw(pipe, "A castle."))


@pytest.mark.parametrize("place", ["on the sea", "in the desert", "in the meadow"])
@pytest.mark.parametrize("style", ["photograph", "oil painting"])
def test_nights_are_darker_than_days(pipe, place: str, style: str) -> None:
    day, night = draw(pipe, f"A house {place} by day. {style}", f"A house {place} at night. {style}")
    assert night.mean() < 0.4 < day.mean()


def test_charcoal_and_line_are_grey_and_cyberpunk_is_not(pipe) -> None:
    text = "A house in the meadow by day. "
    charcoal, line, neon = draw(pipe, text + "charcoal drawing", text + "line drawing", text + "cyberpunk")
    assert saturation(charcoal) < 0.15
    assert saturation(line) < 0.15
    assert saturation(neon) > 0.4
    assert line.mean() > 0.7


def test_the_sea_is_blue_below_the_desert_warm_and_the_meadow_green(pipe) -> None:
    sea, desert, meadow = draw(pipe, "The sea by day.", "The desert by day.", "A green meadow by day.")
    for picture, strong, weak in ((sea, 2, 0), (desert, 0, 2), (meadow, 1, 2)):
        low = picture[88:].mean(axis=(0, 1))
        assert low[strong] > low[weak] + 0.1


def test_a_chain_keeps_the_picture_and_follows_the_words(pipe) -> None:
    again = StableDiffusionImg2ImgPipeline(**pipe.components, requires_safety_checker=False)
    again.set_progress_bar_config(disable=True)
    start = draw(pipe, "The sea by day, the sun.")[0]

    def next_picture(strength: float) -> np.ndarray:
        lot = torch.Generator().manual_seed(9)
        asked = {"prompt": "The sea at night, the moon.", "guidance_scale": 6.0, "generator": lot}
        drawn = again(image=start[None], strength=strength, num_inference_steps=20, output_type="np", **asked)
        return drawn.images[0]

    little, much = next_picture(0.3), next_picture(0.9)
    assert np.abs(little - start).mean() < np.abs(much - start).mean()
    assert much.mean() < start.mean() - 0.1


def test_any_text_is_harmless(pipe) -> None:
    texts = ["Ünïcödé 🎉 漢字 \x00\x1b[31m", "word " * 300, "<|startoftext|><|endoftext|>"]
    assert np.isfinite(draw(pipe, *texts)).all()


def test_previews_come_close_to_the_picture(pipe) -> None:
    colours = json.loads((FOLDER / "latent_rgb.json").read_text())
    factors, bias = np.array(colours["factors"]), np.array(colours["bias"])
    assert factors.shape == (pipe.unet.config.in_channels, 3)
    lot = torch.Generator().manual_seed(3)
    latents = pipe("A house by day.", num_inference_steps=8, generator=lot, output_type="latent").images
    preview = latents[0].permute(1, 2, 0).numpy() @ factors + bias
    lot = torch.Generator().manual_seed(3)
    picture = pipe("A house by day.", num_inference_steps=8, generator=lot, output_type="np").images[0]
    cells = picture.reshape(16, 8, 16, 8, 3).mean(axis=(1, 3)) * 2 - 1
    assert np.abs(preview.clip(-1, 1) - cells).mean() < 0.12
