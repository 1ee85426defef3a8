"""Scenes are the same for the same seed, and look like what they are."""

from dataclasses import replace

import numpy as np
import pytest

from training import data
from training.canvas import SIZE
from training.scene import GROUNDS, HOMES, STYLES, SUBJECTS, Scene, draw_lot
from training.scenes import render, sheet


def test_a_seed_is_a_scene_and_a_scene_is_a_picture() -> None:
    scene = draw_lot(7, 0.5)
    assert scene == draw_lot(7, 0.5)
    assert np.array_equal(render(scene), render(scene))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_changes_its_picture(subject: str) -> None:
    empty = Scene(seed=3, style="photograph", time="day", ground=HOMES[subject][0])
    difference = np.abs(render(replace(empty, subject=subject)).astype(int) - render(empty)).max(axis=-1)
    assert (difference > 30).mean() > 0.03


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_ground_can_be_drawn_in_every_style(style: str, ground: str) -> None:
    picture = render(Scene(seed=5, style=style, time="day", ground=ground, subject="fire", companion="person"))
    assert picture.shape == (SIZE, SIZE, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("style", ["photograph", "watercolor", "oil", "cyberpunk"])
def test_nights_are_dark_and_days_are_bright(style: str) -> None:
    scenes = [Scene(seed=s, style=style, time="day", ground="meadow", subject="house") for s in range(4)]
    days = np.stack([render(scene) for scene in scenes]) / 255
    nights = np.stack([render(replace(scene, time="night")) for scene in scenes]) / 255
    assert days.mean() > 0.4
    assert nights.mean() < 0.36


def test_charcoal_is_grey_and_cyberpunk_is_not() -> None:
    scene = Scene(seed=1, style="charcoal", time="sunset", ground="sea", subject="sailboat")
    grey = render(scene)
    assert np.ptp(grey.astype(int), axis=-1).max() <= 1
    assert np.ptp(render(replace(scene, style="cyberpunk")).astype(int), axis=-1).mean() > 80


def test_lots_hold_every_subject_style_and_ground() -> None:
    scenes = [draw_lot(seed, 1.0) for seed in range(1500)]
    assert {scene.subject for scene in scenes} == {*SUBJECTS, None}
    assert {scene.style for scene in scenes} == set(STYLES)
    assert {scene.ground for scene in scenes} == set(GROUNDS)


def test_a_shard_comes_back_as_it_was_written(tmp_path) -> None:
    scenes = [draw_lot(seed, 1.0) for seed in range(5)]
    data.write_shard(tmp_path, 0, scenes, render)
    (path,) = data.shard_paths(tmp_path)
    assert data.read_scenes(path) == scenes
    assert np.array_equal(np.load(path)[3], render(scenes[3]))


def test_a_sheet_holds_its_pictures_in_rows() -> None:
    pictures = [np.full((SIZE, SIZE, 3), shade, np.uint8) for shade in (10, 20, 30)]
    page = sheet(pictures, 2)
    assert page.size == (2 * SIZE, 2 * SIZE)
    assert page.convert("RGB").getpixel((5, SIZE + 5)) == (30, 30, 30)
