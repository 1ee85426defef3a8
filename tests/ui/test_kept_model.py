"""What a screen keeps from one run to the next: the model, until it is let go of; the viewer; nothing else."""

import gc
import os
import sys
import threading
import time
import weakref
from dataclasses import replace

import pytest

from sframes_tui.engine import models
from sframes_tui.engine.model_cache import ModelCache
from sframes_tui.process import workers
from sframes_tui.process.knobs import uncollected
from sframes_tui.process.workers import IdleWork
from sframes_tui.run.beside import trust
from sframes_tui.ui.dialogs.dialogs import Question
from sframes_tui.ui.dialogs.redraw import RedrawDialog
from sframes_tui.ui.settings.form import ConfigForm
from tests.engine import tiny
from tests.run.paint import PaintEngine
from tests.ui.conftest import GatedEngine, log_text, opened, screen_text, toasts, until
from tests.ui.dialogs.test_runs import state


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return [tiny.tiny_sd(root / name, "DDIM") for name in ("first", "second")]


@pytest.fixture
def loads(monkeypatch):
    """The UNets that were loaded, each as a reference that doesn't hold it; none is there when the next is loaded."""
    loaded, load = [], models.load_model

    def watched(*given):
        assert [ref() for ref in loaded if ref() is not None] == []
        made = load(*given)
        loaded.append(weakref.ref(made.pipelines.text.unet))
        return made

    monkeypatch.setattr(models, "load_model", watched)
    return loaded


@pytest.fixture
def kept(config, folders):
    """A screen with a small real model, that may keep it."""
    config.write_text(config.read_text().replace("builtin:picturebook", str(folders[0])).replace("= 4", "= 2"))
    cache = ModelCache()
    return lambda: opened(config, cache.engine_for, kept=cache)


async def drawn(app, pilot, key):
    started = app.main.session._thread
    await pilot.press(key)
    await until(pilot, lambda: app.main.session._thread is not started)
    await until(pilot, lambda: not app.main.session.running and state(app).phase == "completed")


async def redrawn(app, pilot):
    await pilot.press("f4", "r")
    await until(pilot, lambda: isinstance(app.screen, RedrawDialog))
    await drawn(app, pilot, "enter")


async def edited(app, pilot, **values):
    """Once a run was started nothing is planned before the next edit."""
    assert app.main.draft is None
    for option, value in values.items():
        app.main.query_one(ConfigForm).set_value(f"generation_config.{option}", value)
    await until(pilot, lambda: app.main.draft is not None)


@pytest.mark.asyncio
async def test_a_redraw_and_the_next_run_after_an_edit_load_nothing(kept, loads):
    async with kept() as (app, pilot):
        await drawn(app, pilot, "ctrl+r")
        await redrawn(app, pilot)
        await edited(app, pilot, guidance_scale=3.0)
        await drawn(app, pilot, "ctrl+r")
        assert len(loads) == 1
        told = log_text(app)
        assert told.count("first loaded in") == 1
        assert told.count("first still loaded: cpu, float32, batched engine") == 2
        await until(pilot, lambda: "first loaded · cpu · float32" in screen_text(app))
        await until(pilot, lambda: "F10 Free memory" in screen_text(app))
        await pilot.press("f10")
        await until(pilot, lambda: loads[0]() is None and "the model was let go" in log_text(app))
        await until(pilot, lambda: "F10" not in screen_text(app) and "first loaded" not in screen_text(app))
        await pilot.press("f10")
        await until(pilot, lambda: toasts(app))
        assert toasts(app)[-1] == "There is no model to let go of: none is loaded, or it is at work."


@pytest.mark.asyncio
async def test_another_model_is_loaded_once_the_first_is_gone(kept, loads, folders):
    async with kept() as (app, pilot):
        await drawn(app, pilot, "ctrl+r")
        await edited(app, pilot, model=str(folders[1]))
        gc.disable()
        await drawn(app, pilot, "ctrl+r")
        gc.enable()
        assert [ref() is None for ref in loads] == [True, False]


class OnGpu(GatedEngine):
    """Says that it draws on a GPU."""

    def __init__(self, plan, gate):
        super().__init__(plan, gate)
        self.facts = replace(self.facts, device="cuda:0")


