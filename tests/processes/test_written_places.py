"""Where a run writes, by what the kernel saw: nowhere but into its own folder, however hostile that is.

Every system call that makes, changes, moves or deletes a file is read from strace, with the real paths of what was
opened, while somebody who may write into the run folder does his worst.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zlib

import pytest

from tests.processes.started import CONFIG, FRAMES, ROOT, STEPS, Program, until

STRACE = shutil.which("strace")
CALLS = "open openat openat2 creat rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat rmdir mkdir"
CALLS += " mkdirat mknod mknodat truncate ftruncate chmod fchmod fchmodat chown fchown lchown fchownat"
TRACED = ",".join(f"?{call}" for call in CALLS.split())
OPENS = {"open", "openat", "openat2", "creat"}
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND")
LINE = re.compile(r"(?P<call>\w+)\((?P<arguments>.*)\)\s+= (?P<result>\d+)(?P<opened><.*>)?")
PLACE = re.compile(r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?"(?P<name>(?:[^"\\]|\\.)*)"|\d+<(?P<file>[^>]*)>')
"""An argument that names a file: by a name in an open folder, by a path, or as it is open."""
LONG = 240.0
"""Seconds: a busy machine takes long to load a model, and longer when it is traced."""
DEVICES = ("/dev/null", "/dev/tty", "/dev/pts/", "/dev/shm/")

pytestmark = pytest.mark.skipif(
    STRACE is None or subprocess.run([STRACE, "true"], capture_output=True, check=False).returncode != 0,
    reason="strace isn't here, or may not trace",
)


class Traced(Program):
    """The program with every call that changes files written down, by each of its threads."""

    def __init__(self, stage, *arguments, module="tests.processes.painter", **environ):
        self._seen = {}
        self.traces, self._own = stage.folder / "traces", stage.folder / "own"
        for folder in (self.traces, self._own):
            folder.mkdir()
        homes = {name: str(self._own) for name in ("HOME", "TMPDIR", *(f"XDG_{x}_HOME" for x in KINDS))}
        strace = [STRACE, "-ff", "--seccomp-bpf", "-y", "-qq", "-s", "4096", "-e", f"trace={TRACED}"]
        strace += ["-o", str(self.traces / "trace")]
        self.told = stage.folder / "told"
        with self.told.open("wb") as told:
            self.process = subprocess.Popen(
                [*strace, sys.executable, "-m", module, *map(str, arguments)],
                cwd=ROOT,
                env={**os.environ, **homes, **environ, "SFRAMES_GATE": str(stage.gate.path), "OMP_NUM_THREADS": "1"}
                | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
                stdout=told,
                stderr=told,
                start_new_session=True,
            )

    def written(self):
        """The real places of all that was made, changed, moved or deleted since the last look, but for its own."""
        lines = [line for trace in sorted(self.traces.iterdir()) for line in self._news(trace)]
        places = [place for line in lines for place in changed_places(line)]
        return [place for place in places if not place.startswith((*DEVICES, f"{self._own}/", "socket:", "pipe:"))]

    def _news(self, trace):
        lines = trace.read_text(errors="surrogateescape").splitlines()
        seen, self._seen[trace] = self._seen.get(trace, 0), len(lines)
        return lines[seen:]


KINDS = ("CACHE", "CONFIG", "DATA", "STATE")


def changed_places(line):
    """The real paths of what a call changed; none of one that failed or changed nothing."""
    match = LINE.match(line)
    if match is None:
        return []
    call, arguments = match["call"], match["arguments"]
    if call in OPENS:
        return [match["opened"][1:-1]] if WRITES.search(arguments) or call == "creat" else []
    if call in ("symlink", "symlinkat"):
        arguments = arguments.partition('", ')[2]  # what a link says may be anything
    return [real_place(each) for each in PLACE.finditer(arguments)]


def real_place(match):
    if match["file"] is not None:
        return match["file"]
    path = os.path.join(match["folder"] or str(ROOT), match["name"].encode().decode("unicode_escape"))  # noqa: PTH118
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # noqa: PTH118, PTH119, PTH120


def test_what_strace_writes_is_read_as_it_is_meant(tmp_path):
    """Lines of strace 6.1, so that the other tests can't pass by reading nothing."""
    (tmp_path / "way").symlink_to(tmp_path)
    lines = {
        'openat(AT_FDCWD</a>, "b/c", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3</real/c>': ["/real/c"],
        'openat(AT_FDCWD</a>, "b/c", O_RDONLY|O_CLOEXEC) = 3</real/c>': [],
        'openat(5</a>, "c", O_RDWR|O_NOFOLLOW) = -1 ELOOP (Too many levels of symbolic links)': [],
        'renameat(5</a/b>, "x.tmp", 6</a>, "y.png") = 0': ["/a/b/x.tmp", "/a/y.png"],
        f'unlink("{tmp_path}/way/x") = 0': [f"{tmp_path}/x"],
        "ftruncate(7</a/journal.jsonl>, 10) = 0": ["/a/journal.jsonl"],
        f'symlink("/anything", "{tmp_path}/way/x") = 0': [f"{tmp_path}/x"],
    }
    for line, places in lines.items():
        assert changed_places(line) == places, line


