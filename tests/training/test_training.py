"""Every stage learns in seconds, and a run that was cut goes on as if it had not been."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPTextModel

from tests.training.conftest import ALONE, workplace
from training import checkpoint, data
from training.autoencoder import Autoencoding, round_trip
from training.diffusion import Denoising, Noises, _loss, _quicken
from training.latents import Library, encode, load_encoder
from training.networks import (
    CHANNELS,
    TOKENS,
    install_patches,
    make_autoencoder,
    make_text_encoder,
    make_unet,
)
from training.released import go_on_from
from training.scene import draw_lot
from training.scenes import render
from training.text import ensure_tokenizer, token_ids
from training.vector import Vector

RELEASED = Path(__file__).parents[2] / "sframes_tui" / "picturebook"


def test_the_encoder_starts_as_principal_components() -> None:
    pictures = np.stack([render(draw_lot(seed, 0.0)) for seed in range(12)])
    model = make_autoencoder()
    install_patches(model, pictures)
    latents = encode(model, pictures)
    assert latents.shape == (12, CHANNELS, 16, 16)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 0.02
    flat = latents.permute(1, 0, 2, 3).reshape(CHANNELS, -1)
    related = torch.corrcoef(flat) - torch.eye(CHANNELS)
    assert related.abs().max() < 0.02


def test_latents_have_unit_variance_and_a_mirror(studio) -> None:
    library = Library(studio)
    assert library.latents[0].shape == (24, 2, CHANNELS, 16, 16)
    pictures = np.load(data.shard_paths(studio)[0])
    assert encode(load_encoder(studio), pictures).std().item() == pytest.approx(1, abs=0.15)
    latents, scenes = library.draw(6, np.random.default_rng(0))
    assert latents.shape == (6, CHANNELS, 16, 16)
    assert len(scenes) == 6


def test_the_autoencoder_learns(studio, tmp_path) -> None:
    (tmp_path / "scenes").symlink_to(studio / "scenes")
    pictures = np.load(data.shard_paths(studio)[0])[:4]
    found = []
    for steps in (1, 16):
        Autoencoding(tmp_path, steps=steps, batch=4)(ALONE)
        model = make_autoencoder()
        model.load_state_dict(checkpoint.load(tmp_path / "autoencoder.pt")["model"])
        found.append(round_trip(model, pictures))
    assert found[1] > found[0] + 0.5


def _fixed_loss(folder) -> float:
    """The loss of the checkpoint's weights on one fixed batch with fixed noise."""
    unet, text = make_unet(), make_text_encoder()
    Vector([unet, text], ALONE).restore(checkpoint.load(folder / "unet.pt"))
    latents, scenes = Library(folder).draw(16, np.random.default_rng(1))
    ids = token_ids(ensure_tokenizer(folder), [scene.style for scene in scenes])
    torch.manual_seed(0)
    with torch.no_grad():
        return _loss(unet, text, Noises(ALONE.device), latents, ids)[0].item()


def test_the_denoiser_learns(studio, tmp_path) -> None:
    folder = workplace(studio, tmp_path / "a")
    Denoising(folder, steps=1, fall_from=100, batch=4, rate=2e-3)(ALONE)
    before = _fixed_loss(folder)
    Denoising(folder, steps=10, fall_from=100, batch=4, rate=2e-3)(ALONE)
    assert _fixed_loss(folder) < before - 0.02


def test_a_run_that_was_cut_goes_on_as_if_it_had_not_been(studio, tmp_path) -> None:
    whole, cut = workplace(studio, tmp_path / "whole"), workplace(studio, tmp_path / "cut")
    Denoising(whole, steps=4, fall_from=4, batch=4)(ALONE)
    Denoising(cut, steps=2, fall_from=4, batch=4)(ALONE)
    Denoising(cut, steps=4, fall_from=4, batch=4)(ALONE)
    first, second = checkpoint.load(whole / "unet.pt"), checkpoint.load(cut / "unet.pt")
    assert torch.equal(first["values"], second["values"])
    assert torch.equal(first["average"], second["average"])


def test_any_text_has_tokens(studio) -> None:
    ids = token_ids(ensure_tokenizer(studio), ["", "Ünïcödé 🎉 漢字 \x00\x1b[31m", "a " * 500, "<|endoftext|>"])
    assert ids.shape == (4, TOKENS)
    assert ids.min() >= 0
    assert ids.max() < make_text_encoder().config.vocab_size


def test_a_run_goes_on_from_a_released_model(tmp_path) -> None:
    go_on_from(RELEASED, tmp_path)
    unet, text = make_unet(), make_text_encoder()
    state = checkpoint.load(tmp_path / "unet.pt")
    assert state["step"] == 0
    Vector([unet, text], ALONE).restore(state)
    known = CLIPTextModel.from_pretrained(RELEASED / "text_encoder", dtype=torch.float32)
    ids = token_ids(ensure_tokenizer(tmp_path), ["A boat on the sea."])
    assert torch.equal(text.eval()(ids).last_hidden_state, known.eval()(ids).last_hidden_state)
    pictures = np.stack([render(draw_lot(seed, 0.0)) for seed in range(8)])
    assert encode(load_encoder(tmp_path), pictures).std().item() == pytest.approx(1, abs=0.25)
    with pytest.raises(SystemExit, match="holds a run already"):
        go_on_from(RELEASED, tmp_path)


def test_what_is_quick_on_a_cpu_computes_the_same() -> None:
    torch.manual_seed(5)
    unet, text, ids = make_unet().eval(), make_text_encoder().eval(), torch.randint(0, 2000, (2, TOKENS))
    noisy, times = torch.randn(2, CHANNELS, 16, 16), torch.tensor([10, 900])
    with torch.no_grad():
        plain = unet(noisy, times, text(ids).last_hidden_state).sample
        _quicken(unet, text)
        assert torch.allclose(unet(noisy, times, text(ids).last_hidden_state).sample, plain, atol=1e-4)
