"""A worker that hangs is noticed, its stack written down, and its work given up once it comes back."""

import os
import threading
from functools import partial

import pytest

from sframes_tui.run.beside import watchdog
from sframes_tui.run.beside.watchdog import Watchdog


@pytest.fixture
def quick(monkeypatch):
    for name, seconds in {"SHORTEST": 0.2, "BEFORE_THE_FIRST": 0.3, "TICK": 0.02, "FIRSTS": 0, "MEDIANS": 0}.items():
        monkeypatch.setattr(watchdog, name, seconds)


class Kennel:
    """A watchdog, and what it said."""

    def __init__(self, folder):
        self.barked, self.seconds, self.stop = threading.Event(), [], threading.Event()
        self.log = folder / "run.log"
        self.dog = Watchdog(partial(os.open, self.log, os.O_WRONLY | os.O_CREAT), self.bark, self.stop)

    def bark(self, seconds):
        self.seconds.append(seconds)
        self.barked.set()


def hang_here(kennel):
    assert kennel.barked.wait(60)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("steps", [0, 3])
def test_a_silent_worker_is_given_up_and_its_stack_is_in_the_log(tmp_path, steps):
    kennel = Kennel(tmp_path)
    with kennel.dog as dog:
        with dog.watched():
            for _ in range(steps):
                dog.step()
            assert not dog.cancelled.is_set()
            hang_here(kennel)
        assert dog.cancelled.is_set()
        assert dog.forgive() == kennel.seconds[0] > (0.2 if steps else 0.3)
        assert not dog.cancelled.is_set()
    text = kennel.log.read_text()
    assert text.startswith("no step for")
    assert "in hang_here" in text


@pytest.mark.usefixtures("quick")
def test_nobody_is_expected_to_make_steps_between_two_works(tmp_path):
    kennel = Kennel(tmp_path)
    with kennel.dog as dog:
        with dog.watched():
            dog.step()
        assert not kennel.barked.wait(0.5)
        assert not dog.cancelled.is_set()


def test_the_limit_follows_the_steps_of_this_model_on_this_machine(tmp_path, monkeypatch):
    now = iter([0.0, 30.0, *(30.0 + 8 * step for step in range(1, 12))])
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: next(now))
    dog = Kennel(tmp_path).dog
    assert dog.limit == watchdog.BEFORE_THE_FIRST
    with dog.watched():
        dog.step()
        assert dog.limit == 600.0
        dog._first = 0.1
        for _ in range(11):
            dog.step()
        assert dog.limit == 80.0


def test_a_run_that_is_told_to_stop_is_told_so_through_the_same_event(tmp_path):
    kennel = Kennel(tmp_path)
    assert not kennel.dog.cancelled.is_set()
    kennel.stop.set()
    assert kennel.dog.cancelled.is_set()
