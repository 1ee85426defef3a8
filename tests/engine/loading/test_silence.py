"""The loop's watchdog over engines that draw with a model: what hangs is given up, and resume draws it."""

import threading

import pytest

from sframes_tui.config.file import load_config
from sframes_tui.engine.models import load_engine
from sframes_tui.plan.draft import make_draft
from sframes_tui.run.beside import watchdog
from sframes_tui.run.events import Control, Notice, RunCompleted
from sframes_tui.run.execute import execute, go_on
from sframes_tui.run.frame_events import FrameCompleted, FrameFailed
from tests.engine.tiny import tiny_sd, tiny_sd3
from tests.run.story_run import pictures, write_config

NEVER = 3600.0


class Hung:
    """One forward pass of a model that hangs until the watchdog has told of it."""

    def __init__(self, monkeypatch, after):
        """Which one: the first that comes when `after` pictures are on the disk."""
        self._monkeypatch, self._after, self._barked = monkeypatch, after, threading.Event()
        self.events = []
        self._be_patient_for(NEVER)
        for name, value in {"BEFORE_THE_FIRST": NEVER, "TICK": 0.02, "FIRSTS": 0, "MEDIANS": 0}.items():
            monkeypatch.setattr(watchdog, name, value)

    def _be_patient_for(self, seconds):
        self._monkeypatch.setattr(watchdog, "SHORTEST", seconds)

    def emit(self, event):
        self.events.append(event)
        if isinstance(event, Notice) and event.text.startswith("no step for"):
            self._be_patient_for(NEVER)
            self._barked.set()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def hook(self, *_):
        if not self._barked.is_set() and len(self.of(FrameCompleted)) >= self._after:
            self._be_patient_for(0.05)
            assert self._barked.wait(60)


@pytest.mark.parametrize(("model", "engine"), [(tiny_sd, "BatchedEngine"), (tiny_sd3, "GroupedEngine")])
def test_what_hangs_is_given_up_and_drawn_by_a_later_resume(tmp_path, monkeypatch, model, engine):
    config = write_config(tmp_path, 'interleave = false\nchain_scope = "chapter"\nrows = 3')
    folder = model(tmp_path / "model")
    config.write_text(config.read_text().replace("builtin:picturebook", str(folder)))
    draft = make_draft(load_config(config))

    def make_engine(draft):
        made = load_engine(draft.config.generation_config, draft.model)
        assert type(made).__name__ == engine
        return made

    def make_hung(draft):
        made = make_engine(draft)
        pipe = made.pipelines.text
        getattr(pipe, "unet", getattr(pipe, "transformer", None)).register_forward_pre_hook(hung.hook)
        return made

    hung = Hung(monkeypatch, after=2)
    execute(draft, make_hung, tmp_path / "out", hung.emit, Control())
    failed = hung.of(FrameFailed)
    assert 1 <= len(failed) <= 3
    assert all(event.reason.startswith("no step was made for") for event in failed)
    (ending,) = hung.of(RunCompleted)
    assert ending.drawn + ending.failed + ending.skipped == 10
    assert ending.drawn > len(failed)
    go_on(next((tmp_path / "out").rglob("run.toml")).parent, make_engine, lambda _: None, Control())
    execute(draft, make_engine, tmp_path / "whole", lambda _: None, Control())
    drawn, whole = (pictures(next((tmp_path / name).rglob("run.toml")).parent) for name in ("out", "whole"))
    assert drawn == whole
