"""Which frame comes next."""

from sframes_tui.plan.plan import make_plan
from sframes_tui.run.schedule import Schedule, remaining_steps
from tests.plan.test_plan import DDIM, config, story


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


def drawn_in_order(plan, schedule, has_room=lambda _: True):
    order = []
    while frame := schedule.take(has_room):
        order.append(plan.name(frame))
        schedule.drawn(frame)
    return order


def test_with_several_rows_the_longest_remaining_path_comes_first():
    plan = make_plan(config(2, interleave=False), story(3), DDIM, 1)
    assert drawn_in_order(plan, Schedule(plan, rows=2)) == [
        *["tag0 0-0", "tag1 0-0", "tag0 0-1", "tag1 0-1", "tag0 0-2", "tag1 0-2"]
    ]
    assert remaining_steps(plan) == [50 + 45 + 45, 50 + 25 + 25, 90, 50, 45, 25]


def test_a_pinned_frame_waits_for_its_own_slot():
    plan = make_plan(config(3, progressive=False), story(2), DDIM, 1)
    schedule = Schedule(plan, rows=2, slots=2)
    assert plan.chains == (0, 1, 2, 3, 4, 5)
    assert drawn_in_order(plan, schedule, lambda slot: slot == 1) == ["tag1 0-0", "tag0 0-1", "tag2 0-1"]
    assert schedule
    assert drawn_in_order(plan, schedule) == ["tag0 0-0", "tag2 0-0", "tag1 0-1"]
