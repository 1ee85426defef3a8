"""Pictures as files: what their chunks say."""

import io
import json
import re

import numpy
import pytest
from PIL import Image

from sframes_tui.engine.protocol import Facts
from sframes_tui.run import png
from sframes_tui.run.grid import make_grid
from sframes_tui.story.plan import make_plan
from tests.story.test_plan import DDIM, config, story

FACTS = Facts("folder,with:signs", "StableDiffusionPipeline", DDIM, 64, 48, "cpu", "float32", "abacus", "reference")
PAIRS = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
"""How readers of the `parameters` chunk take its last line apart."""


def noise(size=(64, 48)):
    rng = numpy.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8))


def recipe_of(number, **options):
    plan = make_plan(config(2, **options), story(2), DDIM, 1)
    return plan, png.recipe(plan, plan.frames[number], "sent: text\nmore", FACTS, "hash")


def test_other_tools_can_read_how_a_picture_was_drawn():
    plan, recipe = recipe_of(3, negative_prompt="bad, worse")
    lines = png.parameters(recipe).split("\n")
    assert lines[:2] == ["sent: text more", "Negative prompt: bad, worse"]
    pairs = {key: json.loads(value) if value.startswith('"') else value for key, value in PAIRS.findall(lines[2])}
    assert pairs["Seed"] == str(plan.frame_seed(plan.frames[3]))
    assert pairs["Model"] == "folder,with:signs"
    assert (pairs["Steps"], pairs["Size"], pairs["Denoising strength"]) == ("50", "64x48", "0.5")


@pytest.mark.parametrize("text", ["Negative prompt: x", "a Negative prompt: b Negative prompt: c", "Negative\nprompt:"])
@pytest.mark.parametrize("negative", [None, "bad", "bad Negative prompt: x"])
def test_a_prompt_cannot_pose_as_the_negative_prompt(text, negative):
    _, recipe = recipe_of(0)
    told = png.parameters({**recipe, "sent": text, "negative_prompt": negative})
    # As sd-parsers takes it apart, at the words wherever they stand.
    parts = "\n".join(told.split("\n")[:-1]).split("Negative prompt:")
    assert len(parts) == (1 if negative is None else 2)
    assert parts[0].strip() == text.replace("\n", " ").replace("prompt:", "prompt :")


def test_the_json_chunk_has_all_that_draws_the_picture_again():
    plan, recipe = recipe_of(3)
    picture = noise()
    with Image.open(io.BytesIO(png.encode(picture, png.picture_info(recipe)))) as saved:
        read = json.loads(saved.text["sframes"])
        assert saved.tobytes() == picture.tobytes()
    assert read == recipe
    assert read["base"] == {"file": "tag0 0-0.png", "pixels_sha256": "hash"}
    assert read["prompt"], read["style"] == (plan.prompt(plan.frames[3]), plan.style_text(plan.frames[3]))


def test_bytes_depend_on_what_was_drawn_alone():
    first, second = (png.encode(noise(), png.picture_info(recipe_of(0)[1])) for _ in range(2))
    assert first == second


def test_a_grid_holds_its_pictures_in_reading_order(tmp_path):
    colours = [(40 * number, 0, 0) for number in range(5)]
    paths = []
    for number, colour in enumerate(colours):
        paths.append(tmp_path / f"{number}.png")
        Image.new("RGB", (8, 4), colour).save(paths[-1])
    sheet = make_grid(paths, (8, 4))
    assert sheet.size == (24, 12)
    assert [sheet.getpixel((place % 3 * 8, place // 3 * 4)) for place in range(6)] == [*colours, (0, 0, 0)]


def test_a_grid_of_very_many_pictures_stays_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr("sframes_tui.run.grid.MAX_SIDE", 64)
    path = tmp_path / "a.png"
    noise((32, 32)).save(path)
    assert make_grid([path] * 100, (32, 32)).size == (60, 60)
