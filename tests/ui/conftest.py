"""The screen under test: real keys through Textual's pilot, a small story, an engine that paints plain colours."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from sframes_tui.config.document import Document
from sframes_tui.ui.app import SFramesApp
from sframes_tui.ui.log_pane import LogPane
from sframes_tui.ui.opening import Opening
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


class Gate:
    """Lets an engine take one step, or all; what waits at it goes on at once when the run is told to stop."""

    def __init__(self):
        self._steps = threading.Semaphore(0)
        self._open = threading.Event()

    def let(self, steps):
        self._steps.release(steps)

    def open(self):
        self._open.set()

    def pass_through(self, cancelled):
        while not (self._open.is_set() or cancelled.is_set() or self._steps.acquire(timeout=0.01)):
            pass


class GatedEngine(PaintEngine):
    """Paints a step only when its gate lets it."""

    def __init__(self, plan, gate, **options):
        super().__init__(plan, **options)
        self._gate = gate

    def advance(self, report, cancelled):
        self._gate.pass_through(cancelled)
        return super().advance(report, cancelled)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def gated(gate):
    """A factory of engines that paint a step only when the gate lets them."""
    return lambda draft: GatedEngine(draft.plan, gate)


@pytest.fixture
def config(tmp_path):
    """The path of a configuration file with a story of two chapters, three prompts and two styles beside it."""
    (tmp_path / "story.txt").write_text(STORY)
    path = tmp_path / "small.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def settings(tmp_path):
    """The path of a configuration file with comments, to be edited in the form."""
    from tests.ui.settings.forming import TEXT

    (tmp_path / "story.txt").write_text("one\ntwo\n")
    path = tmp_path / "story.toml"
    path.write_text(TEXT)
    return path


@asynccontextmanager
async def opened(path, make_engine=None, size=(120, 40), root=None, folder=None, **more):
    """The application with `path` open, and its pilot; with a run folder instead, that is looked at. `more`: as
    `Opening` has it.
    """
    make = make_engine or (lambda draft: PaintEngine(draft.plan))
    place = root or path.parent / "output"
    app = SFramesApp(Opening(path.name, lambda: Document.open(path), make, place, folder, **more))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app._takes_keys)
        yield app, pilot
        app.main.session.stop()
    app.main.session.join()


async def until(pilot, happened):
    """Waits until `happened()` is true, and returns what it gave."""
    async with asyncio.timeout(DEADLINE):
        while not (found := happened()):
            await pilot.pause(0.02)
    return found


def screen_text(app):
    """What can be read on the screen, line by line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def log_text(app):
    return "\n".join(app.main.query_one(LogPane).shown_lines)


def toasts(app):
    return [notification.message for notification in app._notifications]
