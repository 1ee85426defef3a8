"""What a terminal's answers lead to: a real pseudo-terminal that answers at once, late, never, or with malice."""

import fcntl
import json
import os
import pty
import select
import struct
import termios
import threading

import pytest
from textual.events import Key

from sframes_tui.ui.fenced.input import HOLD_SECONDS, AnswerFilter, typed_keys
from sframes_tui.ui.terminal.abilities import CellSize, find_terminal, judge
from sframes_tui.ui.terminal.questions import LIMIT_BYTES, Heard, ask, understand

XTERM = b"\x1bP>|XTerm(379)\x1b\\\x1b[6;18;9t\x1b[?64;1;2;4;6c"
KITTY = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.38.1)\x1b\\\x1b[6;18;9t\x1b[?62;c"
PLAIN = {"TERM": "xterm-256color"}


@pytest.fixture
def terminal():
    """Both ends of a pseudo-terminal without a size in pixels."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def asked(terminal, answer, limit=30.0, environ=PLAIN):
    """What is heard of a terminal that gives `answer` to the last question; and what it was asked."""
    ours, theirs = terminal
    question = b""

    def reply():
        nonlocal question
        while not question.endswith(b"\x1b[c"):
            question += os.read(ours, 1000)
        os.write(ours, answer)

    thread = threading.Thread(target=reply)
    thread.start()
    heard = ask(environ, theirs, theirs, limit)
    thread.join()
    return heard, question


def test_all_is_asked_at_once_and_keys_are_kept_apart_from_answers(terminal):
    heard, question = asked(terminal, b"h\x1b[A" + KITTY)
    assert question.startswith(b"\x1b_G")
    expected = Heard(True, "kitty(0.38.1)", (9, 18), frozenset({"62", ""}), True, b"h\x1b[A")
    assert heard == expected
    assert [event.key for event in typed_keys(heard.typed)] == ["h", "up"]


def test_tmux_is_never_asked_for_graphics(terminal):
    _, question = asked(terminal, b"\x1b[?1;2c", environ={"TERM": "screen"})
    assert b"\x1b_G" not in question


def test_a_terminal_that_never_answers_is_left_after_the_limit_and_in_its_mode(terminal):
    before = termios.tcgetattr(terminal[1])
    assert not asked(terminal, b"\x1b[?6", limit=0.2)[0].answered
    assert termios.tcgetattr(terminal[1]) == before


def test_a_dumb_terminal_and_a_pipe_are_asked_nothing(terminal):
    assert ask({"TERM": "dumb"}, terminal[1], terminal[1]) == Heard()
    reading, writing = os.pipe()
    assert ask(PLAIN, reading, writing) == Heard()
    os.close(writing)
    assert os.read(reading, 1) == b""
    os.close(reading)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b[6;99999;0t\x1b[?c",
        b"\x1bP>|\xff\xfe\x00evil\x07\x1b\\\x1b[?1c",
        b"\x1b_G" + b"A" * 3000 + b"\x1b\\\x1b[?;;;;c",
        b"\x1b]52;c;AAAA\x07\x1b[?1c",
    ],
)
def test_hostile_answers_are_no_keys_and_no_sizes(terminal, answer):
    heard, _ = asked(terminal, answer)
    assert heard.answered
    assert heard.typed == b""
    found = judge(heard, PLAIN, None)
    assert found.cell == CellSize(10, 20)
    assert found.protocol == "halfcell"


def test_a_terminal_that_talks_without_end_is_not_listened_to():
    assert len(understand(b"x" * LIMIT_BYTES).typed) == 1000


@pytest.mark.parametrize(
    ("answer", "environ", "protocol"),
    [
        (XTERM, {}, "sixel"),
        (KITTY, {}, "kitty"),
        (KITTY, {"TMUX": "/tmp/tmux"}, "halfcell"),
        (XTERM, {"TERM": "screen.xterm-256color"}, "halfcell"),
        (KITTY.replace(b"0.38.1", b"0.26.5"), {}, "halfcell"),
        (KITTY.replace(b"kitty(0.38.1)", b"ghostty 1.2.0"), {}, "kitty"),
        (KITTY.replace(b"kitty(0.38.1)", b"WezTerm 20240203").replace(b"?62;", b"?62;4;"), {}, "sixel"),
        (KITTY.replace(b"kitty(0.38.1)", b"Konsole 24.08"), {}, "halfcell"),
        (KITTY, {"TEXTUAL_COLOR_SYSTEM": "256"}, "halfcell"),
        (b"\x1b[?1;2c", {}, "halfcell"),
        (b"\x1b[?1;2c", {"TERM": "linux"}, "unicode"),
        (b"", {}, "halfcell"),
    ],
)
def test_the_best_that_truly_works_is_chosen(answer, environ, protocol):
    assert judge(understand(answer), PLAIN | environ, None).protocol == protocol


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({}, ""),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"LC_TERMINAL": "iTerm2"}, "truecolor"),
        ({"TERM": "tmux-256color"}, "truecolor"),
        ({"TERM": "xterm-kitty", "COLORTERM": "truecolor"}, ""),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, ""),
    ],
)
def test_colours_that_ssh_does_not_tell_of_are_known_by_the_terminals_name(environ, colours):
    assert judge(Heard(), PLAIN | environ, None).colours == colours
    assert judge(Heard(name="XTerm(379)"), PLAIN, None).colours == "truecolor"


def found(terminal, memory, answer):
    """What is found in a terminal that gives `answer` if it is asked."""
    ours, theirs = terminal
    os.write(ours, answer)
    return find_terminal(PLAIN, memory, theirs, theirs)


def test_a_terminal_is_asked_once_and_remembered(terminal, tmp_path):
    fcntl.ioctl(terminal[1], termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    memory = tmp_path / "cache" / "terminals.json"
    first, second = found(terminal, memory, XTERM), found(terminal, memory, b"")
    assert (first.protocol, first.cell, first.remembered) == ("sixel", CellSize(9, 18), False)
    assert (second.protocol, second.cell, second.remembered) == ("sixel", CellSize(9, 18), True)
    sent = b""
    while b"\x1b[c" not in sent or select.select([terminal[0]], [], [], 0)[0]:
        sent += os.read(terminal[0], 1000)
    assert sent.count(b"\x1b[c") == 1


@pytest.mark.parametrize("entry", ["1", '{"when": "now"}', '{"when": 1e999}', "[]", "[" * 50_000])
def test_a_broken_memory_means_asking_again(terminal, tmp_path, entry):
    memory = tmp_path / "terminals.json"
    found(terminal, memory, XTERM)
    (key,) = json.loads(memory.read_text())
    memory.write_text(f'{{"{key}": {entry}}}')
    assert not found(terminal, memory, XTERM).remembered
    assert list(json.loads(memory.read_text())) == [key]


def test_a_windows_size_in_pixels_is_believed_before_an_answer(terminal, tmp_path):
    fcntl.ioctl(terminal[1], termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 800, 480))
    assert found(terminal, tmp_path / "terminals.json", XTERM).cell == CellSize(10, 20)


@pytest.mark.parametrize("size", range(1, 8))
def test_late_answers_in_any_pieces_are_no_keys(size):
    late = AnswerFilter()
    text = "a" + KITTY.decode() + "\x1b[Bb" + XTERM.decode() + "c"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert "".join(late.feed(piece) for piece in pieces) + late._held == "a\x1b[Bbc"


def test_escape_comes_through_once_it_is_clear_that_nothing_follows():
    now = 1.0
    late = AnswerFilter(lambda: now)
    assert late.feed("\x1b") == ""
    assert late.overdue() == ""
    now += 2 * HOLD_SECONDS
    assert late.overdue() == "\x1b"
    assert late.overdue() == ""


def test_enter_typed_ahead_is_enter(terminal):
    heard, _ = asked(terminal, b"\r" + XTERM)
    assert [event.key for event in typed_keys(heard.typed) if isinstance(event, Key)] == ["enter"]
