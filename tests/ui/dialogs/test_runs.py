"""Runs that were begun before: looked at, gone on with, single pictures drawn again; by keys."""

import pytest

from sframes_tui.run import redraw
from sframes_tui.run.events import Control, Notice
from sframes_tui.run.record.past_run import open_run
from sframes_tui.ui.dialogs.dialogs import Question
from sframes_tui.ui.dialogs.redraw import RedrawDialog
from sframes_tui.ui.dialogs.runs import RunsDialog
from tests.run.paint import PaintEngine
from tests.ui.conftest import log_text, opened, screen_text, toasts, until

pytestmark = pytest.mark.asyncio


def state(app):
    return app.main.session.state


async def stop_after_two(app, pilot, gate):
    await pilot.press("ctrl+r")
    await until(pilot, lambda: len(state(app).in_flight) == 2)
    await pilot.press("f8")
    gate.open()
    await until(pilot, lambda: state(app).phase == "cancelled" and not app.main.session.running)


async def draw_all(app, pilot):
    await pilot.press("ctrl+r")
    await until(pilot, lambda: state(app).phase == "completed" and not app.main.session.running)


async def test_a_stopped_run_goes_on_after_a_word(config, gated, gate):
    async with opened(config, gated) as (app, pilot):
        await stop_after_two(app, pilot, gate)
        await until(pilot, lambda: "F6 Go on" in screen_text(app))
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await until(pilot, lambda: "kept: 2 pictures" in screen_text(app) and "to draw: 4 pictures" in screen_text(app))
        await pilot.press("y")
        await until(pilot, lambda: state(app).phase == "completed" and not app.main.session.running)
        assert (state(app).kept, state(app).drawn) == (2, 4)
        assert open_run(app.main.runs.folder).is_finished


async def test_a_configuration_without_a_run_is_drawn_where_a_run_was_to_go_on(config):
    told = (Notice("info", "which run [it] is"),)
    async with opened(config, resume=True, told=told) as (app, pilot):
        await until(pilot, lambda: state(app).phase == "completed" and not app.main.session.running)
        assert state(app).drawn == 6
        assert "which run [it] is" in log_text(app)


async def test_a_run_folder_is_opened_to_look_at(config, gated, gate):
    async with opened(config, gated) as (app, pilot):
        await stop_after_two(app, pilot, gate)
        folder = app.main.runs.folder
    async with opened(folder / "run.toml", folder=folder) as (app, pilot):
        await until(pilot, lambda: "stopped" in screen_text(app) and "2/6" in screen_text(app))
        assert not app.main.session.running
        assert app.main.draft is None


async def test_a_folder_that_holds_no_run_is_told_of(config, tmp_path):
    async with opened(config, folder=tmp_path / "output") as (app, pilot):
        await until(pilot, lambda: "no run folder, since it has no run.toml" in log_text(app).replace("\n", " "))


async def test_without_a_run_there_is_nothing_to_go_on_with(config):
    async with opened(config) as (app, pilot):
        await pilot.press("f6")
        assert toasts(app) == ["There is no run to go on with: open one from the list of runs."]


async def test_a_picture_is_drawn_again_and_its_older_take_comes_back(config):
    async with opened(config) as (app, pilot):
        await draw_all(app, pilot)
        await pilot.press("f4", "left", "left", "r")
        await until(pilot, lambda: isinstance(app.screen, RedrawDialog))
        name = app.main.query_one("#pictures").frame
        past = open_run(app.main.runs.folder)
        behind = len(past.plan.descendants(name))
        await until(pilot, lambda: f"{behind} picture" in screen_text(app))
        await pilot.press(*"77", "enter")
        await until(pilot, lambda: state(app).phase == "completed" and state(app).drawn == 1)
        await until(pilot, lambda: not app.main.session.running)
        past = open_run(app.main.runs.folder)
        assert past.change(name).seed == 77
        assert len(past.survey.stale) == behind == state(app).stale > 0
        await pilot.press("r")
        await until(pilot, lambda: "take 1: counts now" in screen_text(app))
        app.screen.query_one("#takes").focus()
        await pilot.press("home", "enter")
        await until(pilot, lambda: not isinstance(app.screen, RedrawDialog) and not app.main.session.running)
        assert open_run(app.main.runs.folder).take(name) == 0
        await until(pilot, lambda: state(app).stale == 0)


@pytest.mark.parametrize(("key", "drawn"), [("d", 2), ("k", 0)])
async def test_what_is_out_of_date_is_drawn_or_kept_later(config, key, drawn):
    async with opened(config) as (app, pilot):
        await draw_all(app, pilot)
        folder = app.main.runs.folder
        redraw.redraw(folder, redraw.Request((0,)), lambda draft: PaintEngine(draft.plan), lambda _: None, Control())
        await pilot.press("f6")
        await until(pilot, lambda: isinstance(app.screen, Question) and "out of date: 2 pictures" in screen_text(app))
        await pilot.press(key)
        await until(pilot, lambda: state(app).phase == "completed" and not app.main.session.running)
        await until(pilot, lambda: (state(app).drawn, state(app).stale) == (drawn, 0))
        assert open_run(folder).survey.stale == set()


async def test_a_field_that_is_wrong_is_named_in_the_dialogue(config):
    async with opened(config) as (app, pilot):
        await draw_all(app, pilot)
        await pilot.press("f4", "r")
        await until(pilot, lambda: isinstance(app.screen, RedrawDialog))
        await pilot.press(*"9999999999", "enter")
        await until(pilot, lambda: "The seed is at most 4294967295." in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RedrawDialog))


async def test_a_run_is_chosen_from_the_list(config, gated, gate):
    async with opened(config, gated) as (app, pilot):
        await stop_after_two(app, pilot, gate)
    async with opened(config) as (app, pilot):
        await pilot.press("ctrl+n")
        await until(pilot, lambda: isinstance(app.screen, RunsDialog) and "stopped   2/6" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: state(app).phase == "cancelled" and state(app).kept == 2)


async def test_an_empty_list_says_so(config):
    async with opened(config) as (app, pilot):
        await pilot.press("ctrl+n")
        await until(pilot, lambda: "No run yet below" in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, RunsDialog))
