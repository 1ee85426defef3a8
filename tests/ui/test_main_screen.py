"""The main screen as a whole: a run started by its key, seen to its end."""

import pytest

from sframes_tui.ui.log_pane import LogPane
from tests.ui.conftest import opened, until

pytestmark = pytest.mark.asyncio


def log_text(app):
    return "\n".join(app.main.query_one(LogPane).shown_lines)


async def test_a_run_is_started_by_its_key_and_draws_every_picture(config):
    async with opened(config) as (app, pilot):
        await until(pilot, lambda: app.main.draft)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.main.state.phase == "completed")
        assert app.main.state.drawn == 6
        assert "6 pictures drawn" in log_text(app)
        assert len(list(config.parent.rglob("*.png"))) == 6 + 4
