"""Dialogues by their keys: trust, leaving with changes, colours."""

import pytest

from sframes_tui.run.beside import trust
from sframes_tui.ui import themes
from sframes_tui.ui.dialogs.dialogs import Question, ThemeDialog
from sframes_tui.ui.settings.form import ConfigForm
from sframes_tui.ui.themes import recall
from tests.ui.conftest import opened, screen_text, until

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def stores(tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "STORE", tmp_path / "trusted")
    monkeypatch.setattr(trust, "_once", set())
    monkeypatch.setattr(themes, "STORE", tmp_path / "screen.toml")


@pytest.fixture
def wanting(config):
    """A configuration that wants to run a program."""
    text = config.read_text().replace("seed = 1", 'seed = 1\npreview = "[red]feh"\npreview_stop = "pkill feh"')
    config.write_text(text)
    return config


@pytest.mark.parametrize(
    ("key", "standing", "starts"),
    [("o", "allowed", True), ("a", "allowed", True), ("n", "refused", True), ("escape", "open", False)],
)
async def test_commands_are_shown_exactly_and_asked_about(wanting, key, standing, starts):
    async with opened(wanting) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await until(pilot, lambda: "[red]feh" in screen_text(app) and "pkill feh" in screen_text(app))
        assert app.main.session.state.phase == "idle"
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(app.screen, Question))
        if starts:
            await until(pilot, lambda: app.main.session.state.phase == "completed")
        assert app.main.session.state.drawn == (6 if starts else 0)
        assert trust.standing(trust.Wishes.of(wanting, app.main.document.loaded.config)) == standing


async def test_what_was_allowed_is_not_asked_again_until_it_is_edited(wanting):
    async with opened(wanting) as (app, pilot):
        trust.trust(trust.Wishes.of(wanting, app.main.document.loaded.config))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.main.session.state.phase == "completed")
        edited = app.main.document.with_value("generation_config.preview_stop", "rm -rf /")
        app.main.post_message(ConfigForm.Edited(edited))
        await until(pilot, lambda: app.main.draft is not None and app.main.document is edited)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "rm -rf /" in screen_text(app))


async def test_leaving_with_unsaved_changes_asks(config):
    async with opened(config) as (app, pilot):
        edited = app.main.document.with_value("generation_config.seed", 2)
        app.main.post_message(ConfigForm.Edited(edited))
        await until(pilot, lambda: "●" in screen_text(app))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "The settings have changes that are not saved." in screen_text(app))
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(app.screen, Question))
        await pilot.press("ctrl+q", "y")
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0
    assert "seed = 1" in config.read_text()


async def test_a_theme_is_tried_on_and_kept(config):
    async with opened(config) as (app, pilot):
        assert app.theme == "dusk"
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, ThemeDialog))
        await pilot.press("down")
        await until(pilot, lambda: app.theme == "fjord")
        await pilot.press("escape")
        assert app.theme == "dusk"
        await pilot.press("ctrl+t", "down", "enter")
        await until(pilot, lambda: not isinstance(app.screen, ThemeDialog))
        assert recall("theme") == "fjord"


async def test_a_dialogue_is_answered_with_the_mouse(wanting):
    async with opened(wanting) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.pause()
        await pilot.click("#never")
        await until(pilot, lambda: app.main.session.state.phase == "completed")
