"""The journal tells another process the events that the run's own front end saw, and how the run is."""

import contextlib
import os
import shutil
from dataclasses import dataclass

import pytest

from sframes_tui.config.file import load_config
from sframes_tui.errors import SFramesError, UsageError
from sframes_tui.plan.draft import make_draft
from sframes_tui.run.beside import status
from sframes_tui.run.beside.status import past_runs, run_status
from sframes_tui.run.events import Control, KeptEvent, ModelLoadCompleted, ModelLoadStarted, RunStarted
from sframes_tui.run.execute import execute
from sframes_tui.run.frame_events import FrameProgress, FrameStarted
from sframes_tui.run.record import kinds
from sframes_tui.run.record.journal import Journal, Reader, encode
from sframes_tui.run.record.past_run import open_run
from sframes_tui.run.record.replay import Retelling
from sframes_tui.run.record.tree import Tree
from sframes_tui.run.state import RunState, fold
from tests.run.story_run import ChainEngine, draw, resume, write_config

NEVER_WRITTEN = (FrameProgress, ModelLoadStarted, ModelLoadCompleted)


def retold(folder):
    """The events of the newest drawing."""
    records = list(Reader(folder / "journal.jsonl"))
    begin = max(number for number, record in enumerate(records) if record["kind"] == "planned")
    retelling = Retelling(open_run(folder).layout, records[:begin])
    return [event for record in records[begin:] for event in retelling.retell(record)]


def comparable(events):
    """Without what no journal holds, what was said before there was one, and times.

    In no order: a picture is written down before the loop gets to tell of it.
    """
    begin = next(number for number, event in enumerate(events) if isinstance(event, RunStarted))
    told = [event for event in events[begin:] if not isinstance(event, NEVER_WRITTEN)]
    return sorted(str(event).split(", seconds=")[0] for event in told)


def draw_up_to(frame, config, root):
    """Draws a run that is stopped when it begins with a frame; returns its folder."""
    control = Control()

    def emit(event):
        if isinstance(event, FrameStarted) and event.frame == frame:
            control.stop.set()

    draft = make_draft(load_config(config))
    execute(draft, lambda draft: ChainEngine(draft.plan), root, emit, control)
    return next(path.parent for path in root.rglob("run.toml"))


def folded(events):
    """What a front end shows after these, without how long anything took."""
    state = RunState()
    for event in events:
        state = fold(state, event, 0.0)
    return state.phase, state.drawn, state.kept, state.failed, state.skipped, state.steps, state.marks.count(1)


def test_a_run_with_failures_is_retold_event_by_event(tmp_path):
    folder, watch = draw(write_config(tmp_path), tmp_path / "out", spoiled=["oil 0-1"])
    assert comparable(retold(folder)) == comparable(watch.events)
    assert folded(retold(folder)) == folded(watch.events)


def test_of_a_run_that_was_gone_on_with_the_newest_drawing_is_retold(tmp_path):
    folder = draw_up_to(5, write_config(tmp_path), tmp_path / "out")
    watch = resume(folder)
    assert comparable(retold(folder)) == comparable(watch.events)
    assert folded(retold(folder)) == folded(watch.events)
    assert folded(retold(folder))[2] == 5


def test_status_counts_what_is_there_failed_and_left(tmp_path):
    folder = draw_up_to(5, write_config(tmp_path), tmp_path / "out")
    stopped = run_status(folder)
    assert (stopped.phase, stopped.holder, stopped.title) == ("stopped", None, "story")
    assert (stopped.frames, stopped.there, stopped.left) == (10, 5, 5)
    assert "go on with: resume" in "\n".join(stopped.lines())
    resume(folder)
    assert (run_status(folder).phase, run_status(folder).there) == ("finished", 10)


