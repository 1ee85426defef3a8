"""The table of commands, and what is made from it: footer, palette, help screen, user's keys, README."""

from collections import Counter
from pathlib import Path

import pytest

from sframes_tui.ui import app as app_module
from sframes_tui.ui import keymap as keymap_module
from sframes_tui.ui.commands import COMMANDS, SCOPES, key_table, shown_key
from sframes_tui.ui.dialogs.help import HelpScreen
from sframes_tui.ui.keymap import load_keymap
from tests.ui.conftest import opened, screen_text, toasts, until

ON_THE_MAIN_SCREEN = {"app", "main", "form", "story", "pictures", "log"}


def test_no_two_commands_have_one_name_or_one_key_at_one_place():
    assert max(Counter(command.id for command in COMMANDS).values()) == 1
    for scope in SCOPES:
        together = [command for command in COMMANDS if command.scope in (scope, "app", "main")]
        keys = Counter(key for command in together for key in command.key.split(","))
        assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize(
    ("key", "shown"),
    [("ctrl+r", "^r"), ("f1", "F1"), ("slash", "/"), ("left", "←"), ("shift+up", "shift ↑"), ("f", "f")],
)
def test_keys_are_shown_as_people_know_them(key, shown):
    assert shown_key(key) == shown


def test_the_table_for_the_readme_has_every_command():
    table = key_table()
    assert all(f"| {command.help} | `{command.id}` |" in table for command in COMMANDS)


@pytest.mark.asyncio
async def test_every_command_has_a_widget_that_does_it(config):
    async with opened(config) as (app, pilot):
        await pilot.pause()
        for command in (each for each in COMMANDS if each.scope in ON_THE_MAIN_SCREEN):
            node = app_module._answering(app.main, command)
            assert node is not None, command.id
            name = command.action.partition("(")[0].removeprefix("screen.")
            assert hasattr(app.main if "screen." in command.action else node, f"action_{name}"), command.id


@pytest.mark.asyncio
async def test_the_help_screen_names_every_key(config):
    async with opened(config, size=(120, 200)) as (app, pilot):
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.pause()
        text = screen_text(app)
        assert [command.name for command in COMMANDS if command.name not in text] == []
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))


@pytest.mark.asyncio
async def test_the_palette_runs_a_command(config):
    async with opened(config) as (app, pilot):
        await pilot.press("ctrl+p", *"theme")
        await until(pilot, lambda: "Choose other colours." in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen).__name__ == "ThemeDialog")


@pytest.mark.asyncio
async def test_a_click_on_the_footer_presses_the_key(config):
    async with opened(config) as (app, pilot):
        line = screen_text(app).split("\n")[-1]
        await pilot.click(offset=(line.index("Help") + 1, app.size.height - 1))
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


def write(tmp_path, text):
    path = tmp_path / "keys.toml"
    path.write_text(text)
    return path


def test_the_users_keys_replace_the_shipped_ones(tmp_path):
    keymap, problems = load_keymap(write(tmp_path, 'start = "f11"\nlog_copy = "y, ctrl+y"\n'))
    assert keymap == {"start": "f11", "log_copy": "y,ctrl+y"}
    assert problems == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('start = "ctrl+q"', "quit has that key"),
        ('start = "x"', "a plain letter could not be typed any more"),
        ('dance = "f11"', "there is no such command"),
        ("start = 6", "write a key such as"),
        ('start = ""', "write a key such as"),
        ('start = "[red]"', "write a key such as"),
    ],
)
def test_a_bad_line_is_told_of_and_the_others_count(tmp_path, line, complaint):
    keymap, (problem,) = load_keymap(write(tmp_path, f'pause = "f11"\n{line}\n'))
    assert keymap == {"pause": "f11"}
    assert complaint in problem


def test_a_file_that_is_no_toml_is_told_of(tmp_path):
    keymap, (problem,) = load_keymap(write(tmp_path, "start"))
    assert keymap == {}
    assert "keys.toml is left out" in problem


def test_no_file_is_no_problem():
    assert load_keymap(Path("nowhere.toml")) == ({}, [])


@pytest.mark.asyncio
async def test_the_users_key_works_and_is_shown(config, tmp_path, monkeypatch):
    path = write(tmp_path, 'help = "f11"\nnonsense = 1\n')
    monkeypatch.setattr(app_module, "load_keymap", lambda: keymap_module.load_keymap(path))
    async with opened(config) as (app, pilot):
        await until(pilot, lambda: "F11 Help" in screen_text(app))
        assert "nonsense = 1 is left out: there is no such command; F1 lists them" in toasts(app)[0]
        await pilot.press("f11")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
