"""External viewers and the trust they need: real programs, run or refused."""

import contextlib
import os
import sys
from pathlib import Path

import psutil
import pytest

from sframes_tui.config.file import LoadedConfig
from sframes_tui.config.program import find_program
from sframes_tui.errors import TrustError
from sframes_tui.plan.plan import make_plan
from sframes_tui.run.beside import trust
from sframes_tui.run.beside.trust import Wishes
from sframes_tui.run.beside.viewer import Viewer
from sframes_tui.run.events import Notice, RunStarted
from sframes_tui.run.frame_events import FrameCompleted, FrameFailed, FrameSkipped
from tests.plan.test_plan import DDIM, config, story

HERE = Path(__file__).parent
RECORDER = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '\\n')"


@pytest.fixture
def recorder(tmp_path):
    """A command that appends its further arguments to a file, and that file."""
    script, record = tmp_path / "record.py", tmp_path / "record"
    script.write_text(RECORDER)
    return f"{sys.executable} {script} {record}", record


def shown(viewer, plan, events):
    """Lets the viewer see events one by one; waits for each program that it starts."""
    for event in events:
        viewer.see(event, plan)
        for window in viewer._windows:
            window.wait()


def test_style_0_is_shown_once_its_prompt_is_drawn_and_old_windows_are_closed_before(recorder):
    command, record = recorder
    plan = make_plan(config(2), story(4), DDIM, 1)
    viewer = Viewer(find_program(f"{command} show", HERE), find_program(f"{command} stop", HERE), 2, pytest.fail)
    order = [1, 0, 2, 3, 4, 5, 6, 7]
    shown(viewer, plan, [FrameCompleted(number, Path(f"{number}.png"), 1.0) for number in order])
    assert record.read_text().split("\n")[:-1] == [
        "stop",
        f"show {Path.cwd()}/0.png",
        f"show {Path.cwd()}/2.png",
        "stop",
        f"show {Path.cwd()}/4.png",
        f"show {Path.cwd()}/6.png",
    ]


def test_what_a_run_that_goes_on_has_already_counts(recorder, tmp_path):
    command, record = recorder
    plan = make_plan(config(2), story(3), DDIM, 1)
    viewer = Viewer(find_program(command, HERE), None, 10, pytest.fail)
    kept = RunStarted(tmp_path, 6, 1, (0, 1, 2))
    shown(viewer, plan, [kept, *(FrameCompleted(number, Path(f"{number}.png"), 1.0) for number in (3, 4, 5))])
    assert record.read_text().split("\n")[:-1] == [str(tmp_path / "tag0 0-1.png"), f"{Path.cwd()}/4.png"]


def test_a_prompt_whose_first_picture_failed_shows_nothing(recorder):
    command, record = recorder
    plan = make_plan(config(2), story(1), DDIM, 1)
    viewer = Viewer(find_program(command, HERE), None, 10, pytest.fail)
    shown(viewer, plan, [FrameFailed(0, "", "", 1), FrameSkipped(1, "", "", 1)])
    assert not record.exists()


@pytest.mark.parametrize("command", ["/no/such/viewer", "no-such-viewer", "./viewer"])
def test_a_viewer_that_cannot_start_is_told_of_and_hurts_nothing(command):
    plan = make_plan(config(1), story(1), DDIM, 1)
    told = []
    shown(Viewer(find_program(command, HERE), None, 10, told.append), plan, [FrameCompleted(0, Path("a.png"), 1.0)])
    assert [type(each) for each in told] == [Notice]
    assert command.strip("./") in told[0].text


