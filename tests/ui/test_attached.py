"""A run that another process draws, watched and steered on the screen by keys."""

import asyncio
import subprocess

import pytest

from sframes_tui.run.beside.steering import Steering
from tests.processes.conftest import Stage
from tests.processes.started import DEADLINE, FRAMES, STEPS
from tests.ui.conftest import log_text, opened, screen_text, until

pytestmark = pytest.mark.asyncio


@pytest.fixture
def stage(tmp_path):
    made = Stage(tmp_path)
    yield made
    made.end()


@pytest.fixture
def drawn_elsewhere(stage):
    """The program that draws."""
    stage.gate.steps(STEPS)
    return stage.batch(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def drawn(stage):
    """Waits for the first picture."""
    async with asyncio.timeout(DEADLINE):
        while not stage.pictures():
            await asyncio.sleep(0.02)


def asked(folder):
    return Steering(folder).status().asked


def state(app):
    return app.main.session.state


async def test_it_is_seen_paused_and_stopped_from_here(stage, drawn_elsewhere):
    await drawn(stage)
    folder = stage.run_folder()
    async with opened(folder / "run.toml", folder=folder) as (app, pilot):
        await until(pilot, lambda: state(app).phase == "drawing" and state(app).drawn == 1)
        assert "watching a run that is drawn by process" in log_text(app)
        stage.gate.steps(1)
        await until(pilot, lambda: state(app).in_flight and state(app).in_flight[0].step == 1)
        await pilot.press("f7")
        await until(pilot, lambda: asked(folder) == "pause")
        stage.gate.steps(STEPS - 1)
        await until(pilot, lambda: state(app).phase == "paused")
        await until(pilot, lambda: len(stage.pictures()) == 2)
        await pilot.press("f7")
        await until(pilot, lambda: state(app).phase == "drawing")
        await pilot.press("f8")
        await until(pilot, lambda: asked(folder) == "finish")
        stage.gate.open()
        await until(pilot, lambda: state(app).phase == "cancelled" and not app.main.session.running)
        assert drawn_elsewhere.wait() == 1
        assert state(app).drawn == len(stage.pictures())


async def test_leaving_does_not_touch_it(stage, drawn_elsewhere):
    await drawn(stage)
    folder = stage.run_folder()
    async with opened(folder / "run.toml", folder=folder) as (app, pilot):
        await until(pilot, lambda: state(app).phase == "drawing")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert drawn_elsewhere.alive
    stage.gate.open()
    assert drawn_elsewhere.wait() == 0
    assert len(stage.pictures()) == FRAMES


async def test_its_process_killed_is_told_and_it_can_go_on_from_here(stage, drawn_elsewhere):
    await drawn(stage)
    folder = stage.run_folder()
    async with opened(folder / "run.toml", folder=folder) as (app, pilot):
        await until(pilot, lambda: state(app).phase == "drawing")
        drawn_elsewhere.end()
        await until(pilot, lambda: "gone without a word" in log_text(app))
        await until(pilot, lambda: state(app).phase == "cancelled" and "F6 Go on" in screen_text(app))
