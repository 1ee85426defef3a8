"""Every command with names that try to move the terminal: what comes out, byte by byte."""

import contextlib
import io
import json
import os
import pty
import re
import select
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from huggingface_hub import constants
from hypothesis import given
from hypothesis import strategies as st

from sframes_tui import batch, cli
from sframes_tui.cli import main
from sframes_tui.printable import as_line, as_path, printable
from sframes_tui.process.streams import harmless_streams
from sframes_tui.run import events, frame_events
from sframes_tui.run.beside import trust
from sframes_tui.run.beside.hangup import Ending
from sframes_tui.run.beside.steering import steered
from sframes_tui.run.describe import describe
from sframes_tui.run.events import Control, Event, RunCompleted, RunStarted
from sframes_tui.run.frame_events import FrameCompleted, FrameFailed, FrameStarted
from sframes_tui.run.record.folder import lock_folder
from sframes_tui.run.record.journal import Journal, Reader, encode
from sframes_tui.run.record.past_run import open_run
from sframes_tui.run.record.tree import Tree
from sframes_tui.sink import Sink

BAD = "\x1b]0;x\x07\x9b31m\u202e\rforged: x\nforged: y\udc9b\udce9"
"""ESC, OSC, BEL, CSI as one character, bidi, a line of its own, and bytes that are no UTF-8: one is CSI elsewhere."""
TEXT = BAD.replace("\udc9b\udce9", "")
"""The same where only text can be."""
CONFIG = """[prompt_config]
source = {source}
key = {text}
[generation_config]
model = "builtin:picturebook"
num_inference_steps = 1
seed = 1
rows = 1
negative_prompt = {text}
{more}
[[style_configs]]
style = {text}
file_tag = {text}
weight = 1.0
"""


@contextlib.contextmanager
def written():
    """The file that all goes into that is written to descriptors 1 and 2, by whom ever."""
    descriptors, streams = [os.dup(number) for number in (1, 2)], (sys.stdout, sys.stderr)
    with tempfile.NamedTemporaryFile() as file:
        try:
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
            yield file
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            sys.stdout, sys.stderr = streams
            for number, before in zip((1, 2), descriptors, strict=True):
                os.dup2(before, number)
                os.close(before)


def harmless(data):
    """Asserts that bytes do nothing to a terminal, and that no name made a line of its own; returns the text."""
    assert b"\x1b" not in data
    text = data.decode(errors="surrogateescape")
    assert as_path(text) == text.replace("\n", "␊"), data
    assert not [line for line in text.split("\n") if line.startswith("forged")]
    return text


