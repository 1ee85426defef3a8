"""Whole runs without a model: on a disk that fills up they wait, and end as if nothing had been."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from sframes_tui.cli import main
from sframes_tui.config.file import load_config
from sframes_tui.errors import ModelError, UsageError
from sframes_tui.plan.draft import make_draft
from sframes_tui.run.beside import trust
from sframes_tui.run.beside.status import run_status
from sframes_tui.run.beside.steering import Steering
from sframes_tui.run.events import Control, Notice, RunCancelled, RunCompleted, RunFailed, RunPaused, RunResumed
from sframes_tui.run.execute import execute, go_on
from sframes_tui.run.frame_events import FrameCompleted
from sframes_tui.run.record import disk
from sframes_tui.run.record.journal import NAME, Reader
from tests.run.paint import PaintEngine
from tests.run.record.small_disk import fill, small_disk

CONFIG = """[prompt_config]
source = "story.txt"
[generation_config]
model = "builtin:picturebook"
scheduler = "DDIM"
seed = 3
rows = 2
[[style_configs]]
style = "oil"
file_tag = "oil"
weight = 0.9
[[style_configs]]
style = "ink"
file_tag = "ink"
weight = 0.5
"""
PROMPTS = 15


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(disk, "CHECK_SECONDS", 0.04)
    monkeypatch.setattr(disk, "WAKE_SECONDS", 0.02)


@pytest.fixture
def draft(tmp_path):
    (tmp_path / "story.txt").write_text("".join(f"prompt {number}\n" for number in range(PROMPTS)))
    (tmp_path / "my.toml").write_text(CONFIG)
    return make_draft(load_config(tmp_path / "my.toml"))


@pytest.fixture
def root(tmp_path):
    with small_disk(tmp_path / "disk", 4000) as folder:
        yield folder


class Drawn:
    """One drawing of a draft, or the going on of a run folder, its events kept."""

    def __init__(self, place, draft=None, on_event=lambda *_: None):
        self.events, self.control = [], Control()

        def emit(event):
            self.events.append(event)
            on_event(event, self)

        def make_engine(draft):
            return PaintEngine(draft.plan)

        if draft is None:
            go_on(place, make_engine, emit, self.control)
        else:
            execute(draft, make_engine, place, emit, self.control)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def run_folder(root):
    (path,) = root.rglob(NAME)
    return path.parent


def pictures(root):
    return {path.name: path.read_bytes() for path in root.rglob("*.png") if ".sframes" not in path.parts}


@pytest.fixture
def expected(tmp_path, draft):
    """The pictures of a run that nothing interrupts."""
    Drawn(tmp_path / "whole", draft)
    return pictures(tmp_path / "whole")


def fills_up(root, after, on_pause):
    """The disk is full after so many pictures; `on_pause` is done once the run tells of it."""
    seen = []

    def see(event, drawn):
        seen.extend([event] if isinstance(event, FrameCompleted) else [])
        if isinstance(event, FrameCompleted) and len(seen) == after:
            fill(root)
        if isinstance(event, RunPaused):
            on_pause(drawn)

    return see


def test_a_run_waits_for_space_and_ends_with_the_same_bytes(root, draft, expected):
    drawn = Drawn(root, draft, fills_up(root, 4, lambda _: (root / "ballast").unlink()))
    assert isinstance(drawn.events[-1], RunCompleted)
    assert len(drawn.of(RunPaused)) == len(drawn.of(RunResumed)) == 1
    assert "the disk is full (No space left on device)" in drawn.of(RunPaused)[0].reason
    assert pictures(root) == expected
    journal = Reader(run_folder(root) / NAME)
    kinds = [record["kind"] for record in journal]
    assert journal.offset == (run_folder(root) / NAME).stat().st_size
    assert kinds.index("paused") < kinds.index("resumed") < kinds.index("ended")
    assert not [*root.rglob("*.tmp"), *root.rglob("reserve")]


@pytest.mark.parametrize("how", ["finish", "stop"])
def test_whoever_will_not_wait_stops_and_resumes_later_without_loss(root, draft, expected, how):
    def end(each):
        fill(root)  # what the reserve left free
        getattr(each.control, how).set()

    drawn = Drawn(root, draft, fills_up(root, 4, end))
    ending = drawn.events[-1]
    assert isinstance(ending, RunCancelled)
    assert ending.drawn == len(drawn.of(FrameCompleted)) >= 4
    assert ending.drawn + ending.left == 2 * PROMPTS
    assert "did not fit on the full disk" in drawn.of(Notice)[-1].text
    told = {event.path: event.path.read_bytes() for event in drawn.of(FrameCompleted)}
    assert all(expected[path.name] == content for path, content in told.items())
    (root / "ballast").unlink()
    Drawn(run_folder(root))
    assert pictures(root) == expected


def test_another_process_sees_that_the_disk_is_full_and_for_how_long(root, draft):
    said = []

    def ask(_):
        said.extend([Steering(run_folder(root)).status(), run_status(run_folder(root))])
        (root / "ballast").unlink()

    Drawn(root, draft, fills_up(root, 4, ask))
    live, summary = said
    assert live.phase == summary.phase == "paused"
    assert live.pause.startswith("the disk is full (No space left on device)")
    assert 0 <= live.paused_seconds < 600
    assert re.fullmatch(r"paused for \d+ s: the disk is full \(.*", list(summary.lines())[1])


@pytest.mark.parametrize("left", [0, 200])
def test_a_full_disk_at_the_start_is_refused_before_the_model_loads(root, draft, left):
    fill(root, left=left)
    with pytest.raises(UsageError, match=r"can't make the run folder: No space left on device; choose another"):
        execute(draft, no_model, root, lambda _: None, Control())
    assert {path.name for path in root.iterdir()} == {"ballast"}


def no_model(_):
    pytest.fail("the model was loaded")


def left_by_a_full_disk(root, draft):
    """A run that was stopped upon a full disk; what it holds."""
    Drawn(root, draft, fills_up(root, 4, lambda each: each.control.stop.set()))
    fill(root)
    return pictures(root)


def test_going_on_upon_a_full_disk_waits_for_space(root, draft, expected):
    left_by_a_full_disk(root, draft)

    def free(event, _):
        if isinstance(event, RunPaused):
            (root / "ballast").unlink(missing_ok=True)

    drawn = Drawn(run_folder(root), on_event=free)
    assert len(drawn.of(RunPaused)) == len(drawn.of(RunResumed)) == 1
    assert isinstance(drawn.events[-1], RunCompleted)
    assert pictures(root) == expected


@pytest.mark.parametrize("how", ["finish", "stop"])
def test_whoever_will_not_wait_to_go_on_is_told_so_and_nothing_is_changed(root, draft, expected, how):
    before = left_by_a_full_disk(root, draft)

    def end(event, drawn):
        if isinstance(event, RunPaused):
            getattr(drawn.control, how).set()

    drawn = Drawn(run_folder(root), on_event=end)
    assert isinstance(drawn.events[-1], RunCancelled)
    assert pictures(root) == before
    (root / "ballast").unlink()
    Drawn(run_folder(root))
    assert pictures(root) == expected


def test_a_read_only_file_system_is_refused_at_the_start(root, draft):
    subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
    with pytest.raises(UsageError, match="can't make the run folder: Read-only file system; choose another"):
        execute(draft, no_model, root, lambda _: None, Control())


@pytest.mark.parametrize("place", ["/proc/x", "/proc/x/y", "/dev/null", "/dev/null/x", "/sys/x"])
def test_an_output_that_can_not_be_is_refused_before_the_model_loads(draft, place):
    events = []
    with pytest.raises(UsageError, match=f"{place}: can't make the run folder: .*; choose another with --output"):
        execute(draft, no_model, Path(place), events.append, Control())
    assert [type(event) for event in events] == [RunFailed]


def test_nothing_is_left_where_no_model_loads(tmp_path, draft):
    def fail(_):
        raise ModelError("there is none")

    with pytest.raises(ModelError):
        execute(draft, fail, tmp_path / "a" / "b", lambda _: None, Control())
    assert not (tmp_path / "a").exists()


def test_a_strangers_run_tells_nobody_of_its_end_unless_that_was_allowed(tmp_path, draft, monkeypatch):
    monkeypatch.setattr(trust, "STORE", tmp_path / "trusted")
    Drawn(tmp_path / "out", draft)
    config = run_folder(tmp_path / "out") / "run.toml"
    config.write_text(config.read_text().replace("seed = 3", f'seed = 3\nnotify = "touch {tmp_path}/pwned"'))
    drawn = Drawn(config.parent)
    assert isinstance(drawn.events[-1], RunCompleted)
    assert "nobody allowed that" in drawn.of(Notice)[0].text
    assert main(["resume", str(config.parent), "--batch"]) == 3
    assert not (tmp_path / "pwned").exists()


def test_the_checks_before_the_first_frame_are_a_line_each(tmp_path, draft):
    drawn = Drawn(tmp_path / "out", draft)
    checks = [event.text.split(":")[0] for event in drawn.of(Notice) if event.text.startswith("checked")]
    assert checks == ["checked the text", "checked the model", "checked the prompts", "checked the disk"]
    log = (run_folder(tmp_path / "out") / "run.log").read_text()
    assert json.dumps(checks[0])[1:-1] in log
