"""Which frame comes next."""

from sframes_tui.run.schedule import Schedule
from sframes_tui.story.plan import make_plan
from tests.story.test_plan import DDIM, config, story


def names(plan, frames):
    return [plan.name(frame) for frame in frames]


def test_frames_become_ready_with_their_bases_in_plan_order():
    plan = make_plan(config(2, interleave=True), story(2), DDIM, 1)
    schedule = Schedule(plan)
    first, second = schedule.take(), schedule.take()
    assert names(plan, [first, second]) == ["tag0 0-0", "tag1 0-0"]
    assert not schedule
    schedule.drawn(second)
    assert plan.name(schedule.take()) == "tag0 0-1"
    schedule.drawn(first)
    last = schedule.take()
    assert plan.name(last) == "tag1 0-1"
    assert not schedule.has_successors(last)


def test_a_failed_frame_takes_exactly_its_descendants_along():
    plan = make_plan(config(2, interleave=True), story(3), DDIM, 1)
    schedule = Schedule(plan)
    first = schedule.take()
    assert names(plan, schedule.failed(first)) == ["tag1 0-1", "tag0 0-2"]
    schedule.drawn(schedule.take())
    rest = []
    while schedule:
        rest.append(schedule.take())
        schedule.drawn(rest[-1])
    assert names(plan, rest) == ["tag0 0-1", "tag1 0-2"]
