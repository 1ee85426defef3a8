"""A stranger's file is read within bounds, or not at all."""

import os

import pytest

from sframes_tui.plain_file import read_plain


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
