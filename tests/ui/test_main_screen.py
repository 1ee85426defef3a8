"""The main screen as a whole, by its keys: layout, panes, run control, the way out."""

import pytest
from textual.widgets import Input, OptionList

from sframes_tui.run.state import InFlight, RunState
from sframes_tui.ui.dialogs.dialogs import Question
from sframes_tui.ui.dialogs.help import HelpScreen
from sframes_tui.ui.dialogs.pattern_picker import PatternPicker
from sframes_tui.ui.settings.form import ConfigForm
from sframes_tui.ui.status_line import StatusLine
from sframes_tui.ui.story.view import StoryView
from tests.run.paint import PaintEngine
from tests.ui.conftest import log_text, opened, screen_text, toasts, until

pytestmark = pytest.mark.asyncio


def phase(app):
    return app.main.session.state.phase


def has_two_in_hand(app):
    return len(app.main.session.state.in_flight) == 2


async def test_a_run_is_started_by_its_key_and_draws_every_picture(config):
    async with opened(config) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: phase(app) == "completed")
        assert app.main.session.state.drawn == 6
        assert "6 pictures drawn" in log_text(app)
        assert len(list(config.parent.rglob("*.png"))) == 6 + 4
        await until(pilot, lambda: "done" in screen_text(app) and "6/6" in screen_text(app))


async def test_after_a_run_too_short_to_be_seen_the_last_prompt_is_shown_and_a_start_is_offered(config):
    async with opened(config) as (app, pilot):
        app.main.runs.hear_news = lambda: None  # No news before the end, as on a slow line.
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(list(config.parent.rglob("*.png"))) == 6 + 4)
        await until(pilot, lambda: not app.main.session.running)
        app.main.runs.take_news()
        assert phase(app) == "completed"
        await until(pilot, lambda: "Start" in screen_text(app) and "Pause" not in screen_text(app))
        assert app.main.query_one(StoryView).story_tree.cursor.section == 1


async def test_a_second_start_is_refused_while_a_run_is_under_way(config, gated):
    async with opened(config, gated) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: has_two_in_hand(app))
        await pilot.press("ctrl+r")
        assert "A run is under way already: pause it or stop it first." in toasts(app)


async def test_a_run_is_paused_and_goes_on(config, gated, gate):
    async with opened(config, gated) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: has_two_in_hand(app))
        await pilot.press("f7")
        await until(pilot, lambda: "pausing" in screen_text(app))
        gate.open()
        await until(pilot, lambda: phase(app) == "paused" and app.main.session.state.drawn == 2)
        await until(pilot, lambda: "Go on" in screen_text(app))
        await pilot.press("f7")
        await until(pilot, lambda: phase(app) == "completed")
        assert app.main.session.state.drawn == 6


async def test_a_run_stops_after_the_two_pictures_in_hand(config, gated, gate):
    async with opened(config, gated) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: has_two_in_hand(app))
        await pilot.press("f8")
        gate.open()
        await until(pilot, lambda: phase(app) == "cancelled")
        assert app.main.session.state.drawn == 2


async def test_a_run_stops_now(config, gated):
    async with opened(config, gated) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: has_two_in_hand(app))
        await pilot.press("f9")
        await until(pilot, lambda: phase(app) == "cancelled")
        assert app.main.session.state.drawn == 0
        assert "stopped: 0 pictures drawn, 6 left" in log_text(app)


async def test_a_failed_frame_is_told_of_and_the_run_goes_on(config):
    async with opened(config, lambda draft: PaintEngine(draft.plan, spoiled=["oil 0-1"])) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: phase(app) == "completed")
        assert app.main.session.state.failed == 1
        assert "oil 0-1 failed: painted over" in log_text(app)
        await until(pilot, lambda: "1 failed" in screen_text(app))


async def test_settings_that_are_wrong_cannot_start_and_are_named(config):
    config.write_text(config.read_text().replace("num_inference_steps = 4", "num_inference_steps = 0"))
    async with opened(config) as (app, pilot):
        await pilot.press("f5", "ctrl+r")
        (told,) = toasts(app)
        assert "num_inference_steps" in told
        assert not app.main.session.running
        await until(pilot, lambda: app.main.query_one("#form").has_class("-front"))


async def test_without_a_run_the_keys_that_stop_one_say_so(config):
    async with opened(config) as (app, pilot):
        await pilot.press("f7", "f8", "f9")
        assert toasts(app) == ["There is no run under way."] * 3


