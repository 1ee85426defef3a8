"""Programs are found beside their configuration or on PATH, never in the working directory."""

import os
import shlex
import sys

import pytest

from sframes_tui.config.program import find_program, on_path


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A configuration's folder and the working one, each with a `view.sh`."""
    beside, working = tmp_path / "beside", tmp_path / "working"
    for folder in (beside, working):
        folder.mkdir()
        (folder / "view.sh").write_text("#!/bin/sh\n")
        (folder / "view.sh").chmod(0o755)
    monkeypatch.chdir(working)
    return beside, working


def test_a_relative_program_is_the_one_beside_its_configuration(folders):
    beside, _ = folders
    program = find_program("./view.sh -x", beside)
    assert program.arguments() == [str(beside / "view.sh"), "-x"]
    assert program.shown == f"{beside}/view.sh -x"
    assert [file for file, _ in program.contents] == [str(beside / "view.sh")]


@pytest.mark.parametrize("entries", ["", ".", ":", "bin:../working:", "working"])
def test_a_bare_name_is_never_one_of_the_working_directory(folders, monkeypatch, entries):
    beside, _ = folders
    monkeypatch.setenv("PATH", entries)
    with pytest.raises(FileNotFoundError, match="no such program on PATH"):
        find_program("view.sh", beside).arguments()
    monkeypatch.setenv("PATH", f"{entries}:{beside}")
    assert find_program("view.sh", beside).arguments() == [str(beside / "view.sh")]


def test_a_file_among_the_arguments_is_the_one_beside_the_configuration_and_counts_by_content(folders):
    beside, _ = folders
    (beside / "two words.py").write_text("pass")
    program = find_program("python3 'two words.py' --other", beside)
    assert program.words == ("python3", str(beside / "two words.py"), "--other")
    assert [file for file, _ in program.contents] == [str(beside / "two words.py")]
    again = find_program(program.from_anywhere, beside.parent)
    assert (again.words, again.contents) == (program.words, program.contents)
    assert find_program("feh -F", beside).from_anywhere == "feh -F"


@pytest.mark.parametrize("change", ["edit", "replace by a link", "remove", "point the link elsewhere", "add"])
def test_what_was_changed_since_is_not_started(folders, change):
    beside, working = folders
    (beside / "link").symlink_to("view.sh")
    program = find_program("./link late.py", beside)
    match change:
        case "edit":
            (beside / "view.sh").write_text("#!/bin/sh\nrm -rf ~\n")
        case "replace by a link":
            (beside / "view.sh").unlink()
            (beside / "view.sh").symlink_to(working / "view.sh")
        case "remove":
            (beside / "view.sh").unlink()
        case "point the link elsewhere":
            (beside / "link").unlink()
            (beside / "link").symlink_to(working / "view.sh")
        case "add":
            (beside / "late.py").write_text("")
    with pytest.raises(PermissionError, match="was changed since it was allowed"):
        program.arguments()


def test_a_file_that_cannot_be_looked_at_is_not_started(folders, monkeypatch):
    beside, _ = folders
    monkeypatch.setattr("sframes_tui.config.program.MAX_BYTES", 3)
    with pytest.raises(OSError, match="larger than"):
        find_program("./view.sh", beside).arguments()


def test_a_log_that_a_program_writes_may_change_but_a_script_may_not(folders):
    beside, working = folders
    log, script, bare = working / "log", working / "tell.py", working / "tell"
    log.write_text("")
    script.write_text("pass")
    bare.write_text("#!/bin/sh")
    command = f"tee {log} {script} {bare}"
    assert [file for file, _ in find_program(command, beside).contents] == [str(script), str(bare)]
    assert len(find_program(command, working).contents) == 3


def test_pipes_and_folders_among_the_arguments_are_not_waited_for(folders):
    beside, _ = folders
    os.mkfifo(beside / "pipe")
    program = find_program(f"{shlex.quote(sys.executable)} pipe . /dev/zero {'x' * 5000}", beside)
    assert program.words[1:4] == ("pipe", ".", "/dev/zero")
    assert {file for file, _ in program.contents} <= {sys.executable}


def test_a_program_that_is_named_by_its_place_on_path_may_be_updated(folders):
    beside, _ = folders
    shell = on_path("sh")
    assert find_program(shell, beside).contents == ()
