"""Events folded into a run's state."""

from pathlib import Path

from sframes_tui.run.events import ModelLoadStarted, Notice, RunCompleted, RunPaused, RunResumed, RunStarted
from sframes_tui.run.frame_events import (
    FrameCompleted,
    FrameFailed,
    FrameProgress,
    FramesKept,
    FrameSkipped,
    FramesStale,
    FrameStarted,
)
from sframes_tui.run.state import DONE, DRAWING, FAILED, PLANNED, SKIPPED, STALE, Marks, RunState, fold

FOLDER = Path("run")


def after(*timed_events):
    state = RunState()
    for now, event in timed_events:
        state = fold(state, event, now)
    return state


def test_counts_rate_and_time_left_come_from_real_steps():
    state = after(
        (0, ModelLoadStarted("m")),
        (10, RunStarted(FOLDER, 3, 100)),
        (10, FrameStarted(0, "a 0-0", "", 50)),
        (15, FrameProgress(0, 50, 50)),
        (15, FrameCompleted(0, FOLDER, 5.0)),
        (15, FrameStarted(1, "b 0-0", "", 40)),
        (20, FrameProgress(1, 10, 40)),
    )
    assert (state.phase, state.drawn, state.steps_done) == ("drawing", 1, 60)
    assert state.steps_per_second == 6
    assert state.seconds_left == 40 / 6
    assert state.pictures_per_minute == 6
    assert [state.marks[frame] for frame in range(3)] == [DONE, DRAWING, PLANNED]


def test_failed_and_skipped_frames_take_their_steps_out_of_the_plan():
    state = after(
        (0, RunStarted(FOLDER, 3, 100)),
        (0, FrameStarted(0, "a", "", 50)),
        (1, FrameFailed(0, "a", "nan", 50)),
        (1, FrameSkipped(1, "b", "base", 25)),
        (2, FrameStarted(2, "c", "", 25)),
        (5, FrameCompleted(2, FOLDER, 1.0)),
        (5, RunCompleted(FOLDER, 1, 1, 1, 5.0)),
    )
    assert (state.phase, state.steps, state.steps_done, state.settled) == ("completed", 25, 25, 3)
    assert [state.marks[frame] for frame in range(3)] == [FAILED, SKIPPED, DONE]
    assert state.in_flight == ()


def test_marks_are_copied_not_changed():
    before = Marks.planned(186_000)
    after_one = before.with_mark(100_000, DONE)
    assert (before[100_000], after_one[100_000], after_one[99_999]) == (PLANNED, DONE, PLANNED)


def test_a_run_that_goes_on_counts_what_was_there_apart():
    state = fold(RunState(), RunStarted(Path("x"), 600, 20, (1, 599)), 5.0)
    assert (state.kept, state.drawn, state.settled) == (2, 0, 2)
    assert (state.marks[1], state.marks[599], state.marks[598]) == (DONE, DONE, PLANNED)


def test_pauses_count_in_no_rate():
    state = fold(RunState(), RunStarted(Path("x"), 2, 20), 0.0)
    state = fold(fold(state, FrameStarted(0, "a", "p", 10), 1.0), FrameCompleted(0, Path("a"), 1.0), 10.0)
    paused = fold(state, RunPaused("asked"), 10.0)
    assert (paused.phase, paused.pause) == ("paused", "asked")
    later = fold(paused, Notice("info", "x"), 100.0)
    assert later.steps_per_second == 1.0
    resumed = fold(later, RunResumed(), 110.0)
    assert (resumed.phase, resumed.steps_per_second) == ("drawing", 1.0)


def test_stale_frames_are_marked_until_drawn_again_or_kept():
    state = fold(RunState(), RunStarted(Path("x"), 4, 0, (0, 1, 2, 3)), 0.0)
    state = fold(state, FramesStale((1, 2, 3)), 1.0)
    assert (state.stale, state.marks[1]) == (3, STALE)
    state = fold(state, FramesKept((3,)), 1.0)
    state = fold(fold(state, FrameStarted(1, "a", "p", 10), 1.0), FrameCompleted(1, Path("a"), 1.0, 1), 2.0)
    assert (state.stale, state.marks[1], state.marks[2], state.marks[3]) == (1, DONE, STALE, DONE)
    assert (state.kept, state.drawn, state.steps, state.settled) == (3, 1, 10, 4)


def test_marks_of_neighbouring_frames_are_read_across_blocks():
    frames = 3 * Marks.BLOCK
    marks = Marks.planned(frames).with_marks(range(Marks.BLOCK - 2, 2 * Marks.BLOCK + 1), DONE)
    whole = bytes(marks[frame] for frame in range(frames))
    for start, stop in [(0, 1), (0, frames), (510, 514), (1020, 1030), (600, 600), (1024, 1025)]:
        assert marks.between(start, stop) == whole[start:stop]
    assert Marks().between(0, 5) == b""
