"""Pictures as files: what their chunks say."""

import io
import json
import re
from dataclasses import replace

import numpy
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sframes_tui.config.config import GenerationConfig
from sframes_tui.config.option_types import Effect, options_that
from sframes_tui.engine.protocol import Facts, Fitted
from sframes_tui.engine.resolved import Resolved
from sframes_tui.errors import UsageError
from sframes_tui.plan.plan import make_plan
from sframes_tui.run.again import draw_again, read_told
from sframes_tui.run.grids import make_grid
from sframes_tui.run.record import png
from sframes_tui.run.record.recipe import Base, make_recipe, read_recipe
from tests.plan.test_plan import DDIM, config, story

FACTS = Facts("folder,with:signs", "StableDiffusionPipeline", DDIM, 64, 48, "cpu", "float32", "abacus", "reference")
PAIRS = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
"""How readers of the `parameters` chunk take its last line apart."""


def noise(size=(64, 48)):
    rng = numpy.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8))


def recipe_of(number, lost="", **options):
    plan = make_plan(config(2, **options), story(2), DDIM, 1)
    where = {"fingerprint": "model", "place": 1, "base_pixels": "ab" * 32, "pixels": "cd" * 32}
    resolved = Resolved(plan.config.generation_config, FACTS, 2)
    return plan, make_recipe(plan, plan.frames[number], Fitted("sent: text\nmore", lost), resolved, **where)


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
    options = recipe.options.model_copy(update={"negative_prompt": negative})
    told = png.parameters(recipe.model_copy(update={"sent": text, "options": options}))
    # As sd-parsers takes it apart, at the words wherever they stand.
    parts = "\n".join(told.split("\n")[:-1]).split("Negative prompt:")
    assert len(parts) == (1 if negative is None else 2)
    assert parts[0].strip() == text.replace("\n", " ").replace("prompt:", "prompt :")


def test_the_recipe_in_a_file_is_the_one_that_was_written():
    plan, recipe = recipe_of(3)
    picture = noise()
    with Image.open(io.BytesIO(png.encode(picture, png.picture_info(recipe)))) as saved:
        text = saved.text["sframes"]
        assert saved.tobytes() == picture.tobytes()
    assert read_recipe(text, "a.png") == (recipe, None)
    assert recipe.base == Base(file="tag0 0-0.png", pixels_sha256="ab" * 32)
    assert (recipe.prompt, recipe.style) == (plan.prompt(plan.frames[3]), plan.style_text(plan.frames[3]))


def test_a_recipe_tells_every_option_that_draws_as_it_acted():
    given = {"negative_prompt": "fog", "scheduler": "DDIM", "width": 64, "height": 48, "revision": "main"}
    told = recipe_of(0, lost="the end", **given)[1].options.model_fields_set
    known = options_that(GenerationConfig, Effect.DRAWS, Effect.TOLD, Effect.LOADS)
    assert told == set(known) - {"sigmas", "variant"}  # not asked for, and not picked
    without = recipe_of(0, eta=0.5, guidance_scale=1.0, negative_prompt="fog")[1].options
    assert (without.negative_prompt, without.eta) == (None, 0.5)
    assert "on_overflow" not in without.model_fields_set


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
    monkeypatch.setattr("sframes_tui.run.grids.MAX_SIDE", 64)
    path = tmp_path / "a.png"
    noise((32, 32)).save(path)
    assert make_grid([path] * 100, (32, 32)).size == (60, 60)


NUMBERS = ["variant", "chapter", "prompt_index", "style_index", "run_seed", "seed", "real_steps", "place", "width"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda recipe: recipe | {"format": 3},
        lambda recipe: recipe | {"seed": -1},
        lambda recipe: recipe | {"surprise": 1},
        lambda recipe: recipe | {"options": recipe["options"] | {"preview": "a program"}},
        lambda recipe: recipe | {"options": recipe["options"] | {"rows": 10**9}},
        lambda recipe: recipe | {"sent": ["a"]},
        lambda recipe: {key: recipe[key] for key in recipe if key != "options"},
        lambda recipe: recipe | {"x" * 100_000: 1},
        lambda recipe: recipe | {"prompt": "\ud800"},
        lambda recipe: recipe | {"strength": float("nan")},
        lambda recipe: recipe | {"strength": 0.5, "base": None},
        lambda recipe: recipe | {"base": {"file": "a.png", "pixels_sha256": ""}, "strength": None},
        lambda recipe: recipe | {"base": {"file": "a.png", "pixels_sha256": "\x1b[31m"}, "strength": 0.5},
        *(lambda recipe, key=key: recipe | {key: 10**30} for key in NUMBERS),
        *(lambda recipe, key=key: recipe | {key: -1} for key in NUMBERS),
        *(lambda recipe, key=key: recipe | {key: True} for key in NUMBERS),
        lambda _: {"format": 1},
        lambda _: [],
        lambda recipe: recipe | {"prompt": "a" * 2**20},
    ],
)
def test_a_strangers_recipe_is_refused_in_a_sentence(harm):
    text = json.dumps(harm(recipe_of(0)[1].as_json))
    with pytest.raises(UsageError, match=r"^a\.png: its recipe [^\n]+$"):
        read_recipe(text, "a.png")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "null", '"x"'])
def test_what_is_no_recipe_is_refused_in_a_sentence(text):
    with pytest.raises(UsageError, match=r"^a\.png: its recipe [^\n]+$"):
        read_recipe(text, "a.png")


@pytest.mark.parametrize("file", ["../secret.png", "/etc/x.png", "..", ".", "", "a\0.png", "a\x1b.png", "x" * 300])
def test_a_base_that_is_no_file_beside_the_picture_is_not_looked_for(tmp_path, file):
    recipe = recipe_of(3)[1].model_copy(update={"base": Base(file=file, pixels_sha256="ab" * 32)})
    (tmp_path / "a.png").write_bytes(png.encode(noise(), png.picture_info(recipe)))
    with pytest.raises(UsageError, match="no file beside it; give it with --base"):
        draw_again(read_told(tmp_path / "a.png"), None, None, None, None, print)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a" * 9])
def test_what_is_no_picture_is_refused_in_a_sentence(tmp_path, data):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(UsageError, match="no PNG that can be read"):
        read_told(tmp_path / "a.png")


def test_a_recipe_tells_what_the_engine_had_to_change():
    plan = make_plan(config(2), story(2), DDIM, 1)
    resolved = Resolved(plan.config.generation_config, replace(FACTS, changed={"vae_tiling": True}), 1)
    where = {"fingerprint": "model", "place": 0, "base_pixels": None, "pixels": "cd" * 32}
    assert make_recipe(plan, plan.frames[0], Fitted("a"), resolved, **where).options.vae_tiling


def test_a_recipe_that_unpacks_to_more_than_any_is_refused_in_a_sentence(tmp_path):
    info = PngInfo()
    info.add_text("sframes", "a" * 2**25, zip=True)
    noise().save(tmp_path / "a.png", pnginfo=info)
    with pytest.raises(UsageError, match="no PNG that can be read: Decompressed data too large"):
        read_told(tmp_path / "a.png")


def test_a_picture_without_a_recipe_is_refused_in_a_sentence(tmp_path):
    noise().save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="no recipe in it"):
        read_told(tmp_path / "a.png")
