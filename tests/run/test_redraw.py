"""Single frames drawn again, their descendants, and old takes."""

import pytest

from sframes_tui.errors import UsageError
from sframes_tui.run import redraw
from sframes_tui.run.events import Notice, RunCompleted
from sframes_tui.run.frame_events import FrameCompleted, FrameFailed, FramesKept, FramesStale
from sframes_tui.run.record.past_run import open_run
from sframes_tui.run.state import DONE, STALE
from tests.run.story_run import ChainEngine, Watch, draw, pictures, resume, write_config

BEHIND = ["chalk 0-1.png", "oil 0-2.png", "chalk 1-0.png", "oil 1-1.png"]
"""Interleaved: what is drawn from `oil 0-0`."""
GRIDS = ["oil grid-0.png", "chalk grid-0.png", "oil grid-1.png", "chalk grid-1.png"]


@pytest.fixture
def run(tmp_path):
    return draw(write_config(tmp_path), tmp_path / "out")[0]


def again(run, place, stop_after=None, engine=None, **wishes):
    watch = Watch(stop_after)
    frames = redraw.find_frames(open_run(run).plan, place)
    make = lambda draft: ChainEngine(draft.plan, **(engine or {}))  # noqa: E731
    redraw.redraw(run, redraw.Request(frames, **wishes), make, watch.emit, watch.control)
    return watch


def redrawn(watch):
    return [event.path.name for event in watch.of(FrameCompleted)]


def changed(before, run):
    after = pictures(run)
    assert before.keys() == after.keys()
    return {name for name in after if after[name] != before[name]}


def stale(run):
    past = open_run(run)
    names = {past.picture(frame).name for frame in past.plan.frames if past.statuses[frame.number] == STALE}
    assert {past.plan.frames[number] for number in past.survey.stale} == {
        frame for frame in past.plan.frames if past.picture(frame).name in names
    }
    return names


@pytest.mark.parametrize("wishes", [{}, {"seed": 5}, {"prompt": "a ship"}, {"descendants": "redraw"}])
def test_a_frame_is_drawn_again_and_its_descendants_are_marked_or_follow(run, wishes):
    before = pictures(run)
    watch = again(run, "0-0:oil", **wishes)
    follow = "descendants" in wishes
    assert redrawn(watch) == ["oil 0-0.png", *(BEHIND if follow else [])]
    assert changed(before, run) == {*redrawn(watch), *(GRIDS if follow else GRIDS[:1])}
    assert stale(run) == (set() if follow else set(BEHIND))
    assert any("4 pictures drawn from it" in event.text and "takes about" in event.text for event in watch.of(Notice))
    assert isinstance(watch.events[-1], RunCompleted)
    assert not redrawn(resume(run))


@pytest.mark.parametrize("options", ["", "interleave = false", "variants = 2"])
def test_stale_are_exactly_the_plans_descendants(tmp_path, options):
    run, _ = draw(write_config(tmp_path, options), tmp_path / "out")
    plan = open_run(run).plan
    watch = again(run, "0-1:chalk")
    frame = next(frame for frame in plan.frames if plan.name(frame) == "chalk 0-1")
    told = [number for event in watch.of(FramesStale) for number in event.frames]
    assert sorted(told) == [each.number for each in plan.descendants(frame)]
    assert open_run(run).survey.stale == set(told)
    assert len(told) == 3


def test_an_old_take_can_be_chosen_back_which_unmarks(run):
    before = pictures(run)
    again(run, "0-0:oil")
    past = open_run(run)
    frame = past.plan.frames[0]
    assert (set(past.takes(frame)), past.take(frame)) == ({0, 1}, 1)
    assert past.take_picture(frame, 0).read_bytes() == before["oil 0-0.png"]
    watch = Watch()
    redraw.choose(run, (0,), 0, watch.emit)
    assert pictures(run) == before
    assert stale(run) == set()
    assert len(watch.of(FramesKept)[0].frames) == 4
    redraw.choose(run, (0,), 1, watch.emit)
    assert stale(run) == set(BEHIND)
    with pytest.raises(UsageError, match="there is no take 7; there is 0, 1"):
        redraw.choose(run, (0,), 7, watch.emit)


