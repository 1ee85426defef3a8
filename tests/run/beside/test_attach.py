"""What is read of a run folder that comes from a stranger, to watch it or to look at it."""

import os
import threading

import pytest

from sframes_tui.cli import main
from sframes_tui.config.file import read_config_text
from sframes_tui.errors import SFramesError, UsageError
from sframes_tui.run.beside.attach import watch
from sframes_tui.run.beside.status import run_status
from sframes_tui.run.events import Control
from sframes_tui.run.record.folder import lock_folder
from sframes_tui.run.record.past_run import open_run
from sframes_tui.text.source import read_source

CONFIG = """[prompt_config]
source = "{source}"
[generation_config]
model = "builtin:picturebook"
num_inference_steps = 1
seed = 1
[[style_configs]]
style = "oil"
file_tag = "oil"
weight = 1.0
"""


@pytest.fixture
def folder(tmp_path):
    """A run that was begun and has only its configuration and its copy of the text."""
    folder = tmp_path / "run"
    (folder / ".sframes").mkdir(parents=True)
    (folder / "run.toml").write_text(CONFIG.format(source="/nowhere/story.txt"))
    (folder / ".sframes" / "source.txt").write_text("a boat\na house\n")
    return folder


def test_a_run_is_known_by_its_own_files(folder):
    assert len(open_run(folder).plan.frames) == 2
    assert run_status(folder).phase == "stopped"


@pytest.mark.parametrize("command", ["attach", "status", "resume", "redraw"])
@pytest.mark.parametrize("name", ["run.toml", "journal.jsonl", ".sframes/source.txt", "oil 0-0.png"])
def test_links_are_not_read_through(folder, tmp_path, capsys, command, name):
    (tmp_path / "precious").write_text("mine = = secret")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(tmp_path / "precious")
    more = {"resume": ["--batch"], "redraw": ["0-0"]}.get(command, [])
    assert main([command, str(folder), *more]) == 2
    said = capsys.readouterr().err
    assert f"{name} is a link, which could lead elsewhere; take it away first" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", ["attach", "status"])
@pytest.mark.parametrize("name", ["run.toml", "journal.jsonl"])
def test_pipes_are_not_waited_for(folder, capsys, command, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    assert main([command, str(folder)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_link_that_comes_between_the_look_and_the_reading_is_not_followed(folder, tmp_path):
    for name, read in {
        "run.toml": lambda path: read_config_text(path, follow=False),
        ".sframes/source.txt": lambda path: read_source(path, None, follow=False),
    }.items():
        (folder / name).rename(tmp_path / "elsewhere")
        (folder / name).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(SFramesError):
            read(folder / name)
        assert read_config_text(folder / name)


@pytest.mark.parametrize("command", ["attach", "status", "resume", "redraw"])
@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "a\nb", "~nobody/x", "/dev/null", "/proc/self/mem", "."])
def test_whatever_is_named_as_a_run_is_one_sentence(tmp_path, monkeypatch, capsys, command, name):
    monkeypatch.chdir(tmp_path)
    more = {"resume": ["--batch"], "redraw": ["0-0"]}.get(command, [])
    assert main([command, name, *more]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_source_that_no_file_can_be_called_leaves_the_copy(folder):
    (folder / "run.toml").write_text(CONFIG.format(source="/x" + "y" * 300))
    assert len(open_run(folder).plan.frames) == 2


def test_a_link_to_a_run_is_named_as_what_it_is(folder, tmp_path):
    (tmp_path / "newest").symlink_to(folder)
    with pytest.raises(UsageError, match="a link; name the run folder itself"):
        run_status(tmp_path / "newest")


@pytest.mark.parametrize("kind", ["a link", "no socket"])
def test_a_watcher_is_told_once_why_a_run_can_not_be_asked(folder, tmp_path, kind):
    control = folder / ".sframes" / "control"
    control.symlink_to(tmp_path) if kind == "a link" else control.mkdir()
    left, told = threading.Event(), []

    def tell(event, _):
        told.append(event)
        looks.release()

    looks = threading.Semaphore(0)
    lock = lock_folder(folder)
    watcher = threading.Thread(target=watch, args=(folder, left, tell, Control()))
    watcher.start()
    looks.acquire()
    lock.close()
    watcher.join()
    assert [type(event).__name__ for event in told] == ["Notice", "Notice", "RunCancelled"]
    assert f"control is {kind}, so nobody can be asked" in told[0].text
