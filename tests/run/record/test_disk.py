"""Waiting for space on a real, small file system."""

import errno
import threading

import pytest

from sframes_tui.run.events import RunPaused, RunResumed
from sframes_tui.run.record import disk
from sframes_tui.run.record.disk import RESERVE, DiskPatience, Reserve
from sframes_tui.run.record.tree import Tree
from tests.run.record.small_disk import fill, small_disk


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(disk, "CHECK_SECONDS", 0.04)
    monkeypatch.setattr(disk, "WAKE_SECONDS", 0.02)


@pytest.fixture
def full(tmp_path):
    """A file system of 5 MB, all taken but for the reserve."""
    with small_disk(tmp_path / "disk", 5000) as folder:
        Reserve(Tree(folder)).make()
        fill(folder)
        yield folder


class Waiting:
    """A patience on a folder, its events kept; frees the disk as soon as it is told of."""

    def __init__(self, folder, on_pause):
        self.events, self.ended = [], threading.Event()

        def emit(event):
            self.events.append(event)
            if isinstance(event, RunPaused):
                on_pause(self)

        self.patience = DiskPatience(Reserve(Tree(folder)), emit, self.ended.is_set)

    @property
    def kinds(self):
        return [type(event) for event in self.events]


def writing(path, size):
    return lambda: path.write_bytes(bytes(size)) and None


def test_writing_waits_for_space_says_so_and_goes_on(full):
    def free(waiting):
        assert waiting.patience.waiting
        assert not (full / RESERVE).exists()
        waiting.patience(writing(full / "journal", 1000))
        (full / "ballast").unlink()

    waiting = Waiting(full, free)
    waiting.patience(writing(full / "picture", 1_500_000))
    assert (full / "picture").stat().st_size == 1_500_000
    assert (full / "journal").stat().st_size == 1000
    assert (full / RESERVE).stat().st_size == disk.RESERVE_BYTES
    assert waiting.kinds == [RunPaused, RunResumed]
    assert waiting.events[0].reason.startswith("the disk is full (No space left on device)")
    assert not waiting.patience.waiting


def test_two_threads_wait_as_one(full):
    waiting = Waiting(full, lambda _: None)
    threads = [
        threading.Thread(target=waiting.patience, args=(writing(full / name, 1_500_000),)) for name in ("one", "two")
    ]
    for thread in threads:
        thread.start()
    while len(waiting.patience._waiting) < 2:
        waiting.ended.wait(0.01)
    (full / "ballast").unlink()
    for thread in threads:
        thread.join()
    assert waiting.kinds == [RunPaused, RunResumed]
    assert (full / "one").stat().st_size == (full / "two").stat().st_size == 1_500_000


def test_a_run_that_is_told_to_end_waits_no_longer(full):
    waiting = Waiting(full, lambda each: each.ended.set())
    with pytest.raises(OSError, match="No space left") as caught:
        waiting.patience(writing(full / "picture", 1_500_000))
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        waiting.patience(writing(full / "another", 1_500_000))
    assert waiting.kinds == [RunPaused]


def test_what_waiting_can_not_cure_is_raised_at_once(tmp_path):
    waiting = Waiting(tmp_path, pytest.fail)
    with pytest.raises(FileNotFoundError):
        waiting.patience(writing(tmp_path / "gone" / "picture", 1))
    assert waiting.events == []


def test_a_reserve_that_does_not_fit_leaves_nothing_behind(full):
    reserve = Reserve(Tree(full))
    reserve.drop()
    fill(full)
    with pytest.raises(OSError, match="No space left"):
        reserve.make()
    assert not (full / RESERVE).exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_a_quota_and_a_size_limit_are_waited_for(number):
    assert disk.is_full(OSError(number, "no room"))


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO, errno.ENOENT])
def test_other_faults_are_not(number):
    assert not disk.is_full(OSError(number, "broken"))
