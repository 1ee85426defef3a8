"""A run folder's files are reached by descriptors: nothing is written, moved or deleted through a link."""

import os
import stat

import pytest

from sframes_tui.run.record.tree import Tree

PICTURE, TAKE = "variant-1/oil 0-0.png", ".sframes/takes/oil 0-0 take-0.png"
ACTS = {
    "write": lambda tree: tree.write(PICTURE, b"new"),
    "move there": lambda tree: tree.move("run.toml", PICTURE),
    "move from there": lambda tree: tree.move(PICTURE, "run.toml"),
    "link there": lambda tree: tree.link("run.toml", "variant-1/new.png"),
    "remove": lambda tree: tree.remove(PICTURE),
    "read": lambda tree: tree.read(PICTURE, 100),
    "open": lambda tree: tree.open("variant-1/run.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    "look": lambda tree: tree.names("variant-1"),
}


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "run"
    (folder / ".sframes").mkdir(parents=True)
    (folder / "variant-1").mkdir()
    for file in ("run.toml", PICTURE):
        (folder / file).write_bytes(b"old")
    tree = Tree(folder)
    yield tree
    tree.close()


@pytest.fixture
def victim(tmp_path):
    """A folder of the user's, outside of the run's."""
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in ("oil 0-0.png", "source.py", "0123456789abcdef.tmp"):
        (victim / name).write_bytes(b"mine")
    yield victim
    found = {path.name: path.read_bytes() for path in victim.iterdir()}
    assert found == dict.fromkeys(("oil 0-0.png", "source.py", "0123456789abcdef.tmp"), b"mine")


@pytest.mark.parametrize("act", ACTS)
def test_a_link_that_took_a_folders_place_since_is_not_followed(tree, victim, act):
    (tree.path / "variant-1").rename(tree.path / "away")
    (tree.path / "variant-1").symlink_to(victim, target_is_directory=True)
    with pytest.raises(OSError, match="a link or a file lies where a folder should be") as raised:
        ACTS[act](tree)
    assert str(raised.value.filename).startswith(str(tree.path / "variant-1"))
    assert not list((tree.path / ".sframes").iterdir())


def test_hidden_files_are_not_written_through_a_link(tree, victim):
    (tree.path / ".sframes").rmdir()
    (tree.path / ".sframes").symlink_to(victim, target_is_directory=True)
    for act in (tree.make_hidden, lambda: tree.lock(".sframes/lock", 0), lambda: tree.write("oil 0-1.png", b"x")):
        with pytest.raises(OSError, match="a link or a file lies where a folder should be"):
            act()


def test_the_folder_itself_may_be_moved_and_is_still_the_one_that_is_written_into(tree, victim):
    moved = tree.path.rename(tree.path.with_name("moved"))
    tree.path.symlink_to(victim, target_is_directory=True)
    tree.write("oil 0-0.png", b"new")
    assert (moved / "oil 0-0.png").read_bytes() == b"new"
    with pytest.raises(OSError, match="Not a directory"):
        Tree(tree.path)


@pytest.mark.parametrize("file", ["/tmp/x", "../x", ".sframes//tmp/x", "a/./b", ""])
@pytest.mark.parametrize("act", ["write", "move", "back", "link", "remove", "names"])
def test_a_name_that_no_file_has_is_never_used(tree, file, act):
    acts = {
        "write": lambda: tree.write(file, b""),
        "move": lambda: tree.move("run.toml", file),
        "back": lambda: tree.move(file, "run.toml"),
        "link": lambda: tree.link("run.toml", file),
        "remove": lambda: tree.remove(file),
        "names": lambda: tree.names(file),
    }
    with pytest.raises(ValueError, match="is no name of a file in a run folder"):
        acts[act]()


def test_a_file_that_is_a_link_is_replaced_or_removed_and_never_opened(tree, victim):
    precious = victim / "oil 0-0.png"
    for file in (TAKE, PICTURE):
        (tree.path / file).parent.mkdir(exist_ok=True)
        (tree.path / file).unlink(missing_ok=True)
        (tree.path / file).symlink_to(precious)
        for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_APPEND):
            with pytest.raises(OSError, match="a link, which could lead elsewhere"):
                tree.open(file, flags)
    tree.remove(TAKE)
    tree.write(PICTURE, b"new")
    assert not (tree.path / TAKE).is_symlink()
    assert tree.read(PICTURE, 100) == b"new"


def test_a_hard_link_is_not_written_and_a_pipe_hangs_nobody(tree, victim):
    os.link(victim / "source.py", tree.path / "run.log")
    os.mkfifo(tree.path / "pipe.png")
    with pytest.raises(OSError, match="a hard link, whose other name may be elsewhere"):
        tree.open("run.log", os.O_WRONLY | os.O_APPEND)
    for flags in (os.O_RDONLY, os.O_RDWR):
        with pytest.raises(OSError, match="not a plain file"):
            tree.open("pipe.png", flags)


def test_a_second_name_outlives_the_first_and_what_is_too_large_is_not_read(tree):
    tree.link(PICTURE, TAKE)
    tree.write(PICTURE, b"new")
    assert tree.read(TAKE, 3) == b"old"
    with pytest.raises(OSError, match="larger than 2 bytes"):
        tree.read(TAKE, 2)
    assert tree.names(".sframes/takes") == ["oil 0-0 take-0.png"]
    assert tree.names(".sframes/nothing") == []


@pytest.mark.parametrize(("mode", "files"), [(0o700, 0o600), (0o750, 0o640), (0o755, 0o644)])
def test_files_are_as_private_as_the_folder_and_hidden_ones_the_users_own(tmp_path, mode, files):
    before = os.umask(0o022)
    try:
        (tmp_path / "run").mkdir(mode)
        tree = Tree(tmp_path / "run")
        tree.make_hidden()
        tree.write(PICTURE, b"")
        modes = [stat.S_IMODE((tree.path / each).stat().st_mode) for each in (PICTURE, "variant-1", ".sframes")]
        assert modes == [files, mode, 0o700]
        tree.close()
    finally:
        os.umask(before)


def test_a_lock_is_for_one_process_and_for_the_file_of_that_name(tree):
    other = Tree(tree.path)
    assert tree.lock(".sframes/lock", 0)
    assert not other.lock(".sframes/lock", 0)
    assert other.is_locked(".sframes/lock")
    tree.close()
    assert not other.is_locked(".sframes/lock")
    assert other.lock(".sframes/lock", 0)
    other.close()
