"""The last line of a run says what failed and how it is drawn after all."""

from pathlib import Path

from sframes_tui.run.describe import describe
from sframes_tui.run.events import RunCancelled, RunCompleted

FOLDER = Path("out/sea/2026-01-02 10.00.00")
QUOTED = "'out/sea/2026-01-02 10.00.00'"


def test_what_failed_is_named_with_the_commands_that_draw_it_again():
    level, line = describe(RunCompleted(FOLDER, 4, 1, 2, 3.0, ("oil on wood 0-3",)))
    assert level == "error"
    assert line == (
        f"4 pictures drawn in 3 s, 1 failed (oil on wood 0-3), 2 skipped: {FOLDER}; try again with: resume {QUOTED}, "
        f"with another seed: redraw {QUOTED} '0-3:oil on wood'"
    )


def test_many_failures_are_not_all_named():
    _, line = describe(RunCompleted(FOLDER, 0, 9, 0, 3.0, ("oil 0-0", "ink 0-0")))
    assert "9 failed (oil 0-0, ink 0-0, …)" in line


def test_a_whole_run_needs_no_advice_and_a_stopped_one_gets_it():
    assert describe(RunCompleted(FOLDER, 4, 0, 0, 3.0)) == ("info", f"4 pictures drawn in 3 s: {FOLDER}")
    assert describe(RunCancelled(FOLDER, 4, 2))[1] == f"stopped: 4 pictures drawn, 2 left; go on with: resume {QUOTED}"
    assert describe(RunCancelled(None, 0, 2))[1] == "stopped: 0 pictures drawn, 2 left"
