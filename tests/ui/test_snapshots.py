"""What the screen looks like, cell by cell: `pytest tests/ui/test_snapshots.py --snapshot-update` takes it anew."""

from pathlib import Path

import pytest
from textual.widgets import Input

from sframes_tui.config.document import Document
from sframes_tui.ui import app as app_module
from sframes_tui.ui.app import SFramesApp
from sframes_tui.ui.dialogs import help as help_screen
from sframes_tui.ui.opening import Opening
from tests.run.paint import PaintEngine
from tests.ui.conftest import until


@pytest.fixture
def look(config, monkeypatch, snap_compare):
    """Compares the screen after some keys with the picture that is kept of it."""
    # Nothing that differs from one test run to the next is on the screen: no clock, no folder, nothing remembered.
    monkeypatch.chdir(config.parent)
    monkeypatch.setattr(app_module, "recall", lambda _: "")
    monkeypatch.setattr(help_screen, "KEYMAP", Path("keys.toml"))
    monkeypatch.setattr(help_screen, "OWN", Path("themes"))

    def _look(size, *keys, seen=None, settings=""):
        name = Path(config.name)
        name.write_text(name.read_text().replace("seed = 1", f"seed = 1\n{settings}"))
        app = SFramesApp(
            Opening(name.name, lambda: Document.open(name), lambda draft: PaintEngine(draft.plan), Path("output"))
        )

        async def prepare(pilot):
            await until(pilot, lambda: app.main and app.main.draft and app._takes_keys)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            await until(pilot, lambda: seen is None or type(app.screen).__name__ == seen)
            for box in (box for screen in app.screen_stack for box in screen.query(Input)):
                box.cursor_blink = False
            await pilot.pause(0.5)

        assert snap_compare(app, terminal_size=size, run_before=prepare)

    return _look


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
def test_main_screen(look, size):
    look(size)


def test_help(look):
    look((80, 24), "f1", seen="HelpScreen")


def test_themes(look):
    look((80, 24), "ctrl+t", seen="ThemeDialog")


def test_trust(look):
    look((80, 24), "ctrl+r", seen="Question", settings='preview = "my-viewer -F"\npreview_stop = "my-viewer --close"')


def test_leaving(look):
    look((80, 24), "f2", "down", "down", *"x", "enter", "ctrl+q", seen="Question")


def test_runs(look):
    look((80, 24), "ctrl+n", seen="RunsDialog")
