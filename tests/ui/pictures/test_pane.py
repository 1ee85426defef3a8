"""The pictures by their keys: tiles, full screen, a chapter's grid, the strip; and files that are no pictures."""

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from sframes_tui.run.beside import trust
from sframes_tui.ui.dialogs.dialogs import Question
from sframes_tui.ui.pictures.film_strip import FilmStrip
from sframes_tui.ui.pictures.painting import Space
from sframes_tui.ui.pictures.pane import PicturePane
from sframes_tui.ui.pictures.screens import ChapterGrid, OnePicture
from sframes_tui.ui.pictures.shop import PictureError, read_picture
from sframes_tui.ui.pictures.terminal_page import TerminalPage
from sframes_tui.ui.pictures.tiles import TileGrid, arrange
from sframes_tui.ui.pictures.view import PictureView
from sframes_tui.ui.terminal.abilities import CellSize
from tests.ui.conftest import opened, screen_text, until

pytestmark = pytest.mark.asyncio

HOSTILE = "[/red] [@click=app.quit]x[/] \x1b]52;c;AAAA\x07 \u202e 漢字 [b"


def pane(app):
    return app.main.query_one(PicturePane)


def tiles(app):
    return app.screen.query_one(TileGrid).tiles


def shown(app):
    """How many tiles show a picture."""
    return sum(tile.view.painting is not None for tile in tiles(app))


async def drawn(app, pilot):
    """Runs the whole story, then looks at the pictures."""
    await until(pilot, lambda: app.main.draft)
    await pilot.press("ctrl+r")
    await until(pilot, lambda: app.main.session.state.phase == "completed")
    await pilot.press("f4")
    pane(app).focus()
    pane(app).show_prompt(0, 0, 0)
    await until(pilot, lambda: shown(app) == len(tiles(app)))


async def test_each_style_has_a_tile_that_says_how_far_it_is(config):
    async with opened(config) as (app, pilot):
        await until(pilot, lambda: "oil ○" in screen_text(app))
        assert "not drawn yet" in screen_text(app)
        await drawn(app, pilot)
        await until(pilot, lambda: "oil ●" in screen_text(app))
        assert "chalk ●" in screen_text(app)


async def test_arrows_walk_prompts_and_styles_over_chapters(config):
    async with opened(config) as (app, pilot):
        await drawn(app, pilot)
        await pilot.press("right", "right")
        assert pane(app).position == (0, 1, 0)
        await pilot.press("right")
        assert pane(app).position == (0, 1, 0), "nothing comes after the last prompt"
        await pilot.press("down")
        assert pane(app).frame.style == 1
        await pilot.press("up", "left")
        assert (pane(app).frame.style, pane(app).position) == (0, (0, 0, 1))


async def test_a_picture_fills_the_screen_and_walks_there_too(config):
    async with opened(config) as (app, pilot):
        await drawn(app, pilot)
        await pilot.press("z")
        assert isinstance(app.screen, OnePicture)
        await until(pilot, lambda: app.screen.view.painting)
        assert app.screen.view.painting.rows > 20
        assert "a boat in oil" in screen_text(app)
        assert "oil 0-0 · from noise" in screen_text(app)
        await pilot.press("right")
        await until(pilot, lambda: "a wave in oil" in screen_text(app))
        assert "from chalk 0-0 with strength 0.5" in screen_text(app)
        await pilot.press("escape")
        assert pane(app).position == (0, 0, 1)


async def test_a_chapters_grid_opens_what_is_chosen(config):
    async with opened(config) as (app, pilot):
        await drawn(app, pilot)
        await pilot.press("down", "g")
        assert isinstance(app.screen, ChapterGrid)
        await until(pilot, lambda: shown(app) == 2)
        assert "chalk · 1 of 2 · a boat" in screen_text(app)
        await pilot.press("right", "enter")
        assert pane(app).position == (0, 0, 1)
        assert app.screen is app.main


async def test_the_strip_shows_the_chain_and_a_click_goes_there(config):
    async with opened(config) as (app, pilot):
        await drawn(app, pilot)
        # Interleaved: oil's first picture goes on in the other style.
        assert "0-0 ●     0-1 ●     1-0 ●" in screen_text(app)
        await pilot.click(FilmStrip, offset=(12, 1))
        assert pane(app).position == (0, 0, 1)
        assert pane(app).frame.style == 1


async def test_the_protocol_key_takes_only_what_the_terminal_has(config):
    async with opened(config) as (app, pilot):
        await drawn(app, pilot)
        seen = []
        for _ in range(3):
            await pilot.press("p")
            seen.append(pane(app).canvas.protocol)
        assert seen == ["off", "halfcell", "unicode"]
        await until(pilot, lambda: shown(app) == 2)


async def test_pictures_that_are_switched_off_are_not_read(config):
    config.write_text(config.read_text().replace("seed = 1", "seed = 1\npreview = false"))
    async with opened(config) as (app, pilot):
        await until(pilot, lambda: app.main.draft)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.main.session.state.phase == "completed")
        await until(pilot, lambda: "pictures are off" in screen_text(app))
        assert shown(app) == 0


async def test_the_test_page_tells_what_the_terminal_can_do(config):
    async with opened(config) as (app, pilot):
        await until(pilot, lambda: app.main.draft)
        pane(app).focus()
        await pilot.press("t")
        assert isinstance(app.screen, TerminalPage)
        views = list(app.screen.query(PictureView))
        await until(pilot, lambda: [view.painting is not None for view in views] == [False, False, True, True])
        assert "not in this terminal" in screen_text(app)
        await pilot.press("escape")
        assert app.screen is app.main


