"""A stranger's story and config on the screen: shown as they are, never as markup, never as control characters."""

import json

import pytest

from tests.ui.conftest import CONFIG, log_text, opened, screen_text, toasts, until

pytestmark = pytest.mark.asyncio

HOSTILE = "\x1b]52;c;cm0=\x07[red]\x9b31m\u202e[/x][@click=app.quit]x[/] [bold"
RAW = ("\x1b", "\x07", "\x9b", "\u202e")


@pytest.fixture
def hostile(tmp_path):
    """A configuration whose every text is hostile."""
    (tmp_path / "story.txt").write_text(f"Chapter 1 {HOSTILE}\n{HOSTILE}\nChapter 2\n[/x]\n")
    path = tmp_path / "small.toml"
    texts = {'"in oil"': HOSTILE, '"oil"': HOSTILE, '"in chalk"': "[/x]", '"chalk"': "[bold"}
    text = CONFIG
    for plain, evil in texts.items():
        text = text.replace(plain, json.dumps(evil))
    more = f"seed = 1\nnegative_prompt = {json.dumps(HOSTILE)}\n"
    path.write_text(
        text.replace("seed = 1\n", more).replace(
            'source = "story.txt"', f'source = "story.txt"\nkey = {json.dumps(HOSTILE)}'
        )
    )
    return path


@pytest.mark.parametrize("size", [(140, 45), (80, 24)])
async def test_a_hostile_story_is_planned_drawn_and_shown_harmlessly(hostile, size):
    async with opened(hostile, size=size) as (app, pilot):
        for key in ("f2", "f3", "f4", "f5", "enter", "down", "down", "tab", "down", "escape"):
            await pilot.press(key)
            await pilot.pause()
            assert not [raw for raw in RAW if raw in screen_text(app)]
        if not app.main.session.running:
            await pilot.press("ctrl+r")
        await until(pilot, lambda: app.main.session.state.phase in ("completed", "failed"))
        await until(pilot, lambda: "pictures drawn" in log_text(app))
        assert app.main.session.state.drawn == 4
        shown = [screen_text(app), log_text(app), *map(str, toasts(app))]
        assert not [raw for raw in RAW if raw in "".join(shown)]
        assert app.is_running
