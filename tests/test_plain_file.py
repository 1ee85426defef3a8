"""A stranger's file is read within bounds, or not at all."""

import os

import pytest

from sframes_tui.plain_file import read_plain, write_plain


def test_a_file_is_read_only_within_bounds(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    assert read_plain(tmp_path / "file", 10) == b"0123456789"
    with pytest.raises(OSError, match="larger than"):
        read_plain(tmp_path / "file", 9)


def test_links_pipes_folders_and_devices_are_not_read(tmp_path):
    (tmp_path / "file").write_bytes(b"secret")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "link", tmp_path / "pipe", tmp_path / "folder", "/dev/zero"):
        with pytest.raises(OSError, match=r"."):
            read_plain(path, 10)


def test_a_link_is_followed_only_where_the_user_named_the_file(tmp_path):
    (tmp_path / "file").write_bytes(b"own")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe").symlink_to("pipe")
    assert read_plain(tmp_path / "link", 10, follow=True) == b"own"
    with pytest.raises(OSError, match="not a plain file"):
        read_plain(tmp_path / "to-pipe", 10, follow=True)


def test_what_is_written_replaces_a_planted_link_and_is_its_owners_alone(tmp_path):
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "state").symlink_to("precious")
    write_plain(tmp_path / "state", b"new")
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert not (tmp_path / "state").is_symlink()
    assert (tmp_path / "state").read_bytes() == b"new"
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"precious", "state"}


def test_what_can_not_be_written_leaves_nothing(tmp_path):
    (tmp_path / "state").mkdir()
    with pytest.raises(OSError, match=r"."):
        write_plain(tmp_path / "state", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