def tell(*arguments):
    """What a command says, and its exit code."""
    with written() as file:
        try:
            code = main([str(each) for each in arguments])
        except SystemExit as ended:
            code = ended.code
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        file.seek(0)
        return code, harmless(file.read())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that is called badly, with a configuration and a story that are called badly."""
    folder = tmp_path_factory.mktemp("place") / f"in {BAD}"
    folder.mkdir()
    (folder / f"{TEXT}.txt").write_text(f"{TEXT}\n\u202e a boat\x1b[31m\n")
    return folder


@pytest.fixture(scope="module")
def write(place):
    def _write(name=BAD, more="", source=f"{TEXT}.txt"):
        path = place / f"{name}.toml"
        path.write_text(CONFIG.format(text=json.dumps(TEXT), source=json.dumps(source), more=more))
        return path

    return _write


@pytest.fixture(scope="module")
def drawn(write, tmp_path_factory):
    """A run that was drawn, and what was said."""
    root = tmp_path_factory.mktemp("out")
    code, said = tell(write(), "--batch", "--output", root)
    (config,) = root.rglob("run.toml")
    return config.parent, code, said


@pytest.fixture(scope="module")
def run(drawn, place):
    """The same in a folder that is called badly."""
    return Path(shutil.copytree(drawn[0], place / f"run {BAD}"))


def test_a_run_tells_of_itself_harmlessly_and_of_paths_byte_by_byte(drawn):
    folder, code, said = drawn
    assert code == 0
    harmless((folder / "run.log").read_bytes())
    assert {line for line in said.split("\n") if line.endswith(".png")} == {
        str(path) for path in folder.glob("*.png") if "grid" not in path.name
    }


DRAW = [
    ["--dry-run"],
    ["--batch", "--json", "--model", BAD],
    ["--batch", "--output", BAD],
    ["--batch", "--output", f"out/{TEXT}/x"],
    ["--dry-run", "--device", BAD],
    ["--dry-run", "--seed", BAD],
    ["--dry-run", "--notify", BAD],
    ["--dry-run", "--notify", f"http://{TEXT}/"],
    ["--dry-run", "--preview-protocol", BAD],
    ["--dry-run", "--set", BAD],
    ["--dry-run", "--set", f"generation_config.{BAD}=1"],
    ["--dry-run", "--set", f"style_configs.{BAD}.weight=1"],
    ["--dry-run", "--set", f"generation_config.model={BAD}"],
    ["--dry-run", "--set", f"generation_config.model={json.dumps(TEXT)}"],
    ["--dry-run", "--set", f"generation_config.scheduler={json.dumps(TEXT)}"],
    ["--dry-run", "--set", f"generation_config.revision={json.dumps(TEXT)}"],
    ["--dry-run", "--set", f"prompt_config.source={json.dumps(TEXT)}"],
    ["--dry-run", "--set", f"prompt_config.encoding={json.dumps(TEXT)}"],
    ["--dry-run", "--set", f"prompt_config.chapter_split_regex={json.dumps(TEXT)}"],
    ["--dry-run", f"--{BAD}"],
    [BAD],
    [],
]


@pytest.mark.parametrize("arguments", DRAW, ids=map(ascii, DRAW))
def test_drawing(write, arguments):
    code, said = tell(write(), *arguments)
    assert code in (0, 2)
    assert "Traceback" not in said
    assert said


RUN = [
    ["resume", "--batch", "--json"],
    ["redraw", "--keep", "--json"],
    ["redraw", f"0-0:{BAD}", "--json"],
    ["redraw", BAD, "--json"],
    ["redraw", "0-0", "--take", "9", "--json"],
    ["redraw", "0-0", "--seed", BAD],
    ["redraw", "0-0", "--strength", BAD],
    ["redraw", "0-0", "--variant", BAD],
    ["redraw", "0-0", BAD],
    ["resume", "--batch"],
    ["redraw", "--keep"],
    ["attach", "--batch"],
    ["attach", "--json"],
    ["attach", "--stop"],
    ["attach", f"--{BAD}"],
    ["status"],
    ["status", "--json"],
]


@pytest.mark.parametrize("arguments", RUN, ids=map(ascii, RUN))
def test_a_run_in_a_folder_that_is_called_badly(run, arguments):
    code, said = tell(arguments[0], run, *arguments[1:])
    assert code in (0, 1, 2)
    assert "Traceback" not in said
    assert said


COMMANDS = [*cli.COMMANDS]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_there(command):
    more = ["-o", f"/nowhere/{BAD}"] if command == "convert" else []
    code, said = tell(command, f"no {BAD}", *more)
    assert code == 2
    assert "Traceback" not in said
    assert said


@pytest.mark.parametrize("columns", ["-1", "0", "1000000000", "9" * 5000, BAD])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    code, said = tell(*[command] * bool(command), "--help")
    assert code == 0
    assert "usage: sframes" in said
    assert tell(*[command] * bool(command), f"--{BAD}")[0] == 2


def test_orders_and_watching_another_process(drawn, tmp_path):
    folder = Path(shutil.copytree(drawn[0], tmp_path / "run"))
    records = [each for each in Reader(folder / "journal.jsonl") if each["kind"] != "ended"]
    file = records[-1].get("file") or next(each["file"] for each in records if "file" in each)
    more = [
        {"kind": "notice", "time": 1.0, "level": "error", "text": TEXT},
        {"kind": "failed", "time": 1.0, "file": file, "frame": 0, "reason": TEXT},
        {"kind": "paused", "time": 1.0, "reason": TEXT},
    ]
    (folder / "journal.jsonl").write_bytes(b"".join(map(encode, [*records, *more])))
    with contextlib.closing(lock_folder(folder)) as tree, steered(tree, Control(), lambda _: None) as emit:
        (folder / ".sframes" / "holder").write_text(TEXT)
        emit(RunStarted(folder, 2, 2))
        emit(FrameStarted(1, TEXT, TEXT, 1))
        assert "pictures are there" in tell("attach", folder, "--pause")[1]
        assert "forged: x forged: y" in tell("status", folder)[1]
        assert json.loads(tell("status", folder, "--json")[1])["live"]["asked"] == "pause"
        for form in ("--batch", "--json"):
            with written() as file:
                thread = threading.Thread(target=end_once_told, args=(folder, file))
                thread.start()
                code = main(["attach", str(folder), form])
                thread.join()
                file.seek(0)
                assert "forged" in harmless(file.read())
                assert code == 1
            (folder / "journal.jsonl").write_bytes(b"".join(map(encode, [*records, *more])))


def end_once_told(folder, file):
    while not Path(file.name).stat().st_size:
        select.select([], [], [], 0.02)
    Journal(Tree(folder)).append("ended", how="failed", error=TEXT)


def test_above_the_progress_bar_of_a_terminal(drawn):
    master, slave = pty.openpty()
    seen, place = [], Path(f"/run {BAD}")
    reader = threading.Thread(target=read_to_its_end, args=(master, seen))
    reader.start()
    with os.fdopen(slave, "w") as terminal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        patch.setattr(sys, "stderr", terminal)
        with batch.Output(open_run(drawn[0]).draft, False, Ending()) as output:
            output.emit(RunStarted(place, 2, 2))
            output.emit(FrameStarted(0, BAD, BAD, 1))
            output.emit(FrameCompleted(0, place / f"{BAD}.png", 1.0))
            output.emit(FrameFailed(1, BAD, BAD, 1))
            output.emit(RunCompleted(place, 1, 1, 0, 1.0, (BAD,)))
    reader.join()
    os.close(master)
    told = b"".join(seen).replace(b"\r", b"")
    assert "forged" in harmless(re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", told))


def read_to_its_end(terminal, seen):
    with contextlib.suppress(OSError):
        while data := os.read(terminal, 65536):
            seen.append(data)


def test_commands_that_a_configuration_names(write, monkeypatch, tmp_path):
    monkeypatch.setattr(trust, "STORE", tmp_path / "trusted")
    path = write("viewer", f"preview = {json.dumps('feh ' + TEXT)}\nnotify = {json.dumps('say ' + TEXT)}")
    assert tell(path, "--batch")[0] == 3
    assert "allowed: feh '␛]0;x" in tell("trust", path)[1]


def test_a_script_and_a_picture(place, drawn):
    script = place / f"{BAD}.py"
    script.write_text(
        f"prompt_config = {{'source': {TEXT!r}, {TEXT!r}: 1}}\ngeneration_config = {{}}\n"
        f"style_configs = [{{'style': {TEXT!r}, 'file_tag': {TEXT!r}, 'weight': 0.9}}]\n"
        f"prompt_config.update(x={TEXT!r})\n"
    )
    assert tell("convert", script, "-o", place / f"new {BAD}.toml")[0] == 0
    assert tell("convert", script, "-o", place / f"new {BAD}.toml")[0] == 2
    picture = shutil.copy(next(drawn[0].glob("* 0-1.png")), place / f"{BAD}.png")
    for more in ([], ["--model", BAD], ["--device", BAD], ["--base", place / BAD], ["-o", script]):
        assert "Traceback" not in tell("again", picture, *more)[1]


def test_the_environment(monkeypatch, place):
    monkeypatch.setenv("TERM", BAD)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(place / BAD))
    code, said = tell("doctor")
    assert code == 0
    assert "TERM=␛]0;x␇<U+009B>31m<U+202E>␍forged: x␊forged: y" in said


def test_a_fault_of_the_program(monkeypatch):
    def fail(_):
        raise KeyError(TEXT)

    monkeypatch.setitem(cli.COMMANDS, "doctor", fail)
    code, said = tell("doctor")
    assert code == 1
    assert "Traceback" in said
    monkeypatch.setitem(cli.COMMANDS, "doctor", lambda _: exec("raise ValueError('\x1b[31m')"))
    assert tell("doctor")[0] == 1


def test_threads_and_whoever_writes(monkeypatch):
    def work():
        raise ValueError("\x1b[31m")

    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    with written() as file, harmless_streams():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        sys.stdout.writelines(["\x1b[31m", "x\n"])
        sys.stderr.write("\x07\n")
        for stream in (sys.stdout, sys.stderr):
            assert not stream.isatty()
            stream.flush()
        file.seek(0)
        assert "␛[31mx\n" in harmless(file.read())


st.register_type_strategy(Path, st.text().map(Path))
st.register_type_strategy(float, st.floats(0, 2**36))


EVERYTHING = {**vars(events), **vars(frame_events)}.values()
EVENTS = [
    each for each in EVERYTHING if isinstance(each, type) and Event in each.__mro__[1:] and each is not events.KeptEvent
]


@given(st.one_of(*map(st.from_type, EVENTS)))
def test_every_event_is_one_harmless_line(event):
    line = describe(event)[1]
    assert as_line(line) == line
    told = batch.as_json_line(event)
    assert printable(told) == told
    assert "\n" not in told


@given(st.text() | st.text(st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)))
def test_a_sinks_line_does_nothing_to_a_terminal(text):
    stream = io.TextIOWrapper(io.BytesIO())
    sink = Sink(stream)
    sink.line(text)
    sink.close(hurry=False)
    data = stream.buffer.getvalue()
    assert data.endswith(b"\n")
    harmless(data.replace(b"forged", b"-"))
    for one_byte in ("latin-1", "cp1252"):
        shown = data[:-1].decode(errors="surrogateescape")
        assert not [each for each in shown if "\udc80" <= each <= "\udc9f"], one_byte
