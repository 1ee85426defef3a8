"""The loop: order, bases, failures, stopping, and what is on disk."""

import io
import threading
from datetime import datetime

import pytest
from PIL import Image

from sframes_tui.engine.protocol import FromPicture
from sframes_tui.plan.plan import make_plan
from sframes_tui.run.beside import watchdog
from sframes_tui.run.events import Control, Notice, RunCancelled, RunCompleted, RunPaused, RunResumed
from sframes_tui.run.frame_events import (
    ChapterCompleted,
    ChapterStarted,
    FrameCompleted,
    FrameFailed,
    FrameProgress,
    FrameSkipped,
    FrameStarted,
)
from sframes_tui.run.loop import Loop
from sframes_tui.run.record.folder import RunFolder
from tests.plan.test_plan import DDIM, config, story
from tests.run.paint import PaintEngine, new_drawing


def pixels_of(path):
    with Image.open(path) as picture:
        return picture.tobytes()


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


class Run:
    """One run of the painting engine, its events kept."""

    def __init__(self, folder, plan, on_event=None, **engine):
        self.plan, self.events, self.control = plan, [], Control()
        self.engine = PaintEngine(plan, **engine)
        self.folder = RunFolder.create(folder, plan, datetime(2026, 1, 2))

        def emit(event):
            self.events.append(event)
            if on_event:
                on_event(event, self.control)

        drawing = new_drawing(plan, self.folder, self.engine)
        Loop(drawing, self.engine, emit, self.control).run()
        drawing.journal.close()
        self.folder.close()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def pictures(self):
        return {path.name: path.read_bytes() for path in sorted(self.folder.path.rglob("*.png"))}


@pytest.fixture
def plan():
    return make_plan(config(3), story(3, 2), DDIM, 1)


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("capacity", [1, 2, 5])
def test_every_frame_is_drawn_from_its_base_at_any_capacity(tmp_path, plan, capacity, pinned):
    run = Run(tmp_path, plan, capacity=capacity, pinned=pinned)
    assert len(run.pictures()) == 15 + 6
    depths = [0] * len(plan.frames)
    for frame in plan.frames:
        depths[frame.number] = 0 if frame.base is None else depths[frame.base] + 1
        with Image.open(run.folder.picture(frame)) as picture:
            assert picture.getpixel((0, 0)) == (depths[frame.number], frame.number, plan.frame_seed(frame) % 256)
    assert run.engine.most_in_flight == min(capacity, 3)
    starts = [job.start for job in run.engine.jobs]
    assert {each.strength if isinstance(each, FromPicture) else None for each in starts} == {None, 0.9, 0.5, 0.1}


def pixels(run):
    """What the files show, without how they say that it was drawn."""
    shown = {}
    for name, data in run.pictures().items():
        with Image.open(io.BytesIO(data)) as picture:
            shown[name] = (picture.size, picture.tobytes())
    return shown


def test_pictures_do_not_depend_on_how_many_are_in_flight(tmp_path, plan):
    assert pixels(Run(tmp_path / "a", plan, capacity=1)) == pixels(Run(tmp_path / "b", plan, capacity=4))


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("capacity", [3, 5])
def test_an_engine_that_takes_fewer_frames_meanwhile_draws_the_same(tmp_path, capacity, pinned):
    plan = make_plan(config(6, interleave=False), story(3, 2), DDIM, 1)
    run = Run(tmp_path / "a", plan, capacity=capacity, pinned=pinned, shrinks=(2, 7))
    assert (run.engine.most_in_flight, run.engine.capacity) == (capacity, 1)
    assert pixels(run) == pixels(Run(tmp_path / "b", plan, capacity=1))


def test_events_tell_the_whole_story_in_order(tmp_path):
    run = Run(tmp_path, make_plan(config(1), story(1, 1), DDIM, 1))
    kinds = [type(event) for event in run.events if not isinstance(event, FrameCompleted | ChapterCompleted)]
    frame = [FrameStarted, FrameProgress, FrameProgress]
    assert kinds == [ChapterStarted, *frame, ChapterStarted, *frame, RunCompleted]
    saved = [type(event) for event in run.events if isinstance(event, FrameCompleted | ChapterCompleted)]
    assert saved == [FrameCompleted, ChapterCompleted] * 2
    assert run.events[-1].drawn == 2