def test_a_failed_picture_is_told_with_the_command_that_draws_it_again(tmp_path):
    config = write_config(tmp_path)
    config.write_text(config.read_text().replace('file_tag = "oil"', 'file_tag = "my [/oil]"'))
    root = tmp_path / "out"
    folder, watch = draw(config, root)
    name = next(event.name for event in watch.events if type(event).__name__ == "FrameStarted")
    again, _ = draw(config, tmp_path / "other", spoiled=[name])
    failure = run_status(again).failures[0]
    assert failure.name == name
    assert failure.reason == "painted over"
    assert failure.again.startswith("redraw ")
    assert f"0-0:{name.removesuffix(' 0-0')}" in failure.again
    assert folder != again


def test_past_runs_are_listed_newest_first_and_strange_folders_passed_over(tmp_path):
    root = tmp_path / "out"
    first = draw_up_to(0, write_config(tmp_path), root)
    draw(write_config(tmp_path), root)
    strange = root / "story" / "progressive" / "tags" / "then"
    strange.mkdir(parents=True)
    (strange / "run.toml").mkdir()
    runs = past_runs(root)
    assert [run.phase for run in runs] == ["finished", "stopped"]
    assert runs[1].path == first
    assert past_runs(tmp_path / "nowhere") == []


def test_a_list_of_runs_reads_so_much_of_their_journals_and_no_more(tmp_path, monkeypatch):
    root = tmp_path / "out"
    for _ in range(2):
        folder, _ = draw(write_config(tmp_path), root)
    huge = root / "story" / "progressive" / "tags" / "then"
    huge.mkdir(parents=True)
    shutil.copy(folder / "run.toml", huge)
    (huge / "journal.jsonl").write_bytes(encode({"kind": "x"}) * 20_000)
    monkeypatch.setattr(status, "LIST_BYTES", 3 * ((folder / "journal.jsonl").stat().st_size + 4096))
    runs = past_runs(root)
    assert [run.phase for run in runs] == ["unread", "finished", "finished"]
    assert (runs[0].path, runs[0].title, runs[0].is_finished) == (huge, "story", False)
    os.truncate(huge / "journal.jsonl", 1)
    os.truncate(huge / "journal.jsonl", 2**36)  # a sparse file: next to nothing is on the disk, or read
    assert [run.phase for run in past_runs(root)] == ["stopped", "finished", "finished"]


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "planned", "frames": [], "run": "x"},
        {"kind": "planned", "frames": 1e400, "time": "now"},
        {"kind": "failed", "file": 3, "frame": 0, "reason": ["[/red]"]},
        {"kind": "stale", "files": 7},
        {"kind": "notice", "level": {}},
        {"kind": "_frame", "file": "x"},
        {"kind": "ended", "how": "completed"},
        {"kind": "grids", "variant": 0, "chapter": 0, "files": [["../../x.png", 1, "0", "0"]]},
    ],
    ids=range(8),
)
def test_a_strangers_journal_is_refused_or_shown_but_breaks_nothing(tmp_path, record):
    folder, _ = draw(write_config(tmp_path), tmp_path / "out")
    with (folder / "journal.jsonl").open("ab") as journal:
        journal.write(encode(record))
    for look in (lambda: retold(folder), lambda: list(run_status(folder).lines())):
        # Anything else that is raised fails the test.
        with contextlib.suppress(SFramesError):
            assert look()
    assert len(past_runs(tmp_path / "out")) <= 1


def test_a_new_kind_is_written_read_and_retold_by_its_class_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(kinds, "KINDS", dict(kinds.KINDS))

    @dataclass(frozen=True, slots=True)
    class WorkerJoined(KeptEvent):
        kind = "worker"
        name: kinds.Word

    folder, _ = draw(write_config(tmp_path), tmp_path / "out")
    layout, journal = open_run(folder).layout, Journal(Tree(folder))
    WorkerJoined("cuda:1").write(journal, layout)
    journal.append("worker", name=5)
    joined, forged = list(Reader(folder / "journal.jsonl"))[-2:]
    assert {**joined, "time": 0} == {"kind": "worker", "time": 0, "name": "cuda:1"}
    retelling = Retelling(layout, [])
    assert retelling.retell(joined) == [WorkerJoined("cuda:1")]
    with pytest.raises(UsageError, match="of kind 'worker' is not of this program's making: name"):
        retelling.retell(forged)