async def test_a_preview_stands_in_for_a_picture_until_it_is_drawn(config, gate, gated):
    async with opened(config, gated) as (app, pilot):
        await until(pilot, lambda: app.main.draft)
        await pilot.press("ctrl+r")
        gate.let(1)
        await until(pilot, lambda: "oil ◐" in screen_text(app))
        pane(app).show_preview(0, lambda: Image.new("RGB", (8, 8), "red"))
        await until(pilot, lambda: shown(app) == 1)
        await until(pilot, lambda: "░░░" in screen_text(app))
        pane(app).focus()
        await pilot.press("z")
        pane(app).show_preview(0, lambda: Image.new("L", (8, 8)))
        await until(pilot, lambda: app.screen.view.painting)
        pane(app).show_preview(0, lambda: 1 // 0)
        await until(pilot, lambda: "can't be shown: integer" in screen_text(app))
        gate.open()
        await until(pilot, lambda: app.screen.view.painting)


def broken(path, kind):
    """Makes a saved picture something else."""
    data = path.read_bytes()
    path.unlink()
    if kind == "half":
        path.write_bytes(data[: len(data) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "garbage":
        path.write_bytes(os.urandom(1000))
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "huge":
        Image.new("L", (9_000, 9_000)).save(path, compress_level=1)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("half", "can't be shown: no PNG that can be read: image file is truncated"),
        ("empty", "can't be shown"),
        ("garbage", "can't be shown"),
        ("pipe", "not a plain file"),
        ("folder", "not a plain file"),
        ("huge", "9000 x 9000 pixels are more"),
        ("missing", "the file is gone"),
    ],
)
async def test_what_is_no_picture_is_refused_with_a_sentence(tmp_path, kind, words):
    path = tmp_path / "a.png"
    Image.effect_noise((64, 64), 90).save(path)
    broken(path, kind)
    with pytest.raises(PictureError, match=words):
        read_picture(path)


async def test_a_half_written_picture_is_a_few_words_and_the_others_stay(config):
    async with opened(config) as (app, pilot):
        await drawn(app, pilot)
        for path in config.parent.glob("output/**/oil 0-1.png"):
            broken(path, "half")
        await pilot.press("right")
        await until(pilot, lambda: shown(app) == 1)
        await pilot.press("z")
        await until(pilot, lambda: "can't be shown" in screen_text(app))
        await pilot.press("escape")


async def test_hostile_names_and_texts_are_shown_as_they_are(config):
    (config.parent / "story.txt").write_text(f"Chapter 1 {HOSTILE}\n{HOSTILE}\n")
    config.write_text(config.read_text().replace('"in oil"', '"[/b]"').replace('"oil"', '"[/tag]"'))
    async with opened(config) as (app, pilot):
        await until(pilot, lambda: len(tiles(app)) == 2)
        pane(app).focus()
        await pilot.press("z")
        await until(pilot, lambda: "[/red] [@click=app.quit]x[/]" in screen_text(app))
        await pilot.press("escape", "g")
        await until(pilot, lambda: "[/red]" in screen_text(app))
        assert "\x1b" not in screen_text(app)


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 10)])
async def test_tiles_fit_into_any_window(config, size):
    async with opened(config, size=size) as (app, pilot):
        await drawn(app, pilot)
        for tile in tiles(app):
            painting = tile.view.painting
            assert painting.columns <= tile.size.width
            assert painting.rows <= tile.size.height


@pytest.mark.parametrize(
    ("count", "size", "shape"),
    [
        (1, (60, 30), (1, 1)),
        (2, (60, 20), (2, 1)),
        (2, (40, 40), (1, 2)),
        (3, (100, 20), (3, 1)),
        (6, (100, 40), (3, 2)),
        (20, (160, 60), (5, 4)),
        (20, (34, 16), (2, 2)),
        (5, (10, 4), (1, 1)),
    ],
)
async def test_tiles_are_arranged_so_that_pictures_are_large(count, size, shape):
    assert arrange(count, Space(*size, CellSize(10, 20), "halfcell"), (1, 1)) == shape


async def test_an_allowed_viewer_is_shown_each_prompts_first_picture(config, tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "STORE", tmp_path / "trusted")
    record = tmp_path / "record"
    script = tmp_path / "viewer.py"
    script.write_text(f"import sys; open({str(record)!r}, 'a').write(sys.argv[1] + chr(10))")
    command = f"{sys.executable} {script}"
    (config.parent / "story.txt").write_text("a boat\na wave\na tree\n")
    text = config.read_text().replace("seed = 1", f"seed = 1\npreview = '{command}'")
    # One chapter: the first prompt of another would end the viewers, which may not have got to their work yet.
    config.write_text("\n".join(line for line in text.splitlines() if "chapter_split" not in line))
    async with opened(config) as (app, pilot):
        await until(pilot, lambda: app.main.draft)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("o")
        await until(pilot, lambda: app.main.session.state.phase == "completed")
        await until(pilot, lambda: record.exists() and len(record.read_text().splitlines()) == 3)
    assert {Path(line).stem for line in record.read_text().splitlines()} == {"oil 0-0", "oil 0-1", "oil 0-2"}
