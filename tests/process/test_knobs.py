"""What is set for the whole process is as it was once it is no longer wanted."""

import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.pseudo_terminal import PseudoTerminal
from sframes_tui.process.knobs import uncollected, variable

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE = 120.0

CONFIG = r"""
[prompt_config]
source = "story.txt"
chapter_split_regex = '(?m)^Chapter \d+'
[generation_config]
model = "builtin:picturebook"
num_inference_steps = 1
device = "cpu"
seed = 1
[[style_configs]]
style = "in oil"
file_tag = "oil"
weight = 0.5
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "story.txt").write_text("Chapter 1 The Sea\na boat\n")
    path = tmp_path / "small.toml"
    path.write_text(CONFIG)
    return path


def command(told, *words):
    return [sys.executable, "-m", "tests.process.knobs", str(told), *map(str, words)]


def test_a_run_without_a_screen_leaves_the_process_as_it_was(config, tmp_path):
    told = tmp_path / "told.json"
    words = (config, "--batch", "--output", tmp_path / "out")
    done = subprocess.run(command(told, *words), cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert json.loads(told.read_text()) == {"code": 0, "changed": {}}, done.stderr
    assert list(tmp_path.glob("out/**/*.png"))


def test_a_run_on_the_screen_leaves_the_process_as_it_was(config, tmp_path):
    told, out = tmp_path / "told.json", tmp_path / "out"
    environ = {**os.environ, "TERM": "xterm-kitty", "XDG_CACHE_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    environ.pop("COLORTERM", None)
    words = ("resume", config, "--or-start", "--output", out)
    program = PseudoTerminal(command(told, *words), 160, 40, environ, ROOT)
    try:
        program.wait_for(b"Free memory", DEADLINE)
        program.type(b"\x11")
        assert program.wait(DEADLINE) == 0
    finally:
        program.close()
    assert json.loads(told.read_text()) == {"code": 0, "changed": {}}
    assert list(out.glob("**/*.png"))


def test_the_last_who_wanted_no_collecting_lets_it_go_on():
    assert gc.isenabled()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with uncollected():
            entered.set()
            leave.wait(DEADLINE)

    thread = threading.Thread(target=other)
    with uncollected():
        thread.start()
        entered.wait(DEADLINE)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_what_was_not_collected_before_is_not_collected_after():
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize("before", [None, "", "256"])
def test_a_variable_is_as_it_was_also_after_an_error(monkeypatch, before):
    monkeypatch.delenv("SFRAMES_KNOB", raising=False)
    if before is not None:
        monkeypatch.setenv("SFRAMES_KNOB", before)

    def fail():
        with variable("SFRAMES_KNOB", "truecolor"):
            assert os.environ["SFRAMES_KNOB"] == "truecolor"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert os.environ.get("SFRAMES_KNOB") == before
