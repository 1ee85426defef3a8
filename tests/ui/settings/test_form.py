"""The settings form, by real keys."""

import pytest
from textual.events import Paste

from sframes_tui.config.document import Document
from sframes_tui.config.options import options
from sframes_tui.ui.commands import BY_ID
from sframes_tui.ui.settings.option_group import OptionGroup
from sframes_tui.ui.settings.option_row import OptionRow
from sframes_tui.ui.settings.style_table import StyleTable
from tests.ui.conftest import screen_text, until
from tests.ui.settings.forming import KEYS, FormApp, form_of, go_to, key_event, write

pytestmark = pytest.mark.asyncio

ENTERED = {
    "number": ("1", 1),
    "whole number": ("2", 2),
    "seed": ("9", 9),
    "pixels": ("64", 64),
    "list": ("3", ["3"]),
    "encoding": ("utf-8", "utf-8"),
    "scheduler": ("DDIM", "DDIM"),
    "device": ("cpu", "cpu"),
}
"""What to type, by an option's name or its kind of control; "x" for all others."""


def keys_and_value(option):
    """What to press in an emptied field, and the value that comes of it."""
    if option.control == "switch":
        return ["right"], not option.preset
    if option.control == "choice":
        at = option.choices.index(option.preset) + 1 if option.preset in option.choices else 0
        return ["right"], option.choices[at % len(option.choices)]
    text, value = ENTERED.get(option.key) or ENTERED.get(option.control) or ("x", "x")
    return [KEYS.get(letter, letter) for letter in text], value


GROUPS = sorted({option.group for option in options() if option.section != "style_configs"})


@pytest.mark.parametrize("group", GROUPS)
async def test_every_option_is_set_and_taken_out_by_keys_alone(settings, group):
    async with form_of(settings) as (app, pilot):
        while getattr(app.focused, "title", "") != group:
            await pilot.press("pagedown")
        await pilot.press("right")
        members = [option for option in options() if option.group == group]
        await until(pilot, lambda: {each.path for each in members} <= {row.path for row in app.query(OptionRow)})
        for option in members:
            await pilot.press("down")
            assert app.focused.path == option.path
            if getattr(app.focused, "value", ""):
                await pilot.press("home", "ctrl+k")
            keys, value = keys_and_value(option)
            await pilot.press(*keys)
            assert app.document.value(option.path) == value
            assert option.path not in app.document.problems
            assert option.path in app.document.changed
            assert "●" in str(app.focused.parent.query_one(".name").render())
            await pilot.press(*["backspace"] * len(keys))
            assert app.document.value(option.path) == (None if option.default != "required" else "")
        assert app.edited[-1] is app.document