def test_no_more_windows_are_open_than_allowed_and_all_their_processes_end(tmp_path):
    plan = make_plan(config(1), story(6), DDIM, 1)
    script = tmp_path / "viewer.py"
    script.write_text("import subprocess, sys; subprocess.run(['sleep', '1000'])")
    viewer = Viewer(find_program(f"{sys.executable} {script}", HERE), None, 2, pytest.fail)
    groups = set()
    # The prompts at which windows are closed are left out: 1, 3 and 5 are drawn alone.
    for number in (1, 3, 5):
        viewer.see(FrameCompleted(number, Path("a.png"), 1.0), plan)
        groups.add(viewer._windows[-1].pid)
        assert len([window for window in viewer._windows if window.poll() is None]) <= 2
    viewer._close_windows()
    while any(_in_group(process, groups) for process in psutil.process_iter()):
        pass  # a signal takes a moment


def _in_group(process, groups):
    with contextlib.suppress(psutil.Error, ProcessLookupError):
        return os.getpgid(process.pid) in groups and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "STORE", tmp_path / "config" / "trusted")


@pytest.mark.usefixtures("store")
def test_trust_is_for_these_commands_in_this_file_alone(tmp_path):
    wanted = config(1, preview="feh", preview_stop="pkill feh")
    here, there = tmp_path / "a.toml", tmp_path / "b.toml"
    with pytest.raises(TrustError, match=r"'(/.*/)?feh' and '(/.*/)?pkill feh'"):
        trust.require_trust(here, wanted)
    trust.trust(Wishes.of(here, wanted))
    trust.require_trust(here, wanted)
    assert trust.allowed(there, wanted) is None
    assert trust.allowed(here, config(1, preview="feh", preview_stop="rm -rf ~")) is None


@pytest.mark.parametrize("preview", [None, False, True, "off", "terminal"])
@pytest.mark.usefixtures("store")
def test_without_a_viewer_preview_stop_is_never_run_and_needs_no_trust(tmp_path, preview):
    options = {} if preview is None else {"preview": preview}
    harmless = config(1, preview_stop="rm -rf ~", **options)
    assert trust.commands(harmless) == ()
    trust.require_trust(tmp_path / "a.toml", harmless)


@pytest.mark.usefixtures("store")
def test_an_answer_holds_once_for_good_or_never_and_an_edit_asks_again(tmp_path):
    path, wanted = tmp_path / "a.toml", config(1, preview="feh", notify="https://example.org/x")
    edited = config(1, preview="feh", notify="https://example.org/y")
    assert trust.asked_for(Wishes.of(path, wanted)) == "run 'feh' and send word to 'https://example.org/x'"
    assert trust.standing(Wishes.of(path, wanted)) == "open"
    trust.allow_once(Wishes.of(path, wanted))
    assert trust.standing(Wishes.of(path, wanted)) == "allowed"
    assert trust.standing(Wishes.of(path, edited)) == "open"
    trust.never(Wishes.of(path, wanted))
    assert trust.standing(Wishes.of(path, wanted)) == "refused"
    with pytest.raises(TrustError):
        trust.require_trust(path, wanted)
    trust.trust(Wishes.of(path, wanted))
    assert trust.standing(Wishes.of(path, wanted)) == "allowed"
    assert trust.standing(Wishes.of(path, edited)) == "open"


@pytest.mark.usefixtures("store")
def test_the_runs_own_copy_of_a_config_is_trusted_where_the_config_was_for_good(tmp_path):
    path, copy, wanted = tmp_path / "a.toml", tmp_path / "run.toml", config(1, preview="feh")
    trust.allow_once(Wishes.of(path, wanted))
    trust.carry_over(Wishes.of(path, wanted), Wishes.of(copy, wanted))
    assert trust.allowed(copy, wanted) is None
    trust.trust(Wishes.of(path, wanted))
    trust.carry_over(Wishes.of(path, wanted), Wishes.of(copy, wanted))
    assert trust.allowed(copy, wanted)
    assert trust.allowed(copy, config(1, preview="rm")) is None


