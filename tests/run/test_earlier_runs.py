"""Runs that earlier versions drew: told as those versions told them, gone on with, drawn again.

`earlier_runs` has two of version 0.1.0, with the built-in model: one finished, with pictures in several takes, and one
whose process was killed in its second drawing. Beside each lies what that version told of it: `retold.jsonl`, the
events of every drawing as `attach --json` has them, and `status.json`. Where the built-in model is trained anew, these
pictures count no more.
"""

import json
import shutil
from pathlib import Path

import pytest

from sframes_tui.batch import as_json_line
from sframes_tui.run import redraw
from sframes_tui.run.beside.status import run_status
from sframes_tui.run.events import Notice, RunCompleted
from sframes_tui.run.frame_events import FrameCompleted
from sframes_tui.run.record.journal import NAME, Reader
from sframes_tui.run.record.past_run import open_run
from sframes_tui.run.record.replay import Retelling
from tests.run.story_run import ChainEngine, Watch, pictures, resume

RUNS = Path(__file__).with_name("earlier_runs")
SIZE = (32, 32)


@pytest.fixture
def copy_of(tmp_path):
    return lambda name: Path(shutil.copytree(RUNS / name / "run", tmp_path / "run"))


def without_place(folder, told):
    title = json.dumps(folder.parent.parent.parent.name)
    return told.replace(str(folder), "RUN").replace(title, json.dumps("TITLE"))


def retold(folder):
    """The events of every drawing, as lines of JSON."""
    records = list(Reader(folder / NAME))
    begins = [number for number, record in enumerate(records) if record["kind"] == "planned"]
    for begin, end in zip(begins, [*begins[1:], None], strict=True):
        retelling = Retelling(open_run(folder).layout, records[:begin])
        for record in records[begin:end]:
            yield from map(as_json_line, retelling.retell(record))


@pytest.mark.parametrize("name", ["finished", "interrupted"])
def test_their_events_and_status_are_told_to_the_byte_as_then(copy_of, name):
    folder = copy_of(name)
    told = [without_place(folder, line) for line in retold(folder)]
    assert told == (RUNS / name / "retold.jsonl").read_text().splitlines()
    status = without_place(folder, json.dumps(run_status(folder).as_json()))
    assert status == (RUNS / name / "status.json").read_text().strip()


def test_a_finished_one_has_nothing_to_draw_and_keeps_its_marks(copy_of):
    folder = copy_of("finished")
    past, before = open_run(folder), pictures(folder)
    assert (past.is_finished, past.survey.stale) == (True, {2, 3, 4, 5})
    assert [sorted(past.takes(frame)) for frame in past.plan.frames] == [[0, 1], [0, 1], [0, 1], [0], [0], [0, 1]]
    assert [past.take(frame) for frame in past.plan.frames] == [1, 0, 1, 0, 0, 1]
    assert resume(folder, size=SIZE).of(FrameCompleted) == []
    assert pictures(folder) == before


def test_an_interrupted_one_goes_on_to_its_end(copy_of):
    folder = copy_of("interrupted")
    before = pictures(folder)
    watch = resume(folder, size=SIZE)
    assert sorted(event.frame for event in watch.of(FrameCompleted)) == [3, 4, 5]
    assert isinstance(watch.events[-1], RunCompleted)
    assert before.items() <= pictures(folder).items()
    assert open_run(folder).is_finished
    assert "nothing to do" in resume(folder, size=SIZE).of(Notice)[0].text


def test_pictures_of_a_finished_one_are_drawn_again_and_old_takes_chosen(copy_of):
    folder, watch = copy_of("finished"), Watch()
    make = lambda draft: ChainEngine(draft.plan, size=SIZE)  # noqa: E731
    redraw.redraw(folder, redraw.Request((3,), seed=5, descendants="redraw"), make, watch.emit, watch.control)
    assert [event.frame for event in watch.of(FrameCompleted)] == [3, 4]
    redraw.choose(folder, (0,), 0, watch.emit)
    redraw.redraw_stale(folder, make, watch.emit, watch.control)
    past = open_run(folder)
    assert (past.take(past.plan.frames[0]), past.is_finished, past.survey.stale) == (0, True, frozenset())
