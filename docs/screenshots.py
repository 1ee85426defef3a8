"""The README's pictures of the screen, from the running program: `make screenshots`.

Draws the lighthouse story with the built-in model in a screen without a terminal, and keeps what it shows meanwhile.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from sframes_tui.config.document import Document
from sframes_tui.engine.protocol import Engine
from sframes_tui.plan.draft import Draft
from sframes_tui.ui.app import SFramesApp
from sframes_tui.ui.opening import Opening
from sframes_tui.ui.terminal.abilities import Terminal

FOLDER = Path(__file__).resolve().parent
CONFIG = FOLDER.parent / "configs" / "lighthouse.toml"
STEPS = 12
SIZE = (120, 36)
DRAWN = 8
"""Pictures that are finished in the screenshots."""


def load_engine(draft: Draft) -> Engine:
    from sframes_tui.engine.models import load_engine as load

    return load(draft.config.generation_config, draft.model)


def quick_config(folder: Path) -> Path:
    """A copy of the configuration and its story in which a picture takes few steps."""
    config = Path(shutil.copytree(CONFIG.parent, folder / "configs")) / CONFIG.name
    config.write_text(re.sub("num_inference_steps = .*", f"num_inference_steps = {STEPS}", config.read_text()))
    return config


async def until(pilot: Pilot[None], happened: Callable[[], object]) -> None:
    while not happened():
        await pilot.pause(0.1)


async def take(folder: Path) -> None:
    config, root = quick_config(folder), folder / "output"
    opening = Opening(CONFIG.name, lambda: Document.open(config), load_engine, root, terminal=Terminal("halfcell"))
    app = SFramesApp(opening)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.main)
        assert app.main is not None
        session = app.main.session
        await pilot.press("ctrl+r")
        await until(pilot, lambda: session.state.drawn >= DRAWN and session.state.in_flight)
        await pilot.press("f7")
        await until(pilot, lambda: session.state.phase == "paused")
        await pilot.press("f4", "left")
        await keep(app, pilot, "screen.svg")
        session.stop()


async def keep(app: SFramesApp, pilot: Pilot[None], name: str) -> None:
    """Once everything on its way has arrived."""
    await pilot.pause(2)
    (FOLDER / name).write_text(app.export_screenshot(title="S-Frames"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(take(Path(folder)))