def test_a_spoiled_frame_is_reported_and_only_its_descendants_are_skipped(tmp_path, plan):
    run = Run(tmp_path, plan, capacity=2, spoiled=["tag1 0-1"])
    assert [event.name for event in run.of(FrameFailed)] == ["tag1 0-1"]
    assert [event.name for event in run.of(FrameSkipped)] == ["tag0 0-2", "tag2 1-0", "tag1 1-1"]
    assert "would start from tag1 0-1" in run.of(FrameSkipped)[0].reason
    ending = run.of(RunCompleted)[0]
    assert (ending.drawn, ending.failed, ending.skipped) == (11, 1, 3)
    assert len(run.of(FrameCompleted)) == 11
    assert len(run.of(ChapterCompleted)) == 2


def test_a_frame_without_steps_carries_its_base_over(tmp_path):
    plan = make_plan(config(1, num_inference_steps=1), story(3), DDIM, 1)
    run = Run(tmp_path, plan)
    assert len(run.engine.jobs) == 1
    pixels = {pixels_of(run.folder.picture(frame)) for frame in plan.frames}
    assert len(pixels) == 1
    assert run.of(RunCompleted)[0].drawn == 3


def test_finish_ends_after_the_frames_in_hand(tmp_path, plan):
    def finish(event, control):
        if isinstance(event, FrameProgress) and event.frame == 4 and event.step == 1:
            control.finish.set()

    run = Run(tmp_path, plan, finish)
    assert len(run.of(FrameCompleted)) == 5
    assert run.of(RunCancelled) == [RunCancelled(run.folder.path, 5, 10)]
    assert isinstance(run.events[-1], RunCancelled)


def test_stop_ends_within_a_step_and_keeps_only_whole_pictures(tmp_path, plan):
    def stop(event, control):
        if isinstance(event, FrameProgress) and event.frame == 4 and event.step == 1:
            control.stop.set()

    run = Run(tmp_path, plan, stop, capacity=2)
    assert run.events[-1] == RunCancelled(run.folder.path, len(run.of(FrameCompleted)), 15 - len(run.pictures()))
    assert "tag1 0-1.png" not in run.pictures()


def test_bases_are_let_go_once_they_were_used(tmp_path):
    plan = make_plan(config(2), story(40), DDIM, 1)
    engine = PaintEngine(plan)
    folder = RunFolder.create(tmp_path, plan, datetime(2026, 1, 2))
    held = []
    drawing = new_drawing(plan, folder, engine)
    loop = Loop(drawing, engine, lambda _: held.append(len(loop._bases)), Control())
    loop.run()
    folder.close()
    assert max(held) <= 3
    assert held[-1] == 0


def test_grids_show_the_chapter_or_the_run_so_far(tmp_path):
    chapters, whole = (
        Run(tmp_path / scope, make_plan(config(1, grid_scope=scope), story(3, 4), DDIM, 1))
        for scope in ("chapter", "run")
    )
    sizes = {}
    for run in (chapters, whole):
        paths = [path for event in run.of(ChapterCompleted) for path in event.grids]
        sizes[run] = [size_of(path) for path in paths]
    assert sizes[chapters] == [(32, 16), (32, 16)]
    assert sizes[whole] == [(32, 16), (48, 24)]


def test_a_full_disk_ends_the_run_and_loses_nothing(tmp_path, plan, monkeypatch):
    written = []

    def write(self, file, data):
        if len(written) == 4:
            raise OSError(28, "No space left on device", file)
        written.append(self.path / file)
        original(self, file, data)

    original = RunFolder.write
    monkeypatch.setattr(RunFolder, "write", write)
    with pytest.raises(OSError, match="No space left"):
        Run(tmp_path, plan)
    assert len(written) == 4
    assert all(pixels_of(path) for path in written)


def test_a_paused_run_finishes_what_is_in_hand_and_waits_until_told_to_go_on(tmp_path, plan):
    def pause(event, control):
        if isinstance(event, FrameProgress) and event.frame == 4 and event.step == 1:
            control.pause.set()
        if isinstance(event, RunPaused):
            threading.Timer(0.01, control.pause.clear).start()

    run = Run(tmp_path, plan, pause, capacity=2)
    assert len(run.of(RunPaused)) == len(run.of(RunResumed)) == 1
    paused, resumed = (run.events.index(run.of(kind)[0]) for kind in (RunPaused, RunResumed))
    assert not any(isinstance(event, FrameStarted | FrameProgress) for event in run.events[paused:resumed])
    assert run.of(RunCompleted)[0].drawn == 15


RESTS = Notice("info", "the model waits in main memory while the run is paused")


