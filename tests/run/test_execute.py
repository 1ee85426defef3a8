"""Whole runs without a model: on a disk that fills up they wait, and end as if nothing had been."""

import json
import subprocess

import pytest

from sframes_tui.cli import main
from sframes_tui.errors import DiskError, UsageError
from sframes_tui.run import disk, trust
from sframes_tui.run.events import FrameCompleted, Notice, RunCancelled, RunCompleted, RunPaused, RunResumed
from sframes_tui.run.execute import execute, go_on
from sframes_tui.run.journal import NAME, read_journal
from sframes_tui.run.loop import Control
from sframes_tui.story.config_file import load_config
from sframes_tui.story.draft import make_draft
from tests.run.paint import PaintEngine
from tests.run.small_disk import fill, small_disk

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

        def make_engine(given=None):
            return PaintEngine((given or draft).plan)

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
    data = (run_folder(root) / NAME).read_bytes()
    records, whole = read_journal(run_folder(root) / NAME)
    assert whole == len(data)
    kinds = [record["kind"] for record in records]
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


def test_a_full_disk_at_the_start_is_refused_in_one_sentence(root, draft):
    fill(root, left=200)
    with pytest.raises(DiskError, match=r"nothing can be written there: No space left on device; make space or"):
        Drawn(root, draft)
    fill(root)
    with pytest.raises((DiskError, UsageError), match="No space left on device"):
        Drawn(root, draft)


def test_going_on_upon_a_full_disk_is_refused_in_one_sentence_and_changes_nothing(root, draft, expected):
    Drawn(root, draft, fills_up(root, 4, lambda each: each.control.stop.set()))
    before = pictures(root)
    with pytest.raises(DiskError, match="No space left on device") as caught:
        Drawn(run_folder(root))
    assert "\n" not in str(caught.value)
    assert pictures(root) == before
    (root / "ballast").unlink()
    Drawn(run_folder(root))
    assert pictures(root) == expected


def test_a_read_only_file_system_is_refused_at_the_start(root, draft):
    subprocess.run(["mount", "-o", "remount,ro", str(root)], check=True)
    with pytest.raises(UsageError, match="can't make the run folder: Read-only file system; choose another"):
        Drawn(root, draft)


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
