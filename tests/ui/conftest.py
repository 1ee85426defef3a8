"""The screen under test: real keys through Textual's pilot, a small story, an engine that paints plain colours."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from sframes_tui.story.document import Document
from sframes_tui.ui.app import SFramesApp
from tests.run.paint import PaintEngine

DEADLINE = 60.0
"""Seconds that a test waits for what must happen; only a broken program needs them."""

CONFIG = r"""
# A comment that stays.
[prompt_config]
source = "story.txt"
chapter_split_regex = '(?m)^Chapter \d+'

[generation_config]
model = "builtin:picturebook"
num_inference_steps = 4
seed = 1

[[style_configs]]
style = "in oil"
file_tag = "oil"
weight = 0.5

[[style_configs]]
style = "in chalk"
file_tag = "chalk"
weight = 0.5
"""

STORY = "Chapter 1 The Sea\na boat\na wave\nChapter 2 The Hill\na tree\n"


@pytest.fixture
def config(tmp_path):
    """The path of a configuration file with a story of two chapters, three prompts and two styles beside it."""
    (tmp_path / "story.txt").write_text(STORY)
    path = tmp_path / "small.toml"
    path.write_text(CONFIG)
    return path


@asynccontextmanager
async def opened(path, make_engine=None, size=(120, 40), root=None):
    """The application with `path` open, and its pilot."""
    make = make_engine or (lambda draft: PaintEngine(draft.plan))
    app = SFramesApp(Document.open(path), make, root or path.parent / "output")
    async with app.run_test(size=size) as pilot:
        yield app, pilot
        app.main.run_control.stop()
    app.main.run_control.join()


async def until(pilot, happened):
    """Waits until `happened()` is true, and returns what it gave."""
    async with asyncio.timeout(DEADLINE):
        while not (found := happened()):
            await pilot.pause(0.02)
    return found
