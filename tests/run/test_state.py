"""Events folded into a run's state."""

from pathlib import Path

from sframes_tui.run.events import (
    FrameCompleted,
    FrameFailed,
    FrameProgress,
    FrameSkipped,
    FrameStarted,
    ModelLoadStarted,
    RunCompleted,
    RunStarted,
)
from sframes_tui.run.state import DONE, DRAWING, FAILED, PLANNED, SKIPPED, Marks, RunState, fold

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
