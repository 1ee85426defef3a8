"""Run folders: names, whole files, one owner."""

from dataclasses import replace
from datetime import datetime

import pytest

from sframes_tui.errors import FolderInUseError, UsageError
from sframes_tui.plan.plan import make_plan
from sframes_tui.run.record.folder import RunFolder, lock_folder
from tests.plan.test_plan import DDIM, config, story

NOON = datetime(2026, 1, 2, 12, 30, 15)


@pytest.fixture
def folder(tmp_path):
    made = RunFolder.create(tmp_path, make_plan(config(2), story(2), DDIM, 1), NOON)
    yield made
    made.close()


def test_the_folder_and_its_files_are_named_for_what_they_hold(tmp_path, folder):
    assert folder.path == tmp_path / "key/progressive/tag0 tag1/2026-01-02 12.30.15"
    assert folder.picture(folder.plan.frames[3]) == folder.path / "tag1 0-1.png"
    assert folder.grid_file(0, 1, 4) == "tag1 grid-4.png"


def test_two_runs_of_one_second_have_two_folders(tmp_path, folder):
    other = RunFolder.create(tmp_path, folder.plan, NOON)
    assert other.path.name == "2026-01-02 12.30.15-2"
    other.close()


def test_a_key_cannot_lead_out_of_the_output_folder(tmp_path):
    plan = make_plan(config(1), replace(story(1), key="../../evil"), DDIM, 1)
    made = RunFolder.create(tmp_path / "output", plan, NOON)
    assert made.path.resolve().is_relative_to((tmp_path / "output").resolve())
    made.close()


def test_hidden_pictures_go_when_only_grids_are_kept(tmp_path):
    made = RunFolder.create(tmp_path, make_plan(config(1, save_individual=False, variants=2), story(1), DDIM, 1), NOON)
    file = made.picture_file(made.plan.frames[1])
    assert file == ".sframes/pictures/variant-1/tag0 0-0.png"
    made.write(file, b"x")
    foreign = made.path / ".sframes/pictures/mine.png"
    foreign.write_bytes(b"mine")
    made.remove_hidden_pictures()
    assert list(foreign.parent.iterdir()) == [foreign]
    foreign.unlink()
    made.remove_hidden_pictures()
    assert not foreign.parent.exists()
    made.close()


def test_a_file_is_there_whole_or_not_at_all(folder, monkeypatch):
    folder.write("a.png", b"old")
    monkeypatch.setattr("sframes_tui.run.record.tree.os.fsync", _full_disk)
    with pytest.raises(OSError, match="full"):
        folder.write("a.png", b"new and longer")
    assert (folder.path / "a.png").read_bytes() == b"old"
    assert not list((folder.path / ".sframes").glob("*.tmp"))


def _full_disk(_):
    raise OSError(28, "full")


def test_a_second_owner_is_told_who_the_first_is(folder):
    with pytest.raises(FolderInUseError, match=r"in use by process \d+ on \S+ since 20"):
        lock_folder(folder.path)


def test_an_output_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another with --output"):
        RunFolder.create(tmp_path / "file", make_plan(config(1), story(1), DDIM, 1), NOON)
