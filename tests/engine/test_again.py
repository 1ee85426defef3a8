"""Pictures drawn again from their own files, by the engines that drew them."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from sframes_tui.cli import main
from sframes_tui.config.file import load_config
from sframes_tui.engine.models import load_engine
from sframes_tui.errors import ModelError, UsageError
from sframes_tui.plan.draft import make_draft
from sframes_tui.run import redraw
from sframes_tui.run.again import draw_again, read_told
from sframes_tui.run.events import Control
from sframes_tui.run.execute import execute
from sframes_tui.run.record import png
from sframes_tui.run.record.past_run import open_run
from sframes_tui.run.record.recipe import Base
from tests.engine.loading.single_file import tiny_checkpoint
from tests.engine.tiny import tiny_sd3
from tests.run.story_run import STORY, write_config

OPTIONS = """width = 32
height = 32
rows = 3
variants = 2
eta = 0.3
guidance_rescale = 0.2
guidance_end = 0.8
negative_prompt = "fog"
"""


def loaded(draft):
    return load_engine(draft.config.generation_config, draft.model)


def drawn(folder, model, options=OPTIONS):
    """A run of that model, and its folder."""
    config = write_config(folder, options, STORY.split("Chapter 2")[0])
    config.write_text(config.read_text().replace("builtin:picturebook", str(model)))
    draft = make_draft(load_config(config))
    execute(draft, loaded, folder / "out", lambda _: None, Control())
    return next(path.parent for path in (folder / "out").rglob("run.toml"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Four chains in three rows, by a checkpoint that lies somewhere else; one picture has a second take."""
    models = tmp_path_factory.mktemp("models")
    folder = drawn(tmp_path_factory.mktemp("run"), tiny_checkpoint(models / "tiny.safetensors", "DDIM"))
    chosen = redraw.find_frames(open_run(folder).plan, "0-1:chalk", 1)
    redraw.redraw(folder, redraw.Request(chosen, prompt="a star"), loaded, lambda _: None, Control())
    return folder, models / "tiny.safetensors"


def again(picture, model=None, base=None, said=None):
    said = [] if said is None else said
    made = draw_again(read_told(picture), base, None, model and str(model), load_engine, said.append)
    said.extend(made.lines())
    return made


def test_every_picture_is_drawn_again_with_the_same_bytes(run):
    """From noise and from a base, in each row, with other takes, by itself and without the others' neighbourhood."""
    folder, model = run
    pictures = [path for path in folder.glob("variant-*/*.png") if "grid" not in path.name]
    assert len(pictures) == 12
    places = set()
    for path in pictures:
        stale = "0-2" in path.name and path.parent.name == "variant-1"
        if not stale or path.name.startswith("chalk"):
            made = again(path, model)
            places.add(made.recipe.place)
            assert made.data == path.read_bytes(), path
    assert places == {0, 1, 2}


def test_an_older_take_needs_only_to_be_told_its_base(run):
    folder, model = run
    take = folder / ".sframes" / "takes" / "variant-1" / "chalk 0-1 take-0.png"
    with pytest.raises(UsageError, match=r"oil 0-0\.png: .*give it with --base"):
        again(take, model)
    base = folder / "variant-1" / "oil 0-0.png"
    assert again(take, model, base).data == take.read_bytes()


def test_what_started_from_another_take_says_so(run):
    folder, model = run
    with pytest.raises(UsageError, match=r"not the picture that oil 0-2\.png started from; an earlier take"):
        again(folder / "variant-1" / "oil 0-2.png", model)


def test_a_renamed_checkpoint_draws_the_same_bytes(run, tmp_path):
    folder, model = run
    shutil.copytree(model.with_suffix(""), tmp_path / "other")
    shutil.copy(model, tmp_path / "other.safetensors")
    picture = folder / "variant-0" / "oil 0-0.png"
    assert again(picture, tmp_path / "other.safetensors").data == picture.read_bytes()


def test_another_model_is_told_with_how_far_the_picture_is_off(run, tmp_path):
    folder, _ = run
    other = tiny_checkpoint(tmp_path / "other.safetensors", "PNDM")
    said = []
    made = again(folder / "variant-0" / "oil 0-0.png", other, said=said)
    assert not made.is_same
    assert "other pixels: " in said[-2]
    assert "% of them, by at most" in said[-2]
    assert "model was tiny.safetensors (" in said[-1]
    assert "torch 2" in said[-1]


def test_a_model_that_is_not_where_the_recipe_says_is_asked_for(run):
    with pytest.raises(ModelError, match=r"'tiny\.safetensors': .*say with --model where it is"):
        again(run[0] / "variant-0" / "oil 0-0.png")


def rewritten(picture, target, **changes):
    """The same picture with another recipe."""
    told = read_told(picture)
    target.write_bytes(png.encode(told.picture, png.picture_info(told.recipe.model_copy(update=changes))))
    return target


def test_no_model_is_fetched_because_a_recipe_names_it(run, tmp_path):
    picture = run[0] / "variant-0" / "oil 0-0.png"
    options = read_told(picture).recipe.options.model_copy(update={"model": "someone/else"})
    with pytest.raises(ModelError, match="someone/else, which isn't here; have it fetched with --model someone/else"):
        again(rewritten(picture, tmp_path / "a.png", options=options))


def test_a_base_of_another_size_than_the_models_is_refused(run, tmp_path):
    folder, model = run
    Image.new("RGB", (64, 64)).save(tmp_path / "base.png")
    base = Base(file="base.png", pixels_sha256=png.pixel_hash(Image.new("RGB", (64, 64))))
    picture = rewritten(folder / "variant-0" / "chalk 0-1.png", tmp_path / "a.png", base=base)
    with pytest.raises(UsageError, match="starts from 64 x 64 pixels; its model draws 32 x 32"):
        again(picture, model)


def test_a_picture_of_grouped_calls_is_drawn_again(tmp_path):
    folder = drawn(tmp_path, tiny_sd3(tmp_path / "tiny"), "width = 32\nheight = 32\nrows = 2")
    for name in ("oil 0-0.png", "chalk 0-1.png"):
        assert again(folder / name, tmp_path / "tiny").data == (folder / name).read_bytes()


def test_the_command_tells_by_its_exit_code_and_keeps_what_it_drew(run, tmp_path, capsys):
    folder, model = run
    picture, out = folder / "variant-0" / "chalk 0-0.png", tmp_path / "again.png"
    words = ["again", str(picture), "--model", str(model), "-o", str(out)]
    assert main(words) == 0
    assert out.read_bytes() == picture.read_bytes()
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith(f"asks for the model tiny.safetensors; drawn with {model}")
    assert told[1] == f"{picture}: drawn again with the same bytes"
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err
    edited = tmp_path / "edited.png"
    with Image.open(picture) as image:
        text = image.text
        image = image.convert("RGB")
    image.putpixel((0, 0), (1, 2, 3))
    image.save(edited, pnginfo=chunks(text))
    assert main(["again", str(edited), "--model", str(model)]) == 1
    assert "the file's pixels were changed since it was drawn" in capsys.readouterr().out


def chunks(text):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for key, value in text.items():
        info.add_text(key, value)
    return info


def test_a_picture_with_a_recipe_of_the_first_form_is_drawn_again():
    """To the last bit only where the machine rounds alike."""
    picture = Path(__file__).parents[1] / "run" / "begun_with_identities_2" / "oil 0-0.png"
    said = []
    made = again(picture, said=said)
    assert any("of an earlier form and doesn't tell guidance_start" in line for line in said)
    assert made.is_same or "by at most 1 of 255" in " ".join(said)
