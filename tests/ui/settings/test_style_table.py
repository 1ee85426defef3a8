"""The table of styles, by real keys."""

import pytest

from sframes_tui.ui.settings.style_table import StyleTable
from tests.ui.conftest import screen_text, until
from tests.ui.settings.forming import form_of, go_to, key_event

pytestmark = pytest.mark.asyncio


async def test_styles_are_edited_in_place(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "style_configs.0.style")
        await pilot.press("enter", "end", "e", "r", "enter", "left", "plus")
        assert app.document.styles[0] == {"style": "softer", "file_tag": "soft", "weight": 0.55}
        await pilot.press("right", "enter", "x", "escape")
        assert app.document.styles[0]["style"] == "softer"
        await pilot.press("d", "down", "space", "K")
        assert [(each["file_tag"], each.get("enabled")) for each in app.document.styles] == [
            ("soft", None),
            ("hard", False),
            ("soft-2", None),
        ]
        await pilot.press("up", "delete", "J", "a", "i", "n", "k", "enter")
        assert [each["style"] for each in app.document.styles] == ["softer", "hard", "ink"]
        app.form.save()
        await pilot.pause()
        text = settings.read_text()
        assert text.index('"soft-2"') < text.index("# the hard one") < text.index('"hard"') < text.index('"ink"')
        assert "# the soft one" not in text


async def test_a_wrong_weight_is_told_below_its_style(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "style_configs.1.weight")
        await pilot.press("enter", "backspace", "backspace", "backspace", "7")
        await until(pilot, lambda: "✗ weight: input should be less than or equal to 1" in screen_text(app))
        await pilot.press("escape")
        assert app.document.value("style_configs.1.weight") == 1.0
        await pilot.press("space", "up", "space")
        await until(pilot, lambda: "switch at least one on" in screen_text(app))


async def test_a_style_is_typed_ahead(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "style_configs.0.style")
        for key in ("a", "a", "d", "space", "w", "enter", "down", "enter", "K", "up", "space"):
            app._driver.send_message(key_event(app, key))
        await until(pilot, lambda: [each["style"] for each in app.document.styles] == ["soft", "ad w", "hardK"])
        assert app.document.styles[1]["enabled"] is False
        await until(pilot, lambda: not app.query("StyleTable Input"))
        # The last keys may still be on their way up to the app.
        await pilot.press("home")


async def test_hundred_styles_are_walked_and_edited(tmp_path):
    many = "".join(f'[[style_configs]]\nstyle = "s{n}"\nfile_tag = "t{n}"\nweight = 0.5\n' for n in range(100))
    settings = tmp_path / "many.toml"
    settings.write_text(f'[prompt_config]\nsource = "a"\n{many}')
    async with form_of(settings, size=(80, 24)) as (app, pilot):
        await go_to(app, pilot, "style_configs.58.style")
        await pilot.press("down", "down", "enter", "x", "enter")
        assert app.document.styles[60]["style"] == "s60x"
        scroller = app.query_one("#form-fields")
        line = app.query_one(StyleTable).region.y + 61
        assert scroller.region.y <= line < scroller.region.bottom
        await go_to(app, pilot, "style_configs.99.style")
        await pilot.press("down")
        assert app.focused.title == "Model and steps"
