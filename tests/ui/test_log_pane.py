"""The log: filtered, followed, copied, bounded."""

import pytest

from sframes_tui.ui.log_pane import MAX_LINES, LogPane, LogView, wrapped
from tests.ui.conftest import log_text, opened, screen_text, until

pytestmark = pytest.mark.asyncio


def fill(app, count):
    for number in range(count):
        app.main.tell(("info", "warning", "error")[number % 3], f"line {number}")


async def test_levels_are_filtered_by_a_key(config):
    async with opened(config) as (app, pilot):
        fill(app, 9)
        await pilot.press("f5", "l")
        assert log_text(app).split() == ["line", "1", "line", "2", "line", "4", "line", "5", "line", "7", "line", "8"]
        await pilot.press("l")
        assert log_text(app).split() == ["line", "2", "line", "5", "line", "8"]
        await until(pilot, lambda: "errors" in screen_text(app))
        await pilot.press("l")
        assert log_text(app).count("line") == 9


async def test_words_are_searched_as_they_are_typed(config):
    async with opened(config) as (app, pilot):
        fill(app, 20)
        await pilot.press("f5", "slash", *"LINE 1")
        assert log_text(app).count("line") == 11
        await pilot.press("enter")
        assert isinstance(app.focused, LogView)
        await pilot.press("escape")
        await until(pilot, lambda: log_text(app).count("line") == 20)


@pytest.mark.parametrize(("first", "then"), [(0, 30), (3, 9), (3, 30), (11, 1)])
async def test_its_end_is_in_sight_however_many_lines_come_at_once(config, first, then):
    async with opened(config) as (app, pilot):
        fill(app, first)
        await until(pilot, lambda: not first or f"line {first - 1}" in screen_text(app))
        for number in range(then):
            app.main.tell("info", f"later {number}")
        await until(pilot, lambda: f"later {then - 1}" in screen_text(app))


async def test_another_size_of_the_terminal_does_not_end_the_following(config):
    async with opened(config) as (app, pilot):
        fill(app, 60)
        view = app.main.query_one(LogView)
        for size in ((80, 24), (200, 60), (30, 8), (120, 40)):
            await pilot.resize_terminal(*size)
        fill(app, 60)
        await until(pilot, lambda: view.following and view.scroll_y == view.max_scroll_y > 0)


async def test_it_follows_until_somebody_looks_back(config):
    async with opened(config) as (app, pilot):
        fill(app, 200)
        await until(pilot, lambda: "line 199" in screen_text(app))
        await pilot.press("f5", "home")
        await until(pilot, lambda: "line 0" in screen_text(app))
        app.main.tell("info", "one more")
        await pilot.pause()
        assert "one more" not in screen_text(app)
        await pilot.press("f")
        await until(pilot, lambda: "one more" in screen_text(app))


async def test_what_is_shown_is_copied(config):
    async with opened(config) as (app, pilot):
        fill(app, 3)
        await pilot.press("f5", "l", "l", "c")
        assert app.clipboard == "line 2"


async def test_its_length_is_bounded(config):
    async with opened(config) as (app, _):
        for number in range(MAX_LINES + 50):
            app.main.query_one(LogPane).add("info", f"line {number}")
        lines = app.main.query_one(LogPane).shown_lines
        assert len(lines) == MAX_LINES
        assert lines[-1] == f"line {MAX_LINES + 49}"


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("", [""]),
        ("short", ["short"]),
        ("words are parted", ["words are", "parted"]),
        ("averyverylongword", ["averyveryl", "ongword"]),
        ("漢字漢字漢字", ["漢字漢字漢", "字"]),
        ("ten chars! and", ["ten chars!", "and"]),
    ],
)
async def test_long_lines_are_wrapped_at_words(line, rows):
    assert wrapped(line, 10) == rows
