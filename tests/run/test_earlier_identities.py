"""A run that was begun when identities were of version 2 goes on, and nothing of it is drawn anew.

`begun_with_identities_2` was drawn by the program of that time: three of six pictures, one of them in two takes. Its
pictures are the built-in model's: where that is trained anew, they count no more, as that version has it.
"""

import shutil
from pathlib import Path

import pytest

from sframes_tui.errors import UsageError
from sframes_tui.run import redraw
from sframes_tui.run.beside.attach import nobody_draws
from sframes_tui.run.beside.status import run_status
from sframes_tui.run.events import Notice
from sframes_tui.run.frame_events import FrameCompleted
from sframes_tui.run.record.journal import NAME, encode
from sframes_tui.run.record.past_run import open_run
from sframes_tui.run.record.replay import replay
from tests.run.story_run import ChainEngine, Watch, pictures, resume

SIZE = (32, 32)
LEFT = ["chalk 0-1.png", "oil 0-2.png", "chalk 0-2.png"]


@pytest.fixture
def begun(tmp_path):
    return Path(shutil.copytree(Path(__file__).with_name("begun_with_identities_2"), tmp_path / "run"))


def edit(run, before, after):
    toml = run / "run.toml"
    text = toml.read_text()
    assert before in text
    toml.write_text(text.replace(before, after))


def redrawn(watch):
    return [event.path.name for event in watch.of(FrameCompleted)]


def test_what_it_drew_counts(begun):
    past = open_run(begun)
    assert sorted(past.survey.kept) == [0, 1, 2]
    assert set(past.survey.todo.values()) == {"new"}
    assert sorted(past.takes(past.plan.frames[2])) == [0, 1]
    assert "3 of 6 pictures are there" in nobody_draws(past)
    assert (run_status(begun).there, run_status(begun).frames) == (3, 6)


def test_it_goes_on_and_stays_of_its_version(begun):
    before = pictures(begun)
    assert redrawn(resume(begun, size=SIZE)) == LEFT
    assert before.items() <= pictures(begun).items()
    assert replay(begun).last_header["identity_version"] == 2
    assert "nothing to do" in resume(begun, size=SIZE).of(Notice)[0].text


def test_its_pictures_are_drawn_again_and_old_takes_chosen(begun):
    watch = Watch()
    make = lambda draft: ChainEngine(draft.plan, size=SIZE)  # noqa: E731
    redraw.redraw(begun, redraw.Request((1,), seed=9), make, watch.emit, watch.control)
    assert redrawn(watch) == ["chalk 0-0.png"]
    redraw.choose(begun, (2,), 0, watch.emit)
    past = open_run(begun)
    assert past.take(past.plan.frames[2]) == 0
    assert sorted(past.survey.kept) == [0, 1, 2]
    assert past.survey.stale == {2}


def test_an_edit_that_its_version_knew_to_draw_is_drawn(begun):
    edit(begun, "guidance_scale = 7.5", "guidance_scale = 7.0")
    assert set(open_run(begun).survey.todo.values()) == {"new", "edited"}


def test_a_run_of_a_later_version_is_refused_in_a_sentence(begun):
    (begun / NAME).write_bytes(encode({"kind": "planned", "time": 0, "identity_version": 99}))
    with pytest.raises(UsageError, match="later version"):
        open_run(begun)
