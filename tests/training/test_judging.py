"""The reader learns, the table counts rightly, and an exported checkpoint is a model that diffusers loads."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.conftest import ALONE, workplace
from training import checkpoint, data, draw, export
from training.diffusion import Denoising
from training.evaluate import held_out, judge, pixel_rules, prompt
from training.reader import Album, Judging, load_reader, read
from training.scene import STYLES, draw_lot
from training.scenes import render
from training.text import ATTRIBUTES, attributes


def test_a_reader_that_finds_all_is_told_so() -> None:
    scenes = held_out(60)
    perfect = torch.stack([attributes(scene) for scene in scenes]) * 8 - 4
    table = judge(perfect, scenes)
    assert table["style"] == table["time"] == table["ground"] == 1
    assert table["large subjects found"] == 1
    assert table["large subjects false"] == 0
    assert judge(-perfect, scenes)["large subjects found"] == 0


def test_held_out_prompts_name_the_subject_and_end_with_the_style() -> None:
    scenes = held_out(12)
    assert [scene.style for scene in scenes[:6]] == list(STYLES)
    for scene in scenes:
        text = prompt(scene)
        assert text.endswith(draw.STYLE_TEXTS[STYLES.index(scene.style)])
        assert scene.subject is None or scene.subject in text


def test_drawn_scenes_keep_the_pixel_rules() -> None:
    scenes = [
        replace(scene, style=style) for scene in held_out(30) for style in ("photograph", "charcoal", "cyberpunk")
    ]
    table = pixel_rules([render(scene) for scene in scenes], scenes)
    assert table["mean brightness of days"] > 0.36
    assert table["mean brightness of nights"] < 0.33
    assert table["mean saturation of charcoal"] < 0.12
    assert table["mean saturation of cyberpunk"] > 0.45


def test_a_reader_can_be_trained_and_read(studio, tmp_path) -> None:
    folder = workplace(studio, tmp_path / "reader")
    Judging(folder, steps=3, batch=8)(ALONE)
    pictures = np.stack([render(draw_lot(seed, 0.0)) for seed in range(3)])
    assert read(load_reader(folder), pictures).shape == (3, len(ATTRIBUTES))


def test_a_reader_that_was_cut_goes_on(studio, tmp_path) -> None:
    whole, cut = workplace(studio, tmp_path / "whole"), workplace(studio, tmp_path / "cut")
    Judging(whole, steps=2, batch=4)(ALONE)
    Judging(cut, steps=1, batch=4)(ALONE)
    Judging(cut, steps=2, batch=4)(ALONE)
    assert checkpoint.load(cut / "reader.pt")["step"] == checkpoint.load(whole / "reader.pt")["step"] == 2


def test_the_reader_sees_rare_things_often(tmp_path) -> None:
    scenes = [replace(draw_lot(1, 0.0), sky=("rainbow",) if i == 0 else ()) for i in range(40)]
    data.write_shard(tmp_path, 0, scenes, lambda _: np.zeros((128, 128, 3), np.uint8))
    truth = Album(tmp_path).draw(400, np.random.default_rng(0))[1]
    share = truth[:, ATTRIBUTES.index("sky rainbow")].mean().item()
    assert share > 0.07, "one in forty, but drawn as often as each of its other attributes"


@pytest.mark.filterwarnings("ignore")
def test_an_exported_checkpoint_draws_what_the_checkpoint_draws(studio, tmp_path, monkeypatch) -> None:
    folder = workplace(studio, tmp_path / "export")
    Denoising(folder, steps=1, fall_from=1, batch=2)(ALONE)
    monkeypatch.setattr("sys.argv", ["export", "--folder", str(folder), "--target", str(tmp_path / "model")])
    export.main()
    first = draw.draw(draw.load(folder), ["a house"], [1], steps=2)[0]
    second = draw.draw(draw.load(tmp_path / "model"), ["a house"], [1], steps=2)[0]
    assert np.abs(first.astype(int) - second).mean() < 2
    colours = json.loads((tmp_path / "model" / "latent_rgb.json").read_text())
    assert len(colours["factors"]) == 16
