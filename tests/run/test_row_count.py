"""How many frames at once: exact counts of calls, and the choice that follows."""

import json
import math

import pytest

from sframes_tui.config.config import Config
from sframes_tui.plan.plan import make_plan
from sframes_tui.run import row_count as choosing
from sframes_tui.run.row_count import (
    choose_rows,
    drawing_seconds,
    fastest_rows,
    interpolated,
    measure,
    simulate,
    simulate_groups,
)
from tests.plan.test_plan import DDIM, story
from tests.run.paint import PaintEngine


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


class Timed(PaintEngine):
    """Tells which calls were timed; the machine is `slow` times slower than at rest."""

    def __init__(self, slow=None, **more):
        super().__init__(None, **more)
        self.timed, self.slow = [], slow or {}

    def call_seconds(self, rows):
        self.timed.append(rows)
        return (1.0 + rows / 10) * self.slow.get(rows, 1.0)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "cache" / "seconds.json"


CHAINS = plan_of([0.5] * 4, 3)


def chosen(store, slow=None, plan=CHAINS):
    """The number of rows, and which calls were timed for it."""
    engine = Timed(slow)
    return choose_rows(plan, engine, store), engine.timed


def test_calls_are_timed_once_and_remembered(store):
    assert chosen(store) == (4, [1, 2, 4])
    assert chosen(store, dict.fromkeys((1, 2, 4), 9.0)) == (4, [])


@pytest.mark.parametrize("options", [{"offload": "model"}, {"compile": True}, {"deterministic": False}])
def test_what_calls_cost_otherwise_is_timed_for_itself(store, options):
    chosen(store)
    assert chosen(store, {2: 9.0}, plan_of([0.5] * 4, 3, **options)) == (1, [1, 2])
    assert chosen(store) == (4, [])


def test_calls_of_another_torch_are_timed_again(store, monkeypatch):
    chosen(store)
    monkeypatch.setattr(choosing, "version_of", lambda name: f"{name} 99")
    assert chosen(store)[1] == [1, 2, 4]


def test_a_number_of_rows_that_found_no_memory_is_tried_again(store):
    assert chosen(store, {4: math.inf}) == (2, [1, 2, 4])
    assert "inf" not in store.read_text().lower()
    assert chosen(store) == (4, [4])


def test_figures_of_a_busy_moment_are_doubted_after_a_day(store, monkeypatch):
    busy = {1: 2.0, 2: 8.0}
    assert chosen(store, busy) == (1, [1, 2])
    assert chosen(store) == (1, [])
    later = choosing.time.time() + choosing.UNDOUBTED + 1
    monkeypatch.setattr(choosing.time, "time", lambda: later)
    assert chosen(store, busy) == (1, [1])
    assert chosen(store) == (4, [1, 1, 2, 4])
    assert chosen(store, busy) == (4, [])


@pytest.mark.parametrize("age", [choosing.FORGOTTEN + 1, -3600])
def test_figures_too_old_or_of_a_clock_that_ran_ahead_are_forgotten(store, monkeypatch, age):
    chosen(store, {2: 9.0})
    later = choosing.time.time() + age
    monkeypatch.setattr(choosing.time, "time", lambda: later)
    assert chosen(store) == (4, [1, 2, 4])


@pytest.mark.parametrize(
    "harm",
    [
        lambda entry: {**entry, "seconds": {**entry["seconds"], "2": math.inf}},
        lambda entry: {**entry, "seconds": {**entry["seconds"], "1": 0}},
        lambda entry: {**entry, "seconds": {"2": 1.0}},
        lambda entry: {**entry, "time": "yesterday"},
        lambda entry: entry["seconds"],
        lambda _: 5,
    ],
)
def test_what_can_not_have_been_measured_does_not_count(store, harm):
    chosen(store, {2: 9.0})
    store.write_text(json.dumps({key: harm(entry) for key, entry in json.loads(store.read_text()).items()}))
    assert chosen(store) == (4, [1, 2, 4])


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, '{"a"'])
def test_a_broken_store_is_none(store, content):
    store.parent.mkdir()
    store.write_text(content)
    assert chosen(store) == (4, [1, 2, 4])
    assert chosen(store) == (4, [])