@pytest.fixture
def victim(stage):
    """A folder of the user's own, with a file for every name that a run folder's hidden part may hold."""
    folder = stage.folder / "victim"
    for name in ("plan.txt", "source.txt", "source.py", "holder", "lock", "run.log", "oil 0-0.png", "journal.jsonl"):
        for place in (folder, folder / "takes", folder / "pictures", folder / "orphans"):
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(f"the user's own {name}")
    return folder


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mode, path.is_file() and path.read_bytes())
        for path in folder.rglob("*")
    }


@pytest.fixture
def interrupted(stage):
    """A run folder with two pictures, of a process that was killed."""
    program = stage.batch(stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    stage.gate.steps(2 * STEPS)
    until(lambda: len(stage.pictures()) >= 2 or not program.alive, "two pictures")
    program.end()
    return stage.run_folder()


def links(folder, victim):
    (folder / "oil 1-0.png").symlink_to(victim / "oil 0-0.png")


def hard_links(folder, victim):
    for name in ("run.log", ".sframes/holder"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).hardlink_to(victim / "holder")


def extra_files(folder, _):
    """Names that the program itself gives, and such that it might tidy away."""
    (folder / ".sframes" / ("0" * 16 + ".tmp")).write_bytes(b"x")
    (folder / ".sframes" / "source.py").write_bytes(b"x")
    (folder / ".sframes" / "orphans").mkdir(exist_ok=True)
    (folder / ".sframes" / "takes").mkdir(exist_ok=True)
    (folder / ".sframes" / "takes" / "oil 0-0 take-0.png").write_bytes(b"x")


def forged_records(folder, victim):
    for file in (f".sframes/{victim}/plan.txt", f"../{victim.name}/plan.txt", "run.toml", ".sframes/lock"):
        sheet = {"kind": "grids", "time": 1, "variant": 0, "chapter": 0, "files": [[file, 1, "a" * 64, "b" * 64]]}
        content = json.dumps(sheet).encode()
        with (folder / "journal.jsonl").open("ab") as journal:
            journal.write(b"%08x %s\n" % (zlib.crc32(content), content))


@pytest.mark.parametrize("hostile", [links, hard_links, extra_files, forged_records])
def test_a_hostile_folder_is_gone_on_with_in_itself_or_refused(stage, interrupted, victim, hostile):
    hostile(interrupted, victim)
    before = contents(victim)
    program = Traced(stage, "resume", interrupted, "--batch")
    stage.gate.open()
    code = program.wait()
    said = program.told.read_text()
    assert "Traceback" not in said
    places = program.written()
    assert (code == 0 and len(stage.pictures()) == FRAMES and places) or len(said.splitlines()) == 1, said
    assert [place for place in places if not place.startswith(f"{interrupted}/")] == []
    assert contents(victim) == before


def swap_hidden(folder, victim):
    (folder / ".sframes").rename(folder / "aside")
    (folder / ".sframes").symlink_to(victim)


def swap_files(folder, victim):
    for name in ("journal.jsonl", "run.log", "run.toml", "oil 1-0.png", "fog 1-0.png", "oil grid-0.png"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(victim / "plan.txt")
    for name in ("holder", "plan.txt", "lock", "control"):
        (folder / ".sframes" / name).unlink(missing_ok=True)
        (folder / ".sframes" / name).symlink_to(victim / "holder")


def swap_all(folder, victim):
    folder.rename(folder.with_name("aside"))
    folder.symlink_to(victim)


@pytest.mark.parametrize("swap", [swap_hidden, swap_files, swap_all])
@pytest.mark.parametrize("moment", ["while the model loads", "while a picture is drawn"])
def test_what_is_swapped_during_a_run_leads_nowhere(stage, interrupted, victim, swap, moment):
    """All looks well when the run begins: what is checked then is no longer there when it is used."""
    loads = stage.folder / "loads"
    if moment == "while the model loads":
        loads.touch()
    before = contents(victim)
    program = Traced(stage, "resume", interrupted, "--batch", "--json", SFRAMES_LOADS=str(loads))
    begun = "ModelLoadStarted" if loads.exists() else "FrameStarted"
    until(lambda: begun in program.told.read_text() or not program.alive, begun)
    assert program.alive, program.told.read_text()
    inside = tuple(f"{each}/" for each in (interrupted, interrupted.with_name("aside")))
    first = program.written()
    assert first
    swap(interrupted, victim)
    loads.unlink(missing_ok=True)
    stage.gate.open()
    assert program.wait() in (0, 1, 2), program.told.read_text()
    assert "Traceback" not in program.told.read_text()
    assert [place for place in (*first, *program.written()) if not place.startswith(inside)] == []
    assert contents(victim) == before


def test_neither_does_drawing_with_a_model_write_elsewhere(stage, victim):
    stage.config.write_text(
        CONFIG.replace("num_inference_steps = 4", "num_inference_steps = 1\nwidth = 64\nheight = 64")
    )
    arguments = [sys.executable, "tui.py", str(stage.config), "--batch", "--output", str(stage.output)]
    subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True)
    folder, before = stage.run_folder(), contents(victim)
    extra_files(folder, victim)
    (folder / "fog 1-1.png").unlink()
    (folder / "oil grid-0.png").write_bytes(b"no picture")
    program = Traced(stage, "resume", folder, "--batch", module="tui")
    assert program.process.wait(LONG) == 0, program.told.read_text()
    assert len(stage.pictures()) == FRAMES
    places = program.written()
    assert f"{folder}/fog 1-1.png" in places
    assert [place for place in places if not place.startswith(f"{folder}/")] == []
    assert contents(victim) == before
