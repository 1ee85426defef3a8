"""Descriptors 1 and 2 while the screen is up: what is written to them lands in a file, and is read from it."""

import os
import subprocess
import sys
import tempfile

import pytest

from sframes_tui.errors import UsageError
from sframes_tui.process.stray_output import MAX_BYTES, native_output


def test_what_c_code_and_children_write_is_read_line_by_line(tmp_path, capfd):
    with native_output(tmp_path) as output:
        os.write(2, b"from the driver\nhalf 1%\rhalf 50%\rhalf 100%\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        print("on the terminal", file=sys.__stdout__, flush=True)
        assert output.read_lines() == ["from the driver", "half 100%", "from a child"]
        assert output.read_lines() == []
    os.write(1, b"after it\n")
    assert capfd.readouterr().out == "on the terminal\nafter it\n"
    assert list(tmp_path.iterdir()) == []


def test_a_flood_is_passed_over(tmp_path):
    with native_output(tmp_path) as output:
        os.write(1, b"x" * MAX_BYTES + b"\n" + b"y" * MAX_BYTES)
        assert output.read_lines() == ["y" * MAX_BYTES]


def test_after_a_crash_the_output_can_be_read(tmp_path):
    def crash():
        with native_output(tmp_path):
            os.write(2, b"Fatal Python error\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    (left,) = tmp_path.iterdir()
    assert left.read_text() == "Fatal Python error\n"


def test_a_link_in_the_files_place_is_not_followed(tmp_path):
    """Where others may write into the state folder, they know the process's number."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / f"output-{os.getpid()}.log").symlink_to(precious)
    with native_output(folder) as output:
        os.write(2, b"said\n")
        assert output.read_lines() == ["said"]
    assert precious.read_text() == "mine"
    assert list(folder.iterdir()) == []


def test_a_state_folder_that_takes_nothing_is_no_reason_to_end(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with native_output(tmp_path / "file" / "state") as output:
        os.write(2, b"said\n")
        assert output.read_lines() == ["said"]
    assert list(temporary.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(UsageError, match="set XDG_STATE_HOME"), native_output(tmp_path / "file" / "state"):
        pass
