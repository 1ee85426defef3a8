"""A stranger's run folder that would lead writing elsewhere is refused."""

import os
import socket

import pytest

from sframes_tui.errors import UsageError
from sframes_tui.run.record.folder import holder
from sframes_tui.run.record.journal import NAME, Reader
from sframes_tui.run.record.plain_folder import is_inside, require_plain


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "run"
    (folder / ".sframes" / "takes").mkdir(parents=True)
    (folder / "oil 0-0.png").write_bytes(b"")
    return folder


def test_files_folders_and_a_dead_runs_socket_are_plain(folder, monkeypatch):
    monkeypatch.chdir(folder / ".sframes")  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as control:
        control.bind("control")
        require_plain(folder)


@pytest.mark.parametrize(
    "name", ["run.log", ".sframes/holder", ".sframes/pictures", ".sframes/takes/oil 0-0 take-0.png"]
)
def test_a_link_is_refused_wherever_it_lies(folder, tmp_path, name):
    (folder / name).symlink_to(tmp_path)
    with pytest.raises(UsageError, match=f"{name} is a link, which could lead elsewhere; take it away"):
        require_plain(folder)


def test_a_pipe_is_refused_and_so_is_a_link_to_a_run_folder(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UsageError, match="a link; name the run folder itself"):
        require_plain(tmp_path / "link")
    os.mkfifo(folder / "run.log")
    with pytest.raises(UsageError, match=r"run.log is no plain file"):
        require_plain(folder)


def test_a_hard_link_is_refused_unless_its_other_name_is_an_old_take(folder, tmp_path):
    (folder / ".sframes/takes/oil 0-0 take-0.png").hardlink_to(folder / "oil 0-0.png")
    require_plain(folder)
    (tmp_path / "precious").write_text("mine")
    (folder / "run.log").hardlink_to(tmp_path / "precious")
    with pytest.raises(UsageError, match=r"run.log has another name elsewhere \(a hard link\); go on with a copy"):
        require_plain(folder)


@pytest.mark.parametrize("file", ["oil 0-0.png", "variant-1/oil 0-0.png", ".sframes/pictures/a..b.png"])
def test_files_of_a_run_are_inside(file):
    assert is_inside(file)


@pytest.mark.parametrize(
    "file",
    [
        *("", "/etc/passwd", "../x", "a/../../x", "..", "a\0b", "..\\x", ".", "./x", "a/./b", "...", "a//b", "a/"),
        *(".sframes//home/u/.ssh/authorized_keys", "//x", "a\nb", "a\x1bb", "a\x9bb", "\ud800", "x" * 256),
    ],
)
def test_other_names_are_not(file):
    assert not is_inside(file)


def test_looking_at_a_run_whose_lock_is_a_link_leaves_what_it_names_alone(folder, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (folder / ".sframes" / "lock").symlink_to(precious)
    with pytest.raises(UsageError, match=r"\.sframes/lock is no lock: a link, which could lead elsewhere; take it"):
        holder(folder)
    assert precious.read_text() == "mine"


def test_a_pipe_in_the_journals_place_hangs_nobody(folder):
    os.mkfifo(folder / NAME)
    with pytest.raises(OSError, match="not a plain file"):
        list(Reader(folder / NAME))
