"""The real program in a pseudo-terminal: typed to, and its screen read."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pyte
import pytest

from bench.pseudo_terminal import PseudoTerminal
from tests.ui.conftest import DEADLINE

ROOT = Path(__file__).resolve().parent.parent.parent


class Program(PseudoTerminal):
    """`tui.py` in a terminal whose screen can be read."""

    def __init__(self, *arguments, columns=100, lines=30):
        self._screen = pyte.Screen(columns, lines)
        self._stream, self._fed = pyte.ByteStream(self._screen), 0
        environ = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(ROOT / "tui.py"), *map(str, arguments)]
        super().__init__(command, columns, lines, environ, arguments[0].parent)

    def text(self):
        output = self.output
        self._stream.feed(output[self._fed :])
        self._fed = len(output)
        return "\n".join(self._screen.display)

    def until(self, happened):
        """Waits until the screen's text satisfies `happened`."""
        end = time.monotonic() + DEADLINE
        while not happened(text := self.text()):
            with self._came:
                assert time.monotonic() < end, text
                self._came.wait(0.5)
        return text

    @property
    def is_stopped(self):
        return psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED

    def see(self, *words):
        return self.until(lambda text: all(word in text for word in words))

    def resize(self, columns, lines):
        self._screen.resize(lines, columns)
        super().resize(columns, lines)


@pytest.fixture
def start(config):
    programs = []

    def _start(**size):
        programs.append(Program(config, **size))
        return programs[-1]

    yield _start
    for program in programs:
        program.close()


def test_it_opens_is_typed_to_and_is_left(start):
    program = start()
    program.see("small.toml", "Chapter 1 The Sea", "no run yet")
    program.type(b"\x1bOP")
    program.see("Everywhere", "Show every key.")
    program.type(b"\x1b")
    program.until(lambda text: "Everywhere" not in text)
    program.type(b"\x11")
    assert program.wait(DEADLINE) == 0
    assert b"\x1b[?1049l" in program.output
    assert b"\x1b[?25h" in program.output


def test_keys_that_come_before_the_screen_are_not_lost(start):
    program = start()
    program.wait_for(b"\x1b[?1049h", DEADLINE)
    program.type(b"\x1b[15~/lost")
    text = program.see("lost")
    assert "words to look for" not in text


def test_it_changes_its_arrangement_with_the_terminals_size(start):
    program = start(columns=120, lines=40)
    program.see("Chapter 1 The Sea", "Nothing has happened yet.")
    program.resize(80, 24)
    program.signal(signal.SIGWINCH)
    program.until(lambda text: "Chapter 1 The Sea" not in text and "Quit" in text)
    program.type(b"\x1bOR")
    program.see("Chapter 1 The Sea")


def test_it_goes_to_the_shell_and_comes_back(start):
    program = start()
    program.see("no run yet")
    before = len(program.output)
    program.type(b"\x1bOT")
    program.type(b"\x1a")
    program.wait_for(b"\x1b[?1049l", DEADLINE, before)
    program.until(lambda _: program.is_stopped)
    program.signal(signal.SIGCONT)
    program.wait_for(b"\x1b[?1049h", DEADLINE, before)
    program.see("no run yet", "Quit")
    program.type(b"\x11")
    assert program.wait(DEADLINE) == 0


HOSTILE = [
    b"\x1b[1114112u",  # a key beyond Unicode
    b"\x1b[99999999999u",
    b"\x1b[55296u",  # half of a character
    b"\x1b[48;99999;99999;1;1t",  # a window of ten thousand million characters
    b"\x1b[48;0;0;0;0t\x1b[<0;5;5M\x1b[<0;5;5m",
    b"\x1b[<0;999999999999;999999999M",
    b"\x1b[99999999999999;99999999999999R",
    b"\xff\x9b31m",  # no UTF-8
    b"\x1b[200~\x1b]0;p\x07\x11\xc2\x9b[b]\xe2\x80\xae\x1b[201~",  # a paste that would quit
]
"""What a terminal never sends of itself, but whoever sits behind it may."""


def test_hostile_input_ends_nothing_and_is_never_echoed_raw(start):
    program = start()
    program.see("small.toml", "Chapter 1 The Sea", "no run yet")
    program.type(b"\x1b[15~/")  # the log's filter, which takes words
    program.see("words to look for")
    for hostile in HOSTILE:
        program.type(hostile)
    program.type(b"still here")
    program.see("]0;p", "<U+009B>[b]<U+202E>", "still here")
    assert b"\x1b]0;p" not in program.output
    assert "\x9b".encode() not in program.output
    assert b"\xe2\x80\xae" not in program.output
    program.type(b"\x11")
    assert program.wait(DEADLINE) == 0


def test_leaving_does_not_wait_for_the_search_of_a_strangers_text(config, start):
    (config.parent / "endless.txt").write_text("a" * 60_000_000 + "\n b")
    config.write_text(
        "[prompt_config]\nsource = 'endless.txt'\nchapter_split_regex = '(?:\\w*?){3}\\w*b'\n"
        "[[style_configs]]\nstyle = 'oil'\nfile_tag = 'oil'\nweight = 0.5\n"
    )
    program = start()
    program.see("small.toml", "chapter_split_regex")
    program.type(b"\x11")
    assert program.wait(DEADLINE) == 0
    assert b"\x1b[?1049l" in program.output