@pytest.mark.parametrize(("by_option", "by_word"), [(False, False), (True, False), (False, True)])
def test_the_device_is_free_while_a_run_is_paused_if_that_is_wanted(tmp_path, by_option, by_word):
    wanted_still = []

    def pause(event, control):
        if isinstance(event, FrameProgress) and (event.frame, event.step) == (1, 1):
            control.pause.set()
        if isinstance(event, RunPaused) and by_word:
            control.rest.set()
        if event == RESTS or (isinstance(event, RunPaused) and not (by_option or by_word)):
            control.pause.clear()
        if isinstance(event, RunResumed):
            wanted_still.append(control.rest.is_set())

    plan = make_plan(config(1, free_on_pause=by_option), story(4), DDIM, 1)
    run = Run(tmp_path, plan, pause)
    assert run.of(Notice).count(RESTS) == (by_option or by_word)
    assert (run.of(RunCompleted)[0].drawn, run.engine.resting, wanted_still) == (4, False, [False])


def test_a_run_whose_model_finds_no_room_any_more_stays_paused(tmp_path, monkeypatch):
    monkeypatch.setattr(PaintEngine, "no_room", [1, 1])

    def go_on(control):
        control.pause.wait()
        control.pause.clear()

    def pause(event, control):
        if isinstance(event, FrameProgress) and (event.frame, event.step) == (1, 1):
            control.pause.set()
        if isinstance(event, Notice):
            threading.Thread(target=go_on, args=(control,)).start()

    run = Run(tmp_path, make_plan(config(1, free_on_pause=True), story(4), DDIM, 1), pause)
    told = [notice.text for notice in run.of(Notice) if notice.level == "error"]
    assert told == ["still paused: there is no room; tell it to go on once there is"] * 2
    assert (run.of(RunCompleted)[0].drawn, len(run.of(RunResumed))) == (4, 1)


@pytest.mark.parametrize("way", ["finish", "stop"])
def test_a_paused_run_can_be_ended(tmp_path, plan, way):
    def pause(event, control):
        if isinstance(event, FrameCompleted) and event.frame == 4:
            control.pause.set()
        if isinstance(event, RunPaused):
            getattr(control, way).set()

    run = Run(tmp_path, plan, pause)
    assert not run.of(RunResumed)
    assert isinstance(run.events[-1], RunCancelled)
    assert run.events[-1].drawn == len(run.of(FrameCompleted))


class HangingEngine(PaintEngine):
    """Makes no step with one frame until the watchdog has barked; comes back to it once more if it is `late`."""

    def __init__(self, plan, hangs, barked, late):
        super().__init__(plan)
        self._hangs, self._barked, self._late, self._forgotten = hangs, barked, late, []

    def advance(self, report, cancelled):
        if self._in_flight and self._in_flight[0][0].frame == self._hangs:
            assert self._barked.wait(60)
            self._hangs = None
        outcomes = super().advance(report, cancelled)
        if cancelled.is_set():
            self._forgotten += [job for job, _ in self._in_flight if self._late]
            self._in_flight.clear()
        elif self._forgotten:
            outcomes.append(self._outcome(self._forgotten.pop()))
        return outcomes


@pytest.mark.parametrize("late", [False, True])
def test_a_frame_without_steps_for_too_long_is_given_up_and_the_run_goes_on(tmp_path, plan, monkeypatch, late):
    limits = {"SHORTEST": 0.3, "BEFORE_THE_FIRST": 5.0, "TICK": 0.02, "FIRSTS": 0, "MEDIANS": 0}
    for name, seconds in limits.items():
        monkeypatch.setattr(watchdog, name, seconds)
    barked, events = threading.Event(), []

    def emit(event):
        events.append(event)
        if isinstance(event, Notice) and event.text.startswith("no step for"):
            barked.set()

    folder = RunFolder.create(tmp_path, plan, datetime(2026, 1, 2))
    engine = HangingEngine(plan, 4, barked, late)
    drawing = new_drawing(plan, folder, engine)
    Loop(drawing, engine, emit, Control()).run()
    drawing.journal.close()
    folder.close()
    (failed,) = [event for event in events if isinstance(event, FrameFailed)]
    assert failed.frame == 4
    assert failed.reason.startswith("no step was made for")
    assert events[-1].drawn + events[-1].skipped == len(plan.frames) - 1
    assert events[-1].drawn > 4
    assert "in advance" in (folder.path / "run.log").read_text()