async def test_its_help_is_shown_and_a_wrong_value_is_told_while_it_is_typed(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.eta")
        await until(pilot, lambda: "DDIM and TCD" in str(app.query_one("#form-help").render()))
        await write(pilot, "2")
        row = app.focused.parent
        assert "number from 0 to 1" in str(row.query_one(".problem").render())
        assert row.query_one(".problem").display
        await pilot.press("backspace")
        assert not row.query_one(".problem").display
        await go_to(app, pilot, "prompt_config.chapter_split_regex")
        await write(pilot, "ab(c")
        assert "missing ) at position 4: ab(c▸" in str(app.focused.parent.query_one(".problem").render())


async def test_numbers_step_within_their_bounds(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.guidance_rescale")
        await pilot.press("plus", "plus")
        assert app.document.value("generation_config.guidance_rescale") == 0.1
        await pilot.press("minus", "minus", "minus")
        assert app.document.value("generation_config.guidance_rescale") == 0.0
        await go_to(app, pilot, "generation_config.width")
        await pilot.press("plus", "plus")
        assert app.document.value("generation_config.width") == 520


async def test_undo_redo_and_revert(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.negative_prompt")
        await write(pilot, "fog")
        await pilot.press("down", "down", "up", "up")
        await write(pilot, "gy")
        assert app.document.value("generation_config.negative_prompt") == "foggy"
        await pilot.press("ctrl+u")
        assert app.focused.text == "fog"
        await pilot.press("ctrl+u")
        assert not app.document.unsaved
        await go_to(app, pilot, "generation_config.seed")
        await pilot.press("ctrl+y", "ctrl+y")
        await until(pilot, lambda: app.focused.path == "generation_config.negative_prompt")
        assert app.focused.text == "foggy"
        await pilot.press(BY_ID["revert"].key)
        assert not app.document.unsaved
        await pilot.press("ctrl+u")
        assert app.document.value("generation_config.negative_prompt") == "foggy"


async def test_keys_typed_ahead_reach_the_field_they_are_meant_for(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "prompt_config.max_chapters")
        for key in ("4", "1", "backspace", "tab", "5", "down", "1", "shift+tab", "up", "end", "up", "x", "left", "y"):
            app._driver.send_message(key_event(app, key))
        await until(pilot, lambda: app.document.value("prompt_config.prompt_override") == "yx")
        assert app.document.value("prompt_config.leave_out") == ["1"]
        assert app.document.value("prompt_config.max_chapters") == 4
        assert app.document.value("prompt_config.max_entries_per_chapter") == 5


async def test_known_values_are_offered_and_an_option_is_found_by_name(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.scheduler")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.focused.completing)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.document.value("generation_config.scheduler") is not None)
        assert not app.document.problems
        await pilot.press("ctrl+f")
        await until(pilot, lambda: len(app.screen_stack) == 2)
        await write(pilot, "vae_til")
        await until(pilot, lambda: app.screen.query("CommandList") and app.screen.query_one("CommandList").option_count)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.focused, "path", "") == "generation_config.vae_tiling")


@pytest.mark.parametrize("width", [36, 78])
async def test_nothing_is_cut_off_in_a_narrow_pane(settings, width):
    async with form_of(settings, size=(width, 24)) as (app, pilot):
        for row in app.query(OptionRow):
            label, field = row.query_one(".name"), row.field
            assert len(row.option.key) + 2 <= label.size.width, row.path
            assert field.size.width >= 8, row.path
        assert app.query_one(StyleTable).size.height == 3
        await go_to(app, pilot, "prompt_config.leave_out")
        await until(pilot, lambda: "default []" in " ".join(screen_text(app).split()))


HOSTILE = "[/red] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \u202e \U0001f600 漢字 " + "y" * 500


async def test_hostile_values_are_shown_literally(settings):
    document = Document.open(settings)
    for option in options():
        place = option.path.replace("style_configs", "style_configs.0")
        document = document.with_value(place, HOSTILE)
    document = document.with_value("generation_config.[red]", HOSTILE).with_value("[/]", {"a": HOSTILE})
    app = FormApp(document)
    async with app.run_test(size=(80, 200)) as pilot:
        for group in app.form._groups:
            await group.fold(False)
        app.form._show()
        for option in ("prompt_config.source", "prompt_config.prompt_override", "generation_config.dtype"):
            await go_to(app, pilot, option)
        shown = screen_text(app)
        assert "[/red]" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)


@pytest.mark.parametrize("option", ["prompt_config.key", "prompt_config.prompt_override"])
async def test_what_is_pasted_is_made_harmless(settings, option):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, option)
        app._driver.send_message(Paste("a\x1b]52;c;b\x07"))
        await until(pilot, lambda: app.document.value(option) == "a␛]52;c;b␇")


async def test_a_mouse_does_it_too(settings):
    async with form_of(settings, size=(100, 60)) as (app, pilot):
        table = app.query_one(StyleTable)
        await pilot.click(table, offset=(3, 2))
        assert app.document.styles[1]["enabled"] is False
        await pilot.click(table, offset=(30, 1))
        await pilot.click(table, offset=(30, 1))
        await write(pilot, "er")
        await until(pilot, lambda: app.document.styles[0]["style"] == "softer")
        chains = next(group for group in app.query(OptionGroup) if group.title.title == "Chains")
        await pilot.click(chains.title)
        await until(pilot, lambda: not chains.folded and len(chains.query(OptionRow)) > 2)
        progressive = next(row for row in chains.query(OptionRow) if row.option.key == "progressive")
        await pilot.click(progressive.field)
        await until(pilot, lambda: app.document.value("generation_config.progressive") is False)
        await pilot.click(progressive.query_one(".name"))
        assert app.focused is progressive.field
