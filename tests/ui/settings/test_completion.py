"""What is offered while a text is typed, and which keys are the list's."""

import pytest

from sframes_tui.ui.settings.completion import Completion, best
from tests.ui.conftest import until
from tests.ui.settings.forming import form_of, go_to, write


def offered(app):
    shown = [each for each in app.screen.query(Completion) if each.display]
    return [str(option.prompt) for each in shown for option in each.options]


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        ("", ["my-sea.txt", "seal.txt", "oversea.txt", "s-e-a", "hill"]),
        ("SEA", ["seal.txt", "my-sea.txt", "oversea.txt", "s-e-a"]),
        ("ll", ["hill"]),
        ("lh", []),
    ],
)
def test_the_best_come_first_and_what_lacks_a_letter_not_at_all(sought, expected):
    assert [value for value, _ in best(sought, ("my-sea.txt", "seal.txt", "oversea.txt", "s-e-a", "hill"))] == expected


def test_a_strangers_file_name_costs_no_more_than_its_length():
    """Its letters fit in as many ways as there are atoms, more or less."""
    ((_, places),) = best("ab" * 60 + "c", ("aabb" * 60 + "c",))
    assert len(places) == 121


@pytest.mark.asyncio
async def test_typing_offers_and_the_lists_keys_are_not_the_forms(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.scheduler")
        field = app.focused
        await write(pilot, "Eul")
        found = [value for value, _ in best("Eul", field.option.suggestions)]
        assert "Euler" in found[0]
        await until(pilot, lambda: offered(app) == found)
        await pilot.press("up")
        await pilot.press("tab")
        assert field.value == found[-1] == app.document.value("generation_config.scheduler")
        assert app.focused is field
        await until(pilot, lambda: not offered(app))
        await pilot.press("tab")
        assert app.focused is not field


@pytest.mark.asyncio
async def test_escape_and_leaving_take_the_list_away_and_nothing_else(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.scheduler")
        await write(pilot, "D")
        await until(pilot, lambda: offered(app))
        await pilot.press("escape")
        assert not offered(app)
        assert app.focused.value == "D"
        await pilot.press("ctrl+o")
        await until(pilot, lambda: len(offered(app)) > 3)
        app.form.focus_option("generation_config.seed")
        await until(pilot, lambda: not offered(app))


@pytest.mark.asyncio
async def test_the_list_stands_below_the_cursor_and_a_click_takes_a_value(settings):
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "generation_config.scheduler")
        field = app.focused
        await write(pilot, "Eul")
        await until(pilot, lambda: offered(app))
        found = next(each for each in app.screen.query(Completion) if each.display)
        await until(pilot, lambda: found.region.y == field.region.y + 1)
        assert found.region.x == field.cursor_screen_offset.x - 1
        second = str(found.options[1].prompt)
        await pilot.click(found, offset=(2, 1))
        await until(pilot, lambda: field.value == second)


@pytest.mark.asyncio
async def test_file_names_are_offered_literally(settings):
    (settings.parent / "[red]a[b] c.txt").write_text("x")
    async with form_of(settings) as (app, pilot):
        await go_to(app, pilot, "prompt_config.source")
        await pilot.press("home", "ctrl+k")
        await write(pilot, "[red")
        await until(pilot, lambda: offered(app) == ["[red]a[b] c.txt"])
        await pilot.press("enter")
        assert app.document.value("prompt_config.source") == "[red]a[b] c.txt"