@pytest.mark.asyncio
async def test_a_paused_run_gives_its_memory_back_by_a_key(config, gate):
    engines = []

    def make(draft):
        engines.append(OnGpu(draft.plan, gate))
        return engines[0]

    async with opened(config, make) as (app, pilot):
        await pilot.press("ctrl+r")
        await until(pilot, lambda: state(app).in_flight)
        await pilot.press("f10")
        assert "at work" in toasts(app)[-1]
        await pilot.press("f7")
        gate.open()
        await until(pilot, lambda: state(app).phase == "paused" and "F10 Free memory" in screen_text(app))
        await pilot.press("f10")
        await until(pilot, lambda: engines[0].resting and "waits in main memory" in log_text(app))
        await until(pilot, lambda: "F10" not in screen_text(app))
        await pilot.press("f7")
        await until(pilot, lambda: state(app).phase == "completed")
        assert not engines[0].resting


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own on Linux alone")
@pytest.mark.asyncio
@pytest.mark.parametrize(("device", "niceness"), [("cpu", 10), ("cuda:0", 0)])
async def test_only_where_the_cpu_draws_its_threads_make_way(config, device, niceness):
    seen = []

    class Polite(PaintEngine):
        def __init__(self, plan):
            super().__init__(plan)
            self.facts = replace(self.facts, device=device)

        def advance(self, report, cancelled):
            def look():
                seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

            look()
            own = threading.Thread(target=look)
            own.start()
            own.join()
            return super().advance(report, cancelled)

    async with opened(config, lambda draft: Polite(draft.plan)) as (app, pilot):
        usual = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        await drawn(app, pilot, "ctrl+r")
        assert set(seen) == {max(niceness, usual)}
        assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == usual


@pytest.mark.asyncio
async def test_the_viewer_sees_what_is_drawn_when_a_run_starts_goes_on_and_is_drawn_again(
    config, gated, gate, tmp_path, monkeypatch
):
    monkeypatch.setattr(trust, "STORE", tmp_path / "trusted")
    record, script = tmp_path / "record", tmp_path / "view.py"
    script.write_text(f"import sys; open({str(record)!r}, 'a').write(sys.argv[1] + '\\n')")
    command = f"{sys.executable} {script}"
    config.write_text(config.read_text().replace("seed = 1", f'seed = 1\npreview = "{command}"'))

    def shown():
        """Pictures that were shown; a viewer that is closed at once for a new chapter's may not have come to it."""
        return record.read_text().splitlines() if record.exists() else []

    async def allow():
        await until(pilot, lambda: isinstance(app.screen, Question) and "start these programs" in screen_text(app))
        await pilot.press("o")

    async with opened(config, gated) as (app, pilot):
        await pilot.press("ctrl+r")
        await allow()
        await until(pilot, lambda: len(state(app).in_flight) == 2)
        await pilot.press("f8")
        gate.open()
        await until(pilot, lambda: state(app).phase == "cancelled" and not app.main.session.running)
        await until(pilot, lambda: len(shown()) == 1)
        await pilot.press("f6")
        await until(pilot, lambda: "to draw: 4 pictures" in screen_text(app))
        await pilot.press("y")
        await allow()
        await until(pilot, lambda: shown()[-1].endswith("oil 1-0.png") and not app.main.session.running)
        before = len(shown())
        await redrawn(app, pilot)
        await until(pilot, lambda: len(shown()) == before + 1)


class Cycle:
    def __init__(self):
        self.me = self


def test_garbage_is_collected_also_after_a_story_was_split():
    dialog = Cycle()
    gone = weakref.ref(dialog)
    with uncollected():
        del dialog
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert gone() is None


def test_idle_work_waits_for_keys_and_ends(monkeypatch):
    monkeypatch.setattr(workers, "IDLE_SECONDS", 0.05)
    made = []

    def pieces():
        for number in range(3):
            made.append((number, time.monotonic()))
            yield

    key = time.monotonic() + 0.2
    work = IdleWork(pieces, lambda: key)
    work.start()
    work.join(60)
    assert [number for number, _ in made] == [0, 1, 2]
    assert made[0][1] >= key + 0.05
    never = IdleWork(pieces, lambda: time.monotonic() + 1000)
    never.start()
    never.end()
    never.join(60)
    assert not never.is_alive()
    assert len(made) == 3


@pytest.mark.asyncio
async def test_an_idle_screen_imports_what_its_model_needs_until_a_run_begins(kept, loads, monkeypatch):
    monkeypatch.setattr(workers, "IDLE_SECONDS", 0.0)
    async with kept() as (app, pilot):
        await until(pilot, lambda: app.main.runs._idle_work is not None and not app.main.runs._idle_work.is_alive())
        assert loads == []
        await drawn(app, pilot, "ctrl+r")
        assert len(loads) == 1
