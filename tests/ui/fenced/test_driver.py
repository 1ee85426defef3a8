"""The way to the terminal: whoever draws never waits for one that stands still or is gone."""

import os
import threading

import pytest

from sframes_tui.ui.fenced.driver import END_SYNC, WAITING_WRITES, Output

DEADLINE = 60.0
BLOCK = "x" * 10_000


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    for each in (reading, writing):
        try:
            os.close(each)
        except OSError:
            continue


@pytest.fixture
def made(pipe):
    """An output into a pipe, and the event that it sets once it caught up."""
    caught_up = threading.Event()
    output = Output(pipe[1], "utf-8", caught_up.set)
    output.start()
    return output, caught_up


def read(descriptor, wanted):
    """Reads until something ends with `wanted`."""
    data = b""
    while not data.endswith(wanted):
        data += os.read(descriptor, 65536)
    return data


def test_what_is_written_arrives_in_order(pipe, made):
    output, caught_up = made
    for number in range(WAITING_WRITES):
        output.write(f"{number} ä\n")
    seen = read(pipe[0], f"{WAITING_WRITES - 1} ä\n".encode()).decode()
    assert seen == "".join(f"{number} ä\n" for number in range(WAITING_WRITES))
    assert not caught_up.is_set()


def test_updates_for_a_terminal_that_stands_still_are_left_out_and_all_is_drawn_anew(pipe, made):
    output, caught_up = made
    for _ in range(10 * WAITING_WRITES):
        output.write(BLOCK)
    reader = threading.Thread(target=read, args=(pipe[0], b"end"), daemon=True)
    reader.start()
    assert caught_up.wait(DEADLINE)
    output.write("end")
    reader.join(DEADLINE)
    assert not reader.is_alive()


def test_what_must_not_be_left_out_is_refused_while_the_terminal_is_behind(pipe, made):
    output, caught_up = made
    taken = [output.offer(BLOCK) for _ in range(10 * WAITING_WRITES)]
    assert taken == sorted(taken, reverse=True)
    assert 0 < taken.count(True) < WAITING_WRITES
    seen = b""
    while len(seen) < taken.count(True) * len(BLOCK):
        seen += os.read(pipe[0], 65536)
    assert output.offer("more")
    assert read(pipe[0], b"more") == b"more"
    assert not caught_up.is_set()


def test_the_last_words_come_through_before_what_was_waiting(pipe, made):
    output, _ = made
    for _ in range(10 * WAITING_WRITES):
        output.write(BLOCK)
    output.begin_to_close()
    for number in range(2 * WAITING_WRITES):
        output.write(f"<{number}>")
    last = f"<{2 * WAITING_WRITES - 1}>"
    seen = read(pipe[0], last.encode()).decode()
    assert seen.endswith(END_SYNC + "".join(f"<{number}>" for number in range(2 * WAITING_WRITES)))
    assert len(seen) < 3 * len(BLOCK)


def test_a_terminal_that_is_gone_is_written_to_no_more(pipe, made):
    output, _ = made
    os.close(pipe[0])
    for _ in range(10 * WAITING_WRITES):
        output.write(BLOCK)
    output.begin_to_close()
    output.close()
    assert not output.is_alive()


def test_closing_does_not_wait_for_ever(made):
    output, _ = made
    output.write(10 * BLOCK)
    output.close()
    assert output.is_alive()
