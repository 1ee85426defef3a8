"""How many frames at once: exact counts of calls, and the choice that follows."""

import pytest

from sframes_tui.run.rows import drawing_seconds, fastest_rows, interpolated, measure, simulate, simulate_groups
from sframes_tui.story.config import Config
from sframes_tui.story.plan import make_plan
from tests.story.test_plan import DDIM, story


def plan_of(weights, prompts, **options):
    styles = [{"style": "", "file_tag": f"t{number}", "weight": weight} for number, weight in enumerate(weights)]
    config = {"prompt_config": {"source": "a"}, "generation_config": options, "style_configs": styles}
    return make_plan(Config.model_validate(config), story(prompts), DDIM, 1)


def calls(plan, rows, pinned=False):
    return sum(count for count, _ in simulate(plan, rows, pinned))


@pytest.mark.parametrize("pinned", [False, True])
def test_interleaved_chains_fill_every_call(pinned):
    two = plan_of([0.9, 0.1], 9)
    assert calls(two, 1, pinned) == two.steps == 500
    assert calls(two, 2, pinned) == 250
    six = plan_of([0.8, 0.9, 0.8, 0.1, 0.2, 0.2], 25)
    assert calls(six, 1, pinned) == six.steps == 3900
    assert calls(six, 6, pinned) == 650


def test_without_interleaving_the_longest_chain_is_the_floor():
    assert calls(plan_of([0.9, 0.1], 9, interleave=False), 2) == 410


def test_independent_frames_fill_any_number_of_rows():
    plan = plan_of([0.5], 150, progressive=False)
    assert [calls(plan, rows) for rows in (1, 15, 16)] == [7500, 500, 500]


def test_frames_that_take_all_steps_together_wait_for_the_longest_group():
    mixed, equal = plan_of([0.9, 0.1], 3, interleave=False), plan_of([0.6] * 6, 3)
    assert list(simulate_groups(mixed, 2, pinned=False)) == [(50, 2), (45, 1), (5, 1), (45, 1), (5, 1)]
    assert list(simulate_groups(equal, 6, pinned=True)) == [(50, 6), (30, 6), (30, 6)]


def test_frames_without_steps_take_no_calls():
    assert calls(plan_of([0.0], 10), 1) == 50


def test_filler_rows_are_paid_for_where_slots_are_pinned():
    plan = plan_of([0.9, 0.1], 9, interleave=False)
    seconds = {1: 1.0, 2: 1.5}
    assert drawing_seconds(plan, 2, True, seconds) == 410 * 1.5
    assert drawing_seconds(plan, 2, False, seconds) == 90 * 1.5 + 320 * 1.0


@pytest.mark.parametrize(
    ("seconds", "rows"),
    [
        ({1: 1.0, 2: 1.1, 4: 1.3, 8: 2.0}, 6),
        ({1: 1.0, 2: 2.0}, 1),
        ({1: 1.0, 2: 1.2, 4: 2.4, 8: 4.8}, 2),
        ({1: 1.0, 2: float("inf")}, 1),
    ],
)
def test_the_fastest_number_of_rows_is_taken_and_never_a_slower_one(seconds, rows):
    assert fastest_rows(plan_of([0.5] * 6, 4), True, seconds) == rows


def test_unmeasured_numbers_of_rows_lie_on_the_line_between_measured_ones():
    seconds = {1: 1.0, 2: 2.0, 4: 3.0}
    assert [interpolated(seconds, rows) for rows in (1, 2, 3, 4, 6)] == [1.0, 2.0, 2.5, 3.0, 4.0]
    assert interpolated({1: 0.5}, 1) == 0.5


def test_measuring_stops_where_more_rows_are_useless_or_gain_nothing():
    timed = []

    def call_seconds(rows):
        timed.append(rows)
        return max(4, rows)

    assert set(measure(call_seconds, 64, {})) == {1, 2, 4, 8}
    timed.clear()
    assert set(measure(call_seconds, 3, {1: 4})) == {1, 2, 4}
    assert timed == [2, 4]