@pytest.mark.parametrize(("size", "seen"), [((80, 24), 1), ((100, 30), 3), ((120, 40), 4), ((200, 60), 4)])
async def test_every_pane_can_be_reached_at_every_width(config, size, seen):
    async with opened(config, size=size) as (app, pilot):
        for key, name in (("f2", "form"), ("f3", "story"), ("f4", "pictures"), ("f5", "log")):
            await pilot.press(key)
            await pilot.pause()
            pane = app.main.query_one(f"#{name}")
            assert pane.region.width >= 30
            assert pane.region.height >= 6
            assert app.screen.region.contains_region(pane.region)
            panes = [app.main.query_one(f"#{each}") for each in ("form", "story", "pictures", "log")]
            assert sum(bool(each.region.area) for each in panes) == seen
        assert "Quit" in screen_text(app).split("\n")[-1]


async def test_a_click_on_a_tab_brings_its_pane(config):
    async with opened(config, size=(80, 24)) as (app, pilot):
        column = screen_text(app).split("\n")[0].index("Pictures")
        await pilot.click(offset=(column + 1, 0))
        await until(pilot, lambda: app.main.query_one("#pictures").region.area)


async def test_the_way_out_asks_nothing_where_nothing_would_be_lost(config):
    async with opened(config) as (app, pilot):
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0


@pytest.mark.parametrize(("key", "left"), [("y", True), ("n", False), ("escape", False)])
async def test_the_way_out_of_a_run_asks(config, gated, key, left):
    async with opened(config, gated) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: has_two_in_hand(app))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "A run is under way: 0 of 6 pictures are drawn." in screen_text(app))
        await pilot.press(key)
        await until(pilot, lambda: not isinstance(app.screen, Question) or not app.is_running)
        assert app._exit == left


async def test_the_way_out_of_a_dialogue_is_the_same_key(config):
    async with opened(config) as (app, pilot):
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0


async def test_prints_and_warnings_land_in_the_log(config):
    async with opened(config) as (app, pilot):
        app.tell("warning", "the card is [red]hot[/]\x1b]52;c;eA==\x07")
        await until(pilot, lambda: "the card is [red]hot[/]␛]52;c;eA==␇" in log_text(app))


async def test_the_foot_says_what_a_start_would_draw_or_why_it_cannot(config):
    async with opened(config, size=(80, 24)) as (app, pilot):
        await until(pilot, lambda: "no run yet  2 chapters · 6 pictures · 16 steps" in screen_text(app))
        form = app.main.query_one(ConfigForm)
        form.set_value("prompt_config.chapter_split_regex", "Nowhere in this story is there such a heading as this")
        await until(pilot, lambda: "no run yet  chapter_split_regex" in screen_text(app))
        foot = next(line for line in screen_text(app).split("\n") if "no run yet" in line)
        assert foot.rstrip().endswith("…")


async def test_at_80_columns_the_foot_shows_every_rate_beside_a_shorter_bar(config):
    flight = (InFlight(15, "oil 1-0", 14, 20),)
    state = RunState("drawing", frames=87, steps=1404, drawn=15, finished_steps=300, now=32.0, in_flight=flight)
    async with opened(config, size=(80, 24)) as (app, pilot):
        app.main.query_one(StatusLine).show_state(state, app.main.session.facts)
        await until(pilot, lambda: "15/87  step 14/20  1 min" in screen_text(app))
        assert "left  9.8 it/s  28.1 pictures/min" in screen_text(app)


async def test_leaving_out_in_the_story_is_an_edit_of_the_settings_also_during_a_run(config):
    async with opened(config) as (app, pilot):
        story = app.main.query_one(StoryView)
        await until(pilot, lambda: app.main.draft)
        await pilot.press("f3", "home", "down", "space")
        await until(pilot, lambda: app.main.draft and len(app.main.draft.plan.frames) == 4)
        assert app.main.document.value("prompt_config.leave_out") == ["0-0"]
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.main.session.state.phase == "completed")
        assert app.main.session.state.drawn == 4
        assert story.run_plan is not None
        await pilot.press("f3", "home", "down", "space")
        await until(pilot, lambda: app.main.draft and len(app.main.draft.plan.frames) == 6)
        assert app.main.document.value("prompt_config.leave_out") is None


async def test_a_regex_typed_into_the_settings_splits_the_story_and_a_ready_one_replaces_it(config):
    async with opened(config) as (app, pilot):
        await until(pilot, lambda: app.main.draft)
        app.main.query_one(ConfigForm).focus_option("prompt_config.prompt_split_regex")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*r"\n|a")
        await until(pilot, lambda: app.main.draft and app.main.draft.plan.story.prompt_count == 5)
        await until(pilot, lambda: "5 prompts" in screen_text(app))
        await pilot.press("(")
        await until(pilot, lambda: "missing )" in screen_text(app))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, PatternPicker) and app.screen.query("#looking"))
        options = app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count and not app.screen.query_one("#looking").display)
        await pilot.press("end", "enter")
        await until(pilot, lambda: app.main.draft)
        assert app.main.document.value("prompt_config.prompt_split_regex") == r"\n"
