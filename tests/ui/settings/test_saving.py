"""The settings form and its files: saved, chosen, broken."""

import tomllib
from pathlib import Path

import pytest

from sframes_tui.ui.commands import BY_ID
from sframes_tui.ui.dialogs.dialogs import Question
from sframes_tui.ui.settings.form import ConfigForm
from sframes_tui.ui.settings.option_row import OptionRow
from tests.ui.conftest import opened, screen_text, toasts, until
from tests.ui.settings.forming import TEXT, form_of, go_to, write

pytestmark = pytest.mark.asyncio


async def test_saving_keeps_comments_and_takes_the_marks_away(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.seed")
        await write(pilot, "7")
        assert "●" in str(app.form.border_title)
        app.form.save()
        await pilot.pause()
        assert settings.read_text() == TEXT.replace("seed = 3", "seed = 37")
        assert "●" not in str(app.form.border_title)
        assert not app.edited[-1].unsaved


async def test_a_file_changed_meanwhile_is_overwritten_only_when_asked(settings):
    async with form_of(settings) as (app, pilot):
        app.form.set_value("generation_config.seed", 4)
        settings.write_text(TEXT + "# mine\n")
        app.form.save()
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("n")
        assert settings.read_text().endswith("# mine\n")
        app.form.save()
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await until(pilot, lambda: "seed = 4" in settings.read_text())
        assert not app.document.unsaved


async def test_it_is_saved_under_another_name(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.seed")
        await pilot.press(BY_ID["save_as"].key)
        await until(pilot, lambda: app.screen is not app.screen_stack[0] and app.screen.query("Input"))
        field = app.screen.query_one("Input")
        field.focus()
        field.value = ""
        await write(pilot, "other")
        await pilot.press("enter")
        await until(pilot, lambda: app.document.path.name == "other.toml")
        assert (settings.parent / "other.toml").read_text() == TEXT


async def test_what_cannot_be_saved_is_said(settings):
    async with form_of(settings) as (app, pilot):
        app.form.set_value("generation_config.seed", 4)
        settings.unlink()
        settings.mkdir()
        app.form.save()
        await pilot.pause()
        assert any("can't be saved" in told for told in toasts(app))
        assert app.document.unsaved


async def test_a_path_is_completed_or_picked(settings):
    (settings.parent / "stories").mkdir()
    (settings.parent / "stories" / "sea.txt").write_text("a")
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "prompt_config.source")
        await pilot.press(*["backspace"] * 9)
        await write(pilot, "stories/s")
        await until(pilot, lambda: app.focused.completing)
        await pilot.press("tab")
        assert app.document.value("prompt_config.source") == "stories/sea.txt"
        assert app.focused.path == "prompt_config.source"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(app.screen_stack) == 2 and app.screen.query("Input"))
        app.screen.query_one("Input").value = "../story.txt"
        app.screen.query_one("Input").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.document.value("prompt_config.source") == "story.txt")


async def test_broken_files_open_and_say_what_is_wrong(tmp_path):
    settings = tmp_path / "broken.toml"
    settings.write_text(TEXT.replace("seed = 3", "seed = = 3\nstepz = 5\neta = 'much'"))
    async with form_of(settings) as (app, pilot):
        assert "left out" in str(app.query_one("#form-problem").render())
        assert app.query_one("#form-problem").display
        await go_to(app, pilot, "generation_config.eta")
        assert app.focused.value == "much"
        await go_to(app, pilot, "generation_config.stepz")
        await pilot.press("backspace")
        app.form.set_value("generation_config.eta", None)
        app.form.save()
        await until(pilot, lambda: not app.document.problems)
        assert tomllib.loads(settings.read_text())["generation_config"] == {"model": "builtin:picturebook"}


async def test_names_of_any_kind_are_listed_or_left_out(settings):
    folder = settings.parent / "[" / "red]"
    folder.mkdir(parents=True)
    (folder / "[bold]sea.txt").write_text("a")
    (folder / "bad\x1b[31m.txt").write_text("a")
    async with form_of(settings) as (app, pilot):
        app.form.set_value("prompt_config.source", "[/red]/[bold]sea.txt")
        await go_to(app, pilot, "prompt_config.source")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(app.screen_stack) == 2 and "[bold]sea.txt" in screen_text(app))
        assert "[/red]" in screen_text(app)
        assert "bad" not in screen_text(app)
        assert "\x1b" not in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)


async def test_the_form_saves_from_the_real_screen(config):
    async with opened(config) as (app, pilot):
        form = app.main.query_one(ConfigForm)
        await until(pilot, lambda: len(form.query(OptionRow)) > 20)
        await pilot.press("f2")
        form.focus_option("generation_config.seed")
        await until(pilot, lambda: getattr(app.focused, "path", "") == "generation_config.seed")
        await pilot.press("8")
        assert app.main.document.unsaved
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not app.main.document.unsaved)
        assert "8" in Path(config).read_text()