@pytest.mark.usefixtures("store")
def test_trust_is_for_what_the_program_beside_the_file_holds(tmp_path):
    path, script = tmp_path / "a.toml", tmp_path / "view.sh"
    wanted = config(1, preview="./view.sh", notify="sh tell")
    (tmp_path / "tell").write_text("true")
    script.write_text("#!/bin/sh")
    wishes = Wishes.of(path, wanted)
    assert wishes.shown[0] == str(script)
    assert str(tmp_path / "tell") in wishes.shown[1]
    trust.trust(wishes)
    assert trust.allowed(path, wanted) == wishes
    script.write_text("#!/bin/sh\nrm -rf ~")
    assert trust.allowed(path, wanted) is None
    script.write_text("#!/bin/sh")
    (tmp_path / "tell").write_text("rm -rf ~")
    assert trust.allowed(path, wanted) is None


@pytest.mark.usefixtures("store")
def test_what_is_swapped_while_it_is_asked_about_is_not_what_was_allowed(tmp_path):
    path, script, wanted = tmp_path / "a.toml", tmp_path / "view.sh", config(1, preview="./view.sh")
    script.write_text("#!/bin/sh")
    wishes = Wishes.of(path, wanted)
    script.write_text("#!/bin/sh\nrm -rf ~")
    trust.trust(wishes)
    trust.allow_once(wishes)
    assert trust.allowed(path, wanted) is None


@pytest.mark.usefixtures("store")
def test_a_store_that_others_can_write_counts_for_nothing_and_is_begun_anew(tmp_path):
    path, wanted = tmp_path / "a.toml", config(1, preview="feh")
    trust.trust(Wishes.of(path, wanted))
    assert trust.STORE.stat().st_mode & 0o777 == 0o600
    for mode in (0o620, 0o602):
        trust.STORE.chmod(mode)
        assert trust.allowed(path, wanted) is None
    trust.trust(Wishes.of(tmp_path / "b.toml", wanted))
    assert trust.STORE.stat().st_mode & 0o777 == 0o600
    assert trust.allowed(path, wanted) is None
    assert trust.allowed(tmp_path / "b.toml", wanted)


@pytest.mark.usefixtures("store")
def test_a_store_that_is_no_plain_file_allows_nothing_and_hangs_nobody(tmp_path):
    path, wanted = tmp_path / "a.toml", config(1, preview="feh")
    trust.STORE.parent.mkdir()
    os.mkfifo(trust.STORE)
    assert trust.allowed(path, wanted) is None
    with pytest.raises(TrustError, match="can't be written"):
        trust.trust(Wishes.of(path, wanted))


@pytest.mark.usefixtures("store")
def test_programs_run_in_a_folder_where_relative_names_mean_nothing(tmp_path):
    (tmp_path / "tell.sh").write_text('#!/bin/sh\npwd > "$(dirname $0)/where"\n')
    (tmp_path / "tell.sh").chmod(0o755)
    assert trust.start(find_program("./tell.sh", tmp_path)).wait() == 0
    assert (tmp_path / "where").read_text() == "/\n"


@pytest.mark.usefixtures("store")
def test_no_question_and_no_refusal_shows_a_password(tmp_path):
    path = tmp_path / "a.toml"
    wanted = config(1, preview="curl https://me:s3cret@example.org/v", notify="https://me:s3cret@example.org/x")
    wishes = Wishes.of(path, wanted)
    with pytest.raises(TrustError) as raised:
        trust.require_trust(path, wanted)
    for text in (str(raised.value), *wishes.shown):
        assert "s3cret" not in text
        assert "https://***@example.org/" in text


def test_what_is_refused_can_still_be_drawn(tmp_path):
    loaded = LoadedConfig(config(2, preview="feh", preview_stop="pkill feh", notify="mail me"), tmp_path / "a.toml")
    harmless = trust.without_commands(loaded)
    assert trust.commands(harmless.config) == ()
    assert harmless.config.style_configs == loaded.config.style_configs
    shown = LoadedConfig(config(1, preview=True, notify="mail me"), tmp_path / "a.toml")
    assert trust.without_commands(shown).config.generation_config.preview is True
