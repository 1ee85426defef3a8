"""Run folders that a stranger made, or makes otherwise while they are drawn: nothing outside of them changes."""

import json
import os
import stat
import subprocess
import sys
import tempfile

import pytest

from sframes_tui.errors import DiskError, FolderInUseError, SFramesError, UsageError
from sframes_tui.run.execute import go_on
from sframes_tui.run.record.folder import holder, lock_folder
from sframes_tui.run.record.journal import NAME, encode
from sframes_tui.run.redraw import keep
from tests.run.story_run import ChainEngine, Watch, draw, pictures, resume, write_config


@pytest.fixture
def victim(tmp_path):
    """Files of the user's, which are the same at the test's end; nothing new is beside them."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("source.py", "source.c", "plan.txt", "run.log", "journal.jsonl"):
        (home / name).write_text("mine")
    before = listed(home)
    yield home
    assert listed(home) == before


def listed(folder):
    return {path: path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


@pytest.fixture
def begun(tmp_path):
    """A run that lacks pictures."""
    return lacking(draw(write_config(tmp_path / "story"), tmp_path / "output")[0])


def lacking(run):
    for picture in run.rglob("* 1-1.png"):
        picture.unlink()
    return run


def add(folder, kind, **fields):
    with (folder / NAME).open("ab") as journal:
        journal.write(encode({"kind": kind, "time": 1, **fields}))


HASHES = (1, "a" * 64, "b" * 64)


@pytest.mark.parametrize("going_on", [resume, lambda run: keep(run, None, lambda _: None)])
@pytest.mark.parametrize("root", [".sframes/", "", "x/../../"])
def test_a_grid_by_a_name_that_leads_out_is_refused_and_moved_nowhere(begun, victim, root, going_on):
    shipped = begun / ".sframes" / str(victim).lstrip("/") / ".ssh" / "authorized_keys"
    shipped.parent.mkdir(parents=True)
    shipped.write_text("key")
    add(begun, "grids", variant=0, chapter=0, files=[[f"{root}{victim}/.ssh/authorized_keys", *HASHES]])
    with pytest.raises(UsageError, match="not of this program's making"):
        going_on(begun)
    assert shipped.read_text() == "key"


@pytest.mark.parametrize("file", ["run.toml", "journal.jsonl", ".sframes/lock", "run.log", ".sframes/plan.txt"])
def test_the_programs_own_files_are_no_grids(begun, file):
    add(begun, "grids", variant=0, chapter=0, files=[[file, *HASHES]])
    with pytest.raises(UsageError, match="not of this program's making"):
        resume(begun)
    assert (begun / file).is_file()


def swapping(run, name, to):
    """An engine whose loading gives somebody the time to put a link to `to` in the place of a run's folder."""

    def make_engine(draft):
        (run / name).rename(run.parent / "away")
        (run / name).symlink_to(to, target_is_directory=True)
        return ChainEngine(draft.plan)

    return make_engine


def test_hidden_files_that_become_a_link_while_the_model_loads_are_not_followed(begun, victim):
    watch = Watch()
    with pytest.raises(DiskError, match="a link or a file lies where a folder should be"):
        go_on(begun, swapping(begun, ".sframes", victim), watch.emit, watch.control)


def test_a_variants_folder_that_becomes_a_link_is_not_followed(tmp_path, victim):
    run = lacking(draw(write_config(tmp_path / "story", "variants = 2"), tmp_path / "output")[0])
    watch = Watch()
    with pytest.raises(DiskError, match="variant-1"):
        go_on(run, swapping(run, "variant-1", victim), watch.emit, watch.control)


@pytest.mark.parametrize("name", [".sframes/holder", "run.log", "journal.jsonl", ".sframes/reserve"])
@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_a_link_in_a_files_place_is_a_sentence_and_not_written_through(begun, victim, name, link):
    (begun / name).unlink(missing_ok=True)
    getattr(begun / name, link)(victim / "run.log")
    with pytest.raises(SFramesError, match=f"{name} (is a link|has another name)"):
        resume(begun)


def test_only_the_copy_that_the_program_wrote_is_deleted(begun):
    hidden = begun / ".sframes"
    for name in ("source.c", "sources.txt", "mine.tmp", "pictures/mine.png"):
        (hidden / name).parent.mkdir(exist_ok=True)
        (hidden / name).write_text("mine")
    config = begun / "run.toml"
    story = begun.parents[4] / "story"
    (story / "story.txt").rename(story / "story.md")
    config.write_text(config.read_text().replace("story.txt", "story.md"))
    resume(begun)
    assert not (hidden / "source.txt").exists()
    assert (hidden / "source.md").read_bytes() == (story / "story.md").read_bytes()
    for name in ("source.c", "sources.txt", "mine.tmp", "pictures/mine.png"):
        assert (hidden / name).read_text() == "mine"


@pytest.mark.parametrize("before", ["../../home/source.py", "run.toml", ".sframes/lock", ".sframes/source.py/../../x"])
@pytest.mark.usefixtures("victim")
def test_a_journal_that_names_another_copy_deletes_nothing(begun, before):
    (planned,) = (line for line in (begun / NAME).read_bytes().splitlines() if b'"planned"' in line)
    told = json.loads(planned.partition(b" ")[2])
    assert told["text"] == ".sframes/source.txt"
    add(begun, **{**told, "text": before})
    resume(begun)
    assert (begun / "run.toml").is_file()


@pytest.mark.parametrize(("text", "picture", "folder"), [(0o600, 0o600, 0o700), (0o644, 0o644, 0o755)])
def test_a_run_is_as_private_as_its_story_and_its_hidden_files_are_the_users_own(tmp_path, text, picture, folder):
    config = write_config(tmp_path / "story")
    (tmp_path / "story" / "story.txt").chmod(text)
    umask = os.umask(0o022)
    try:
        run, _ = draw(config, tmp_path / "output")
    finally:
        os.umask(umask)
    files = [*pictures(run), "run.toml", "run.log", "journal.jsonl"]
    assert {stat.S_IMODE((run / file).stat().st_mode) for file in files} == {picture}
    assert stat.S_IMODE(run.stat().st_mode) == folder
    assert stat.S_IMODE((run / ".sframes").stat().st_mode) == 0o700


HOLD = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"


@pytest.mark.parametrize("told", ["process 999999999 on {host} since 2026-01-02 10:00:00", "the \x1b[31mboss", "{own}"])
def test_a_lock_is_blamed_on_nobody_who_is_gone(begun, told):
    holding = [sys.executable, "-c", HOLD, str(begun / ".sframes/lock")]
    with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        own = f"process {process.pid} on {{host}} since 2026-01-02 10:00:00"
        said = told.format(own=own, host="{host}").format(host=os.uname().nodename)
        (begun / ".sframes/holder").write_text(said)
        expected = said if told == "{own}" else "another process"
        assert holder(begun) == expected
        with pytest.raises(FolderInUseError, match=f"in use by {expected};"):
            lock_folder(begun)
        process.stdin.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_cannot_hold_the_lock(begun):
    lock_folder(begun).close()
    for folder in (begun, *begun.parents):
        if folder.is_relative_to(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    for file, held in (("run.log", 0), (".sframes/lock", 1)):
        locking = ["flock", "--nonblock", str(begun / file), "true"]
        done = subprocess.run(locking, preexec_fn=become_nobody, capture_output=True, check=False)
        assert bool(done.returncode) == held, done.stderr
    assert b"Permission denied" in done.stderr