def test_stale_pictures_can_be_drawn_later_or_kept(run):
    before = pictures(run)
    again(run, "0-0:oil", seed=5)
    marked = pictures(run)
    watch = Watch()
    redraw.redraw_stale(run, lambda draft: ChainEngine(draft.plan), watch.emit, watch.control)
    assert redrawn(watch) == BEHIND
    assert stale(run) == set()
    at_once = pictures(run)
    redraw.choose(run, (0,), 0, watch.emit)
    assert stale(run) == set(BEHIND)
    redraw.keep(run, None, watch.emit)
    assert stale(run) == set()
    assert changed(at_once, run) == {"oil 0-0.png", "oil grid-0.png"}
    assert changed(before, run) == {*BEHIND, *GRIDS}
    assert changed(marked, run) == {"oil 0-0.png", *BEHIND, *GRIDS}


def test_what_is_drawn_with_its_descendants_is_what_is_drawn_later(tmp_path):
    runs = [draw(write_config(tmp_path / name), tmp_path / name / "out")[0] for name in "ab"]
    again(runs[0], "0-0:oil", prompt="a ship", descendants="redraw")
    again(runs[1], "0-0:oil", prompt="a ship")
    redraw.redraw_stale(runs[1], lambda draft: ChainEngine(draft.plan), Watch().emit, Watch().control)
    assert pictures(runs[0]) == pictures(runs[1])


@pytest.mark.parametrize("stop_after", [1, 2, 4])
def test_an_interrupted_redraw_goes_on(tmp_path, stop_after):
    runs = [draw(write_config(tmp_path / name), tmp_path / name / "out")[0] for name in "ab"]
    again(runs[0], "0-0:oil", descendants="redraw")
    again(runs[1], "0-0:oil", descendants="redraw", stop_after=stop_after)
    resume(runs[1])
    assert pictures(runs[0]) == pictures(runs[1])
    assert {len(open_run(runs[1]).takes(frame)) for frame in open_run(runs[1]).plan.frames} == {1, 2}


def test_a_spoiled_redraw_leaves_everything_as_it_was(run):
    before = pictures(run)
    watch = again(run, "0-0:oil", engine={"spoiled": ["oil 0-0"]}, descendants="redraw")
    assert len(watch.of(FrameFailed)) == 1
    assert [event.frames for event in watch.of(FramesKept)] == [(0,)]
    assert not watch.of(FramesStale)
    assert pictures(run) == before
    assert all(open_run(run).statuses[number] == DONE for number in range(10))


def test_a_descendant_that_fails_keeps_its_picture_but_is_out_of_date(run):
    before = pictures(run)
    watch = again(run, "0-0:oil", engine={"spoiled": ["oil 0-2"]}, descendants="redraw")
    assert redrawn(watch) == ["oil 0-0.png", "chalk 0-1.png"]
    assert changed(before, run) >= {"oil 0-0.png", "chalk 0-1.png"}
    assert pictures(run)["oil 0-2.png"] == before["oil 0-2.png"]
    assert stale(run) == {"oil 0-2.png", "chalk 1-0.png", "oil 1-1.png"}
    assert {number for event in watch.of(FramesStale) for number in event.frames} == open_run(run).survey.stale


@pytest.mark.parametrize("follow", [False, True])
def test_a_failed_frame_is_drawn_again_under_what_was_drawn_in_its_stead(tmp_path, follow):
    config = write_config(tmp_path, 'on_failed_base = "last_good"')
    run, _ = draw(config, tmp_path / "out", spoiled=["oil 0-2"])
    watch = again(run, "0-2:oil", descendants="redraw" if follow else "stale")
    assert redrawn(watch) == ["oil 0-2.png", *(BEHIND[2:] if follow else [])]
    assert stale(run) == (set() if follow else set(BEHIND[2:]))
    assert {number for event in watch.of(FramesStale) for number in event.frames} == open_run(run).survey.stale
    assert all(0 in open_run(run).takes(frame) for frame in open_run(run).plan.frames if frame.number != 4)


def test_strength_and_a_kept_chain(run):
    before = pictures(run)
    again(run, "0-2:oil", strength=0.3, descendants="keep")
    assert changed(before, run) == {"oil 0-2.png", "oil grid-0.png"}
    assert stale(run) == set()
    assert open_run(run).change(open_run(run).plan.frames[4]).strength == 0.3


@pytest.mark.parametrize(
    ("place", "wishes", "said"),
    [
        ("0-0:oil", {"strength": 0.5}, "starts from noise"),
        ("0-9", {}, "no such picture"),
        ("oil 0-0", {}, "CHAPTER-PROMPT:TAG"),
        ("0-0:ink", {}, "no style 'ink'"),
        ("0-1:oil", {"prompt": "caf\udce9"}, "is no text in UTF-8"),
        ("0-1:oil", {"prompt": "x" * 200_000}, "has 200,000 characters, more than 131,072"),
    ],
)
def test_what_cannot_be_redrawn_is_said(run, place, wishes, said):
    with pytest.raises(UsageError, match=said):
        again(run, place, **wishes)


def test_a_run_that_kept_only_grids_has_nothing_to_redraw(tmp_path):
    run, _ = draw(write_config(tmp_path, "save_individual = false"), tmp_path / "out")
    with pytest.raises(UsageError, match="only its grids"):
        again(run, "0-0:oil")


def hidden(run):
    return {path.name for path in (run / ".sframes" / "pictures").rglob("*.png")}


@pytest.mark.parametrize("descendants", ["keep", "stale", "redraw"])
def test_pictures_kept_only_for_grids_outlive_the_redrawing_of_one(tmp_path, descendants):
    config = write_config(tmp_path, "save_individual = false")
    run, _ = draw(config, tmp_path / "out", spoiled=["oil 0-2"])
    there = hidden(run)
    assert len(there) == 7
    follow = descendants == "redraw"
    watch = again(run, "0-1:oil", descendants=descendants)
    assert hidden(run) == there
    assert redrawn(watch) == ["oil 0-1.png", *(["chalk 0-2.png", "oil 1-0.png", "chalk 1-1.png"] if follow else [])]
    assert redrawn(resume(run)) == BEHIND[1:]
    assert len(hidden(run)) == (10 if descendants == "stale" else 0)


@pytest.mark.parametrize("keeps", [False, True])
def test_pictures_kept_only_for_grids_go_once_none_is_out_of_date(tmp_path, keeps):
    run, _ = draw(write_config(tmp_path, "save_individual = false"), tmp_path / "out", spoiled=["oil 0-2"])
    again(run, "0-0:oil")
    resume(run)
    assert len(hidden(run)) == 10
    watch = Watch()
    if keeps:
        redraw.keep(run, None, watch.emit)
    else:
        redraw.redraw_stale(run, lambda draft: ChainEngine(draft.plan), watch.emit, watch.control)
        assert len(redrawn(watch)) == 4
    assert hidden(run) == set()
    assert pictures(run).keys() == set(GRIDS)
    assert not stale(run)


def test_an_unfinished_runs_frame_is_drawn_again_without_the_rest(tmp_path):
    whole, _ = draw(write_config(tmp_path), tmp_path / "whole")
    run, _ = draw(write_config(tmp_path), tmp_path / "out", stop_after=3)
    count = len(pictures(run))
    again(run, "0-0:oil", seed=open_run(run).plan.frame_seed(open_run(run).plan.frames[0]))
    assert len(pictures(run)) == count
    resume(run)
    assert pictures(run).keys() == pictures(whole).keys()
